//go:build unix

package future_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/future"
)

// dies writes the beginning of an answer to the pool's pipe and is killed then.
var dies = future.Register("dies", func(struct{}) (int, error) {
	syscall.Write(4, []byte{2, 0, 0, 1, 0, 'h', 'a', 'l', 'f'})
	syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
})

// starts has a process outlive the worker, with the worker's stderr.
var starts = future.Register("starts", func(struct{}) (int, error) {
	cmd := exec.Command("sleep", "3600")
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	return cmd.Process.Pid, nil
})

// stops does not see its pipe close, so the kernel has to end it.
var stops = future.Register("stops", func(path string) (int, error) {
	if err := os.WriteFile(path, fmt.Append(nil, os.Getpid()), 0o600); err != nil {
		return 0, err
	}
	return 0, syscall.Kill(os.Getpid(), syscall.SIGSTOP)
})

func killProcess(t *testing.T, pid int) {
	t.Helper()
	check(t, syscall.Kill(pid, syscall.SIGKILL))
}

// waitForPid waits for a process to write its number into a file.
func waitForPid(t *testing.T, file string) int {
	t.Helper()
	for {
		data, err := os.ReadFile(file)
		if n, e := strconv.Atoi(string(data)); err == nil && e == nil {
			return n
		}
		time.Sleep(time.Millisecond) // there is no event for it
	}
}

// isAlive reports whether a process runs. One that has ended and that nobody waits for does not.
func isAlive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || !bytes.Contains(stat, []byte(") Z "))
}

func TestKilledWorkers(t *testing.T) {
	none := struct{}{}

	t.Run("CF60 a worker that is killed while it is idle fails nothing and is replaced", func(t *testing.T) {
		withProcesses(t, 1, func(p *future.ProcessPool) {
			for range 5 {
				killProcess(t, await(t, future.Call(p, pid, none)))
				expectEqual(t, "the next", await(t, future.Call(p, square, 3)), 9)
			}
		})
	})

	t.Run("CF61 a worker that is killed while it is busy fails its call, is reaped and is replaced", func(t *testing.T) {
		withProcesses(t, 1, func(p *future.ProcessPool) {
			file := t.TempDir() + "/pid"
			f, next := future.Call(p, busy, file), future.Call(p, square, 3)
			worker := waitForPid(t, file)
			killProcess(t, worker)
			_, err := outcomeOf(f)
			expectError(t, "the call", err, future.ErrBrokenWorker)
			if !strings.Contains(err.Error(), fmt.Sprintf("worker-0, process %d: signal: killed", worker)) {
				t.Errorf("the error does not say what has happened: %v", err)
			}
			expectError(t, "a signal to it", syscall.Kill(worker, 0), syscall.ESRCH) // no zombie either
			expectEqual(t, "the next", await(t, next), 9)
		})
	})

	t.Run("CF62 a worker that is killed while it writes its answer fails its call", func(t *testing.T) {
		withProcesses(t, 1, func(p *future.ProcessPool) {
			_, err := outcomeOf(future.Call(p, dies, none))
			expectError(t, "the call", err, future.ErrBrokenWorker)
			expectEqual(t, "the next", await(t, future.Call(p, square, 3)), 9)
		})
	})

	t.Run("a process that a function leaves behind does not hold up the end", func(t *testing.T) {
		withProcesses(t, 1, func(p *future.ProcessPool) {
			child := await(t, future.Call(p, starts, none))
			t.Cleanup(func() { syscall.Kill(child, syscall.SIGKILL) })
		})
	})
}

// orphanEnv makes the test program the parent of workers that is going to be killed.
const orphanEnv = "ASYNCGO_TEST_ORPHANS"

func TestOrphans(t *testing.T) {
	if dir := os.Getenv(orphanEnv); dir != "" {
		p := future.NewProcessPool(3)
		future.Call(p, busy, dir+"/busy")
		future.Call(p, stops, dir+"/stopped")
		idle, err := outcomeOf(future.Call(p, pid, struct{}{}))
		check(t, err)
		check(t, os.WriteFile(dir+"/idle", fmt.Append(nil, idle), 0o600))
		select {}
	}
	if runtime.GOOS != "linux" {
		t.Skip("looks for processes in /proc")
	}
	dir := t.TempDir()
	cmd := exec.CommandContext(context.Background(), os.Args[0], "-test.run", "^TestOrphans$")
	cmd.Env = append(os.Environ(), orphanEnv+"="+dir)
	check(t, cmd.Start())
	busy, idle, stopped := waitForPid(t, dir+"/busy"), waitForPid(t, dir+"/idle"), waitForPid(t, dir+"/stopped")
	t.Cleanup(func() { syscall.Kill(stopped, syscall.SIGKILL) })
	expectEqual(t, "the busy worker is alive", isAlive(busy), true)
	expectEqual(t, "the idle worker is alive", isAlive(idle), true)
	check(t, cmd.Process.Kill())
	cmd.Wait()
	for isAlive(busy) || isAlive(idle) || isAlive(stopped) {
		time.Sleep(time.Millisecond)
	}
}

// TestLostWorker starts this program as a worker that waits for more functions than there are. It comes to main, and must not start
// workers of its own there.
func TestLostWorker(t *testing.T) {
	if os.Getenv(orphanEnv) == "lost" {
		future.NewProcessPool(1)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^TestLostWorker$")
	cmd.Env = append(os.Environ(), orphanEnv+"=lost", "ASYNCGO_WORKER=1000 lost-0")
	out, err := cmd.CombinedOutput()
	if err == nil || !bytes.Contains(out, []byte("future: a worker process has come to main")) {
		t.Errorf("the lost worker has ended with %v and\n%s", err, out)
	}
	cmd = exec.Command(os.Args[0], "-test.run", "^TestLostWorker$")
	cmd.Env = append(os.Environ(), "ASYNCGO_WORKER=soon")
	out, err = cmd.CombinedOutput()
	if err == nil || !bytes.Contains(out, []byte(`ASYNCGO_WORKER="soon" is none of ours`)) {
		t.Errorf("the worker with a bad order has ended with %v and\n%s", err, out)
	}
	// Without a pool there are no pipes.
	cmd = exec.Command(os.Args[0], "-test.run", "^TestLostWorker$")
	cmd.Env = append(os.Environ(), "ASYNCGO_WORKER=1 alone-0")
	out, err = cmd.CombinedOutput()
	if err == nil || !bytes.Contains(out, []byte("future: alone-0 was not started by a pool")) {
		t.Errorf("the worker without a pool has ended with %v and\n%s", err, out)
	}
}
