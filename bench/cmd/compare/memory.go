package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/asyncgo/asyncgo/bench/workload"
)

// parkers are the peers of the memory workloads. As everywhere, asyncgo comes
// first.
var parkers = []struct {
	name string
	park func(tasks int, at workload.Stages) (int, error)
}{
	{workload.Asyncgo, workload.ParkAsyncgo},
	{"goroutines", workload.ParkGoroutines},
}

// A footprint is what the process holds at one moment, after a collection.
type footprint struct {
	// Held is all that the runtime has from the operating system and has not
	// given back: heap, stacks, and the runtime's own tables.
	Held uint64 `json:"held"`
	// Heap and Stack are the parts of it that are in use for objects and for
	// stacks.
	Heap  uint64 `json:"heap"`
	Stack uint64 `json:"stack"`
}

// less returns what f holds more than g. Nothing is less than zero.
func (f footprint) less(g footprint) footprint {
	minus := func(a, b uint64) uint64 {
		if a < b {
			return 0
		}
		return a - b
	}
	return footprint{Held: minus(f.Held, g.Held), Heap: minus(f.Heap, g.Heap), Stack: minus(f.Stack, g.Stack)}
}

// A parking is what one child process saw: the growth over its start while all
// tasks were parked, and after all had ended.
type parking struct {
	Parked footprint `json:"parked"`
	After  footprint `json:"after"`
}

// look collects garbage and measures. The first collection lets finalizers and
// the stacks of ended goroutines go, the second, inside FreeOSMemory, what
// they held, and after it no idle page is left to blur the picture.
func look() footprint {
	runtime.GC()
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return footprint{Held: m.Sys - m.HeapReleased, Heap: m.HeapInuse, Stack: m.StackInuse}
}

// parkHere is what the child process does. The argument is PEER:N.
func parkHere(arg string, out io.Writer) error {
	name, number, _ := strings.Cut(arg, ":")
	tasks, err := strconv.Atoi(number)
	if err != nil || tasks < 1 {
		return fmt.Errorf("-park %s: want PEER:N with N at least 1", arg)
	}
	for _, p := range parkers {
		if p.name != name {
			continue
		}
		var before footprint
		var seen parking
		_, err := p.park(tasks, workload.Stages{
			Before: func() { before = look() },
			Parked: func() { seen.Parked = look().less(before) },
			After:  func() { seen.After = look().less(before) },
		})
		if err != nil {
			return err
		}
		return json.NewEncoder(out).Encode(seen)
	}
	return fmt.Errorf("-park %s: there is no peer %q", arg, name)
}

// parkInChild starts this program once more to park tasks in it, so that no
// other workload's memory is in the picture.
func parkInChild(ctx context.Context, peer string, tasks int) (parking, error) {
	self, err := os.Executable()
	if err != nil {
		return parking{}, err
	}
	out, err := exec.CommandContext(ctx, self, "-park", fmt.Sprintf("%s:%d", peer, tasks)).Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return parking{}, fmt.Errorf("%s: %w: %s", peer, err, exit.Stderr)
	}
	if err != nil {
		return parking{}, err
	}
	var seen parking
	return seen, json.Unmarshal(out, &seen)
}

// memory measures both memory workloads. The parked one is repeated, in turns
// like the timed ones; the burst takes gigabytes and is done once.
func (c config) memory(ctx context.Context, log io.Writer) (*table, error) {
	t := &table{head: []string{"workload", "peer", "B/task", "heap", "stacks", "asyncgo/peer", "target", "holds"}}
	for _, w := range []struct {
		name   string
		about  string
		tasks  int
		rounds int
		part   func(parking) footprint
	}{
		{
			"memory_parked", fmt.Sprintf("%d tasks, all parked", c.parked),
			c.parked, c.memoryRounds, func(p parking) footprint { return p.Parked },
		},
		{
			"memory_after_burst", fmt.Sprintf("what %d tasks leave, once all parked and now all ended", c.burst),
			c.burst, 1, func(p parking) footprint { return p.After },
		},
	} {
		if !c.only.MatchString(w.name) {
			continue
		}
		fmt.Fprintf(log, "compare: %s: %s\n", w.name, w.about)
		seen := make([][]parking, len(parkers))
		for range w.rounds {
			for i, p := range parkers {
				s, err := parkInChild(ctx, p.name, w.tasks)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", w.name, err)
				}
				seen[i] = append(seen[i], s)
			}
		}
		perTask := func(i int, get func(footprint) uint64) float64 {
			total := median(seen[i], func(p parking) uint64 { return get(w.part(p)) })
			return float64(total) / float64(w.tasks)
		}
		held := func(f footprint) uint64 { return f.Held }
		own := perTask(0, held)
		for i, p := range parkers {
			row := []string{
				w.name, p.name,
				fmt.Sprintf("%.0f", perTask(i, held)),
				fmt.Sprintf("%.0f", perTask(i, func(f footprint) uint64 { return f.Heap })),
				fmt.Sprintf("%.0f", perTask(i, func(f footprint) uint64 { return f.Stack })),
				"", "", "",
			}
			if i > 0 {
				ratio := own / max(perTask(i, held), 1)
				row[5] = formatRatio(ratio)
				row[6] = "≤ " + formatRatio(memoryTarget)
				row[7] = verdict(ratio, memoryTarget)
			}
			t.add(row...)
		}
	}
	return t, nil
}
