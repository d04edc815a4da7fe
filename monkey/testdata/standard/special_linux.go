package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"unsafe"
)

func init() {
	special["named pipe"] = namedPipe
	special["terminal"] = terminal
	special["terminal as stdin"] = terminalAsStdin
	special["terminal as stdout"] = terminalAsStdout
}

// namedPipe opens a pipe of which nobody has opened the other end.
func namedPipe(h *helper) (string, error) {
	dir, err := os.MkdirTemp("", "gomonkey-*")
	check(err)
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "pipe")
	check(syscall.Mkfifo(name, 0o600))
	h.meanwhile(func() { check(os.WriteFile(name, []byte("hello"), 0)) })
	all, err := os.ReadFile(name)
	return string(all), err
}

// openTerminal returns the two sides of a pseudo terminal: whose keyboard and screen it is, and the terminal.
func openTerminal() (master, slave *os.File) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	check(err)
	raw, err := master.SyscallConn()
	check(err)
	var unlock, number int32
	control := func(request uintptr, p *int32) {
		check(raw.Control(func(fd uintptr) {
			if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, fd, request, uintptr(unsafe.Pointer(p))); errno != 0 {
				panic(errno)
			}
		}))
	}
	control(syscall.TIOCSPTLCK, &unlock)
	control(syscall.TIOCGPTN, &number)
	slave, err = os.OpenFile("/dev/pts/"+strconv.Itoa(int(number)), os.O_RDWR|syscall.O_NOCTTY, 0)
	check(err)
	return master, slave
}

// terminal reads a line from a terminal that the program has opened itself.
func terminal(h *helper) (string, error) {
	master, slave := openTerminal()
	defer master.Close()
	defer slave.Close()
	h.meanwhile(func() { io.WriteString(master, "hello\n") })
	line, err := bufio.NewReader(slave).ReadString('\n')
	return fmt.Sprintf("%q", line), err
}

// onTerminal starts the program again on a terminal, and calls serve when its other task has run.
func onTerminal(h *helper, name string, serve func(master *os.File) string) (string, error) {
	master, slave := openTerminal()
	defer master.Close()
	cmd := exec.Command(os.Args[0], "child", name)
	cmd.Stdin, cmd.Stdout = slave, slave
	other, err := cmd.StderrPipe()
	check(err)
	check(cmd.Start())
	slave.Close()
	h.meanwhile(func() {})
	defer kill(cmd).Stop()
	line, err := bufio.NewReader(other).ReadString('\n')
	if err != nil {
		cmd.Wait()
		return "the child's loop stands still", nil
	}
	return fmt.Sprintf("%q and %s", line, serve(master)), cmd.Wait()
}

// terminalAsStdin has a child read a line that is typed when its other task has run.
func terminalAsStdin(h *helper) (string, error) {
	return onTerminal(h, "stdin", func(master *os.File) string {
		io.WriteString(master, "typed\n\x04") // a line, and the end of all
		all, _ := io.ReadAll(master)
		screen := strings.ReplaceAll(string(all), "\r", "")
		return fmt.Sprintf("%q", screen)
	})
}

// terminalAsStdout has a child write more than the terminal takes, which is read when its other task has run. The terminal has room for
// a part of one of the pieces.
func terminalAsStdout(h *helper) (string, error) {
	return onTerminal(h, "pieces", func(master *os.File) string {
		n, _ := io.Copy(io.Discard, master)
		return fmt.Sprint(n, " bytes")
	})
}
