//go:build unix

package future_test

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/future"
)

// Functions that worker processes run. This test program is the worker, too: it serves in the last of these variables, and never
// comes to a test.
var (
	_ = sendable(&codeError{}) // before the last function, where a worker stays

	square  = future.Register("square", func(n int) (int, error) { return n * n, nil })
	pid     = future.Register("pid", func(struct{}) (int, error) { return os.Getpid(), nil })
	name    = future.Register("name", func(struct{}) (string, error) { return future.WorkerName(), nil })
	fails   = future.Register("fails", func(text string) (int, error) { return 0, errors.New(text) })
	typed   = future.Register("typed", func(code int) (int, error) { return 0, &codeError{code} })
	panics  = future.Register("panics", func(text string) (int, error) { panic(text) })
	leaves  = future.Register("leaves", func(struct{}) (int, error) { runtime.Goexit(); return 0, nil })
	exits   = future.Register("exits", func(code int) (int, error) { os.Exit(code); return 0, nil })
	prints  = future.Register("prints", func(text string) (int, error) { fmt.Print(text); return len(text), nil })
	logs    = future.Register("logs", func(text string) (int, error) { fmt.Fprint(os.Stderr, text); return len(text), nil })
	channel = future.Register("channel", func(n int) (chan int, error) { return make(chan int, n), nil })
	some    = future.Register("some", func(n int) (any, error) {
		if n%2 == 1 {
			return struct{ C int }{n}, nil // a type that gob has not been told of
		}
		return n, nil
	})
	takesAny = future.Register("takesAny", func(v any) (string, error) { return fmt.Sprint(v), nil })
	nothing  = future.Register("nothing", func(struct{}) (struct{}, error) { return struct{}{}, nil })
	pointer  = future.Register("pointer", func(give bool) (*point, error) {
		if give {
			return &point{}, nil
		}
		return nil, nil
	})
	big   = future.Register("big", func(n int) ([]byte, error) { return make([]byte, n), nil })
	fatal = future.Register("fatal", func(fatalArg) (int, error) { return 0, nil })
	sleep = future.Register("sleep", func(d time.Duration) (int, error) { time.Sleep(d); return 1, nil })
	busy  = future.Register("busy", func(path string) (int, error) {
		if err := os.WriteFile(path, fmt.Append(nil, os.Getpid()), 0o600); err != nil {
			return 0, err
		}
		time.Sleep(time.Hour)
		return 0, nil
	})
	spins = future.Register("spins", func(n int) (int, error) { return spin(n), nil })
)

type point struct{ X, Y int }

type codeError struct{ Code int }

func (e *codeError) Error() string { return fmt.Sprint("code ", e.Code) }

// sendable tells gob about a type that travels in an interface.
func sendable(v any) bool { gob.Register(v); return true }

func spin(n int) int {
	sum := 1
	for i := range n {
		sum += i % 7
	}
	return sum
}

// withProcesses gives fn a pool of processes and shuts it down.
func withProcesses(t *testing.T, workers int, fn func(p *future.ProcessPool), opts ...future.ProcessOption) {
	t.Helper()
	p := future.NewProcessPool(workers, opts...)
	defer func() {
		t.Helper()
		if err := p.Shutdown(context.Background()); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		expectEqual(t, "the processes that are left", p.Stats().Processes, 0)
	}()
	fn(p)
}

// outcomeOf waits for a future.
func outcomeOf[T any](f *future.Future[T]) (T, error) { return f.Await(context.Background()) }

func TestFactsProcessPool(t *testing.T) {
	none := struct{}{}

	t.Run("CF49 a function runs in another process, and its result comes back", func(t *testing.T) {
		withProcesses(t, 1, func(p *future.ProcessPool) {
			expectEqual(t, "the square", await(t, future.Call(p, square, 12)), 144)
			if await(t, future.Call(p, pid, none)) == os.Getpid() {
				t.Error("the function runs in the process of the test")
			}
			expectEqual(t, "the name of the worker", await(t, future.Call(p, name, none)), "test-0")
			expectEqual(t, "the name here", future.WorkerName(), "")
			expectEqual(t, "a result that is nothing", await(t, future.Call(p, nothing, none)), none)
			expectEqual(t, "a nil pointer", await(t, future.Call(p, pointer, false)), nil)
			expectEqual(t, "what a pointer points to", *await(t, future.Call(p, pointer, true)), point{})
			expectEqual(t, "the length of a large result", len(await(t, future.Call(p, big, 3<<20))), 3<<20)
			expectEqual(t, "Stats", p.Stats().Started, 1)
		}, future.ProcessName("test"))
	})

	t.Run("CF50 an error comes back, with its type if gob knows it", func(t *testing.T) {
		withProcesses(t, 1, func(p *future.ProcessPool) {
			_, err := outcomeOf(future.Call(p, fails, "no such thing"))
			var text *future.WorkerError
			if !errors.As(err, &text) || text.Text != "no such thing" || text.Worker != "worker-0" {
				t.Errorf("the error is %#v", err)
			}
			_, err = outcomeOf(future.Call(p, typed, 7))
			var code *codeError
			if !errors.As(err, &code) || code.Code != 7 {
				t.Errorf("the error is %#v", err)
			}
		})
	})

	t.Run("CF51 a panic comes back with the stack of the worker, which goes on", func(t *testing.T) {
		withProcesses(t, 1, func(p *future.ProcessPool) {
			_, err := outcomeOf(future.Call(p, panics, "over there"))
			var caught *future.PanicError
			if !errors.As(err, &caught) || caught.Value != "over there" || !bytes.Contains(caught.Stack, []byte("process_test.go")) {
				t.Errorf("the error is %v", err)
			}
			_, err = outcomeOf(future.Call(p, leaves, none))
			if err == nil || !strings.Contains(err.Error(), "left by runtime.Goexit") {
				t.Errorf("the error of a Goexit is %v", err)
			}
			expectEqual(t, "the next", await(t, future.Call(p, square, 2)), 4)
			expectEqual(t, "the processes", p.Stats().Started, 1)
		})
	})

	t.Run("CF52 map keeps the order, in chunks, and each item has its own error", func(t *testing.T) {
		withProcesses(t, 2, func(p *future.ProcessPool) {
			for _, chunk := range []int{1, 7, 1000} {
				n := 0
				for v, err := range future.CallMap(context.Background(), p, square, upTo(100), chunk) {
					expectError(t, "an item", err, nil)
					expectEqual(t, "a square", v, n*n)
					n++
				}
				expectEqual(t, "the number of results", n, 100)
			}
			n := 0
			for v, err := range future.CallMap(context.Background(), p, some, upTo(10), 5) {
				switch {
				case n%2 == 0 && (v != n || err != nil):
					t.Errorf("item %d is %v, %v", n, v, err)
				case n%2 == 1 && (err == nil || !strings.Contains(err.Error(), "the result of some")):
					t.Errorf("item %d has the error %v", n, err)
				}
				n++
			}
			expectEqual(t, "the number of results", n, 10)
		})
	})

	t.Run("CF53 leaving the loop of map cancels what no worker has got", func(t *testing.T) {
		withProcesses(t, 1, func(p *future.ProcessPool) {
			for v := range future.CallMap(context.Background(), p, square, upTo(1_000_000), 10) {
				expectEqual(t, "the first", v, 0)
				break
			}
			if done := p.Stats().Done; done > 4 {
				t.Errorf("%d chunks were done", done)
			}
		})
	})

	t.Run("CF54 a call can be cancelled until a worker has it", func(t *testing.T) {
		withProcesses(t, 1, func(p *future.ProcessPool) {
			file := t.TempDir() + "/pid"
			running := future.Call(p, busy, file)
			worker := waitForPid(t, file)
			queued := future.Call(p, square, 1)
			expectEqual(t, "Cancel of the running one", running.Cancel(), false)
			expectEqual(t, "Cancel of the queued one", queued.Cancel(), true)
			more := future.Call(p, square, 2)
			expectEqual(t, "Stats", p.Stats(), future.ProcessStats{Workers: 1, Processes: 1, Running: 1, Queued: 2, Started: 1})
			expectEqual(t, "CancelPending", p.CancelPending(), 2)
			expectEqual(t, "Cancelled", more.Cancelled(), true)
			killProcess(t, worker)
			_, err := outcomeOf(running)
			expectError(t, "the killed one", err, future.ErrBrokenWorker)
		})
	})

	t.Run("CF55 a worker is replaced after so many calls", func(t *testing.T) {
		withProcesses(t, 1, func(p *future.ProcessPool) {
			var pids []int
			for range 6 {
				pids = append(pids, await(t, future.Call(p, pid, none)))
			}
			slices.Sort(pids)
			expectEqual(t, "the number of processes", len(slices.Compact(pids)), 3)
			expectEqual(t, "those that broke", p.Stats().Broken, 0)
		}, future.MaxCalls(2))
	})

	t.Run("CF56 a call that takes too long is killed and times out, and the next has a fresh worker", func(t *testing.T) {
		withProcesses(t, 1, func(p *future.ProcessPool) {
			await(t, future.Call(p, square, 1)) // so that the start of the process does not count
			_, err := outcomeOf(future.Call(p, sleep, time.Hour))
			expectError(t, "the call", err, future.ErrTimeout)
			expectError(t, "the call", err, context.DeadlineExceeded)
		}, future.CallLimit(300*time.Millisecond))
	})

	t.Run("CF57 shutdown waits for what runs and what is queued, and then nothing is taken", func(t *testing.T) {
		p := future.NewProcessPool(2)
		var fs []*future.Future[int]
		for i := range 20 {
			fs = append(fs, future.Call(p, square, i))
		}
		expectError(t, "Shutdown", p.Shutdown(context.Background()), nil)
		for i, f := range fs {
			v, err := f.Result()
			expectError(t, "a call", err, nil)
			expectEqual(t, "a square", v, i*i)
		}
		expectError(t, "a later call", future.Call(p, square, 1).Err(), future.ErrShutdown)
		n := 0
		for _, err := range future.CallMap(context.Background(), p, square, upTo(100), 3) {
			expectError(t, "a later map", err, future.ErrShutdown)
			n++
		}
		expectEqual(t, "what a later map yields", n, 1)
		expectError(t, "Shutdown again", p.Shutdown(context.Background()), nil)
	})

	t.Run("a done callback of a call cannot wait for the shutdown of its pool", func(t *testing.T) {
		p := future.NewProcessPool(1)
		ended := make(chan error, 1)
		dir := t.TempDir()
		last := future.Call(p, door, dir+"/last")
		last.AddDoneCallback(func(*future.Future[int]) { ended <- p.Shutdown(context.Background()) })
		openDoor(t, dir+"/last")
		expectError(t, "Shutdown in the callback", <-ended, future.ErrOwnWorker)
		expectError(t, "a later call", future.Call(p, square, 1).Err(), future.ErrShutdown)
		expectError(t, "Shutdown", p.Shutdown(context.Background()), nil)
	})

	t.Run("CF58 kill ends everything at once", func(t *testing.T) {
		p := future.NewProcessPool(1)
		file := t.TempDir() + "/pid"
		running := future.Call(p, busy, file)
		waitForPid(t, file)
		queued := future.Call(p, square, 1)
		short, cancel := context.WithCancel(context.Background())
		cancel()
		expectError(t, "the short Shutdown", p.Shutdown(short), context.Canceled)
		p.Kill()
		expectError(t, "Shutdown", p.Shutdown(context.Background()), nil)
		expectError(t, "the running one", running.Err(), future.ErrBrokenWorker)
		expectEqual(t, "the queued one is cancelled", queued.Cancelled(), true)
	})

	t.Run("CF59 a worker that ends by itself fails its call alone and is replaced", func(t *testing.T) {
		withProcesses(t, 2, func(p *future.ProcessPool) {
			var fs []*future.Future[int]
			for i := range 10 {
				if i == 5 {
					fs = append(fs, future.Call(p, exits, 3))
				} else {
					fs = append(fs, future.Call(p, square, i))
				}
			}
			for i, f := range fs {
				v, err := outcomeOf(f)
				if i == 5 {
					expectError(t, "the one that exits", err, future.ErrBrokenWorker)
					if !strings.Contains(err.Error(), "exit status 3") {
						t.Errorf("the error does not say how: %v", err)
					}
				} else if v != i*i || err != nil {
					t.Errorf("call %d is %d, %v", i, v, err)
				}
			}
			expectError(t, "Shutdown", p.Shutdown(context.Background()), nil)
			expectEqual(t, "those that broke", p.Stats().Broken, 1)
		})
	})

	t.Run("a call that ends its worker before it begins is tried on some fresh ones, and fails", func(t *testing.T) {
		withProcesses(t, 1, func(p *future.ProcessPool) {
			_, err := outcomeOf(future.Call(p, fatal, fatalArg{1}))
			expectError(t, "the call", err, future.ErrBrokenWorker)
			expectEqual(t, "the workers that were started", p.Stats().Started, 4)
			v, err := outcomeOf(future.Call(p, square, 3))
			expectError(t, "the next call", err, nil)
			expectEqual(t, "its result", v, 9)
		})
	})

	t.Run("a chunk has the time of all its items", func(t *testing.T) {
		p := future.NewProcessPool(1, future.CallLimit(2*time.Second))
		items := slices.Values([]time.Duration{time.Second, time.Second, time.Second})
		for _, err := range future.CallMap(context.Background(), p, sleep, items, 3) {
			expectError(t, "an item", err, nil)
		}
		expectError(t, "Shutdown", p.Shutdown(context.Background()), nil)
	})
}

// A fatalArg ends the worker that reads it.
type fatalArg struct{ n int } // gob would leave out a zero

func (a fatalArg) GobEncode() ([]byte, error) { return []byte{byte(a.n)}, nil }
func (*fatalArg) GobDecode([]byte) error      { os.Exit(3); return nil }

func upTo(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := 0; i < n && yield(i); i++ {
		}
	}
}

func TestProcessFaults(t *testing.T) {
	t.Run("a result or an argument that cannot be encoded is an error of its call", func(t *testing.T) {
		withProcesses(t, 1, func(p *future.ProcessPool) {
			await(t, future.Call(p, square, 1))
			for range 3 {
				_, err := outcomeOf(future.Call(p, channel, 1))
				if err == nil || !strings.Contains(err.Error(), "the result of channel") {
					t.Errorf("the error of the result is %v", err)
				}
				_, err = outcomeOf(future.Call(p, takesAny, any(struct{ C int }{1})))
				if err == nil || !strings.Contains(err.Error(), "the argument of takesAny") {
					t.Errorf("the error of the argument is %v", err)
				}
				expectEqual(t, "the next", await(t, future.Call(p, takesAny, any("text"))), "text")
				expectEqual(t, "the one after", await(t, future.Call(p, square, 3)), 9)
			}
			expectEqual(t, "the processes", p.Stats().Started, 1)
		})
	})

	t.Run("a function that writes to stdout does no harm", func(t *testing.T) {
		stdout := os.Stdout
		r, w, err := os.Pipe()
		check(t, err)
		os.Stdout = w
		defer func() { os.Stdout = stdout }()
		withProcesses(t, 1, func(p *future.ProcessPool) {
			expectEqual(t, "the result", await(t, future.Call(p, prints, "printed in the worker")), 21)
			expectEqual(t, "the next", await(t, future.Call(p, square, 3)), 9)
		})
		os.Stdout = stdout
		w.Close()
		text, err := io.ReadAll(r)
		check(t, err)
		expectEqual(t, "what was printed", string(text), "printed in the worker")
	})

	t.Run("what a function writes to stderr comes line by line with the name of the worker", func(t *testing.T) {
		var log bytes.Buffer
		withProcesses(t, 1, func(p *future.ProcessPool) {
			await(t, future.Call(p, logs, "one\ntw"))
			await(t, future.Call(p, logs, "o\n\nlast"))
		}, future.WorkerStderr(&log), future.ProcessName("db"))
		expectEqual(t, "the log", log.String(), "[db-0] one\n[db-0] two\n[db-0] \n[db-0] last\n")
	})

	t.Run("bad input is refused", func(t *testing.T) {
		p := future.NewProcessPool(1)
		var zero future.Func[int, int]
		expectPanic(t, "future: a pool of -1 processes", func() { future.NewProcessPool(-1) })
		expectPanic(t, "future: the number of MaxCalls is not positive", func() { future.MaxCalls(0) })
		expectPanic(t, "future: the duration of CallLimit is not positive", func() { future.CallLimit(0) })
		expectPanic(t, "future: WorkerStderr was called with a nil Writer", func() { future.WorkerStderr(nil) })
		expectPanic(t, "future: a function was called that Register has not made", func() { future.Call(p, zero, 1) })
		expectPanic(t, "future: CallMap was called with a nil ctx", func() { var none context.Context; future.CallMap(none, p, square, upTo(1), 1) })
		expectPanic(t, "future: CallMap was called with nil items", func() { future.CallMap(context.Background(), p, square, nil, 1) })
		expectPanic(t, "future: CallMap was called with chunks of 0 items", func() { future.CallMap(context.Background(), p, square, upTo(1), 0) })
		expectPanic(t, "future: Call was called on a ProcessPool that NewProcessPool has not made", func() { future.Call(nil, square, 1) })
		expectPanic(t, "future: Shutdown was called with a nil ctx", func() { var none context.Context; p.Shutdown(none) })
		expectPanic(t, `future: "late" was registered after the program's initialisation`, func() {
			future.Register("late", func(int) (int, error) { return 0, nil })
		})
		expectPanic(t, "future: Register was called without a name", func() { future.Register("", square1) })
		expectPanic(t, "future: Register was called with a nil function", func() { future.Register[int, int]("nil", nil) })
		expectEqual(t, "the name", square.Name(), "square")
		expectEqual(t, "the name of none", zero.Name(), "")
		check(t, p.Shutdown(context.Background()))
	})
}

func square1(n int) (int, error) { return n, nil }

// BenchmarkCall measures a small call alone, and in chunks.
func BenchmarkCall(b *testing.B) {
	for _, chunk := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprint("chunks of ", chunk), func(b *testing.B) {
			p := future.NewProcessPool(2)
			defer p.Shutdown(context.Background())
			outcomeOf(future.Call(p, square, 1))
			b.ResetTimer()
			n := 0
			for v, err := range future.CallMap(context.Background(), p, square, upTo(b.N), chunk) {
				if v != n*n || err != nil {
					b.Fatal(v, err)
				}
				n++
			}
		})
	}
}

// BenchmarkCPU measures work that computes: in the calling goroutine, on a pool, and in processes.
func BenchmarkCPU(b *testing.B) {
	const parts, size = 6, 20_000_000
	b.Run("alone", func(b *testing.B) {
		for b.Loop() {
			for range parts {
				spin(size)
			}
		}
	})
	b.Run("pool", func(b *testing.B) {
		p := future.NewPool(0)
		defer p.Shutdown(context.Background())
		for b.Loop() {
			for range future.Map(context.Background(), p, upTo(parts), func(int) (int, error) { return spin(size), nil }) {
			}
		}
	})
	b.Run("processes", func(b *testing.B) {
		p := future.NewProcessPool(0)
		defer p.Shutdown(context.Background())
		outcomeOf(future.Call(p, spins, 1))
		for b.Loop() {
			sizes := func(yield func(int) bool) {
				for i := 0; i < parts && yield(size); i++ {
				}
			}
			for range future.CallMap(context.Background(), p, spins, sizes, 1) {
			}
		}
	})
}
