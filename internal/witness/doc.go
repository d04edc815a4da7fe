// Package witness is for the tests of several packages: it sees what happened and in which order, which goroutines and children are
// left, and what a test would fail for.
package witness
