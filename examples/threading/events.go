package main

import (
	"context"

	"github.com/asyncgo/asyncgo/async"
)

// polling is a client that asks once a second whether its server runs.
func (s *script) polling(ctx context.Context) error {
	boot := false
	server := func(ctx context.Context) error {
		s.print("正在启动....")
		if err := s.sleep(ctx, 4.5); err != nil {
			return err
		}
		s.print("启动....成功")
		boot = true
		return nil
	}
	client := func(ctx context.Context) error {
		for {
			s.print("连接服务器....")
			if err := s.sleep(ctx, 1); err != nil {
				return err
			}
			if boot {
				s.print("连接成功")
				return nil
			}
			s.print("error 连接失败 服务器未启动!!")
		}
	}
	return both(ctx, server, client)
}

// event is a client that is told.
func (s *script) event(ctx context.Context) error {
	var running async.Event
	server := func(ctx context.Context) error {
		s.print("正在启动....")
		if err := s.sleep(ctx, 5); err != nil {
			return err
		}
		s.print("启动....成功")
		running.Set()
		return nil
	}
	client := func(ctx context.Context) error {
		if err := running.Wait(ctx); err != nil {
			return err
		}
		s.print("连接成功!")
		return nil
	}
	return both(ctx, server, client)
}

// both runs two threads and joins them.
func both(ctx context.Context, t1, t2 func(context.Context) error) error {
	return async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
		tg.Go(t1)
		tg.Go(t2)
		return nil
	})
}

// semaphore lets five of ten threads in at a time. active_count() counts the main thread too.
func (s *script) semaphore(ctx context.Context) error {
	sm := async.NewSemaphore(5)
	inside, most := 0, 0
	var all []*async.Task[async.Void]
	for i := range 10 {
		all = append(all, thread(ctx, i+1, func(ctx context.Context) error {
			return sm.With(ctx, func(ctx context.Context) error {
				inside++
				most = max(most, inside)
				err := s.sleep(ctx, 0.5)
				inside--
				return err
			})
		}))
	}
	s.print(len(async.AllTasks(ctx)))
	_, err := async.GatherOf(ctx, all)
	s.print("at most", most, "at a time")
	return err
}
