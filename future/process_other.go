//go:build !linux

package future

import (
	"errors"
	"os"
	"runtime"
	"syscall"
)

func processAttr() *syscall.SysProcAttr { return nil }

func executable() (string, error) {
	if runtime.GOOS == "windows" || runtime.GOOS == "plan9" || runtime.GOOS == "js" || runtime.GOOS == "wasip1" {
		return "", errors.ErrUnsupported // a worker's pipes cannot be passed on there
	}
	return os.Executable()
}
