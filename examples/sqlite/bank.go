package main

import (
	"context"
	"database/sql"
	"errors"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/future"
)

// errPoor is what a transfer gets that the account cannot pay.
var errPoor = errors.New("there is not that much in the account")

// A bank is a database with accounts. Its methods suspend the task that calls them.
type bank struct {
	db     *sql.DB
	writer *future.Pool // a view of the loop's pool
}

// open opens the database. What is read sees the last state that was committed, while a transfer is under way.
func open(file string, pool *future.Pool) (*bank, error) {
	db, err := sql.Open("sqlite", file+"?_pragma=journal_mode(wal)&_pragma=busy_timeout(10000)")
	if err != nil {
		return nil, err
	}
	return &bank{db, pool.Limit("writer", 1)}, nil
}

// write runs fn in a transaction, on the thread of the writers. A cancellation that comes before the commit takes back
// what fn has done, and the wait for that ends at once.
func (b *bank) write(ctx context.Context, fn func(tx *sql.Tx) error) error {
	_, err := async.RunInExecutor(ctx, b.writer, func() (async.Void, error) {
		tx, err := b.db.BeginTx(ctx, nil) // ctx ends with the task
		if err != nil {
			return async.Void{}, err
		}
		defer tx.Rollback() // nothing is left to take back after a commit
		if err := fn(tx); err != nil {
			return async.Void{}, err
		}
		return async.Void{}, tx.Commit()
	}).Await(ctx)
	return err
}

// create makes a number of accounts with so much in each.
func (b *bank) create(ctx context.Context, accounts, balance int) error {
	return b.write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.Exec("create table account (id integer primary key, balance integer not null)"); err != nil {
			return err
		}
		for id := 1; id <= accounts; id++ {
			if _, err := tx.Exec("insert into account values (?, ?)", id, balance); err != nil {
				return err
			}
		}
		return nil
	})
}

// transfer moves money from one account to another one, or does nothing and returns an error.
func (b *bank) transfer(ctx context.Context, from, to, amount int) error {
	return b.write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.Exec("update account set balance = balance - ? where id = ?", amount, from); err != nil {
			return err
		}
		if _, err := tx.Exec("update account set balance = balance + ? where id = ?", amount, to); err != nil {
			return err
		}
		left := 0
		if err := tx.QueryRow("select balance from account where id = ?", from).Scan(&left); err != nil {
			return err
		}
		if left < 0 {
			return errPoor
		}
		return nil
	})
}

// sum returns what is in all accounts together.
func (b *bank) sum(ctx context.Context) (int, error) {
	return async.ToThread(ctx, func(ctx context.Context) (sum int, err error) {
		err = b.db.QueryRowContext(ctx, "select sum(balance) from account").Scan(&sum)
		return sum, err
	})
}
