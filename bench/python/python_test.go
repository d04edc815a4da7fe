package python_test

import (
	"slices"
	"testing"

	"go.uber.org/goleak"

	"github.com/asyncgo/asyncgo/bench/python"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Every script counts its work at a tiny size, on every event loop that the
// machine has.
func TestScriptsCountTheirWork(t *testing.T) {
	interpreter, err := python.Find(t.Context(), "python3")
	if err != nil {
		t.Fatal(err)
	}
	if interpreter == nil {
		t.Skip("there is no python3 on this machine")
	}
	type run struct {
		name  string
		units int
		more  []int
		want  int
	}
	onLoops := []run{
		{"spawn_gather", 2, []int{5}, 10},
		{"spawn_await", 7, nil, 7},
		{"sleep0", 3, []int{1}, 3},
		{"sleep0", 3, []int{4}, 12},
		{"sleepers", 1, []int{9}, 9},
		{"future_pingpong", 6, nil, 12},
		{"lock_uncontended", 5, nil, 5},
		{"lock_contended", 3, []int{4}, 12},
		{"queue_128", 300, nil, 300},
		{"queue_pingpong", 6, nil, 12},
	}
	inTrio := slices.DeleteFunc(slices.Clone(onLoops), func(r run) bool { return r.name == "future_pingpong" }) // it has no futures
	for on, runs := range map[string][]run{
		python.Asyncio: onLoops,
		python.Uvloop:  onLoops,
		python.Trio:    inTrio,
		python.Greenlet: {
			{"greenlet_roundtrip", 7, nil, 7},
			{"greenlet_siblings", 7, nil, 7},
			{"greenlet_life", 7, nil, 7},
		},
		python.CPython: {{"generator_send", 7, nil, 7}},
		python.Gevent: {
			{"gevent_spawn", 2, []int{5}, 10},
			{"gevent_sleep0", 3, []int{4}, 12},
		},
	} {
		for _, s := range runs {
			t.Run(on+"/"+s.name, func(t *testing.T) {
				if !interpreter.Has(on) {
					t.Skipf("%s cannot be imported on this machine", on)
				}
				ops, elapsed, err := interpreter.Run(t.Context(), s.name, on, s.units, s.more...)
				if err != nil {
					t.Fatal(err)
				}
				if ops != s.want {
					t.Errorf("the script counted %d operations, want %d", ops, s.want)
				}
				if elapsed <= 0 {
					t.Errorf("the script measured %v", elapsed)
				}
			})
		}
	}
	t.Run("gevent/gevent_parked", func(t *testing.T) {
		if !interpreter.Has(python.Gevent) {
			t.Skip("gevent cannot be imported on this machine")
		}
		ops, bytes, err := interpreter.Grow(t.Context(), "gevent_parked", python.Gevent, 2_000)
		if ops != 2_000 || err != nil {
			t.Fatalf("the script counted %d greenlets instead of 2,000, and its error is %v", ops, err)
		}
		if bytes == 0 {
			t.Error("2,000 parked greenlets take no memory")
		}
	})
}

func TestFindMissesQuietly(t *testing.T) {
	interpreter, err := python.Find(t.Context(), "asyncgo-has-no-such-python")
	if interpreter != nil || err != nil {
		t.Errorf("Find = %v, %v for a command that does not exist, want nil, nil", interpreter, err)
	}
	if interpreter.Has(python.Asyncio) {
		t.Error("a missing interpreter claims to have asyncio")
	}
}

func TestUnknownScript(t *testing.T) {
	interpreter, err := python.Find(t.Context(), "python3")
	if err != nil {
		t.Fatal(err)
	}
	if interpreter == nil {
		t.Skip("there is no python3 on this machine")
	}
	if _, _, err := interpreter.Run(t.Context(), "nothing_of_this_name", python.Asyncio, 1); err == nil {
		t.Error("an unknown script ran without an error")
	}
}
