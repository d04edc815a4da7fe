package async_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"
	"weak"

	"github.com/asyncgo/asyncgo/async"
)

// A queueWay is who uses a queue: tasks of so many loops, and plain goroutines.
type queueWay struct {
	name  string
	loops int
	plain bool
}

// TestQueueSuite has a hundred parties put and take items over each kind of queue, in each way,
// while their waits are cancelled and run out of time at random. Every item has to arrive exactly
// once, nobody may wait for ever, and a Queue has to keep the order.
func TestQueueSuite(t *testing.T) {
	for _, kind := range []queueKind{fifoKind, lifoKind, heapKind} {
		for _, way := range []queueWay{
			{"tasks", 1, false},
			{"goroutines", 0, true},
			{"tasks of two loops", 2, false},
			{"tasks of two loops and goroutines", 2, true},
		} {
			t.Run(kind.name+"/"+way.name, func(t *testing.T) {
				guarded(t, func() { newQueueSuite(t, kind).run(way) })
			})
		}
	}
}

// A queueSuite is one run of the suite. An item's rank is its producer, and its id counts up.
type queueSuite struct {
	t         *testing.T
	kind      queueKind
	q         modelledQueue
	producers sync.WaitGroup

	mu    sync.Mutex
	taken [][]modelItem // by consumer
}

const (
	suiteParties = 100 // half of them produce
	suiteItems   = 100 // of each producer
)

func newQueueSuite(t *testing.T, kind queueKind) *queueSuite {
	return &queueSuite{t: t, kind: kind, q: kind.make(3)}
}

func (s *queueSuite) run(way queueWay) {
	hosts := make([][]func(context.Context) error, way.loops)
	var all sync.WaitGroup
	for i := range suiteParties {
		party := s.consumer(i)
		if i%2 == 0 {
			party = s.producer(i)
			s.producers.Add(1)
		}
		host := i / 2 % (way.loops + 1)
		switch {
		case !way.plain:
			hosts[i/2%way.loops] = append(hosts[i/2%way.loops], party)
		case host < way.loops:
			hosts[host] = append(hosts[host], party)
		default:
			all.Go(func() { s.check("a goroutine", party(context.Background())) })
		}
	}
	for _, parties := range hosts {
		all.Go(func() {
			s.check("a loop", async.Run(func(ctx context.Context) error {
				var tasks []*async.Task[async.Void]
				for _, party := range parties {
					tasks = append(tasks, async.Go(ctx, party))
				}
				_, err := async.GatherOf(ctx, tasks)
				return err
			}))
		})
	}
	all.Go(func() {
		s.producers.Wait()
		s.check("join", s.q.Join(context.Background()))
		s.q.Shutdown(false)
	})
	all.Wait()
	s.judge()
}

func (s *queueSuite) check(what string, err error) {
	if err != nil {
		s.t.Errorf("%s has ended with %v", what, err)
	}
}

// judge looks at what was taken.
func (s *queueSuite) judge() {
	expectEqual(s.t, "the statistics", s.q.Stats(), async.QueueStats{Shutdown: true})
	seen := map[modelItem]int{}
	for _, items := range s.taken {
		last := map[int]int{}
		for _, i := range items {
			seen[i]++
			if s.kind.name == "Queue" && i.id < last[i.rank] {
				s.t.Errorf("a consumer took item %d of producer %d after item %d", i.id, i.rank, last[i.rank])
			}
			last[i.rank] = i.id
		}
	}
	expectEqual(s.t, "the number of items", len(seen), suiteParties/2*suiteItems)
	for i, n := range seen {
		if n != 1 {
			s.t.Errorf("item %v was taken %d times", i, n)
		}
	}
}

// producer puts its items in, each as often as it is told that it was not put.
func (s *queueSuite) producer(n int) func(context.Context) error {
	return func(ctx context.Context) error {
		defer s.producers.Done()
		random := rand.New(rand.NewPCG(uint64(n), 2))
		for id := 1; id <= suiteItems; {
			item := modelItem{n, id}
			err := disturbed(ctx, random, func(ctx context.Context) error {
				if random.IntN(8) == 0 {
					return s.q.PutNowait(item)
				}
				return s.q.Put(ctx, item)
			})
			switch {
			case err == nil:
				id++
			case errors.Is(err, async.ErrQueueFull):
				if err := giveWay(ctx); err != nil {
					return err
				}
			case !isDisturbance(err):
				return fmt.Errorf("producer %d: %w", n, err)
			}
		}
		return nil
	}
}

// consumer takes items until the queue is shut down.
func (s *queueSuite) consumer(n int) func(context.Context) error {
	return func(ctx context.Context) error {
		random := rand.New(rand.NewPCG(uint64(n), 3))
		var taken []modelItem
		defer func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.taken = append(s.taken, taken)
		}()
		for {
			err := disturbed(ctx, random, func(ctx context.Context) error {
				get := s.q.Get
				if random.IntN(8) == 0 {
					get = func(context.Context) (modelItem, error) { return s.q.GetNowait() }
				}
				item, err := get(ctx)
				if err == nil {
					taken = append(taken, item)
					s.q.TaskDone()
				}
				return err
			})
			switch {
			case errors.Is(err, async.ErrQueueShutdown):
				return nil
			case errors.Is(err, async.ErrQueueEmpty):
				if err := giveWay(ctx); err != nil {
					return err
				}
			case err != nil && !isDisturbance(err):
				return fmt.Errorf("consumer %d: %w", n, err)
			}
		}
	}
}

func isDisturbance(err error) bool {
	return errors.Is(err, async.ErrCancelled) || errors.Is(err, async.ErrTimeout)
}

// disturbed calls fn and mostly does something to its ctx meanwhile. It returns what fn has.
func disturbed(ctx context.Context, random *rand.Rand, fn func(context.Context) error) error {
	soon := time.Duration(random.IntN(200)) * time.Microsecond
	switch random.IntN(5) {
	case 0: // a timeout, of the loop if there is one
		ctx, cancel := async.WithTimeout(ctx, soon)
		defer cancel()
		return fn(ctx)
	case 1: // a context of the standard library that somebody else cancels
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer time.AfterFunc(soon, cancel).Stop()
		return fn(ctx)
	case 2: // a task that somebody else cancels
		if async.CurrentTask(ctx) == nil {
			return fn(ctx)
		}
		err := error(async.ErrCancelled) // it may be cancelled before it begins
		task := async.Go(ctx, func(ctx context.Context) error {
			err = fn(ctx)
			return nil
		})
		defer time.AfterFunc(soon, func() { task.Cancel() }).Stop()
		if _, werr := task.Await(ctx); werr != nil && !errors.Is(werr, async.ErrCancelled) {
			return werr
		}
		return err
	}
	return fn(ctx)
}

// Tasks and goroutines that stand in one line get their items in the order in which they have come.
func TestQueueLineIsFIFO(t *testing.T) {
	guarded(t, func() {
		var q async.Queue[int]
		var parties sync.WaitGroup
		const n = 12
		got := make(chan string, n)
		inLine := func(n int) {
			for q.Stats().Getters < n {
				runtime.Gosched()
			}
		}
		get := func(name string) func(context.Context) error {
			return func(ctx context.Context) error {
				item, err := q.Get(ctx)
				got <- fmt.Sprint(name, " gets ", item)
				return err
			}
		}
		loops := make([]chan func(context.Context) error, 2)
		for i := range loops {
			loops[i] = make(chan func(context.Context) error, n)
			parties.Go(func() {
				check(async.Run(func(ctx context.Context) error {
					var tasks []*async.Task[async.Void]
					for {
						fn, err := async.ToThread(ctx, func(context.Context) (func(context.Context) error, error) { return <-loops[i], nil })
						if err != nil {
							return err
						}
						if fn == nil {
							break
						}
						tasks = append(tasks, async.Go(ctx, fn))
					}
					_, err := async.GatherOf(ctx, tasks)
					return err
				}))
			})
		}
		for i := range n {
			name := fmt.Sprint("party ", i)
			if i%3 < 2 {
				loops[i%3] <- get(name)
			} else {
				parties.Go(func() { check(get(name)(context.Background())) })
			}
			inLine(i + 1)
		}
		for i := range n {
			check(q.PutNowait(i))
			if line, want := <-got, fmt.Sprintf("party %d gets %d", i, i); line != want {
				t.Errorf("%s, not %s", line, want)
			}
		}
		for _, l := range loops {
			close(l)
		}
		parties.Wait()
	})
}

// A goroutine whose ctx ends leaves the line, and its item to others.
func TestQueueGoroutineGivesUp(t *testing.T) {
	guarded(t, func() {
		var q async.Queue[int]
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error)
		go func() {
			_, err := q.Get(ctx)
			ended <- err
		}()
		for q.Stats().Getters == 0 {
			runtime.Gosched()
		}
		cancel()
		expectError(t, "the get", <-ended, async.ErrCancelled)
		expectEqual(t, "the statistics", q.Stats(), async.QueueStats{})
		ctx, cancel = async.WithTimeout(context.Background(), time.Microsecond)
		defer cancel()
		expectError(t, "the join of an empty queue", q.Join(ctx), nil)
		check(q.PutNowait(1))
		expectError(t, "the join", q.Join(ctx), async.ErrTimeout)
		expectEqual(t, "the item", must(q.Get(ctx)), 1)
	})
}

// A queue that grows and shrinks keeps the order of its kind.
func TestQueueGrowsAndShrinks(t *testing.T) {
	for _, kind := range []queueKind{fifoKind, lifoKind, heapKind} {
		t.Run(kind.name, func(t *testing.T) {
			q := kind.make(0)
			var model []modelItem
			random := rand.New(rand.NewPCG(1, 4))
			id := 0
			for _, size := range []int{1000, 3, 5000, 100, 200, 0} {
				for len(model) != size {
					if len(model) < size == (random.IntN(4) > 0) {
						id++
						item := modelItem{random.IntN(100), id}
						check(q.PutNowait(item))
						model = kind.push(model, item)
					} else if len(model) > 0 {
						var want modelItem
						model, want = kind.pop(model)
						if got := must(q.GetNowait()); got != want {
							t.Fatalf("the item is %v, not %v", got, want)
						}
					}
				}
				expectEqual(t, "the size", q.Stats().Size, size)
			}
		})
	}
}

// What was taken out, or dropped, is no longer held by the queue.
func TestQueueForgetsItems(t *testing.T) {
	type item struct{ big [64]byte }
	queues := map[string]interface {
		PutNowait(*item) error
		GetNowait() (*item, error)
		Shutdown(bool)
	}{
		"Queue":         new(async.Queue[*item]),
		"LifoQueue":     new(async.LifoQueue[*item]),
		"PriorityQueue": async.NewPriorityQueue(0, func(a, b *item) bool { return a.big[0] < b.big[0] }),
	}
	for name, q := range queues {
		t.Run(name, func(t *testing.T) {
			var items []weak.Pointer[item]
			for i := range 100 {
				it := &item{[64]byte{byte(i * 7)}}
				items = append(items, weak.Make(it))
				check(q.PutNowait(it))
			}
			held := func() (n int) {
				runtime.GC()
				for _, p := range items {
					if p.Value() != nil {
						n++
					}
				}
				return n
			}
			for range 60 {
				must(q.GetNowait())
			}
			expectEqual(t, "how many are held", held(), 40)
			q.Shutdown(true)
			expectEqual(t, "how many are held after the shutdown", held(), 0)
			runtime.KeepAlive(q)
		})
	}
}

// A wait in a line allocates nothing.
func TestQueueWaitsWithoutAllocating(t *testing.T) {
	onLoop(func(ctx context.Context, t *testing.T) {
		there, back := async.NewQueue[int](1), async.NewQueue[int](1)
		echo := async.Go(ctx, func(ctx context.Context) error {
			for i := range there.All(ctx) {
				check(back.Put(ctx, i))
			}
			return nil
		})
		allocs := testing.AllocsPerRun(1000, func() {
			check(there.Put(ctx, 1))
			must(back.Get(ctx))
		})
		expectEqual(t, "allocations of a round trip", allocs, 0)
		there.Shutdown(false)
		must(echo.Await(ctx))
	})(t)
}
