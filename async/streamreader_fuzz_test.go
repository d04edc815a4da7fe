package async_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/asyncgo/asyncgo/async"
)

// FuzzStreamReader reads a stream that comes in random chunks and compares with a reference that has all of it at once.
// The bytes are few, so that separators are found, also in pieces. Between the chunks the reads wait, and some of them are
// cancelled, which must lose nothing.
func FuzzStreamReader(f *testing.F) {
	f.Add([]byte("abc\nrest\n\nab"), uint16(3), uint64(1))
	f.Add([]byte("aaaaaaaaaaaab"), uint16(1), uint64(2))
	f.Add([]byte(""), uint16(7), uint64(3))
	f.Add(bytes.Repeat([]byte("ab\n"), 100), uint16(20), uint64(4))
	f.Fuzz(func(t *testing.T, data []byte, limit uint16, seed uint64) {
		if limit == 0 || len(data) > 1<<12 {
			return
		}
		for i := range data {
			data[i] = "ab\n"[data[i]%3]
		}
		readsAtRandom(t, data, int(limit), seed)
	})
}

func readsAtRandom(t *testing.T, data []byte, limit int, seed uint64) {
	check(async.Run(func(ctx context.Context) error {
		readAtRandom(ctx, t, data, limit, seed)
		return nil
	}))
}

// TestStreamReaderAtRandom is the fuzz target with inputs of its own making.
func TestStreamReaderAtRandom(t *testing.T) {
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		data := make([]byte, rnd.IntN(200))
		for i := range data {
			data[i] = "aaab\n"[rnd.IntN(5)]
		}
		readsAtRandom(t, data, 1+rnd.IntN(20), seed)
	}
}

func readAtRandom(ctx context.Context, t *testing.T, data []byte, limit int, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	r := async.NewStreamReader(limit)
	paused := false
	r.SetFlow(func() { paused = true }, func() { paused = false })
	fed := 0
	feeder := async.Go(ctx, func(ctx context.Context) error {
		for fed < len(data) {
			if !paused || rnd.IntN(10) == 0 {
				n := min(1+rnd.IntN(2*limit+2), len(data)-fed)
				r.FeedData(data[fed : fed+n])
				fed += n
			}
			ticks(ctx, rnd.IntN(3))
			if paused {
				ticks(ctx, 1)
			}
		}
		r.FeedEOF()
		return nil
	})
	model := &readerModel{rest: data, limit: limit}
	for step := 0; len(model.rest) > 0 || !r.AtEOF(); step++ {
		if step > 10*len(data)+100 {
			t.Fatalf("no end after %d reads, %d bytes are left", step, len(model.rest))
		}
		op := rnd.IntN(4)
		n := rnd.IntN(12)
		sep := [][]byte{[]byte("\n"), []byte("ab"), []byte("aab"), []byte("aa\n")}[rnd.IntN(4)]
		read := async.CreateTask(ctx, func(ctx context.Context) ([]byte, error) {
			switch op {
			case 0:
				return r.Read(ctx, n)
			case 1:
				return r.ReadExactly(ctx, n)
			case 2:
				return r.ReadLine(ctx)
			}
			return r.ReadUntil(ctx, sep)
		})
		if rnd.IntN(3) == 0 {
			ticks(ctx, rnd.IntN(4))
			read.Cancel()
		}
		waitFor(ctx, read)
		if read.Cancelled() {
			continue
		}
		p, err := read.Result()
		what := fmt.Sprintf("seed %d, step %d: operation %d, n %d, separator %q", seed, step, op, n, sep)
		if fault := model.accept(op, n, sep, p, err); fault != "" {
			t.Fatalf("%s: %s", what, fault)
		}
	}
	waitFor(ctx, feeder)
	expectEqual(t, "bytes fed", fed, len(data))
}

// A readerModel is the reference: what is still to be read.
type readerModel struct {
	rest  []byte
	limit int
}

// accept compares the outcome of a read with what it must be, and takes it out. What depends on how much has come already
// is checked for being possible.
func (m *readerModel) accept(op, n int, sep, p []byte, err error) (fault string) {
	if err == nil && !bytes.HasPrefix(m.rest, p) {
		return fmt.Sprintf("got %q, and %q comes next", p, m.rest)
	}
	take := func(n int) { m.rest = m.rest[n:] }
	switch op {
	case 0:
		if err != nil || len(p) > n || len(p) == 0 && n > 0 && len(m.rest) > 0 {
			return fmt.Sprintf("Read returns %q, %v", p, err)
		}
		take(len(p))
		return ""
	case 1:
		if n <= len(m.rest) {
			if err != nil || len(p) != n {
				return fmt.Sprintf("ReadExactly returns %q, %v", p, err)
			}
			take(n)
			return ""
		}
		return m.incomplete(err, n)
	case 2:
		sep = []byte("\n")
	}
	at := bytes.Index(m.rest, sep)
	var over *async.LimitOverrunError
	switch {
	case at >= 0 && at <= m.limit:
		if errors.As(err, &over) && !over.Found && op == 3 && over.Consumed > m.limit {
			return fmt.Sprintf("the separator is at %d, and the error %v", at, err)
		}
		if err != nil || len(p) != at+len(sep) {
			return fmt.Sprintf("the separator is at %d, and the read returns %q, %v", at, p, err)
		}
		take(len(p))
	case errors.As(err, &over):
		switch {
		case over.Dropped != (op == 2):
			return "Dropped is wrong"
		case over.Consumed <= m.limit || over.Consumed > len(m.rest):
			return fmt.Sprintf("Consumed is %d", over.Consumed)
		case over.Found && over.Consumed != at, !over.Found && at >= 0 && over.Consumed > at:
			return fmt.Sprintf("Consumed is %d, and the separator at %d", over.Consumed, at)
		}
		if op == 2 {
			take(over.Consumed)
			if over.Found {
				take(1)
			}
		}
	case at >= 0 || len(m.rest)-len(sep) >= m.limit:
		return fmt.Sprintf("%d bytes are left, and the read returns %q, %v", len(m.rest), p, err)
	case op == 2:
		if err != nil || len(p) != len(m.rest) {
			return fmt.Sprintf("the last line is %q, %v", p, err)
		}
		take(len(p))
	default:
		return m.incomplete(err, -1)
	}
	return ""
}

// incomplete checks an error at the end of the stream, which has all that was left.
func (m *readerModel) incomplete(err error, expected int) string {
	var e *async.IncompleteReadError
	if !errors.As(err, &e) || !bytes.Equal(e.Partial, m.rest) || e.Expected != expected {
		return fmt.Sprintf("%q is left, and the error is %#v", m.rest, err)
	}
	m.rest = nil
	return ""
}
