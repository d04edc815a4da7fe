//go:build unix

package witness

import (
	"errors"
	"syscall"
	"testing"
)

// NoChild fails the test if this process has a child, be it a zombie.
func NoChild(t *testing.T) {
	t.Helper()
	if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); !errors.Is(err, syscall.ECHILD) {
		t.Errorf("there is a child: process %d, %v", pid, err)
	}
}
