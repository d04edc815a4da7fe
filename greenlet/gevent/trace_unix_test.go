//go:build unix

package gevent_test

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/asyncgo/asyncgo/greenlet/gevent"
	"github.com/asyncgo/asyncgo/internal/pytrace"
)

func init() {
	ports = append(ports, []port{
		{"88_signal_subprocess", trace88, []pytrace.Deviation{
			{Line: 1, Python: "['kill returned', ('handler', ('arg',), 'Greenlet')]", Ours: "['kill returned', 'handler']", Why: "A closure needs no arguments."},
		}},
	}...)
}

func trace88(p *printer) {
	var log []any
	h := gevent.SignalHandler(syscall.SIGUSR1, func() { log = append(log, "handler") })
	check(syscall.Kill(os.Getpid(), syscall.SIGUSR1))
	log = append(log, "kill returned")
	for range 100 {
		if len(log) < 2 {
			check(gevent.Sleep(ms(10)))
		}
	}
	p.println(log)
	h.Cancel()
	run := must(gevent.RunProcess(exec.Command("echo", "hi"), nil))
	p.println("run", pyBytes(run.Stdout), pyBytes(must(gevent.CheckOutput(exec.Command("sh", "-c", "cat"), []byte("in")))))
	var expired *gevent.Timeout
	if _, err := gevent.RunProcess(exec.Command("sleep", "5"), nil, ms(50)); errors.As(err, &expired) {
		p.println("TimeoutExpired", expired.Seconds())
	}
	slow, quick := must(gevent.Popen(exec.Command("sleep", "0.5"))), must(gevent.Popen(exec.Command("true")))
	var isQuick []bool
	for _, x := range must(gevent.Wait([]*gevent.Process{slow, quick})) {
		isQuick = append(isQuick, x == quick)
	}
	code, _ := slow.Poll()
	p.println("gevent.wait on processes, by completion:", isQuick, code)
	slow = must(gevent.Popen(exec.Command("sleep", "5")))
	check(slow.Terminate())
	p.println("terminated", must(slow.Wait()))
	var failed *gevent.CalledProcessError
	if errors.As(gevent.CheckCall(exec.Command("false")), &failed) {
		p.println("CalledProcessError", failed.ReturnCode)
	}
	h = gevent.SignalHandler(syscall.SIGUSR1, func() {})
	p.println("a pending signal handler does not keep the loop alive:", must(gevent.WaitAll(gevent.Within(time.Second))))
	h.Cancel()
}

// pyBytes is repr of bytes.
func pyBytes(b []byte) string { return "b'" + strings.ReplaceAll(string(b), "\n", `\n`) + "'" }
