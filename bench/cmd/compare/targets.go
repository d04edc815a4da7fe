package main

// allocSlack is what may be added to an allocation target per operation: what
// a whole batch or a whole run allocates once is not the operation's.
const allocSlack = 0.01

// A target is what the project wants of one workload, as limits for the ratio
// of asyncgo's time to a peer's and for allocations beside the workload's own
// objects. A peer that is not listed is there to be looked at.
type target struct {
	ratio  map[string]float64
	allocs int
}

// noAllocTarget marks a workload whose allocations are only shown.
const noAllocTarget = -1

var targets = map[string]target{
	"spawn_gather":     {ratio: map[string]float64{"goroutines": 0.75, "asyncio": 1.0 / 10}, allocs: 3},
	"spawn_await":      {ratio: map[string]float64{"goroutine+chan": 0.9, "asyncio": 1.0 / 8}, allocs: noAllocTarget},
	"sleep0_1":         {ratio: map[string]float64{"channel": 0.8, "asyncio": 1.0 / 10}, allocs: 0},
	"sleep0_100":       {ratio: map[string]float64{"channel": 0.8, "asyncio": 1.0 / 10}, allocs: 0},
	"sleep0_10000":     {ratio: map[string]float64{"channel": 1.2, "asyncio": 1.0 / 10}, allocs: 0},
	"sleepers":         {ratio: map[string]float64{"goroutines": 1.0, "asyncio": 1.0 / 12}, allocs: noAllocTarget},
	"future_pingpong":  {allocs: 0},
	"lock_uncontended": {ratio: map[string]float64{"sync.Mutex": 2}, allocs: 0},
	"lock_contended":   {ratio: map[string]float64{"channel": 0.6, "asyncio": 1.0 / 20}, allocs: 0},
	"queue_128":        {ratio: map[string]float64{"channel": 3.0, "asyncio": 1.0 / 4}, allocs: 0},
	"queue_pingpong":   {ratio: map[string]float64{"channel": 1.0}, allocs: 0},
	"pool_submit":      {ratio: map[string]float64{"ants": 1.0, "pond": 1.0}, allocs: 1},
	"block":            {ratio: map[string]float64{"goroutine+chan": 4.0}, allocs: noAllocTarget},
	"to_thread":        {ratio: map[string]float64{"goroutine+chan": 2.0}, allocs: 2},
	"cpu_threads":      {ratio: map[string]float64{"in the loop": 1 / 1.8}, allocs: noAllocTarget},
	"cpu_parallel":     {ratio: map[string]float64{"in the loop": 1 / 1.8}, allocs: noAllocTarget},
	"cpu_processes":    {ratio: map[string]float64{"in the loop": 1 / 1.8}, allocs: noAllocTarget},
	"process_calls":    {allocs: noAllocTarget},

	"greenlet_roundtrip": {ratio: map[string]float64{"greenlet": 0.6}, allocs: 0},
	"greenlet_siblings":  {ratio: map[string]float64{"greenlet": 0.9}, allocs: 0},
	"greenlet_life":      {ratio: map[string]float64{"greenlet": 0.15}, allocs: noAllocTarget},
	"generator_send":     {ratio: map[string]float64{"CPython": 3, "channel": 0.3}, allocs: 0},
	"gevent_spawn":       {ratio: map[string]float64{"gevent": 1.0 / 20}, allocs: noAllocTarget},
	"gevent_sleep0":      {ratio: map[string]float64{"gevent": 1.0 / 8}, allocs: 0},
}

// memoryTarget is the limit for the memory of parked tasks relative to parked
// goroutines, and for what a burst of finished ones leaves behind relative to
// what goroutines leave: the runtime never frees the descriptor of a goroutine
// and keeps it for the next, so neither can go back to nothing.
const memoryTarget = 1.15

// geventMemoryTarget is the limit for the memory of parked greenlets relative to
// those of gevent.
const geventMemoryTarget = 0.5
