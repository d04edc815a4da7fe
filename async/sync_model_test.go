package async_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/asyncgo/asyncgo/async"
)

// The tests of this file run random lists of operations on a lock and on a model of it, and compare after each operation what has
// happened and what the lock tells. The models are CPython's own algorithms, as Lib/asyncio/locks.py has them, on a loop that
// is a list of functions. An operation is a byte, so that a fuzzer can find lists too.

// A machine is a lock, real or a model, with what can be done to it.
type machine struct {
	spawn []func(who int) canceller // starts a task of some kind
	act   []func() string           // does something at once, and returns what came of it
	tick  func()
	state func() string
	end   func() // lets the tasks end
	log   *chronicle
}

type canceller interface{ cancel() }

// run does an operation and describes it.
func (m *machine) run(op byte, tasks *[]canceller) string {
	arg := int(op / 8)
	switch op % 8 {
	case 0, 1, 2:
		kind := arg % len(m.spawn)
		*tasks = append(*tasks, m.spawn[kind](len(*tasks)))
		return fmt.Sprintf("task %d of kind %d", len(*tasks)-1, kind)
	case 3:
		if len(*tasks) == 0 {
			return "nothing"
		}
		(*tasks)[arg%len(*tasks)].cancel()
		return fmt.Sprintf("cancel %d", arg%len(*tasks))
	case 4, 5:
		m.tick()
		return "tick"
	}
	return fmt.Sprintf("act %d: %s", arg%len(m.act), m.act[arg%len(m.act)]())
}

// follow runs the operations on both machines.
func follow(t *testing.T, ops []byte, real func(ctx context.Context, m *machine), model func(s *sim, m *machine)) {
	ops = ops[:min(len(ops), 200)]
	ops = append(slices.Clip(ops), 4, 4, 4, 4)
	onVirtual(t, func(ctx context.Context) error {
		r := &machine{tick: func() { ticks(ctx, 1) }, end: func() {}, log: new(chronicle)}
		real(ctx, r)
		defer func() { r.end() }()
		s := new(sim)
		m := &machine{tick: s.tick, log: new(chronicle)}
		model(s, m)
		var tasks, models []canceller
		var history []string
		for _, op := range ops {
			did := r.run(op, &tasks)
			history = append(history, did)
			if want := m.run(op, &models); did != want {
				t.Fatalf("after %q: did %q, and the model %q", history, did, want)
			}
			if got, want := r.state(), m.state(); got != want {
				t.Fatalf("after %q: is %s, and the model %s", history, got, want)
			}
			if !slices.Equal(r.log.lines, m.log.lines) {
				t.Fatalf("after %q: has logged %q, and the model %q", history, r.log.lines, m.log.lines)
			}
		}
		return nil
	})
}

// random runs a test with random lists of operations.
func random(t *testing.T, test func(t *testing.T, ops []byte)) {
	for seed := range uint64(400) {
		rnd := rand.New(rand.NewPCG(seed, 47))
		ops := make([]byte, 1+rnd.IntN(150))
		for i := range ops {
			ops[i] = byte(rnd.Uint32())
		}
		if test(t, ops); t.Failed() {
			t.Fatalf("the seed is %d", seed)
		}
	}
}

func fuzz(f *testing.F, test func(t *testing.T, ops []byte)) {
	f.Add([]byte{0, 0, 0, 4, 6, 3, 4, 4})
	f.Add([]byte{0, 8, 0, 4, 14, 3, 11, 4, 6, 4, 22, 4})
	f.Fuzz(test)
}

func TestModelLock(t *testing.T)             { random(t, followLock) }
func TestModelRLock(t *testing.T)            { random(t, followRLock) }
func TestModelSemaphore(t *testing.T)        { random(t, followSemaphore) }
func TestModelBoundedSemaphore(t *testing.T) { random(t, followBoundedSemaphore) }
func TestModelEvent(t *testing.T)            { random(t, followEvent) }
func TestModelCondition(t *testing.T)        { random(t, followCondition) }
func TestModelBarrier(t *testing.T)          { random(t, followBarrier) }

func FuzzLock(f *testing.F)             { fuzz(f, followLock) }
func FuzzRLock(f *testing.F)            { fuzz(f, followRLock) }
func FuzzSemaphore(f *testing.F)        { fuzz(f, followSemaphore) }
func FuzzBoundedSemaphore(f *testing.F) { fuzz(f, followBoundedSemaphore) }
func FuzzEvent(f *testing.F)            { fuzz(f, followEvent) }
func FuzzCondition(f *testing.F)        { fuzz(f, followCondition) }
func FuzzBarrier(f *testing.F)          { fuzz(f, followBarrier) }

// A realTask is a task of the real loop.
type realTask struct{ doer }

func (t realTask) cancel() { t.Cancel() }

// spawning returns a kind of task that runs fn.
func (m *machine) spawning(ctx context.Context, fn func(ctx context.Context, say func(format string, args ...any)) error) {
	m.spawn = append(m.spawn, func(who int) canceller {
		return realTask{async.Go(ctx, func(ctx context.Context) error {
			return fn(ctx, func(format string, args ...any) { m.log.add("%d %s", who, fmt.Sprintf(format, args...)) })
		})}
	})
}

// A sim is the loop of a model.
type sim struct{ ready []func() }

func (s *sim) tick() {
	now := s.ready
	s.ready = nil
	for _, fn := range now {
		fn()
	}
}

func (s *sim) soon(fn func()) { s.ready = append(s.ready, fn) }

// A simTask is a task of a model, in continuations.
type simTask struct {
	s       *sim
	name    int
	log     *chronicle
	started bool
	must    bool // a cancellation is still to be delivered
	waits   *simFuture
}

// A simFuture is what a task of a model waits for.
type simFuture struct {
	task      *simTask
	done      bool
	cancelled bool
	then      func(cancelled bool)
}

func (t *simTask) say(format string, args ...any) {
	t.log.add("%d %s", t.name, fmt.Sprintf(format, args...))
}

func (m *machine) simulating(s *sim, body func(t *simTask)) {
	m.spawn = append(m.spawn, func(who int) canceller {
		t := &simTask{s: s, name: who, log: m.log}
		s.soon(func() {
			if !t.must {
				t.started = true
				body(t)
			}
		})
		return t
	})
}

func (t *simTask) cancel() {
	if f := t.waits; f != nil && !f.done {
		f.cancelled = true
		f.settle()
		return
	}
	t.must = true
}

// settle is set_result, or what follows a cancel.
func (f *simFuture) settle() {
	f.done = true
	f.task.s.soon(func() {
		f.task.waits = nil
		f.then(f.cancelled || f.task.must)
	})
}

// wait has a task wait in a deque.
func (t *simTask) wait(deque *[]*simFuture, then func(cancelled bool)) {
	f := &simFuture{task: t}
	f.then = func(cancelled bool) {
		i := slices.Index(*deque, f)
		*deque = slices.Delete(*deque, i, i+1)
		then(cancelled)
	}
	t.waits = f
	*deque = append(*deque, f)
}

// sleep is sleep(0).
func (t *simTask) sleep(then func(cancelled bool)) {
	f := &simFuture{task: t, then: then}
	t.waits = f
	f.settle()
}

// allCancelled reports whether nobody in a deque will have a turn.
func allCancelled(deque []*simFuture) bool {
	return !slices.ContainsFunc(deque, func(f *simFuture) bool { return !f.cancelled })
}

// wake settles up to n futures that are not done, and returns how many.
func wake(deque []*simFuture, n int) (woken int) {
	for _, f := range deque {
		if woken < n && !f.done {
			f.settle()
			woken++
		}
	}
	return woken
}

// A simLock is asyncio.Lock.
type simLock struct {
	locked  bool
	waiters []*simFuture
}

func (l *simLock) tryAcquire() bool {
	if l.locked || !allCancelled(l.waiters) {
		return false
	}
	l.locked = true
	return true
}

func (l *simLock) acquire(t *simTask, then func(cancelled bool)) {
	if l.tryAcquire() {
		then(false)
		return
	}
	t.wait(&l.waiters, func(cancelled bool) {
		if cancelled && !l.locked {
			l.wakeFirst()
		}
		if !cancelled {
			l.locked = true
		}
		then(cancelled)
	})
}

func (l *simLock) release() {
	l.locked = false
	l.wakeFirst()
}

func (l *simLock) wakeFirst() {
	if len(l.waiters) > 0 && !l.waiters[0].done {
		l.waiters[0].settle()
	}
}

func lockState(name string, locked bool, waiters int) string {
	s := name + "(unlocked"
	if locked {
		s = name + "(locked"
	}
	if waiters > 0 {
		s += fmt.Sprintf(", waiters: %d", waiters)
	}
	return s + ")"
}

func followLock(t *testing.T, ops []byte) {
	follow(t, ops, func(ctx context.Context, m *machine) {
		var l async.Lock
		m.spawning(ctx, func(ctx context.Context, say func(string, ...any)) error {
			err := l.Acquire(ctx)
			if err == nil {
				say("has it")
			}
			return err
		})
		m.spawning(ctx, func(ctx context.Context, say func(string, ...any)) error {
			if err := l.Acquire(ctx); err != nil {
				return err
			}
			say("has it once")
			l.Release()
			if err := l.Acquire(ctx); err != nil {
				return err
			}
			say("has it twice")
			return nil
		})
		release := func() string {
			if !l.Locked() {
				return raised(l.Release)
			}
			l.Release()
			return ""
		}
		m.act = []func() string{release, release, func() string { return fmt.Sprint(l.TryAcquire()) }}
		m.state = l.String
	}, func(s *sim, m *machine) {
		var l simLock
		m.simulating(s, func(t *simTask) {
			l.acquire(t, func(cancelled bool) {
				if !cancelled {
					t.say("has it")
				}
			})
		})
		m.simulating(s, func(t *simTask) {
			l.acquire(t, func(cancelled bool) {
				if cancelled {
					return
				}
				t.say("has it once")
				l.release()
				l.acquire(t, func(cancelled bool) {
					if !cancelled {
						t.say("has it twice")
					}
				})
			})
		})
		release := func() string {
			if !l.locked {
				return "Lock is not acquired"
			}
			l.release()
			return ""
		}
		m.act = []func() string{release, release, func() string { return fmt.Sprint(l.tryAcquire()) }}
		m.state = func() string { return lockState("Lock", l.locked, len(l.waiters)) }
	})
}

func followEvent(t *testing.T, ops []byte) {
	follow(t, ops, func(ctx context.Context, m *machine) {
		var ev async.Event
		m.spawning(ctx, func(ctx context.Context, say func(string, ...any)) error {
			err := ev.Wait(ctx)
			if err == nil {
				say("goes on")
			}
			return err
		})
		m.act = []func() string{func() string { ev.Set(); return "" }, func() string { ev.Clear(); return "" }}
		m.state = func() string { return fmt.Sprint(ev.IsSet(), ev.Stats().Waiters) }
	}, func(s *sim, m *machine) {
		set := false
		var waiters []*simFuture
		m.simulating(s, func(t *simTask) {
			if set {
				t.say("goes on")
				return
			}
			t.wait(&waiters, func(cancelled bool) {
				if !cancelled {
					t.say("goes on")
				}
			})
		})
		m.act = []func() string{
			func() string {
				if !set {
					set = true
					wake(waiters, len(waiters))
				}
				return ""
			},
			func() string { set = false; return "" },
		}
		m.state = func() string { return fmt.Sprint(set, len(waiters)) }
	})
}

// A simCondition is asyncio.Condition, but for a task that is cancelled more than once while it waits for the lock: asyncio's goes to
// the end of the line each time, ours once, because a cancellation is a level.
type simCondition struct {
	lock    simLock
	waiters []*simFuture
}

func (c *simCondition) wait(t *simTask, then func(cancelled bool)) {
	c.lock.release()
	t.wait(&c.waiters, func(cancelled bool) {
		end := func() {
			if cancelled {
				wake(c.waiters, 1)
			}
			then(cancelled)
		}
		if cancelled {
			c.lock.acquireAnyway(t, end)
			return
		}
		c.lock.acquire(t, func(lost bool) {
			if cancelled = lost; lost {
				c.lock.acquireAnyway(t, end)
			} else {
				end()
			}
		})
	})
}

// acquireAnyway waits for a turn that nothing else ends.
func (l *simLock) acquireAnyway(t *simTask, then func()) {
	if l.tryAcquire() {
		then()
		return
	}
	f := &simFuture{task: t}
	f.then = func(bool) {
		l.waiters = slices.DeleteFunc(l.waiters, func(o *simFuture) bool { return o == f })
		l.locked = true
		then()
	}
	l.waiters = append(l.waiters, f) // and t.waits is nil: nothing reaches it but its turn
}

func followCondition(t *testing.T, ops []byte) {
	follow(t, ops, func(ctx context.Context, m *machine) {
		var l async.Lock
		cond := async.NewCondition(&l)
		m.spawning(ctx, func(ctx context.Context, say func(string, ...any)) error {
			return cond.With(ctx, func(ctx context.Context) error {
				say("waits")
				err := cond.Wait(ctx)
				say("waited, cancelled %t", errors.Is(err, async.ErrCancelled))
				return err
			})
		})
		m.spawning(ctx, func(ctx context.Context, say func(string, ...any)) error {
			return cond.With(ctx, func(ctx context.Context) error {
				say("has the lock")
				return giveWay(ctx)
			})
		})
		held := false
		m.act = []func() string{
			func() string {
				if held {
					held = false
					l.Release()
					return "released"
				}
				held = l.TryAcquire()
				return fmt.Sprint(held)
			},
			func() string { return raised(func() { cond.Notify(1) }) },
			func() string { return raised(cond.NotifyAll) },
		}
		m.state = func() string { return fmt.Sprint(&l, cond) }
		m.end = func() {
			if held {
				l.Release()
			}
		}
	}, func(s *sim, m *machine) {
		var cond simCondition
		l := &cond.lock
		m.simulating(s, func(t *simTask) {
			l.acquire(t, func(cancelled bool) {
				if cancelled {
					return
				}
				t.say("waits")
				cond.wait(t, func(cancelled bool) {
					t.say("waited, cancelled %t", cancelled)
					l.release()
				})
			})
		})
		m.simulating(s, func(t *simTask) {
			l.acquire(t, func(cancelled bool) {
				if cancelled {
					return
				}
				t.say("has the lock")
				t.sleep(func(bool) { l.release() })
			})
		})
		held := false
		notify := func(n func() int) func() string {
			return func() string {
				if !l.locked {
					return "cannot notify on un-acquired lock"
				}
				wake(cond.waiters, n())
				return ""
			}
		}
		m.act = []func() string{
			func() string {
				if held {
					held = false
					l.release()
					return "released"
				}
				held = l.tryAcquire()
				return fmt.Sprint(held)
			},
			notify(func() int { return 1 }),
			notify(func() int { return len(cond.waiters) }),
		}
		m.state = func() string {
			return fmt.Sprint(lockState("Lock", l.locked, len(l.waiters)), " ", lockState("Condition", l.locked, len(cond.waiters)))
		}
	})
}

// A simBarrier is asyncio.Barrier, without the lock of its condition: nobody holds that across a wait.
type simBarrier struct {
	state   string
	count   int
	inside  []*simFuture
	outside []*simFuture
}

func (b *simBarrier) wakeAll() {
	wake(b.inside, len(b.inside))
	wake(b.outside, len(b.outside))
}

func (b *simBarrier) wait(t *simTask, parties int, then func(index int, outcome string)) {
	if b.state == "draining" || b.state == "resetting" {
		t.wait(&b.outside, func(cancelled bool) {
			if cancelled {
				b.passOn()
			} else {
				b.wait(t, parties, then)
			}
		})
		return
	}
	if b.state == "broken" {
		then(0, "async: Barrier aborted")
		return
	}
	index := b.count
	b.count++
	exit := func() {
		if b.count--; b.count == 0 {
			if b.state != "broken" {
				b.state = "filling"
			}
			b.wakeAll()
		}
	}
	if b.count == parties {
		b.state = "draining"
		b.wakeAll()
		exit()
		then(index, "<nil>")
		return
	}
	var enter func(cancelled bool)
	enter = func(cancelled bool) {
		if !cancelled && b.state == "filling" { // woken for nothing
			t.wait(&b.inside, enter)
			return
		}
		if cancelled {
			b.passOn()
		}
		state := b.state
		exit()
		switch {
		case cancelled:
		case state == "draining":
			then(index, "<nil>")
		default:
			then(0, "async: Abort or reset of barrier")
		}
	}
	t.wait(&b.inside, enter)
}

// passOn is what Condition.wait does when it is cancelled: it notifies one more.
func (b *simBarrier) passOn() {
	if wake(b.inside, 1) == 0 {
		wake(b.outside, 1)
	}
}

func followBarrier(t *testing.T, ops []byte) {
	const parties = 3
	follow(t, ops, func(ctx context.Context, m *machine) {
		b := async.NewBarrier(parties)
		m.spawning(ctx, func(ctx context.Context, say func(string, ...any)) error {
			index, err := b.Wait(ctx)
			if !errors.Is(err, async.ErrCancelled) {
				say("%d %v", index, err)
			}
			return nil
		})
		m.act = []func() string{
			func() string { b.Reset(); return "" },
			func() string { b.Abort(); return "" },
			func() string { return fmt.Sprint(b.Broken(), b.Waiting()) },
			func() string { return "" },
		}
		m.state = func() string {
			s := b.Stats()
			return fmt.Sprint(s.State, " ", s.Inside, " ", s.Outside)
		}
	}, func(s *sim, m *machine) {
		b := simBarrier{state: "filling"}
		m.simulating(s, func(t *simTask) {
			b.wait(t, parties, func(index int, outcome string) { t.say("%d %s", index, outcome) })
		})
		m.act = []func() string{
			func() string {
				b.state = "filling"
				if b.count > 0 {
					b.state = "resetting"
				}
				b.wakeAll()
				return ""
			},
			func() string {
				b.state = "broken"
				b.wakeAll()
				return ""
			},
			func() string {
				waiting := 0
				if b.state == "filling" {
					waiting = b.count
				}
				return fmt.Sprint(b.state == "broken", waiting)
			},
			func() string { return "" },
		}
		m.state = func() string { return fmt.Sprint(b.state, " ", b.count, " ", len(b.outside)) }
	})
}
