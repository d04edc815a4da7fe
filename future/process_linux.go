package future

import "syscall"

// processAttr has the kernel kill a worker whose parent dies, should it not notice by itself.
func processAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

// executable is this program, also if its file was replaced or removed.
func executable() (string, error) { return "/proc/self/exe", nil }
