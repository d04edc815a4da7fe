package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/asyncgo/asyncgo/bench/workload"
)

// The memory workloads start this binary again with -park, which here is the
// test's, so it has to answer as the program would.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "-park" {
		main()
		return
	}
	// What ants starts at its package's initialisation cannot be ended.
	goleak.VerifyTestMain(m, goleak.IgnoreCurrent())
}

// Everything is measured once at a tiny size: the tables have a row for every
// peer, whatever the times are.
func TestCompare(t *testing.T) {
	for _, markdown := range []bool{false, true} {
		c := config{
			rounds:   2,
			sample:   time.Millisecond,
			only:     regexp.MustCompile(""),
			markdown: markdown,
			python:   "asyncgo-has-no-such-python",
			timed: []workload.Workload{
				workload.SpawnGather(100, 10, func() {}),
				workload.SpawnAwait(),
				workload.SleepZero(1),
				workload.Sleepers(10, func() {}),
				workload.FuturePingPong(),
				workload.LockUncontended(),
				workload.LockContended(5),
				workload.GreenletRoundTrip(),
				workload.GeneratorSend(10),
				workload.GeventSpawn(10, func() {}),
			},
			parked:       500,
			burst:        1_000,
			greenlets:    500,
			memoryRounds: 1,
		}
		var out bytes.Buffer
		if err := c.compare(t.Context(), &out, io.Discard); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{
			"no Python", "spawn_gather", "errgroup", "conc", "ants", "pond", "asyncio", "uvloop",
			"spawn_await", "sleep0_1", "Gosched", "sleepers", "future_pingpong",
			"lock_uncontended", "sync.Mutex", "lock_contended",
			"greenlet_roundtrip", "generator_send", "CPython", "gevent_spawn",
			"memory_parked", "memory_after_burst", "memory_gevent",
		} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("the tables lack %q:\n%s", want, out.String())
			}
		}
		if got := strings.Contains(out.String(), "| --- |"); got != markdown {
			t.Errorf("Markdown printed: %v, asked for: %v", got, markdown)
		}
	}
}

func TestRunChoosesByName(t *testing.T) {
	var out bytes.Buffer
	args := []string{"-run=^spawn_await$", "-rounds=1", "-sample=1ms", "-python=asyncgo-has-no-such-python"}
	if err := run(t.Context(), args, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "spawn_await") || strings.Contains(out.String(), "sleep0") || strings.Contains(out.String(), "memory") {
		t.Errorf("-run=^spawn_await$ printed:\n%s", out.String())
	}
}

func TestBadFlags(t *testing.T) {
	for _, arg := range []string{"-rounds=0", "-sample=0s", "-run=(", "-park=asyncgo", "-park=asyncgo:0", "-park=nobody:1", "-unknown"} {
		if err := run(t.Context(), []string{arg}, io.Discard, io.Discard); err == nil {
			t.Errorf("%s was accepted", arg)
		}
	}
	if err := run(t.Context(), []string{"-h"}, io.Discard, io.Discard); err != nil {
		t.Errorf("-h failed: %v", err)
	}
}

func TestParkPrintsJSON(t *testing.T) {
	for _, peer := range []string{workload.Asyncgo, "goroutines", ourGevent} {
		var out bytes.Buffer
		if err := run(t.Context(), []string{"-park=" + peer + ":2000"}, &out, io.Discard); err != nil {
			t.Fatal(err)
		}
		var seen parking
		if err := json.Unmarshal(out.Bytes(), &seen); err != nil {
			t.Fatal(err)
		}
		if seen.Parked.Held == 0 || seen.Parked.Stack == 0 {
			t.Errorf("%s: 2,000 parked tasks take no memory: %+v", peer, seen)
		}
	}
}

// The samples of a workload alternate, and an entrant that is not there is
// left out.
func TestMeasureTakesTurns(t *testing.T) {
	var turns strings.Builder
	named := func(name string) *entrant {
		return &entrant{name: name, units: 1, take: func(context.Context, int) (sample, error) {
			turns.WriteString(name)
			return sample{ops: 1, elapsed: 1}, nil
		}}
	}
	all := []*entrant{named("A"), named("B"), {name: "absent"}}
	if err := measure(t.Context(), all, 3, time.Second); err != nil {
		t.Fatal(err)
	}
	if got, want := turns.String(), "AB"+"ABABAB"; got != want {
		t.Errorf("the turns were %s, want %s (the first two warm up)", got, want)
	}
	if len(all[0].samples) != 3 || len(all[2].samples) != 0 {
		t.Errorf("%d and %d samples, want 3 and 0", len(all[0].samples), len(all[2].samples))
	}
}

func TestMeasureStops(t *testing.T) {
	broken := errors.New("broken")
	fails := &entrant{name: "A", units: 1, take: func(context.Context, int) (sample, error) { return sample{}, broken }}
	if err := measure(t.Context(), []*entrant{fails}, 1, time.Second); !errors.Is(err, broken) {
		t.Errorf("measure = %v, want the sample's error", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	works := &entrant{name: "A", units: 1, take: func(context.Context, int) (sample, error) { return sample{ops: 1, elapsed: 1}, nil }}
	if err := measure(ctx, []*entrant{works}, 1, time.Second); !errors.Is(err, context.Canceled) {
		t.Errorf("measure = %v after an interrupt, want context.Canceled", err)
	}
}

// A peer with 100 ns an operation gets a million of them for a sample of 100
// ms, and one with a second an operation gets a single one.
func TestCalibrate(t *testing.T) {
	for _, test := range []struct {
		each time.Duration
		want int
	}{
		{100 * time.Nanosecond, 1_000_000},
		{time.Second, 1},
		{0, 100_000_000},
	} {
		e := &entrant{take: func(_ context.Context, units int) (sample, error) {
			elapsed := time.Duration(units) * test.each
			if test.each == 0 {
				// Below the clock's resolution until there is a lot of it.
				elapsed = time.Duration(units)
			}
			return sample{ops: units, elapsed: elapsed}, nil
		}}
		if err := e.calibrate(t.Context(), 100*time.Millisecond); err != nil {
			t.Fatal(err)
		}
		if e.units < test.want*9/10 || e.units > test.want*11/10 {
			t.Errorf("%v each: %d units, want about %d", test.each, e.units, test.want)
		}
	}
}

func TestMedianAndSpread(t *testing.T) {
	samples := func(ns ...int) []sample {
		var all []sample
		for _, n := range ns {
			all = append(all, sample{ops: 1, elapsed: time.Duration(n)})
		}
		return all
	}
	if got := median(samples(9, 1, 5), sample.nsPerOp); got != 5 {
		t.Errorf("median of 9, 1, 5 = %v, want 5", got)
	}
	if got := median(samples(9, 1, 5, 7), sample.nsPerOp); got != 6 {
		t.Errorf("median of 9, 1, 5, 7 = %v, want 6", got)
	}
	if got := spread(samples(10)); got != 0 {
		t.Errorf("spread of one sample = %v, want 0", got)
	}
	// One sample that went astray is not the spread of the others.
	if got := spread(samples(100, 100, 100, 900)); got != 0 {
		t.Errorf("spread = %v, want 0", got)
	}
}

// The rows hold the ratio against the limit, and only asyncgo's own holds the
// allocations.
func TestTableJudges(t *testing.T) {
	entrants := []*entrant{
		{name: workload.Asyncgo, counts: true, samples: []sample{{ops: 10, elapsed: 1000, mallocs: 30, bytes: 990}}},
		{name: "goroutines", counts: true, samples: []sample{{ops: 10, elapsed: 1250, mallocs: 10, bytes: 160}}},
		{name: "conc", counts: true, samples: []sample{{ops: 10, elapsed: 2000, mallocs: 20, bytes: 320}}},
		{name: "asyncio", samples: []sample{{ops: 10, elapsed: 20000}}},
		{name: "uvloop"},
	}
	for _, e := range entrants[:4] {
		e.take = func(context.Context, int) (sample, error) { return sample{}, nil }
	}
	table := timeTable()
	table.addTimes(workload.Workload{Name: "spawn_gather"}, entrants)
	want := [][]string{
		{"spawn_gather", "asyncgo", "100.0", "0%", "", "≤ 3 allocs", "ok", "3.00", "99"},
		{"spawn_gather", "goroutines", "125.0", "0%", "0.80", "≤ 0.75", "MISS", "1.00", "16"},
		{"spawn_gather", "conc", "200.0", "0%", "0.50", "", "", "2.00", "32"},
		{"spawn_gather", "asyncio", "2000.0", "0%", "0.050", "≤ 0.100", "ok", "", ""},
		{"spawn_gather", "uvloop", "-", "", "-", "", "-", "", ""},
	}
	for i := range want {
		if got := strings.Join(table.rows[i], ";"); got != strings.Join(want[i], ";") {
			t.Errorf("row %d is %s, want %s", i, got, strings.Join(want[i], ";"))
		}
	}
	var out bytes.Buffer
	if err := table.write(&out, false); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "spawn_gather"); n != 1 {
		t.Errorf("the group's name is printed %d times, want once:\n%s", n, out.String())
	}
}

// Every target names a peer that exists, so that none is lost to a typing
// error.
func TestTargetsExist(t *testing.T) {
	peers := map[string]map[string]bool{}
	for _, w := range workload.All() {
		peers[w.Name] = map[string]bool{}
		for _, e := range enter(w, nil) {
			peers[w.Name][e.name] = true
		}
	}
	for name, wanted := range targets {
		if peers[name] == nil {
			t.Errorf("there is a target for %q and no such workload", name)
		}
		for peer := range wanted.ratio {
			if !peers[name][peer] {
				t.Errorf("%s has a target for %q and no such peer", name, peer)
			}
		}
	}
	for name := range peers {
		if _, ok := targets[name]; !ok {
			t.Errorf("%s has no target", name)
		}
		if _, ok := pythonScripts[name]; !ok {
			t.Errorf("%s has no Python script", name)
		}
	}
}
