package main

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/asyncgo/asyncgo/bench/python"
	"github.com/asyncgo/asyncgo/bench/workload"
)

// A sample is what one timed run of a peer has cost.
type sample struct {
	ops     int
	elapsed time.Duration
	mallocs uint64
	bytes   uint64
}

func (s sample) nsPerOp() float64     { return float64(s.elapsed.Nanoseconds()) / float64(s.ops) }
func (s sample) allocsPerOp() float64 { return float64(s.mallocs) / float64(s.ops) }
func (s sample) bytesPerOp() float64  { return float64(s.bytes) / float64(s.ops) }

// An entrant is a peer that takes part in a workload, and what it has shown.
type entrant struct {
	name string
	// take runs so many units once. It is nil for a Python that the machine
	// does not have.
	take func(ctx context.Context, units int) (sample, error)
	// units is the size of a sample; zero until it is calibrated.
	units int
	// counts says whether allocations are known: Python's are not.
	counts  bool
	samples []sample
}

// pythonScripts names the script of each workload, what it is told besides the
// number of units, and what it runs on.
var pythonScripts = map[string]struct {
	script string
	more   []int
	on     []string
}{
	"spawn_gather":       {"spawn_gather", []int{1_000}, everyLoop},
	"spawn_await":        {"spawn_await", nil, everyLoop},
	"sleep0_1":           {"sleep0", []int{1}, everyLoop},
	"sleep0_100":         {"sleep0", []int{100}, everyLoop},
	"sleep0_10000":       {"sleep0", []int{10_000}, everyLoop},
	"sleepers":           {"sleepers", []int{100_000}, everyLoop},
	"future_pingpong":    {"future_pingpong", nil, loops},
	"lock_uncontended":   {"lock_uncontended", nil, everyLoop},
	"lock_contended":     {"lock_contended", []int{100}, everyLoop},
	"queue_128":          {"queue_128", nil, everyLoop},
	"queue_pingpong":     {"queue_pingpong", nil, everyLoop},
	"pool_submit":        {"pool_submit", nil, loops},
	"to_thread":          {"to_thread", nil, everyLoop},
	"cpu_threads":        {"cpu_threads", []int{12, 2_000_000}, loops},
	"cpu_parallel":       {"cpu_threads", []int{12, 2_000_000}, loops},
	"block":              {"to_thread", nil, everyLoop}, // the nearest that asyncio has
	"cpu_processes":      {"cpu_processes", []int{12, 1, 10_000_000}, loops},
	"process_calls":      {"cpu_processes", []int{4_000, 1_000, 1}, loops},
	"greenlet_roundtrip": {"greenlet_roundtrip", nil, []string{python.Greenlet}},
	"greenlet_siblings":  {"greenlet_siblings", nil, []string{python.Greenlet}},
	"greenlet_life":      {"greenlet_life", nil, []string{python.Greenlet}},
	"generator_send":     {"generator_send", nil, []string{python.CPython}},
	"gevent_spawn":       {"gevent_spawn", []int{100_000}, []string{python.Gevent}},
	"gevent_sleep0":      {"gevent_sleep0", []int{100}, []string{python.Gevent}},
}

var (
	loops     = []string{python.Asyncio, python.Uvloop}
	everyLoop = append(slices.Clone(loops), python.Trio)
)

// enter lists who takes part in a workload: its own peers, then the Pythons.
func enter(w workload.Workload, interpreter *python.Interpreter) []*entrant {
	var all []*entrant
	for _, p := range w.Peers {
		all = append(all, &entrant{
			name:   p.Name,
			units:  w.Units,
			counts: true,
			take: func(_ context.Context, units int) (sample, error) {
				// What the peer before left behind is not this one's to sweep.
				runtime.GC()
				var watch stopwatch
				ops, err := p.Run(&watch, units)
				if err != nil {
					return sample{}, err
				}
				if want := units * p.UnitOps; ops != want {
					return sample{}, fmt.Errorf("%d operations were counted instead of %d", ops, want)
				}
				return watch.sample(ops), nil
			},
		})
	}
	script, ok := pythonScripts[w.Name]
	if !ok {
		return all
	}
	for _, on := range script.on {
		e := &entrant{name: on}
		if interpreter.Has(on) {
			e.take = func(ctx context.Context, units int) (sample, error) {
				ops, elapsed, err := interpreter.Run(ctx, script.script, on, units, script.more...)
				return sample{ops: ops, elapsed: elapsed}, err
			}
		}
		all = append(all, e)
	}
	return all
}

// measure warms everybody up, finds sizes that run long enough, and then takes
// samples in turns.
func measure(ctx context.Context, entrants []*entrant, rounds int, long time.Duration) error {
	present := slices.DeleteFunc(slices.Clone(entrants), func(e *entrant) bool { return e.take == nil })
	for _, e := range present {
		if err := e.calibrate(ctx, long); err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
	}
	for range rounds {
		for _, e := range present {
			if err := ctx.Err(); err != nil {
				return err
			}
			s, err := e.take(ctx, e.units)
			if err != nil {
				return fmt.Errorf("%s: %w", e.name, err)
			}
			e.samples = append(e.samples, s)
		}
	}
	return nil
}

// calibrate runs the entrant with growing sizes until a sample runs about as
// long as it should. Where the workload fixes the size, a tenth of it is
// enough to be warm.
func (e *entrant) calibrate(ctx context.Context, long time.Duration) error {
	if e.units > 0 {
		_, err := e.take(ctx, max(1, e.units/10))
		return err
	}
	for units := 1; ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		s, err := e.take(ctx, units)
		if err != nil {
			return err
		}
		// A size that ran far too short says little about a long one, so the
		// next step is at most a hundred times as large.
		elapsed := max(s.elapsed, 1)
		next := max(1, min(100*units, int(float64(units)*float64(long)/float64(elapsed))))
		if elapsed >= long/4 {
			e.units = next
			return nil
		}
		units = max(next, units+1)
	}
}

// A stopwatch is the Timer of the timed samples. It reads the memory
// statistics, which stop the world for a moment, outside the time it measures.
type stopwatch struct {
	start         time.Time
	elapsed       time.Duration
	before, after runtime.MemStats
}

func (w *stopwatch) StartTimer() {
	runtime.ReadMemStats(&w.before)
	w.start = time.Now()
}

func (w *stopwatch) StopTimer() {
	w.elapsed = time.Since(w.start)
	runtime.ReadMemStats(&w.after)
}

func (w *stopwatch) sample(ops int) sample {
	return sample{
		ops:     ops,
		elapsed: w.elapsed,
		mallocs: w.after.Mallocs - w.before.Mallocs,
		bytes:   w.after.TotalAlloc - w.before.TotalAlloc,
	}
}

// median returns the middle value of what get finds in each of s, which must
// not be empty.
func median[S any, N int | uint64 | float64](s []S, get func(S) N) N {
	all := make([]N, len(s))
	for i := range s {
		all[i] = get(s[i])
	}
	slices.SortFunc(all, cmp.Compare)
	half := len(all) / 2
	if len(all)%2 == 1 {
		return all[half]
	}
	return (all[half-1] + all[half]) / 2
}

// extremes returns the lowest and the highest value of what get finds in each of s, which must not be empty.
func extremes[S any, N int | uint64 | float64](s []S, get func(S) N) (low, high N) {
	low, high = get(s[0]), get(s[0])
	for _, x := range s {
		low, high = min(low, get(x)), max(high, get(x))
	}
	return low, high
}

// spread says how far the samples lie apart: half the distance between the
// slowest and the fastest quarter, relative to the median.
func spread(s []sample) float64 {
	all := make([]float64, len(s))
	for i := range s {
		all[i] = s[i].nsPerOp()
	}
	slices.Sort(all)
	quarter := len(all) / 4
	return (all[len(all)-1-quarter] - all[quarter]) / 2 / median(s, sample.nsPerOp)
}
