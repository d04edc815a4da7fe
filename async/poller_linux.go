package async

import (
	"os"
	"sync"
	"syscall"
)

// A poller reads for all connections and pipes of a loop that the kernel can report on, so that none of them needs a
// goroutine. The loop asks it before it would sleep, and then what comes in costs no hand-off between goroutines. While the
// loop is busy or asleep, a goroutine does so; there is one of them for the loop, and it waits in the runtime's poller for
// the descriptor of ours.
//
// The runtime's own poller cannot be asked for many descriptors at once: it takes one goroutine for each.
type poller struct {
	file *os.File // of epoll
	raw  syscall.RawConn

	onGlance func(fd uintptr) // look, made once

	mu     sync.Mutex // held for a look, and never taken by who has locked a reader
	last   int32
	conns  map[int32]*transport
	events [128]syscall.EpollEvent
}

const (
	wanted = syscall.EPOLLIN | syscall.EPOLLPRI | syscall.EPOLLRDHUP | edgeTriggered

	// With these a read that gets less than was asked for may have left something behind: the end of the stream, an error, or
	// what comes after urgent data.
	beyond = syscall.EPOLLPRI | syscall.EPOLLRDHUP | syscall.EPOLLHUP | syscall.EPOLLERR

	edgeTriggered = 1 << 31 // syscall.EPOLLET, which is negative
)

func newPoller() (*poller, error) {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	err = syscall.SetNonblock(fd, true) // or the runtime does not poll it
	p := &poller{file: os.NewFile(uintptr(fd), "epoll"), conns: map[int32]*transport{}}
	if err == nil {
		err = p.file.SetDeadline(noDeadline)
	}
	if err == nil {
		p.raw, err = p.file.SyscallConn()
	}
	p.onGlance = func(fd uintptr) { p.look(fd) }
	if err != nil {
		p.file.Close()
		return nil, err
	}
	return p, nil
}

// add has p read for t, and reports false if the kernel cannot tell when there is something to read.
func (p *poller) add(t *transport) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.last++; p.last == 0 || p.conns[p.last] != nil; {
		p.last++
	}
	token := p.last
	if p.control(t, syscall.EPOLL_CTL_ADD, &syscall.EpollEvent{Events: wanted, Fd: token}) != nil {
		return false
	}
	t.token = token
	p.conns[token] = t
	return true
}

// remove is called before the descriptor is closed. It could live on in a child that is about to be.
func (p *poller) remove(t *transport) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, t.token)
	p.control(t, syscall.EPOLL_CTL_DEL, &syscall.EpollEvent{})
}

// again has what t has at this moment reported again. The poller need not be locked.
func (p *poller) again(t *transport) {
	p.control(t, syscall.EPOLL_CTL_MOD, &syscall.EpollEvent{Events: wanted, Fd: t.token})
}

// control is epoll_ctl, unless one of the two descriptors is closed, whose number may belong to something else by now.
func (p *poller) control(t *transport, op int, e *syscall.EpollEvent) error {
	var err error
	closed := t.raw.Control(func(fd uintptr) {
		closed := p.raw.Control(func(epoll uintptr) { err = syscall.EpollCtl(int(epoll), op, int(fd), e) })
		if closed != nil {
			err = closed
		}
	})
	if closed != nil {
		err = closed
	}
	return err
}

// glance is look for the loop, before it sleeps. If the goroutine looks already, it will wake the loop.
func (p *poller) glance() {
	if p.mu.TryLock() {
		defer p.mu.Unlock()
		p.raw.Control(p.onGlance)
	}
}

// look reads for all connections that have something, and reports whether there was one. It does not wait. The poller is
// locked.
func (p *poller) look(fd uintptr) bool {
	n, _ := syscall.EpollWait(int(fd), p.events[:], 0)
	if n <= 0 {
		return false
	}
	for _, e := range p.events[:n] {
		if t := p.conns[e.Fd]; t != nil {
			if t.arrived(e.Events&beyond != 0) {
				p.again(t)
			}
		}
	}
	return true
}

// watch is the goroutine that looks when the loop does not. It ends when the poller is closed.
func (p *poller) watch() {
	look := func(fd uintptr) bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.look(fd)
	}
	for p.raw.Read(look) == nil {
		continue
	}
}

func (p *poller) close() { p.file.Close() }
