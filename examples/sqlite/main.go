// Sqlite uses database/sql from tasks. A query blocks, so it runs on a thread: reads by ToThread, on the loop's pool, and
// writes on a view of that pool with one worker, because SQLite has one writer at a time. So writers wait in a queue, first
// come, first served, and not in the database, where they would poll for its lock; and they never take the threads that
// readers need.
//
// The program moves money between accounts, many transfers at once, and checks the books all the while.
//
//	go -C examples/sqlite run .
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/future"
	_ "modernc.org/sqlite"
)

func main() {
	log.SetFlags(0)
	if err := inFolder(os.Stdout, 10, 20); err != nil {
		log.Fatal("sqlite: ", err)
	}
}

// inFolder runs the program with a database that is gone afterwards.
func inFolder(out io.Writer, tasks, transfers int) (err error) {
	dir, err := os.MkdirTemp("", "sqlite-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	return run(out, filepath.Join(dir, "bank.db"), tasks, transfers)
}

// run has a number of tasks make a number of transfers each.
func run(out io.Writer, file string, tasks, transfers int) (err error) {
	pool := future.NewPool(4)
	defer pool.Shutdown(context.Background())
	b, err := open(file, pool)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.db.Close()) }()
	return async.Run(func(ctx context.Context) error {
		if err := b.create(ctx, 5, 1000); err != nil {
			return err
		}
		made, refused, audits := 0, 0, 0
		auditor := async.Go(ctx, func(ctx context.Context) error {
			for {
				sum, err := b.sum(ctx)
				if err == nil && sum != 5*1000 {
					err = fmt.Errorf("there is %d in the books", sum)
				}
				if err != nil {
					return err
				}
				audits++
			}
		})
		err := async.WithTaskGroup(ctx, func(ctx context.Context, tg *async.TaskGroup) error {
			for i := range tasks {
				tg.Go(func(ctx context.Context) error {
					for j := range transfers {
						err := b.transfer(ctx, (i+j)%5+1, (i*j+1)%5+1, 100*(j%4))
						switch {
						case errors.Is(err, errPoor):
							refused++ // one task at a time: there is nothing to lock
						case err != nil:
							return err
						default:
							made++
						}
					}
					return nil
				})
			}
			return nil
		})
		if err != nil {
			return err
		}
		auditor.Cancel()
		if _, err := auditor.Await(ctx); !errors.Is(err, async.ErrCancelled) {
			return err
		}
		sum, err := b.sum(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "transfers made: %d, refused: %d, in the books: %d\n", made, refused, sum)
		fmt.Fprintf(out, "the books were looked at meanwhile: %v\n", audits > 0)
		return nil
	}, async.DefaultExecutor(pool))
}
