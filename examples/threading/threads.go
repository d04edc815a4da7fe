package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/asyncgo/asyncgo/async"
)

// twoThreads starts a function twice: Thread(target=run, args=("thread 1",)).
func (s *script) twoThreads(ctx context.Context) error {
	run := func(n string) func(context.Context) error {
		return func(context.Context) error {
			s.print("current task:", n)
			return nil
		}
	}
	t1 := thread(ctx, 1, run("thread 1"))
	t2 := thread(ctx, 2, run("thread 2"))
	return errors.Join(join(ctx, t1), join(ctx, t2))
}

// join is t.join().
func join(ctx context.Context, t *async.Task[async.Void]) error {
	_, err := t.Await(ctx)
	return err
}

// myThread is the tutorial's class MyThread(Thread). A method value is a function like any other.
type myThread struct {
	s *script
	n string
}

func (t *myThread) run(context.Context) error {
	t.s.print(t.n, "is running")
	return nil
}

// class starts a thread and is done before it runs. Python waits for its threads at the end, and so does who
// awaits.
func (s *script) class(ctx context.Context) error {
	t := thread(ctx, 1, (&myThread{s, "ckl"}).run)
	s.print("---main---")
	return join(ctx, t)
}

// count is what the tutorial's threads do for c seconds.
func (s *script) count(n string, c int) func(context.Context) error {
	return func(ctx context.Context) error {
		for ; c > 0; c-- {
			s.print("线程:" + n + " 在执行")
			if err := s.sleep(ctx, 1); err != nil {
				return err
			}
		}
		return nil
	}
}

// withoutJoin goes on at once. The main thread prints its line first, because a task starts when its creator
// waits; the interpreter waits for threads that are not daemons, which here is the last line.
func (s *script) withoutJoin(ctx context.Context) error {
	t1 := thread(ctx, 1, s.count("t1", 3))
	t2 := thread(ctx, 2, s.count("t2", 3))
	s.print("主线程执行!")
	return errors.Join(join(ctx, t1), join(ctx, t2))
}

func (s *script) withJoin(ctx context.Context) error {
	t1 := thread(ctx, 1, s.count("t1", 3))
	t2 := thread(ctx, 2, s.count("t2", 3))
	if err := errors.Join(join(ctx, t1), join(ctx, t2)); err != nil {
		return err
	}
	s.print("主线程执行!")
	return nil
}

// daemons are tasks that nobody waits for: Run cancels them when main returns.
func (s *script) daemons(ctx context.Context) error {
	thread(ctx, 1, s.count("t1", 3))
	thread(ctx, 2, s.count("t2", 3))
	if err := async.Sleep(ctx, 0); err != nil { // they get to their first line
		return err
	}
	s.print("主线程执行!")
	return nil
}

// daemonAndOther has a daemon that is done before the other thread, and so gets to its end.
func (s *script) daemonAndOther(ctx context.Context) error {
	work := func(n string, seconds float64) func(context.Context) error {
		return func(ctx context.Context) error {
			s.print(n, "is running")
			if err := s.sleep(ctx, seconds); err != nil {
				return err
			}
			s.print(n, "done")
			return nil
		}
	}
	thread(ctx, 1, work("w1", 1)) // the daemon
	t2 := thread(ctx, 2, work("w2", 3))
	s.print("-- main --")
	return join(ctx, t2)
}

// shared has a thread change a variable of the main one. Between processes that is not seen; see
// examples/multiprocessing.
func (s *script) shared(ctx context.Context) error {
	n := 99
	t := thread(ctx, 1, func(context.Context) error {
		n = 1
		return nil
	})
	if err := join(ctx, t); err != nil {
		return err
	}
	s.print("---main is", n, "---")
	return nil
}

// processIDs shows that all threads are in one process.
func (s *script) processIDs(ctx context.Context) error {
	var ids []int
	err := threads(ctx, 2, func(context.Context) error {
		ids = append(ids, os.Getpid())
		return nil
	})
	s.print("the same id as main:", slices.Equal(ids, []int{os.Getpid(), os.Getpid()}))
	return err
}

// names shows t.name, current_thread(), active_count(), enumerate() and is_alive().
func (s *script) names(ctx context.Context) error {
	t := thread(ctx, 1, func(ctx context.Context) error {
		s.print(name(ctx), "is running")
		return s.sleep(ctx, 1)
	})
	s.print("---main---", t.Name(), "alive:", !t.IsDone())
	if err := async.Sleep(ctx, 0); err != nil {
		return err
	}
	all := async.AllTasks(ctx)
	s.print("active:", len(all))
	for _, t := range all {
		if t.ID() == async.CurrentTask(ctx).ID() {
			s.print("main is one of them")
		} else {
			s.print(t.Name(), "is one of them")
		}
	}
	err := join(ctx, t)
	s.print("alive:", !t.IsDone())
	return err
}

// timer is Timer(5, work, args=("laoxi",)).start(). A TimerHandle can be cancelled, as a Timer can; without a loop
// there is time.AfterFunc.
func (s *script) timer(ctx context.Context) error {
	loop, err := async.RunningLoop(ctx)
	if err != nil {
		return err
	}
	reported := async.NewFuture[async.Void](ctx)
	loop.CallLater(s.seconds(5), func() {
		s.print("I had laoxi report to me")
		reported.SetResult(async.Void{})
	})
	loop.CallLater(s.seconds(4), func() { s.print("never") }).Cancel()
	_, err = reported.Await(ctx)
	return err
}

// sayFormatSave has one thread read lines, one put them into capitals, and one append them to a file. The tutorial's
// threads look into shared lists again and again; a Queue wakes who waits for it, and its Shutdown says that no more
// will come.
func (s *script) sayFormatSave(ctx context.Context) error {
	said, formatted := async.NewQueue[string](0), async.NewQueue[string](0)
	say := func(ctx context.Context) error {
		defer said.Shutdown(false)
		lines := bufio.NewScanner(s.in)
		for lines.Scan() {
			if err := said.Put(ctx, strings.TrimSpace(lines.Text())); err != nil {
				return err
			}
		}
		return lines.Err()
	}
	format := func(ctx context.Context) error {
		defer formatted.Shutdown(false)
		for line := range said.All(ctx) {
			if err := formatted.Put(ctx, strings.ToUpper(line)); err != nil {
				return err
			}
		}
		return ctx.Err()
	}
	folder, err := os.MkdirTemp("", "threading-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	name := filepath.Join(folder, "db.txt")
	save := func(ctx context.Context) error {
		f, err := os.Create(name)
		if err != nil {
			return err
		}
		defer f.Close()
		for line := range formatted.All(ctx) {
			if _, err := fmt.Fprintln(f, line); err != nil {
				return err
			}
		}
		return errors.Join(ctx.Err(), f.Close())
	}
	err = async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
		tg.Go(say)
		tg.Go(format)
		tg.Go(save)
		return nil
	})
	if err != nil {
		return err
	}
	text, err := async.ReadFile(ctx, name)
	fmt.Fprintf(s.out, "db.txt:\n%s", text)
	return err
}
