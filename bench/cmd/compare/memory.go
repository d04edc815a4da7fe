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

	"github.com/asyncgo/asyncgo/bench/python"
	"github.com/asyncgo/asyncgo/bench/report"
	"github.com/asyncgo/asyncgo/bench/workload"
)

// parkers are those that a child process of ours can park.
var parkers = []struct {
	name string
	park func(tasks int, at workload.Stages) (int, error)
}{
	{workload.Asyncgo, workload.ParkAsyncgo},
	{"goroutines", workload.ParkGoroutines},
	{ourGevent, workload.ParkGevent},
}

// ourGevent is asyncgo as the peer of gevent.
const ourGevent = "asyncgo-gevent"

// A footprint is what the process holds at one moment, after a collection.
type footprint struct {
	// Held is all that the runtime has from the operating system and has not
	// given back: heap, stacks, and the runtime's own tables.
	Held uint64 `json:"held"`
	// Heap and Stack are the parts of it that are in use for objects and for
	// stacks.
	Heap  uint64 `json:"heap"`
	Stack uint64 `json:"stack"`
	// Resident is what the operating system says that the process has in memory,
	// which can be asked of any process. It is zero where there is no /proc.
	Resident uint64 `json:"resident"`
}

// less returns what f holds more than g. Nothing is less than zero.
func (f footprint) less(g footprint) footprint {
	minus := func(a, b uint64) uint64 {
		if a < b {
			return 0
		}
		return a - b
	}
	return footprint{
		Held: minus(f.Held, g.Held), Heap: minus(f.Heap, g.Heap), Stack: minus(f.Stack, g.Stack),
		Resident: minus(f.Resident, g.Resident),
	}
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
	return footprint{Held: m.Sys - m.HeapReleased, Heap: m.HeapInuse, Stack: m.StackInuse, Resident: resident()}
}

// resident returns the memory of the process that is not swapped out, in bytes, or zero if nobody knows.
func resident() uint64 {
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	var size, pages uint64
	if _, err := fmt.Sscan(string(statm), &size, &pages); err != nil {
		return 0
	}
	return pages * uint64(os.Getpagesize())
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

// memory measures the memory workloads. Those of parked tasks are repeated, in
// turns like the timed ones; the burst takes gigabytes and is done once.
func (c config) memory(ctx context.Context, interpreter *python.Interpreter, log io.Writer) (*table, error) {
	t := &table{head: []string{"workload", "peer", "B/task", "heap", "stacks", "asyncgo/peer", "target", "holds"}}
	for _, w := range []memoryWorkload{
		{
			name: "memory_parked", about: fmt.Sprintf("%d tasks, all parked", c.parked),
			tasks: c.parked, rounds: c.memoryRounds, target: memoryTarget,
			peers: []string{workload.Asyncgo, "goroutines"},
			part:  func(p parking) footprint { return p.Parked },
			size:  func(f footprint) uint64 { return f.Held },
		},
		{
			name: "memory_after_burst", about: fmt.Sprintf("what %d tasks leave, once all parked and now all ended", c.burst),
			tasks: c.burst, rounds: 1, target: memoryTarget,
			peers: []string{workload.Asyncgo, "goroutines"},
			part:  func(p parking) footprint { return p.After },
			size:  func(f footprint) uint64 { return f.Held },
		},
		{
			name: "memory_gevent", about: fmt.Sprintf("%d greenlets, all parked", c.greenlets),
			tasks: c.greenlets, rounds: c.memoryRounds, target: geventMemoryTarget,
			peers: []string{ourGevent, python.Gevent},
			part:  func(p parking) footprint { return p.Parked },
			size:  func(f footprint) uint64 { return f.Resident },
		},
	} {
		if !c.only.MatchString(w.name) {
			continue
		}
		fmt.Fprintf(log, "compare: %s: %s\n", w.name, w.about)
		if err := w.measure(ctx, interpreter, t); err != nil {
			return nil, fmt.Errorf("%s: %w", w.name, err)
		}
	}
	return t, nil
}

// A memoryWorkload is a row group of the table of memory. The first of its peers is asyncgo.
type memoryWorkload struct {
	name, about   string
	tasks, rounds int
	target        float64
	peers         []string
	part          func(parking) footprint
	// size is what is compared.
	size func(footprint) uint64
}

func (w memoryWorkload) measure(ctx context.Context, interpreter *python.Interpreter, t *table) error {
	seen := make([][]parking, len(w.peers))
	for range w.rounds {
		for i, peer := range w.peers {
			s, known, err := w.park(ctx, interpreter, peer)
			if err != nil {
				return err
			}
			if known {
				seen[i] = append(seen[i], s)
			}
		}
	}
	perTask := func(i int, get func(footprint) uint64) float64 {
		total := median(seen[i], func(p parking) uint64 { return get(w.part(p)) })
		return float64(total) / float64(w.tasks)
	}
	own := perTask(0, w.size)
	found := report.Workload{Name: w.name, About: w.about, Unit: "B/task"}
	for i, peer := range w.peers {
		if i == 0 {
			peer = workload.Asyncgo
		}
		line := report.Row{Peer: peer, Absent: seen[i] == nil}
		if i > 0 {
			line.Limit = w.target
		}
		if !line.Absent {
			low, high := extremes(seen[i], func(p parking) uint64 { return w.size(w.part(p)) })
			line.Median, line.Low, line.High = perTask(i, w.size), float64(low)/float64(w.tasks), float64(high)/float64(w.tasks)
		}
		found.Rows = append(found.Rows, line)
		if line.Absent {
			t.add(w.name, peer, "-", "", "", "-", "≤ "+report.FormatRatio(w.target), "-")
			continue
		}
		row := []string{w.name, peer, fmt.Sprintf("%.0f", perTask(i, w.size)), "", "", "", "", ""}
		if peer != python.Gevent { // Python does not tell the parts.
			row[3] = fmt.Sprintf("%.0f", perTask(i, func(f footprint) uint64 { return f.Heap }))
			row[4] = fmt.Sprintf("%.0f", perTask(i, func(f footprint) uint64 { return f.Stack }))
		}
		if i > 0 {
			ratio := own / max(perTask(i, w.size), 1)
			row[5] = report.FormatRatio(ratio)
			row[6] = "≤ " + report.FormatRatio(w.target)
			row[7] = verdict(ratio, w.target)
		}
		t.add(row...)
	}
	t.found = append(t.found, found)
	return nil
}

// park parks the tasks of one peer in a process of their own. It reports false if this machine cannot.
func (w memoryWorkload) park(ctx context.Context, interpreter *python.Interpreter, peer string) (seen parking, known bool, err error) {
	if peer != python.Gevent {
		seen, err = parkInChild(ctx, peer, w.tasks)
		return seen, true, err
	}
	if resident() == 0 || !interpreter.Has(python.Gevent) {
		return parking{}, false, nil
	}
	ops, bytes, err := interpreter.Grow(ctx, "gevent_parked", python.Gevent, w.tasks)
	if err == nil && ops != w.tasks {
		err = fmt.Errorf("%d greenlets were counted instead of %d", ops, w.tasks)
	}
	return parking{Parked: footprint{Resident: bytes}}, true, err
}
