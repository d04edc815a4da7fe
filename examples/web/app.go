package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/asyncgo/asyncgo/async"
)

// An app is what both servers show. All its methods run in tasks of one loop.
type app struct{ visits map[string]int }

// A request is what the app wants to know of one.
type request struct {
	method, path string
	body         []byte
}

// An answer is what it says to it.
type answer struct {
	status int
	text   string
}

func (a *app) answer(ctx context.Context, r request) (answer, error) {
	a.visits[r.path]++ // one task at a time: there is nothing to lock
	switch r.path {
	case "/":
		return answer{http.StatusOK, "hello\n"}, nil
	case "/visits":
		return answer{http.StatusOK, fmt.Sprintf("%d\n", a.visits[r.path])}, nil
	case "/upper":
		if r.method != http.MethodPost {
			return answer{http.StatusMethodNotAllowed, "POST what I am to say\n"}, nil
		}
		return answer{http.StatusOK, strings.ToUpper(string(r.body))}, nil
	case "/slow": // the other requests are answered meanwhile
		if err := async.Sleep(ctx, 100*time.Millisecond); err != nil {
			return answer{}, err
		}
		return answer{http.StatusOK, "at last\n"}, nil
	}
	return answer{http.StatusNotFound, "there is nothing here\n"}, nil
}
