// Producer is the producer and consumer of a Python tutorial, with its JoinableQueue: three stalls
// make hot dogs, two friends eat them, and the program ends when everything that was made has been
// eaten.
//
// The tutorial uses processes. It asks how anybody can know that it is over: the stalls do not know
// when the last hot dog is eaten, and the friends do not know that no more will come. Only the
// queue knows both. Each friend calls TaskDone when a hot dog is eaten, and Join waits for the last
// one.
//
//	go run ./examples/producer
//
// Scripts, by tutorial as in examples/README.md: II, producer and two consumers; IV, `JoinableQueue`: hot dogs.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"os"
	"time"

	"github.com/asyncgo/asyncgo/async"
)

func main() {
	log.SetFlags(0)
	pause := func() time.Duration { return time.Second + rand.N(time.Second) }
	if err := run(os.Stdout, pause); err != nil {
		log.Fatal("producer: ", err)
	}
}

// run runs the program. pause says how long it takes to make or to eat a hot dog.
func run(out io.Writer, pause func() time.Duration) error {
	return async.Run(func(ctx context.Context) error {
		m := market{out: out, pause: pause}
		// The consumers are the daemons of the tutorial: the end of Run cancels whoever is still
		// there.
		stalls := []*async.Task[async.Void]{
			async.Go(ctx, m.makeHotdogs("邵钻钻的热狗店")),
			async.Go(ctx, m.makeHotdogs("egon的热狗店")),
			async.Go(ctx, m.makeHotdogs("老王的热狗店")),
		}
		async.Go(ctx, m.eatHotdogs("思聪"))
		async.Go(ctx, m.eatHotdogs("李哲"))
		// p1.join(), p2.join(), p3.join(): the stalls have made all they will.
		if _, err := async.GatherOf(ctx, stalls); err != nil {
			return err
		}
		// q.join(): and everything is eaten.
		if err := m.hotdogs.Join(ctx); err != nil {
			return err
		}
		m.printf("主进程over\n")
		return nil
	})
}

// market is where they meet.
type market struct {
	out     io.Writer
	pause   func() time.Duration
	hotdogs async.Queue[string] // q = JoinableQueue()
}

// makeHotdogs is a producer.
func (m *market) makeHotdogs(name string) func(context.Context) error {
	return func(ctx context.Context) error {
		for i := range 3 {
			if err := async.Sleep(ctx, m.pause()); err != nil {
				return err
			}
			m.printf("%s 制作了一个热狗 %d\n", name, i)
			if err := m.hotdogs.Put(ctx, fmt.Sprintf("%s生产的热狗%d", name, i)); err != nil {
				return err
			}
		}
		return nil
	}
}

// eatHotdogs is a consumer. It goes on until it is cancelled.
func (m *market) eatHotdogs(name string) func(context.Context) error {
	return func(ctx context.Context) error {
		for hotdog := range m.hotdogs.All(ctx) {
			if err := async.Sleep(ctx, m.pause()); err != nil {
				return err
			}
			m.printf("%s 吃了%s\n", name, hotdog)
			m.hotdogs.TaskDone()
		}
		return ctx.Err()
	}
}

// printf is Python's print: a script does not ask whether its terminal is there.
func (m *market) printf(format string, args ...any) { fmt.Fprintf(m.out, format, args...) }
