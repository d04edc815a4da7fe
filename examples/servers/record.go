package main

import (
	"bytes"
	"slices"
	"strings"
	"sync"
)

// A record keeps what is written to it, by any goroutine.
type record struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements [io.Writer].
func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.Write(p)
}

// sorted returns the lines in order, because each server has its clients in an order of its own.
func (r *record) sorted() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	lines := strings.Split(strings.TrimSpace(r.buf.String()), "\n")
	slices.Sort(lines)
	return lines
}
