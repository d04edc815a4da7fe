package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/async/asynctest"
	"github.com/asyncgo/asyncgo/internal/witness"
)

// TestMain also shows that nothing of a loop outlives it.
func TestMain(m *testing.M) {
	asynctest.VerifyTestMain(m)
}

func TestPipeline(t *testing.T) {
	var out strings.Builder
	if err := run(&out, 100000); err != nil {
		t.Fatal(err)
	}
	const want = "40951 numbers have a 7\ncode 0\ncode 0\ncode 0\n"
	if out.String() != want {
		t.Errorf("pipeline prints %q and not %q", out.String(), want)
	}
}

func TestPipelineCancelled(t *testing.T) {
	const endless = 1 << 60
	t.Run("a run that is cancelled in the middle of the flow leaves no process and no goroutine", func(t *testing.T) {
		before := goleak.IgnoreCurrent()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var out strings.Builder
		err := async.Run(func(ctx context.Context) error {
			ps, err := start(ctx, endless)
			if err != nil {
				return err
			}
			async.Go(ctx, func(ctx context.Context) error {
				for ps[1].Stdout().Buffered() == 0 { // grep has had numbers from seq, and wc is about to have some
					if err := async.Sleep(ctx, time.Millisecond); err != nil {
						return err
					}
				}
				cancel()
				return nil
			})
			err = flow(ctx, &out, ps)
			for _, p := range ps { // as in asyncio, a cancellation kills none: that is for the end of the loop
				if code, ended := p.ReturnCode(); ended && code != 0 {
					t.Errorf("process %d has ended with the code %d", p.PID(), code)
				}
			}
			return err
		}, async.WithContext(ctx))
		if !errors.Is(err, async.ErrCancelled) {
			t.Errorf("the run has ended with %v", err)
		}
		if out.Len() > 0 {
			t.Errorf("it has printed %q", out.String())
		}
		goleak.VerifyNone(t, before)
		witness.NoChild(t)
	})
	t.Run("a run that is cancelled while the processes start leaves none, at whatever moment", func(t *testing.T) {
		for tick := range 30 {
			before := goleak.IgnoreCurrent()
			ctx, cancel := context.WithCancel(t.Context())
			err := async.Run(func(ctx context.Context) error {
				async.Go(ctx, func(ctx context.Context) error {
					for range tick {
						if err := async.Sleep(ctx, 100*time.Microsecond); err != nil {
							return err
						}
					}
					cancel()
					return nil
				})
				ps, err := start(ctx, endless)
				if err != nil {
					return err
				}
				return flow(ctx, new(strings.Builder), ps)
			}, async.WithContext(ctx))
			cancel()
			if !errors.Is(err, async.ErrCancelled) {
				t.Errorf("the run has ended with %v", err)
			}
			goleak.VerifyNone(t, before)
			witness.NoChild(t)
		}
	})
}
