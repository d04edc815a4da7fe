//go:build unix

package gevent_test

import (
	"errors"
	"os"
	"os/exec"
	"testing"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/greenlet/gevent"
	"github.com/asyncgo/asyncgo/internal/witness"
)

func TestProcesses(t *testing.T) {
	t.Run("N16 waiting suspends only the caller, and pipes can be read later", func(t *testing.T) {
		witness.NoLeaks(t)
		ticks := 0
		ticker := gevent.Go(func() {
			for gevent.Sleep(ms(1)) == nil {
				ticks++
			}
		})
		p := must(gevent.Popen(exec.Command("sh", "-c", "read line; echo got $line; echo wrong >&2; exit 3"),
			async.PipeStdin(), async.PipeStdout(), async.PipeStderr()))
		if _, ended := p.Poll(); ended || p.Ready() || p.PID() <= 0 {
			t.Error("it has ended")
		}
		if _, err := p.Wait(ms(5)); !errors.Is(err, os.ErrDeadlineExceeded) && err == nil {
			t.Errorf("the error is %v", err)
		}
		out, wrong, err := p.Communicate([]byte("it\n"))
		if string(out) != "got it\n" || string(wrong) != "wrong\n" || err != nil {
			t.Errorf("%q %q %v", out, wrong, err)
		}
		if code := must(p.Wait()); code != 3 || ticks == 0 {
			t.Errorf("the code is %d, after %d ticks", code, ticks)
		}
		check(ticker.Kill())
	})

	t.Run("what a process has written stays until it is read or closed", func(t *testing.T) {
		witness.NoLeaks(t)
		p := must(gevent.Popen(exec.Command("echo", "hello"), async.PipeStdout()))
		must(p.Wait())
		if line, err := p.Stdout().ReadLine(gevent.Context()); string(line) != "hello\n" || err != nil {
			t.Errorf("%q %v", line, err)
		}
		check(p.Close())
	})

	t.Run("a program that is not there, a wrong code and a kill", func(t *testing.T) {
		witness.NoLeaks(t)
		if _, err := gevent.Popen(exec.Command("/no/such/program")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the error is %v", err)
		}
		var failed *gevent.CalledProcessError
		if _, err := gevent.CheckOutput(exec.Command("sh", "-c", "echo out; exit 7"), nil); !errors.As(err, &failed) || failed.ReturnCode != 7 || string(failed.Stdout) != "out\n" {
			t.Errorf("the error is %v", err)
		}
		if err := gevent.CheckCall(exec.Command("sleep", "60"), ms(1)); err == nil {
			t.Error("it has ended")
		}
		g := gevent.Spawn(func() (int, error) {
			c, err := gevent.RunProcess(exec.Command("sleep", "60"), nil)
			if c != nil {
				return c.ReturnCode, err
			}
			return 0, err
		})
		check(gevent.Sleep(ms(5)))
		check(g.Kill(errFault))
		if _, err := g.Get(); !errors.Is(err, errFault) {
			t.Errorf("the error is %v", err)
		}
		must(gevent.WaitAll()) // The kill may have come while the process was being started, which is undone outside of the hub.
	})
}
