// Pipeline is what a shell does with "seq 100000 | grep 7 | wc -l": three processes, each reading what the one before it
// writes. Two tasks carry the data, and a slow reader holds up who writes.
//
//	go run ./examples/pipeline
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"strings"

	"github.com/asyncgo/asyncgo/async"
)

func main() {
	log.SetFlags(0)
	if err := run(os.Stdout, 100000); err != nil {
		log.Fatal("pipeline: ", err)
	}
}

func run(out io.Writer, n int) error {
	return async.Run(func(ctx context.Context) error {
		ps, err := start(ctx, n)
		if err != nil {
			return err // the end of the loop ends those that have been started
		}
		return flow(ctx, out, ps)
	})
}

// start starts the processes.
func start(ctx context.Context, n int) (ps []*async.Process, err error) {
	for _, argv := range [][]string{{"seq", fmt.Sprint(n)}, {"grep", "7"}, {"wc", "-l"}} {
		p, err := async.CreateSubprocess(ctx, exec.Command(argv[0], argv[1:]...), async.PipeStdin(), async.PipeStdout())
		if err != nil {
			return nil, err
		}
		ps = append(ps, p)
	}
	return ps, nil
}

// flow carries the data from one process to the next, and waits for their end.
func flow(ctx context.Context, out io.Writer, ps []*async.Process) error {
	return async.WithTaskGroup(ctx, func(ctx context.Context, tg *async.TaskGroup) error {
		for i, p := range ps[1:] {
			from, to := ps[i].Stdout(), p.Stdin()
			tg.Go(func(ctx context.Context) error { return carry(ctx, from, to) })
		}
		line, err := ps[len(ps)-1].Stdout().ReadLine(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintln(out, strings.TrimSpace(string(line)), "numbers have a 7")
		for _, p := range ps {
			code, err := p.Wait(ctx)
			if err != nil {
				return err
			}
			fmt.Fprintln(out, "code", code)
		}
		return nil
	})
}

// carry moves what one process writes into another one, until the end.
func carry(ctx context.Context, from *async.StreamReader, to *async.StreamWriter) error {
	defer to.Close()
	for {
		p, err := from.Read(ctx, 64<<10)
		if err != nil || len(p) == 0 {
			return err
		}
		if _, err := to.Write(p); err != nil {
			return err
		}
		if err := to.Drain(ctx); err != nil {
			return err
		}
	}
}
