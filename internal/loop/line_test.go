package loop_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// A bank is the plainest keeper: a number of tokens, which go to those in its line.
type bank struct {
	mu     sync.Mutex
	tokens int
	line   loop.Line
	events record
}

// take waits for a token.
func (b *bank) take(ctx context.Context, who string) error {
	var err error
	b.mu.Lock() // and no deferred Unlock, see Wait
	if b.tokens > 0 && b.line.Idle() {
		b.tokens--
	} else {
		err = b.line.Wait(ctx, &b.mu, b)
	}
	if err == nil {
		b.events.add("%s", who)
	}
	b.mu.Unlock()
	return err
}

// give gives n tokens.
func (b *bank) give(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tokens += n
	b.pass()
}

func (b *bank) pass() {
	for b.tokens > 0 && b.line.Wake() {
		b.tokens--
	}
}

// GaveUp implements loop.Keeper.
func (b *bank) GaveUp(_ *loop.Line, woken bool) {
	if b.events.add("gave-up"); woken {
		b.tokens++
	}
	b.pass()
}

func (b *bank) String() string { return "bank" }

// expectLine fails the test if others wait or are under way.
func (b *bank) expectLine(t *testing.T, waiting, underWay int) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if n, u := b.line.Len(), b.line.UnderWay(); n-u != waiting || u != underWay || b.line.Waiting() > waiting {
		t.Errorf("%d wait and %d are under way, not %d and %d", n-u, u, waiting, underWay)
	}
}

func (b *bank) expect(t *testing.T, want string) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events.expect(t, want)
}

// goTake takes a token on a goroutine of its own, which is in the line when goTake returns.
func (b *bank) goTake(ctx context.Context, who string) <-chan error {
	b.mu.Lock()
	n := b.line.Len()
	b.mu.Unlock()
	done := make(chan error, 1)
	go func() { done <- b.take(ctx, who) }()
	for joined := false; !joined; {
		_ = loop.Sleep(context.Background(), 0)
		b.mu.Lock()
		joined = b.line.Len() > n
		b.mu.Unlock()
	}
	return done
}

var stopped = &loop.Cause{Err: context.Canceled, Cause: context.Canceled, Wait: context.Canceled}

func TestLine(t *testing.T) {
	virtual := func(fn func(ctx context.Context, t *testing.T, l *loop.Loop)) func(*testing.T) {
		return func(t *testing.T) {
			inTask(t, loop.NewVirtual(), func(ctx context.Context, l *loop.Loop) { fn(ctx, t, l) })
		}
	}
	taker := func(l *loop.Loop, b *bank, who string) *job {
		return start(l.Context(), l, func(ctx context.Context) {
			if err := b.take(ctx, who); err != nil {
				b.mu.Lock()
				b.events.add("%s-not", who)
				b.mu.Unlock()
			}
		})
	}

	t.Run("tasks are served in their order, each a tick after it was woken", virtual(func(ctx context.Context, t *testing.T, l *loop.Loop) {
		var b bank
		for _, who := range []string{"A", "B", "C"} {
			taker(l, &b, who)
		}
		ticks(ctx, 1)
		b.expectLine(t, 3, 0)
		b.give(2)
		b.expectLine(t, 1, 2)
		b.expect(t, "")
		ticks(ctx, 1)
		b.expect(t, "A B")
		b.give(1)
		ticks(ctx, 1)
		b.expect(t, "A B C")
		b.expectLine(t, 0, 0)
	}))

	t.Run("WakeAll wakes everybody, and Wake nobody where nobody is", virtual(func(ctx context.Context, t *testing.T, l *loop.Loop) {
		var b bank
		b.line.WakeAll()
		if b.line.Wake() {
			t.Error("somebody was woken")
		}
		for i := range 5 {
			taker(l, &b, fmt.Sprint(i))
		}
		ticks(ctx, 1)
		b.mu.Lock()
		b.line.WakeAll()
		b.mu.Unlock()
		b.expectLine(t, 0, 5)
		ticks(ctx, 1)
		b.expect(t, "0 1 2 3 4")
	}))

	t.Run("goroutines and tasks are in one line", virtual(func(ctx context.Context, t *testing.T, l *loop.Loop) {
		var b bank
		taker(l, &b, "A")
		ticks(ctx, 1)
		g := b.goTake(context.Background(), "g")
		taker(l, &b, "B")
		ticks(ctx, 1)
		b.expectLine(t, 3, 0)
		b.give(1)
		ticks(ctx, 1)
		b.expect(t, "A")
		b.give(1)
		if err := <-g; err != nil {
			t.Error(err)
		}
		b.expect(t, "A g")
		b.give(1)
		ticks(ctx, 1)
		b.expect(t, "A g B")
	}))

	t.Run("a task that is cancelled is passed over", virtual(func(ctx context.Context, t *testing.T, l *loop.Loop) {
		var b bank
		a := taker(l, &b, "A")
		taker(l, &b, "B")
		ticks(ctx, 1)
		a.task.Cancel(stopped)
		if b.line.Idle() {
			t.Error("B does not count")
		}
		b.give(1)
		b.expectLine(t, 1, 1)
		ticks(ctx, 1)
		b.expect(t, "gave-up A-not B")
		b.expectLine(t, 0, 0)
		if a.how != "returned" {
			t.Errorf("A has %s", a.how)
		}
	}))

	t.Run("a task that is cancelled after it was woken hands on", virtual(func(ctx context.Context, t *testing.T, l *loop.Loop) {
		var b bank
		a := taker(l, &b, "A")
		taker(l, &b, "B")
		ticks(ctx, 1)
		b.give(1)
		a.task.Cancel(stopped)
		if b.line.Idle() {
			t.Error("A is under way, and does not count")
		}
		ticks(ctx, 1)
		b.expect(t, "gave-up A-not")
		ticks(ctx, 1)
		b.expect(t, "gave-up A-not B")
	}))

	t.Run("WakeFirst leaves it to one who is cancelled to hand on", virtual(func(ctx context.Context, t *testing.T, l *loop.Loop) {
		var b bank
		taker(l, &b, "A")
		ticks(ctx, 1)
		b.line.WakeFirst()
		b.expectLine(t, 0, 1)
		ticks(ctx, 1)
		a := taker(l, &b, "A")
		ticks(ctx, 1)
		a.task.Cancel(stopped)
		b.mu.Lock()
		b.line.WakeFirst()
		b.mu.Unlock()
		b.expectLine(t, 1, 0)
		if !b.line.Idle() {
			t.Error("one who is cancelled keeps newcomers out")
		}
		ticks(ctx, 1)
		b.expectLine(t, 0, 0)
		b.line.WakeFirst()
	}))

	t.Run("one who is cancelled before it waits stands in the line for a tick and gets no turn", virtual(func(ctx context.Context, t *testing.T, l *loop.Loop) {
		var b bank
		j := start(l.Context(), l, func(ctx context.Context) {
			loop.Sleep(ctx, 0)
			if err := b.take(ctx, "A"); !errors.Is(err, context.Canceled) {
				t.Errorf("take has returned %v", err)
			}
		})
		ticks(ctx, 1)
		j.task.Cancel(stopped)
		ticks(ctx, 1)
		b.give(1)
		b.expectLine(t, 1, 0)
		ticks(ctx, 1)
		b.expectLine(t, 0, 0)
		b.expect(t, "gave-up")
		if j.how != "returned" {
			t.Errorf("the task has %s", j.how)
		}
	}))

	t.Run("a derived context ends the wait", virtual(func(ctx context.Context, t *testing.T, l *loop.Loop) {
		var b bank
		derived, cancel := context.WithCancel(ctx)
		start(l.Context(), l, func(context.Context) { loop.Sleep(ctx, 0); cancel() })
		if err := b.take(derived, "A"); err == nil {
			t.Error("take has returned nil")
		}
		b.expect(t, "gave-up")
		b.expectLine(t, 0, 0)
	}))

	t.Run("a goroutine whose context ends gives up, and takes a turn that comes at the same time", func(t *testing.T) {
		var b bank
		ctx, cancel := context.WithCancel(t.Context())
		g := b.goTake(ctx, "g")
		cancel()
		if err := <-g; err == nil {
			t.Error("take has returned nil")
		}
		b.expect(t, "gave-up")
		for range 200 {
			ctx, cancel := context.WithCancel(t.Context())
			g := b.goTake(ctx, "g")
			go cancel()
			b.give(1)
			if err := <-g; err != nil {
				b.mu.Lock()
				if b.tokens != 1 {
					t.Error("a token is lost")
				}
				b.tokens = 0
				b.mu.Unlock()
			}
		}
		b.expectLine(t, 0, 0)
	})

	t.Run("a callback cannot wait", virtual(func(ctx context.Context, t *testing.T, l *loop.Loop) {
		var b bank
		loop.NewHandle(l, func() {
			if err := b.take(ctx, "callback"); !errors.Is(err, loop.ErrNotInTask) {
				t.Errorf("take has returned %v", err)
			}
			b.mu.Lock()
			defer b.mu.Unlock()
			if b.line.WaitAnyway(ctx, &b.mu, &b) {
				t.Error("WaitAnyway reports a turn")
			}
		}).Soon()
		ticks(ctx, 1)
		b.expectLine(t, 0, 0)
	}))

	t.Run("WaitAnyway does not end before its turn", virtual(func(ctx context.Context, t *testing.T, l *loop.Loop) {
		var b bank
		done := false
		j := start(l.Context(), l, func(ctx context.Context) {
			b.mu.Lock()
			turn := b.line.WaitAnyway(ctx, &b.mu, &b)
			b.mu.Unlock()
			if done = true; !turn {
				t.Error("WaitAnyway reports no turn")
			}
		})
		ticks(ctx, 1)
		j.task.Cancel(stopped)
		ticks(ctx, 3)
		if done {
			t.Error("it did not wait for its turn")
		}
		b.expectLine(t, 1, 0)
		b.give(1) // to one who is cancelled, and is not passed over
		b.expectLine(t, 0, 1)
		ticks(ctx, 1)
		if !done {
			t.Error("its turn does not end the wait")
		}
		b.expect(t, "")
	}))

	t.Run("WaitAnyway of a goroutine", func(t *testing.T) {
		var b bank
		for _, cancelled := range []bool{false, true} {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			done := make(chan struct{})
			go func() {
				defer close(done)
				b.mu.Lock()
				defer b.mu.Unlock()
				if !b.line.WaitAnyway(ctx, &b.mu, &b) {
					t.Error("WaitAnyway reports no turn")
				}
			}()
			for woken := false; !woken; {
				if cancelled {
					cancel()
				}
				b.mu.Lock()
				woken = b.line.Wake()
				b.mu.Unlock()
			}
			<-done
		}
		b.expectLine(t, 0, 0)
	})

	t.Run("a task that is unwound leaves the line, and hands on if it was woken", func(t *testing.T) {
		limited(t, func() {
			var b bank
			l := loop.New(context.Background(), loop.NewVirtual())
			taker(l, &b, "A")
			taker(l, &b, "B")
			l.Stop()
			if _, err := l.Run(); err != nil {
				t.Error(err)
			}
			g := b.goTake(context.Background(), "g")
			b.expectLine(t, 3, 0)
			b.give(1)
			b.expectLine(t, 2, 1)
			if err := l.Close(); err != nil {
				t.Error(err)
			}
			if err := <-g; err != nil {
				t.Error(err)
			}
			b.expectLine(t, 0, 0)
			b.expect(t, "gave-up gave-up g")
		})
	})
}

func TestMe(t *testing.T) {
	inTask(t, loop.NewVirtual(), func(ctx context.Context, l *loop.Loop) {
		me := loop.Me()
		if me.Task == nil || me.Task != loop.Here() || me.Goroutine != 0 {
			t.Errorf("a task is %+v", me)
		}
		start(ctx, l, func(context.Context) {
			if loop.Me() == me {
				t.Error("two tasks are the same")
			}
		})
		loop.NewHandle(l, func() {
			if who := loop.Me(); who.Task != nil || who.Goroutine == 0 {
				t.Errorf("a callback is %+v", who)
			}
		}).Soon()
		other := make(chan loop.Identity)
		go func() { other <- loop.Me() }()
		if who := <-other; who.Task != nil || who.Goroutine == 0 {
			t.Errorf("a goroutine is %+v", who)
		}
		ticks(ctx, 1)
	})
}
