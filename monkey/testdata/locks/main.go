// Locks has tasks wait for each other by the locks of package sync, and hold them across waits.
package main

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/monkey"
)

func main() {
	report, err := monkey.PatchAll()
	if err != nil || !monkey.IsPatched("sync") {
		panic(report.String())
	}
	for _, test := range []struct {
		name string
		body func(ctx context.Context) string
	}{
		{"Mutex", mutex}, {"RWMutex", rwMutex}, {"WaitGroup", waitGroup}, {"Cond", cond}, {"Once", once}, {"asyncgo's own", own},
	} {
		async.Run(func(ctx context.Context) error {
			fmt.Println(test.name+":", test.body(ctx))
			return nil
		})
	}
}

// each runs fn in n tasks and waits for all.
func each(ctx context.Context, n int, fn func(i int)) {
	async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
		for i := range n {
			tg.Go(func(context.Context) error {
				fn(i)
				return nil
			})
		}
		return nil
	})
}

func mutex(ctx context.Context) string {
	var mu sync.Mutex
	inside, total := 0, 0
	each(ctx, 20, func(int) {
		for range 5 {
			mu.Lock()
			inside++
			time.Sleep(time.Millisecond)
			if inside != 1 {
				panic("two have the lock")
			}
			inside--
			total++
			mu.Unlock()
		}
	})
	return fmt.Sprint(total)
}

func rwMutex(ctx context.Context) string {
	var mu sync.RWMutex
	readers, most, total := 0, 0, 0
	each(ctx, 20, func(i int) {
		if i%5 == 0 {
			mu.Lock()
			if readers != 0 {
				panic("there are readers")
			}
			time.Sleep(time.Millisecond)
			total++
			mu.Unlock()
			return
		}
		mu.RLock()
		readers++
		most = max(most, readers)
		time.Sleep(time.Millisecond)
		readers--
		total++
		mu.RUnlock()
	})
	return fmt.Sprint(total, most > 1)
}

func waitGroup(ctx context.Context) string {
	var wg sync.WaitGroup
	wg.Add(3)
	for range 3 {
		async.Go(ctx, func(context.Context) error {
			time.Sleep(time.Millisecond)
			wg.Done()
			return nil
		})
	}
	wg.Wait()
	return "done"
}

func cond(ctx context.Context) string {
	var mu sync.Mutex
	c := sync.NewCond(&mu)
	ready := false
	async.Go(ctx, func(context.Context) error {
		mu.Lock()
		ready = true
		mu.Unlock()
		c.Broadcast()
		return nil
	})
	mu.Lock()
	defer mu.Unlock()
	for !ready {
		c.Wait()
	}
	return "woken"
}

func once(ctx context.Context) string {
	var o sync.Once
	calls := 0
	each(ctx, 5, func(int) {
		o.Do(func() {
			time.Sleep(time.Millisecond)
			calls++
		})
	})
	return fmt.Sprint(calls)
}

// own has a task wait for a lock of asyncgo's own, which a goroutine holds. Such a lock is taken as it is: the task stays in the
// loop, and nobody else runs before it has the lock.
func own(ctx context.Context) string {
	held, release := make(chan struct{}), make(chan struct{})
	q := async.NewPriorityQueue(0, func(a, b int) bool {
		close(held)
		<-release
		return a < b
	})
	check(q.PutNowait(1))
	go func() { check(q.PutNowait(2)) }() // it compares while the queue is locked
	<-held
	go func() {
		defer close(release)
		for !waiting("main.own(") {
			time.Sleep(time.Millisecond)
		}
	}()
	var order []string
	other := async.Go(ctx, func(context.Context) error {
		order = append(order, "other")
		return nil
	})
	n := q.Len()
	order = append(order, fmt.Sprint("Len ", n))
	_, err := other.Await(ctx)
	check(err)
	return strings.Join(order, ", ")
}

// waiting reports whether a goroutine with a function on its stack waits for a Mutex.
func waiting(function string) bool {
	stacks := make([]byte, 1<<20)
	for stack := range strings.SplitSeq(string(stacks[:runtime.Stack(stacks, true)]), "\n\n") {
		if strings.Contains(stack, function) && strings.Contains(stack, "[sync.Mutex.Lock") {
			return true
		}
	}
	return false
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
