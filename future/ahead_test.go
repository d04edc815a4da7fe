//go:build unix

package future_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/future"
)

var (
	// notes writes a line to a file, so that it can be seen from outside that it has begun.
	notes = future.Register("notes", func(n note) (int, error) {
		f, err := os.OpenFile(n.File, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return 0, err
		}
		defer f.Close()
		_, err = fmt.Fprintln(f, n.Text)
		time.Sleep(n.Sleep)
		return os.Getpid(), err
	})
	takesSlow = future.Register("takesSlow", func(a slowArg) (int, error) { return a.N, nil })
	// door writes its process into a file, and ends when a second file is there.
	door = future.Register("door", func(path string) (int, error) {
		if err := os.WriteFile(path, fmt.Append(nil, os.Getpid()), 0o600); err != nil {
			return 0, err
		}
		for {
			if _, err := os.Stat(path + ".open"); err == nil {
				return os.Getpid(), nil
			}
			time.Sleep(time.Millisecond)
		}
	})
)

// A slowArg calls whileEncoded as it is sent.
type slowArg struct{ N int }

var whileEncoded = func() {}

func (a slowArg) GobEncode() ([]byte, error) { whileEncoded(); return []byte{byte(a.N)}, nil }
func (a *slowArg) GobDecode(b []byte) error  { a.N = int(b[0]); return nil }

type note struct {
	File, Text string
	Sleep      time.Duration
}

// openDoor lets a call of gate go on.
func openDoor(t *testing.T, path string) {
	t.Helper()
	check(t, os.WriteFile(path+".open", nil, 0o600))
}

// lines returns the lines of a file, none if it is not there.
func lines(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return strings.Fields(string(text))
}

func TestCallsAhead(t *testing.T) {
	// behind has a worker at a call of door, whose process it returns, with the calls that submit makes queued behind it; the first of
	// them has been sent ahead, because they were queued when that call began.
	behind := func(t *testing.T, p *future.ProcessPool, dir string, submit func()) (at *future.Future[int], pid int, path string) {
		t.Helper()
		first := future.Call(p, door, dir+"/first")
		waitForPid(t, dir+"/first")
		path = dir + "/second"
		at = future.Call(p, door, path)
		submit()
		openDoor(t, dir+"/first")
		await(t, first)
		return at, waitForPid(t, path), path
	}

	t.Run("CF63 a worker begins its next call while the pool is busy with the answer to the last", func(t *testing.T) {
		withProcesses(t, 1, func(p *future.ProcessPool) {
			dir := t.TempDir()
			at, _, path := behind(t, p, dir, func() { future.Call(p, notes, note{File: dir + "/notes", Text: "begun"}) })
			at.AddDoneCallback(func(*future.Future[int]) {
				for deadline := time.Now().Add(20 * time.Second); len(lines(t, dir+"/notes")) == 0; time.Sleep(time.Millisecond) {
					if time.Now().After(deadline) {
						t.Error("it has not begun")
						return
					}
				}
			})
			openDoor(t, path)
			await(t, at)
		})
	})

	t.Run("a call that a worker has ahead can be cancelled, and never begins", func(t *testing.T) {
		withProcesses(t, 1, func(p *future.ProcessPool) {
			for range 20 {
				dir := t.TempDir()
				var next, last *future.Future[int]
				at, _, path := behind(t, p, dir, func() {
					next = future.Call(p, notes, note{File: dir + "/notes", Text: "next"})
					last = future.Call(p, notes, note{File: dir + "/notes", Text: "last"})
				})
				expectEqual(t, "Stats", p.Stats().Queued, 2)
				expectEqual(t, "Cancel", next.Cancel(), true)
				expectEqual(t, "Cancelled", next.Cancelled(), true)
				openDoor(t, path)
				await(t, at)
				await(t, last)
				expectOrder(t, lines(t, dir+"/notes"), "last")
			}
			expectEqual(t, "the processes", p.Stats().Started, 1)
		})
	})

	t.Run("a call can be cancelled while it is being sent ahead, and the next is understood", func(t *testing.T) {
		withProcesses(t, 1, func(p *future.ProcessPool) {
			encoding, encode := make(chan bool), make(chan bool)
			whileEncoded = sync.OnceFunc(func() { close(encoding); <-encode })
			var next *future.Future[int]
			at, _, path := behind(t, p, t.TempDir(), func() { next = future.Call(p, takesSlow, slowArg{1}) })
			<-encoding
			expectEqual(t, "Cancel", next.Cancel(), true)
			close(encode)
			openDoor(t, path)
			await(t, at)
			expectEqual(t, "the result of another", await(t, future.Call(p, takesSlow, slowArg{2})), 2)
			expectEqual(t, "the processes", p.Stats().Started, 1)
		})
	})

	t.Run("CancelPending takes it back, too", func(t *testing.T) {
		withProcesses(t, 1, func(p *future.ProcessPool) {
			dir := t.TempDir()
			at, _, path := behind(t, p, dir, func() {
				for range 3 {
					future.Call(p, notes, note{File: dir + "/notes", Text: "begun"})
				}
			})
			expectEqual(t, "CancelPending", p.CancelPending(), 3)
			openDoor(t, path)
			await(t, at)
			await(t, future.Call(p, notes, note{File: dir + "/notes", Text: "after"}))
			expectOrder(t, lines(t, dir+"/notes"), "after")
		})
	})

	t.Run("a worker that is free takes it from one that is not", func(t *testing.T) {
		withProcesses(t, 2, func(p *future.ProcessPool) {
			dir := t.TempDir()
			other := future.Call(p, door, dir+"/other")
			waitForPid(t, dir+"/other")
			var calls []*future.Future[int]
			at, pid, path := behind(t, p, dir, func() {
				for i := range 3 {
					calls = append(calls, future.Call(p, notes, note{File: dir + "/notes", Text: fmt.Sprint(i)}))
				}
			})
			openDoor(t, dir+"/other")
			await(t, other)
			for _, c := range calls {
				if await(t, c) == pid {
					t.Error("a call was done by the worker that is at another one")
				}
			}
			expectEqual(t, "the number of notes", len(lines(t, dir+"/notes")), 3)
			openDoor(t, path)
			await(t, at)
		})
	})

	t.Run("CF64 a call does not wait behind a long one until the queue is empty", func(t *testing.T) {
		withProcesses(t, 2, func(p *future.ProcessPool) {
			dir := t.TempDir()
			other := future.Call(p, door, dir+"/other")
			waitForPid(t, dir+"/other")
			var first, last *future.Future[int]
			at, _, path := behind(t, p, dir, func() {
				first = future.Call(p, notes, note{File: dir + "/notes", Text: "first"})
				for range 200 {
					last = future.Call(p, notes, note{File: dir + "/notes", Text: "more", Sleep: time.Millisecond})
				}
			})
			openDoor(t, dir+"/other")
			await(t, other)
			await(t, first)
			expectEqual(t, "the last is done before the first", last.IsDone(), false)
			await(t, last)
			openDoor(t, path)
			await(t, at)
		})
	})

	t.Run("a worker that is killed fails what it is at, and what it had ahead is done by the next", func(t *testing.T) {
		withProcesses(t, 1, func(p *future.ProcessPool) {
			dir := t.TempDir()
			var calls []*future.Future[int]
			at, pid, _ := behind(t, p, dir, func() {
				for i := range 3 {
					calls = append(calls, future.Call(p, notes, note{File: dir + "/notes", Text: fmt.Sprint(i)}))
				}
			})
			killProcess(t, pid)
			_, err := outcomeOf(at)
			expectError(t, "the one it was at", err, future.ErrBrokenWorker)
			for _, c := range calls {
				await(t, c)
			}
			expectOrder(t, lines(t, dir+"/notes"), "0", "1", "2")
			expectEqual(t, "the processes", p.Stats().Started, 2)
		})
	})

	t.Run("an argument that cannot be sent fails its call alone", func(t *testing.T) {
		withProcesses(t, 1, func(p *future.ProcessPool) {
			dir := t.TempDir()
			var bad *future.Future[string]
			var good *future.Future[int]
			at, _, path := behind(t, p, dir, func() {
				bad = future.Call(p, takesAny, any(struct{ C int }{1}))
				good = future.Call(p, square, 3)
			})
			_, err := outcomeOf(bad)
			if err == nil || !strings.Contains(err.Error(), "the argument of takesAny") {
				t.Errorf("the error is %v", err)
			}
			openDoor(t, path)
			await(t, at)
			expectEqual(t, "the next", await(t, good), 9)
		})
	})

	t.Run("kill cancels it", func(t *testing.T) {
		p := future.NewProcessPool(1)
		dir := t.TempDir()
		var next *future.Future[int]
		at, _, _ := behind(t, p, dir, func() { next = future.Call(p, notes, note{File: dir + "/notes", Text: "begun"}) })
		p.Kill()
		expectError(t, "Shutdown", p.Shutdown(context.Background()), nil)
		expectError(t, "the one it was at", at.Err(), future.ErrBrokenWorker)
		expectEqual(t, "the next is cancelled", next.Cancelled(), true)
		expectEqual(t, "the notes", len(lines(t, dir+"/notes")), 0)
	})

	t.Run("kill while a worker starts leaves nothing", func(t *testing.T) {
		for i := range 20 {
			p := future.NewProcessPool(1)
			f := future.Call(p, sleep, time.Hour)
			for i%2 == 0 && p.Stats().Started == 0 {
				runtime.Gosched()
			}
			p.Kill()
			expectError(t, "Shutdown", p.Shutdown(context.Background()), nil)
			if !f.Cancelled() {
				expectError(t, "the call", f.Err(), future.ErrBrokenWorker)
			}
			expectEqual(t, "the processes", p.Stats().Processes, 0)
			if n := p.Stats().Started; n > 1 {
				t.Errorf("%d processes were started", n)
			}
		}
	})
}

// TestCallsByChance has calls cancelled and workers killed at any moment.
func TestCallsByChance(t *testing.T) {
	t.Run("CF65 a call that is done ran once, one that was cancelled never, and one whose worker broke once at most", callsByChance)
}

func callsByChance(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	file := filepath.Join(t.TempDir(), "notes")
	const calls = 600
	fs := make([]*future.Future[int], calls)
	withProcesses(t, 3, func(p *future.ProcessPool) {
		var pids sync.Map
		for i := range fs {
			var sleep time.Duration
			if rng.IntN(10) == 0 {
				sleep = time.Duration(rng.IntN(4_000)) * time.Microsecond
			}
			fs[i] = future.Call(p, notes, note{File: file, Text: fmt.Sprint(i), Sleep: sleep})
			fs[i].AddDoneCallback(func(f *future.Future[int]) {
				if pid, err := f.Result(); err == nil {
					pids.Store(pid, true)
				}
			})
			switch {
			case rng.IntN(3) == 0:
				fs[rng.IntN(i+1)].Cancel()
			case rng.IntN(30) == 0:
				fs[rng.IntN(i+1)].Await(context.Background())
				pids.Range(func(pid, _ any) bool {
					pids.Delete(pid)
					syscall.Kill(pid.(int), syscall.SIGKILL) // it may have gone already
					return false
				})
			case rng.IntN(40) == 0:
				fs[rng.IntN(i+1)].Await(context.Background())
			}
		}
		for _, f := range fs {
			f.Await(context.Background())
		}
	})
	ran := map[string]int{}
	for _, id := range lines(t, file) {
		ran[id]++
	}
	var done, cancelled, broken int
	for i, f := range fs {
		n := ran[fmt.Sprint(i)]
		switch err := f.Err(); {
		case f.Cancelled():
			cancelled++
			expectEqual(t, fmt.Sprint("how often call ", i, " ran, which is cancelled"), n, 0)
		case err == nil:
			done++
			expectEqual(t, fmt.Sprint("how often call ", i, " ran"), n, 1)
		default:
			broken++
			expectError(t, fmt.Sprint("call ", i), err, future.ErrBrokenWorker)
			if n > 1 {
				t.Errorf("call %d ran %d times", i, n)
			}
		}
	}
	t.Logf("%d calls were done, %d cancelled, %d broken", done, cancelled, broken)
}
