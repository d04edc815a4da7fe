package loop_test

import (
	"context"
	"testing"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// A lifo is a scheduler that runs the task that became ready last.
type lifo struct {
	*record
	names map[*loop.Task]string
	hit   *loop.Task // the task to panic in its next wait
}

func (s *lifo) Choose(ready []*loop.Task) int {
	t := ready[len(ready)-1]
	s.add("run:%s/%d", s.names[t], len(ready))
	return len(ready) - 1
}

func (s *lifo) Suspended(t *loop.Task) {
	s.add("wait:%s", s.names[t])
	if s.hit == t {
		s.hit = nil
		t.InjectPanic("injected")
	}
}

func (s *lifo) Resumed(*loop.Task) {}

func TestScheduler(t *testing.T) {
	run := func(t *testing.T, s *lifo, program func(ctx context.Context, l *loop.Loop)) {
		t.Helper()
		limited(t, func() {
			l := loop.New(context.Background(), loop.NewVirtual())
			l.SetScheduler(s)
			j := start(l.Context(), l, func(ctx context.Context) {
				defer l.Stop()
				program(ctx, l)
			})
			s.names[&j.task] = "main"
			if _, err := l.Run(); err != nil {
				t.Error(err)
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("it chooses among all the tasks that are ready, and callbacks go first", func(t *testing.T) {
		var r record
		s := &lifo{record: &r, names: map[*loop.Task]string{}}
		run(t, s, func(ctx context.Context, l *loop.Loop) {
			for _, name := range []string{"a", "b"} {
				j := start(ctx, l, func(ctx context.Context) { ticks(ctx, 1) })
				s.names[&j.task] = name
			}
			loop.NewHandle(l, func() { r.add("callback") }).Soon()
			ticks(ctx, 1)
			ticks(ctx, 1)
		})
		r.expect(t, "run:main/1 wait:main callback run:main/3 wait:main run:main/3")
	})
	t.Run("a panic can be injected into a wait, and nothing is left of the wait", func(t *testing.T) {
		var r record
		s := &lifo{record: &r, names: map[*loop.Task]string{}}
		run(t, s, func(ctx context.Context, l *loop.Loop) {
			n := new(never)
			j := start(ctx, l, func(ctx context.Context) {
				for range 2 {
					func() {
						defer func() {
							if v := recover(); v != nil {
								r.add("panic:%v", v)
							}
						}()
						n.Wait(ctx, n)
					}()
				}
			})
			s.names[&j.task], s.hit = "a", &j.task
			loop.NewHandle(l, func() {
				r.add("waiting:%d", n.Waiting())
				n.Begin()
				n.Commit(loop.Succeeded)
			}).At(1)
			j.end.Wait(ctx, j)
		})
		r.expect(t, "run:main/1 wait:main run:a/1 wait:a run:a/1 panic:injected wait:a waiting:1 run:a/1 run:main/1")
	})
}
