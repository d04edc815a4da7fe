package gevent_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/asyncgo/asyncgo/greenlet/gevent"
)

func ExampleSpawn() {
	g := gevent.Spawn(func() (string, error) {
		fmt.Println("the greenlet")
		return "hello", nil
	})
	fmt.Println("main")
	fmt.Println(g.Get())
	// Output:
	// main
	// the greenlet
	// hello <nil>
}

func ExampleSpawnLater() {
	late := gevent.SpawnLater(2*time.Millisecond, func() (string, error) { fmt.Println("late"); return "", nil })
	early := gevent.SpawnLater(time.Millisecond, func() (string, error) { fmt.Println("early"); return "", nil })
	gevent.JoinAll([]*gevent.Greenlet[string]{late, early})
	// Output:
	// early
	// late
}

func ExampleJoinAll() {
	var gs []*gevent.Greenlet[int]
	for i := range 3 {
		gs = append(gs, gevent.Spawn(func() (int, error) {
			return i * i, gevent.Sleep(time.Duration(3-i) * time.Millisecond)
		}))
	}
	done, err := gevent.JoinAll(gs)
	for _, g := range done {
		fmt.Print(g.Value(), " ")
	}
	fmt.Println(err)
	// Output: 4 1 0 <nil>
}

func ExampleWait() {
	var e gevent.Event
	var r gevent.AsyncResult[int]
	gevent.Go(func() { e.Set() })
	ready, err := gevent.Wait([]gevent.Waitable{&r, &e}, gevent.Count(1))
	fmt.Println(ready[0] == &e, err)
	// Output: true <nil>
}

func ExampleIWait() {
	a := gevent.SpawnLater(2*time.Millisecond, func() (string, error) { return "a", nil })
	b := gevent.SpawnLater(time.Millisecond, func() (string, error) { return "b", nil })
	for g := range gevent.IWait([]*gevent.Greenlet[string]{a, b}) {
		fmt.Println(g.Value())
	}
	// Output:
	// b
	// a
}

func ExampleSleep() {
	step := func(name string) *gevent.Greenlet[gevent.Void] {
		return gevent.Go(func() {
			for i := range 2 {
				fmt.Print(name, i, " ")
				gevent.Sleep(0)
			}
		})
	}
	gevent.JoinAll([]*gevent.Greenlet[gevent.Void]{step("a"), step("b")})
	fmt.Println()
	// Output: a0 b0 a1 b1
}

func ExampleGreenlet_Kill() {
	g := gevent.Go(func() {
		err := gevent.Sleep(time.Hour)
		fmt.Println("killed:", errors.Is(err, gevent.ErrGreenletExit))
	})
	gevent.Sleep(0)
	fmt.Println(g.Kill(), g.Dead())
	// Output:
	// killed: true
	// <nil> true
}

func ExampleGreenlet_Link() {
	g := gevent.Spawn(func() (int, error) { return 42, nil })
	g.Link(func(g *gevent.Greenlet[int]) { fmt.Println("ended with", g.Value()) })
	gevent.WaitAll()
	// Output: ended with 42
}

func ExampleTimeout() {
	t := gevent.NewTimeout(time.Millisecond)
	err := t.Do(func() error { return gevent.Sleep(time.Hour) })
	fmt.Println(err, errors.Is(err, t))
	// Output: 0.001 seconds true
}

func ExampleWithTimeout() {
	v, err := gevent.WithTimeout(time.Millisecond, func() (string, error) {
		return "in time", gevent.Sleep(time.Hour)
	}, "too late")
	fmt.Println(v, err)
	// Output: too late <nil>
}

func ExampleGroup() {
	var g gevent.Group
	for i := range 3 {
		g.Go(func() { fmt.Println(i) })
	}
	fmt.Println("members:", g.Len())
	g.Join()
	fmt.Println("members:", g.Len())
	// Output:
	// members: 3
	// 0
	// 1
	// 2
	// members: 0
}

func ExampleMap() {
	pool := gevent.NewPool(2)
	words := slices.Values([]string{"one", "two", "three"})
	lengths, err := gevent.Map(pool, words, func(s string) (int, error) {
		return len(s), gevent.Sleep(time.Millisecond)
	})
	fmt.Println(lengths, err)
	// Output: [3 3 5] <nil>
}

func ExampleIMap() {
	pool := gevent.NewPool(2)
	for v, err := range gevent.IMap(pool, slices.Values([]int{4, 0, 2}), func(n int) (int, error) {
		if n == 0 {
			return 0, errors.New("division by zero")
		}
		return 100 / n, nil
	}) {
		fmt.Println(v, err)
	}
	// Output:
	// 25 <nil>
	// 0 division by zero
	// 50 <nil>
}

func ExampleQueue() {
	q := gevent.NewQueue[int](1)
	gevent.Go(func() {
		for i := range 3 {
			q.Put(i)
		}
		q.Shutdown(false)
	})
	for v := range q.All() {
		fmt.Println(v)
	}
	// Output:
	// 0
	// 1
	// 2
}

func ExampleJoinableQueue() {
	var q gevent.JoinableQueue[string]
	worker := gevent.Go(func() {
		for s := range q.All() {
			fmt.Println(s)
			q.TaskDone()
		}
	})
	q.Put("a")
	q.Put("b")
	fmt.Println(q.Join())
	worker.Kill()
	// Output:
	// a
	// b
	// true <nil>
}

func ExampleChannel() {
	var ch gevent.Channel[string]
	gevent.Go(func() {
		ch.Put("from hand to hand")
		fmt.Println("given")
	})
	fmt.Println(ch.Get())
	gevent.WaitAll()
	// Output:
	// from hand to hand <nil>
	// given
}

func ExampleEvent() {
	var e gevent.Event
	for i := range 2 {
		gevent.Go(func() {
			e.Wait()
			fmt.Println("goes on", i)
		})
	}
	gevent.Sleep(0)
	e.Set()
	fmt.Println("set")
	gevent.WaitAll()
	// Output:
	// set
	// goes on 0
	// goes on 1
}

func ExampleAsyncResult() {
	var r gevent.AsyncResult[int]
	gevent.Go(func() { r.Set(42) })
	fmt.Println(r.Get())
	// Output: 42 <nil>
}

func ExampleSemaphore() {
	s := gevent.NewSemaphore(1)
	for i := range 2 {
		gevent.Go(func() {
			s.With(func() error {
				fmt.Println("in", i)
				defer fmt.Println("out", i)
				return gevent.Sleep(0)
			})
		})
	}
	gevent.WaitAll()
	// Output:
	// in 0
	// out 0
	// in 1
	// out 1
}

func ExampleLocal() {
	name := gevent.NewLocal(func() string { return "nobody" })
	name.Set("main")
	g := gevent.Spawn(func() (string, error) { return name.Get(), nil })
	v, _ := g.Get()
	fmt.Println(v, name.Get())
	// Output: nobody main
}

func ExampleThreadPool() {
	pool := gevent.NewThreadPool(2)
	defer pool.Close()
	sum := gevent.SpawnThread(pool, func() (int, error) {
		n := 0
		for i := range 1000 {
			n += i
		}
		return n, nil
	})
	fmt.Println(sum.Get())
	// Output: 499500 <nil>
}

func ExampleStreamServer() {
	server := gevent.NewStreamServer("tcp", "127.0.0.1:0", func(c net.Conn) error {
		_, err := io.Copy(c, c)
		return err
	})
	if err := server.Start(); err != nil {
		fmt.Println(err)
		return
	}
	c, err := gevent.Dial("tcp", server.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Fprint(c, "hello")
	answer := make([]byte, 5)
	io.ReadFull(c, answer)
	fmt.Println(string(answer))
	c.Close()
	fmt.Println(server.Stop())
	// Output:
	// hello
	// <nil>
}

// A wait that nothing can end says who waits for what.
func ExampleSpawn_loopExit() {
	var q gevent.Queue[int]
	g := gevent.Spawn(func() (int, error) { return q.Get() })
	g.SetName("consumer")
	_, err := g.Get()
	fmt.Println(errors.Is(err, gevent.ErrLoopExit))
	for line := range strings.Lines(err.Error()) {
		who, _, _ := strings.Cut(strings.TrimSpace(line), " at ") // where is the place in the source
		fmt.Println(who)
	}
	gevent.Destroy()
	// Output:
	// true
	// gevent: this operation would block forever
	// main waits for Greenlet(consumer, running)
	// consumer waits for Queue
}

func ExampleAssertSwitches() {
	err := gevent.AssertSwitches(0, func() error { return nil })
	fmt.Println(err)
	err = gevent.AssertSwitches(0, func() error { return gevent.Sleep(time.Millisecond) })
	fmt.Println(err)
	gevent.Destroy()
	// Output:
	// gevent: the function has not let others run
	// <nil>
}

// What has no result and no error is spawned by Go. It runs when the script waits, and not before.
func ExampleGo() {
	g := gevent.Go(func() { fmt.Println("the greenlet") })
	fmt.Println("the script")
	fmt.Println(g.Join())
	// Output:
	// the script
	// the greenlet
	// <nil>
}

// A pool has room for so many greenlets; SpawnIn waits until there is some.
func ExampleSpawnIn() {
	pool := gevent.NewPool(1)
	for _, name := range []string{"first", "second"} {
		_, err := gevent.SpawnIn(pool, func() (gevent.Void, error) {
			fmt.Println(name, "begins")
			defer fmt.Println(name, "ends")
			return gevent.Void{}, gevent.Sleep(time.Millisecond)
		})
		fmt.Println("spawned", name, err)
	}
	fmt.Println(pool.Join())
	// Output:
	// spawned first <nil>
	// first begins
	// first ends
	// spawned second <nil>
	// second begins
	// second ends
	// true <nil>
}
