package main

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/async/asynctest"
	"github.com/asyncgo/asyncgo/future"
)

// TestMain also shows that nothing of a pool or a database outlives it.
func TestMain(m *testing.M) {
	asynctest.VerifyTestMain(m)
}

func TestRun(t *testing.T) {
	var out strings.Builder
	if err := inFolder(&out, 10, 20); err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(`^transfers made: \d+, refused: \d+, in the books: 5000\nthe books were looked at meanwhile: true\n$`)
	if !want.MatchString(out.String()) {
		t.Errorf("sqlite prints %q", out.String())
	}
}

// inBank runs a test with a bank of two accounts.
func inBank(t *testing.T, body func(ctx context.Context, b *bank) error) {
	t.Helper()
	pool := future.NewPool(4)
	defer pool.Shutdown(context.Background())
	b, err := open(filepath.Join(t.TempDir(), "bank.db"), pool)
	if err != nil {
		t.Fatal(err)
	}
	defer b.db.Close()
	err = async.Run(func(ctx context.Context) error {
		if err := b.create(ctx, 2, 100); err != nil {
			return err
		}
		return body(ctx, b)
	}, async.DefaultExecutor(pool))
	if err != nil {
		t.Error(err)
	}
}

func TestBank(t *testing.T) {
	t.Run("a transfer that cannot be paid changes nothing", func(t *testing.T) {
		inBank(t, func(ctx context.Context, b *bank) error {
			if err := b.transfer(ctx, 1, 2, 101); !errors.Is(err, errPoor) {
				t.Errorf("transfer returns %v", err)
			}
			if err := b.transfer(ctx, 1, 2, 100); err != nil {
				t.Errorf("transfer returns %v", err)
			}
			return nil
		})
	})
	t.Run("a write in the queue that is cancelled never begins", func(t *testing.T) {
		inBank(t, func(ctx context.Context, b *bank) error {
			release := make(chan struct{})
			first := async.Go(ctx, func(ctx context.Context) error {
				return b.write(ctx, func(*sql.Tx) error { <-release; return nil })
			})
			ran := false
			second := async.Go(ctx, func(ctx context.Context) error {
				return b.write(ctx, func(*sql.Tx) error { ran = true; return nil })
			})
			for b.writer.Stats().Queued == 0 {
				if err := async.Sleep(ctx, 0); err != nil {
					return err
				}
			}
			if n, err := b.sum(ctx); n != 200 || err != nil { // readers are not in that queue
				t.Errorf("sum returns %d, %v", n, err)
			}
			second.Cancel()
			if _, err := second.Await(ctx); !errors.Is(err, async.ErrCancelled) {
				t.Errorf("the second write returns %v", err)
			}
			close(release)
			if _, err := first.Await(ctx); err != nil {
				return err
			}
			if err := b.transfer(ctx, 1, 2, 0); err != nil { // behind whatever was in the queue
				return err
			}
			if ran {
				t.Error("the second write has begun")
			}
			return nil
		})
	})
	t.Run("a write that is cancelled in the middle is taken back", func(t *testing.T) {
		inBank(t, func(ctx context.Context, b *bank) error {
			begun, release := make(chan struct{}), make(chan struct{})
			write := async.Go(ctx, func(ctx context.Context) error {
				return b.write(ctx, func(tx *sql.Tx) error {
					_, err := tx.Exec("update account set balance = 7")
					close(begun)
					<-release
					return err
				})
			})
			if _, err := async.ToThread(ctx, func(context.Context) (async.Void, error) { <-begun; return async.Void{}, nil }); err != nil {
				return err
			}
			write.Cancel()
			if _, err := write.Await(ctx); !errors.Is(err, async.ErrCancelled) {
				t.Errorf("the write returns %v", err)
			}
			close(release)
			if err := b.transfer(ctx, 1, 2, 0); err != nil { // behind it
				return err
			}
			if n, err := b.sum(ctx); n != 200 || err != nil {
				t.Errorf("sum returns %d, %v", n, err)
			}
			return nil
		})
	})
}
