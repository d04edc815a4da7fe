package async_test

import (
	"bytes"
	"context"
	"runtime/pprof"
	"strings"
	"testing"

	"github.com/asyncgo/asyncgo/async"
)

// TestProfileLabels shows what docs/performance.md says of profiles: a task is a goroutine, and keeps the labels of pprof.Do
// over its waits.
func TestProfileLabels(t *testing.T) {
	// labelled returns the entries of the goroutine profile that have a label.
	labelled := func(label string) (entries []string) {
		var profile bytes.Buffer
		if err := pprof.Lookup("goroutine").WriteTo(&profile, 1); err != nil {
			t.Error(err)
		}
		for entry := range strings.SplitSeq(profile.String(), "\n\n") {
			if strings.Contains(entry, label) {
				entries = append(entries, entry)
			}
		}
		return entries
	}
	err := async.Run(func(ctx context.Context) error {
		var first, second, last async.Event
		task := async.Go(ctx, func(ctx context.Context) (err error) {
			pprof.Do(ctx, pprof.Labels("job", "import"), func(ctx context.Context) {
				if err = first.Wait(ctx); err == nil {
					err = second.Wait(ctx)
				}
			})
			if err == nil {
				err = last.Wait(ctx)
			}
			return err
		})
		step := func(e *async.Event) error {
			if e != nil {
				e.Set()
			}
			return async.Sleep(ctx, 0)
		}
		for _, e := range []*async.Event{nil, &first} {
			if err := step(e); err != nil {
				return err
			}
			entries := labelled(`"job":"import"`)
			if len(entries) != 1 {
				t.Fatalf("while the task waits, %d goroutines have its label, want 1", len(entries))
			}
			for _, part := range []string{"iter.Pull", "pprof_test.go"} {
				if !strings.Contains(entries[0], part) {
					t.Errorf("there is no %s in the entry of the task:\n%s", part, entries[0])
				}
			}
		}
		if err := step(&second); err != nil {
			return err
		}
		if entries := labelled(`"job":"import"`); len(entries) > 0 {
			t.Errorf("behind pprof.Do the label is still there:\n%s", entries[0])
		}
		last.Set()
		_, err := task.Await(ctx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestProfileLabelsOfOthers: a task gets the labels of nobody, because its goroutine is older than it or made by the loop.
func TestProfileLabelsOfOthers(t *testing.T) {
	var entries int
	err := async.Run(func(ctx context.Context) (err error) {
		var event async.Event
		pprof.Do(ctx, pprof.Labels("job", "parent"), func(ctx context.Context) {
			child := async.Go(ctx, event.Wait)
			if err = async.Sleep(ctx, 0); err != nil {
				return
			}
			var profile bytes.Buffer
			err = pprof.Lookup("goroutine").WriteTo(&profile, 1)
			entries = strings.Count(profile.String(), `"job":"parent"`)
			child.Cancel()
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if entries != 1 {
		t.Errorf("%d goroutines have the label, want the one that it was given to", entries)
	}
}
