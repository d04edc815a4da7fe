package async_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/internal/loop"
)

// The stress runs programs that nobody would write, made of bytes. Nothing in a program says what should come out, but whatever
// it does, rules hold: everything ends, every deferred call runs once, what a combinator returns agrees with what its parts have noted,
// and a program without goroutines makes the same trace every time.

// An op is a kind of step of a program.
type op int

const (
	opPass op = iota
	opGiveWay
	opNap
	opAwaitFuture
	opSetFuture
	opCancelFuture
	opFail
	opPanic
	opCallback
	opCancelTask
	opJoinTask
	opSequence
	opSpawn
	opAwait
	opGather
	opSettled
	opGroup
	opTimeout
	opWaitFor
	opWithTimeout
	opShield
	opWait
	opRace
	opCompleted
	opUncancel
	opCleanup
	opDerive
	opEager
	// From here on goroutines take part.
	opThread
	opBlock
	opSetFromGoroutine
	opCancelFromGoroutine
	opGroupFromGoroutine
	nOps
)

var opNames = [nOps]string{
	"pass", "give way", "nap", "await future", "set future", "cancel future", "fail", "panic", "callback", "cancel task", "join task",
	"sequence", "spawn", "await", "gather", "settled", "group", "timeout", "WaitFor", "WithTimeout", "shield", "wait", "race",
	"completed", "uncancel", "cleanup", "derive", "eager",
	"thread", "block", "set from goroutine", "cancel from goroutine", "group from goroutine",
}

// A step is a node of a program.
type step struct {
	op   op
	n    int // what it applies to, or for how long
	kids []*step
}

// String spells the step as a Lisp would.
func (s *step) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "(%s %d", opNames[s.op], s.n)
	for _, k := range s.kids {
		b.WriteString(" " + k.String())
	}
	b.WriteString(")")
	return b.String()
}

// A parser makes steps of bytes.
type parser struct {
	code  []byte
	ops   int // how many kinds of steps are used
	steps int // how many may still be made
}

func (p *parser) next() int {
	if len(p.code) == 0 {
		return 0
	}
	b := p.code[0]
	p.code = p.code[1:]
	return int(b)
}

func (p *parser) step(depth int) *step {
	p.steps--
	kind := op(p.next() % p.ops)
	s := &step{op: kind, n: p.next()}
	kids := 0
	switch kind {
	case opSequence, opGather, opSettled, opGroup, opWait, opRace, opCompleted, opGroupFromGoroutine:
		kids = 1 + s.n%4
	case opSpawn, opAwait, opTimeout, opWaitFor, opWithTimeout, opShield, opDerive, opEager:
		kids = 1
	case opUncancel, opCleanup:
		kids = 2
	}
	if depth == 0 || p.steps < kids {
		kids = 0
	}
	for range kids {
		s.kids = append(s.kids, p.step(depth-1))
	}
	return s
}

// parse makes a program of bytes.
func parse(code []byte, goroutines bool) (program []*step) {
	p := &parser{code: code, ops: int(opThread), steps: 400}
	if goroutines {
		p.ops = int(nOps)
	}
	for len(p.code) > 0 && p.steps > 0 {
		program = append(program, p.step(5))
	}
	return program
}

var (
	errMade    = errors.New("made by the program")
	valuePanic = "made by the program too"
)

// A note is what a task of a program has written down about itself, all of it inside the loop.
type note struct {
	number        int
	task          *async.Task[int]
	entered, left int
	returned      bool
	v             int
	err           error
	panics        bool
}

// A computer runs one program.
type computer struct {
	t          *testing.T
	futures    []*async.Future[int]
	notes      []*note
	trace      []string
	goroutines sync.WaitGroup
	calls      int // of steps; not locked, so that the race detector sees that one task runs at a time

	// What follows is for loops whose tasks run in parallel. It guards notes, trace, callbacks, blocking, and the tasks of the notes.
	mu        sync.Mutex
	callbacks int // scheduled and not yet run
	blocking  int // tasks in Block
}

// called counts a step.
func (m *computer) called() {
	if !parallel {
		m.calls++
	}
}

// add adds to one of the counters.
func (m *computer) add(counter *int, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	*counter += n
}

// blocks reports whether a task is in Block.
func (m *computer) blocks() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.blocking > 0
}

// made notes the task of a note.
func (m *computer) made(n *note, task *async.Task[int]) *note {
	m.mu.Lock()
	defer m.mu.Unlock()
	n.task = task
	return n
}

// say writes a line into the trace.
func (m *computer) say(ctx context.Context, who *note, what string, err error) {
	text := "nil"
	var panicked *async.PanicError
	switch {
	case errors.As(err, &panicked):
		text = fmt.Sprint("panic: ", panicked.Value) // without the stack
	case err != nil:
		text = err.Error()
	}
	line := fmt.Sprintf("%s tick %d, task %d: %s: %s", now(ctx), tickNumber(ctx), who.number, what, text)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.trace = append(m.trace, line)
}

// coroutine makes a coroutine of a step, and a note of its task.
func (m *computer) coroutine(kids ...*step) (async.Coroutine[int], *note) {
	m.mu.Lock()
	n := &note{number: len(m.notes)}
	m.notes = append(m.notes, n)
	m.mu.Unlock()
	return func(ctx context.Context) (v int, err error) {
		n.entered++
		defer func() {
			n.left++
			m.say(ctx, n, "ends", err)
		}()
		m.say(ctx, n, "begins", nil)
		for _, k := range kids {
			if err = m.run(ctx, n, k); err != nil {
				break
			}
		}
		n.v, n.err, n.returned = n.number, err, true
		return n.v, err
	}, n
}

// spawn makes a task of a step.
func (m *computer) spawn(ctx context.Context, s *step, opts ...async.TaskOption) *note {
	co, n := m.coroutine(s)
	return m.made(n, async.CreateTask(ctx, co, opts...))
}

// spawnAll makes tasks of all kids of a step.
func (m *computer) spawnAll(ctx context.Context, s *step) (notes []*note, tasks []*async.Task[int]) {
	for _, k := range s.kids {
		n := m.spawn(ctx, k)
		notes, tasks = append(notes, n), append(tasks, n.task)
	}
	return notes, tasks
}

func (m *computer) future(s *step) *async.Future[int] { return m.futures[s.n%len(m.futures)] }

// other returns a task, by the number of the step.
func (m *computer) other(s *step) *async.Task[int] {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.notes[s.n%len(m.notes)].task
}

// own returns the task of who runs a step, if that is known yet.
func (m *computer) own(me *note) *async.Task[int] {
	m.mu.Lock()
	defer m.mu.Unlock()
	return me.task
}

// run runs a step and everything in it.
func (m *computer) run(ctx context.Context, me *note, s *step) (err error) {
	m.called()
	err = m.perform(ctx, me, s)
	m.say(ctx, me, opNames[s.op], err)
	return err
}

// first runs the first kid of a step, if it has any.
func (m *computer) first(ctx context.Context, me *note, s *step) error {
	if len(s.kids) == 0 {
		return giveWay(ctx)
	}
	return m.run(ctx, me, s.kids[0])
}

func (s *step) duration() time.Duration { return time.Duration(s.n%16) * time.Millisecond }

// holds fails the test if a rule does not hold.
func (m *computer) holds(rule bool, what string, args ...any) {
	if !rule {
		m.t.Errorf("a rule does not hold: "+what, args...)
	}
}

// allDone is the rule of those who return when everything has ended.
func (m *computer) allDone(who string, notes []*note) {
	for _, n := range notes {
		m.holds(n.task.IsDone(), "%s has returned, and its task %d has not ended", who, n.number)
	}
}

// perform does what the step says and compares what comes back with what is known about it.
func (m *computer) perform(ctx context.Context, me *note, s *step) error {
	switch s.op {
	case opPass:
		return nil
	case opGiveWay:
		return giveWay(ctx)
	case opNap:
		begin := now(ctx)
		err := async.Sleep(ctx, s.duration())
		m.holds(err != nil || now(ctx)-begin >= s.duration(), "a sleep of %s was over after %s", s.duration(), now(ctx)-begin)
		return err
	case opAwaitFuture:
		f := m.future(s)
		_, err := f.Await(ctx)
		m.holds(err != nil || f.IsDone(), "a future was awaited and is not done")
		return err
	case opSetFuture:
		m.future(s).SetResult(s.n)
		return nil
	case opCancelFuture:
		m.future(s).Cancel()
		return nil
	case opFail:
		return errMade
	case opPanic:
		me.panics = true
		panic(valuePanic)
	case opCallback:
		m.add(&m.callbacks, 1)
		running(ctx).CallLater(s.duration(), func() {
			m.add(&m.callbacks, -1)
			m.called()
			m.future(s).SetResult(s.n)
		})
		return nil
	case opCancelTask:
		if task := m.other(s); task != nil {
			task.Cancel()
		}
		return nil
	case opJoinTask:
		task := m.other(s)
		if task == nil || task == m.own(me) || ctx.Value(detachedKey{}) != nil {
			return nil // in a ring of tasks that wait for each other, somebody has to listen
		}
		_, err := async.Shield(ctx, task)
		m.holds(err != nil || task.IsDone(), "a task was joined and has not ended")
		return err
	case opSequence:
		for _, k := range s.kids {
			if err := m.run(ctx, me, k); err != nil {
				return err
			}
		}
		return nil
	case opSpawn:
		if len(s.kids) > 0 {
			m.spawn(ctx, s.kids[0])
		}
		return nil
	case opEager:
		if len(s.kids) > 0 {
			n := m.spawn(ctx, s.kids[0], async.Eager())
			m.holds(n.entered == 1, "an eager task has begun %d times when CreateTask returns", n.entered)
		}
		return nil
	case opAwait:
		return m.await(ctx, me, s)
	case opGather, opSettled, opWait, opRace, opCompleted:
		return m.combine(ctx, s)
	case opGroup, opGroupFromGoroutine:
		return m.group(ctx, me, s)
	case opTimeout:
		begin := now(ctx)
		err := async.Timeout(ctx, s.duration(), func(ctx context.Context, _ *async.TimeoutScope) error { return m.first(ctx, me, s) })
		m.holds(!errors.Is(err, async.ErrTimeout) || now(ctx)-begin >= 0, "a timeout came before its time")
		return ignoring(err, async.ErrTimeout)
	case opWaitFor:
		co, n := m.coroutine(s.kids...)
		_, err := async.WaitFor(ctx, co, s.duration())
		m.holds(n.entered == n.left, "WaitFor has returned, and its coroutine has not ended")
		return ignoring(err, async.ErrTimeout)
	case opWithTimeout:
		inner, cancel := async.WithTimeout(ctx, s.duration())
		err := m.first(inner, me, s)
		cancel()
		return ignoring(err, async.ErrTimeout)
	case opShield:
		if len(s.kids) == 0 {
			return nil
		}
		_, err := async.Shield(ctx, m.spawn(ctx, s.kids[0]).task)
		return err
	case opUncancel:
		err := m.first(ctx, me, s)
		if !errors.Is(err, async.ErrCancelled) || len(s.kids) < 2 {
			return err
		}
		return m.run(async.Uncancel(ctx), me, s.kids[1])
	case opCleanup:
		err := m.first(ctx, me, s)
		if len(s.kids) > 1 {
			detached := context.WithValue(context.WithoutCancel(ctx), detachedKey{}, true)
			err = errors.Join(err, m.run(detached, me, s.kids[1]))
		}
		return err
	case opDerive:
		return m.first(context.WithValue(ctx, awaitsLong{}, s.n), me, s)
	}
	return m.goroutine(ctx, s)
}

// detachedKey marks a ctx, and what is derived from it, in which nobody is told of a cancellation.
type detachedKey struct{}

// ignoring returns nil if err is what ends a block, so that programs go on.
func ignoring(err, end error) error {
	if errors.Is(err, end) {
		return nil
	}
	return err
}

// await awaits a task and compares the two sides.
func (m *computer) await(ctx context.Context, me *note, s *step) error {
	if len(s.kids) == 0 {
		return giveWay(ctx)
	}
	n := m.spawn(ctx, s.kids[0])
	v, err := n.task.Await(ctx)
	m.holds(n.task.IsDone() || errors.Is(err, async.ErrCancelled) || errors.Is(err, async.ErrTimeout),
		"the await of task %d has returned %v, and the task has not ended", n.number, err)
	m.holds(err != nil || v == n.number, "the await of task %d has returned %d", n.number, v)
	if n.task.IsDone() && err == nil {
		m.holds(n.task.Err() == nil, "the await of task %d has returned nil, and the task has ended with %v", n.number, n.task.Err())
	}
	return err
}

// combine waits for several tasks and compares what it gets with what they have noted.
func (m *computer) combine(ctx context.Context, s *step) error {
	notes, tasks := m.spawnAll(ctx, s)
	if len(tasks) == 0 {
		return nil
	}
	switch s.op {
	case opGather:
		vs, err := async.GatherOf[int](ctx, tasks)
		if err != nil {
			return err
		}
		m.allDone("Gather", notes)
		for i, n := range notes {
			m.holds(vs[i] == n.number, "Gather has returned %d for task %d", vs[i], n.number)
		}
	case opSettled:
		rs, err := async.GatherSettledOf[int](ctx, tasks)
		if err != nil {
			return err
		}
		m.allDone("GatherSettled", notes)
		for i, n := range notes {
			m.holds((rs[i].Err == nil) == (n.task.Err() == nil), "GatherSettled has %v for task %d, which ended with %v", rs[i].Err, n.number, n.task.Err())
		}
	case opWait:
		opts := []async.WaitOption{async.AllCompleted, async.FirstCompleted, async.FirstException, async.Within(s.duration())}
		done, pending, err := async.Wait(ctx, tasks, opts[s.n/4%4])
		if err != nil {
			return err
		}
		m.holds(len(done)+len(pending) == len(tasks), "Wait has returned %d and %d of %d tasks", len(done), len(pending), len(tasks))
		for _, task := range done {
			m.holds(task.IsDone(), "Wait takes %v for done", task)
		}
		for _, task := range pending {
			m.holds(parallel || !task.IsDone(), "Wait takes %v for pending", task)
		}
	case opRace:
		aws := make([]async.Awaitable[int], len(tasks))
		for i, task := range tasks {
			aws[i] = task
		}
		v, err := async.Race(ctx, aws...)
		m.allDone("Race", notes)
		m.holds(err != nil || slices.ContainsFunc(notes, func(n *note) bool { return n.number == v }), "Race has returned %d", v)
		return err
	case opCompleted:
		seen := 0
		for task := range async.Completed(ctx, tasks) {
			seen++
			m.holds(task.IsDone(), "Completed yields %v", task)
			if seen > s.n/16 {
				return nil // broken off
			}
		}
		m.holds(seen == len(tasks) || ctx.Err() != nil, "Completed has yielded %d of %d tasks", seen, len(tasks))
		return nil
	}
	return nil
}

// group runs kids in a TaskGroup, the first one in its body. From goroutines it starts them when that is what the step says.
func (m *computer) group(ctx context.Context, me *note, s *step) error {
	var notes []*note
	err := async.WithTaskGroup(ctx, func(ctx context.Context, tg *async.TaskGroup) error {
		if len(s.kids) == 0 {
			return nil
		}
		for _, k := range s.kids[1:] {
			co, n := m.coroutine(k)
			notes = append(notes, n)
			if s.op == opGroup {
				m.made(n, async.Spawn(tg, co))
				continue
			}
			started := async.NewFuture[*async.Task[int]](ctx)
			m.goroutines.Go(func() { check(started.SetResult(async.Spawn(tg, co))) })
			// In Block the future is awaited by a plain goroutine: the loop goes on.
			m.add(&m.blocking, 1)
			task, _ := async.Block(ctx, func(context.Context) (*async.Task[int], error) { return started.Await(context.Background()) })
			m.made(n, task)
			m.add(&m.blocking, -1)
		}
		return m.run(ctx, me, s.kids[0])
	})
	m.allDone("WithTaskGroup", notes)
	for _, n := range notes {
		// A child that fails is in the group of errors, or was refused.
		if own := n.task.Err(); own != nil && !n.task.Cancelled() && !errors.Is(own, async.ErrShutdown) {
			m.holds(errors.Is(err, own), "the group has ended with %v, and its task %d with %v", err, n.number, own)
		}
	}
	return err
}

// goroutine is a step in which goroutines take part.
func (m *computer) goroutine(ctx context.Context, s *step) error {
	switch s.op {
	case opThread, opBlock:
		f := m.future(s)
		job := func(ctx context.Context) (int, error) {
			runtime.Gosched()
			if s.n%3 == 0 {
				f.SetResult(s.n)
			}
			if s.n%5 == 0 {
				panic(valuePanic)
			}
			return s.n, ctx.Err()
		}
		on := async.ToThread[int]
		if s.op == opBlock {
			on = async.Block[int]
			m.add(&m.blocking, 1)
			defer m.add(&m.blocking, -1)
		}
		v, err := on(ctx, job)
		m.holds(err != nil || v == s.n, "a function on another goroutine has returned %d, and not %d", v, s.n)
		return err
	case opSetFromGoroutine:
		f := m.future(s)
		m.goroutines.Go(func() { f.SetResult(s.n) })
	case opCancelFromGoroutine:
		if task := m.other(s); task != nil {
			m.goroutines.Go(func() { task.Cancel() })
		}
	}
	return nil
}

// end brings everything to its end: futures that nobody has completed, and then tasks that still wait, for each other in a ring or
// because they do not listen.
func (m *computer) end(ctx context.Context) {
	for _, f := range m.futures {
		f.SetResult(0)
	}
	for range 100 {
		m.goroutines.Wait()
		for m.blocks() {
			check(second(threaded(runtime.Gosched)(ctx)))
		}
		check(async.Sleep(ctx, time.Second))
		left := slices.DeleteFunc(async.AllTasks(ctx), func(t async.AnyTask) bool { return t == async.CurrentTask(ctx) })
		if len(left) == 0 {
			return
		}
		for _, task := range left {
			task.Cancel()
		}
	}
	m.t.Errorf("these do not end: %v", async.AllTasks(ctx))
}

// judge compares how the tasks have ended with what they have noted.
func (m *computer) judge() {
	for _, n := range m.notes {
		m.holds(n.entered <= 1 && n.left == n.entered, "task %d has begun %d times and ended %d times", n.number, n.entered, n.left)
		if n.task == nil {
			continue // a coroutine in WaitFor
		}
		m.holds(n.task.IsDone(), "task %d has not ended", n.number)
		_, err := n.task.Result()
		isCancelled := n.task.Cancelled()
		var panicked *async.PanicError
		switch {
		case n.entered == 0:
			m.holds(isCancelled || errors.Is(err, async.ErrShutdown), "task %d has not begun, and ended with %v", n.number, err)
		case n.panics && !n.returned:
			m.holds(errors.As(err, &panicked), "task %d has panicked, and ended with %v", n.number, err)
		case !n.returned:
			m.holds(errors.As(err, &panicked), "task %d has not returned, and ended with %v", n.number, err)
		case n.err == nil:
			m.holds(err == nil || isCancelled, "task %d has returned nil, and ended with %v", n.number, err)
		default:
			m.holds(errors.Is(err, n.err), "task %d has returned %v, and ended with %v", n.number, n.err, err)
		}
	}
	m.holds(m.callbacks == 0, "%d callbacks have not run", m.callbacks)
}

// runProgram runs a program on the virtual clock and returns its trace.
func runProgram(t *testing.T, program []*step, opts ...async.Option) []string {
	t.Helper()
	m := &computer{t: t}
	guarded(t, func() {
		opts := append([]async.Option{
			async.Clock(loop.NewVirtual()),
			async.Logger(slog.New(slog.DiscardHandler)),
			async.ExceptionHandler(func(_ *async.Loop, c async.ExceptionContext) {
				if strings.Contains(c.Message, "callback") {
					t.Errorf("the loop has reported %q: %v", c.Message, c.Err)
				}
			}),
		}, opts...)
		expectError(t, "Run", async.Run(func(ctx context.Context) error {
			for range 8 {
				m.futures = append(m.futures, async.NewFuture[int](ctx))
			}
			for part := range slices.Chunk(program, 3) { // side by side
				co, n := m.coroutine(part...)
				m.made(n, async.CreateTask(ctx, co))
			}
			check(async.Sleep(ctx, time.Second))
			m.end(ctx)
			return nil
		}, opts...), nil)
		m.judge()
	})
	return m.trace
}

// stress runs a program in all ways and compares the traces of those without goroutines.
func stress(t *testing.T, code []byte) {
	t.Helper()
	program := parse(code, false)
	trace := runProgram(t, program)
	expectSameTrace(t, "run again", trace, runProgram(t, program))
	expectSameTrace(t, "run in debug mode", trace, runProgram(t, program, async.Debug()))
	other := parse(code, true)
	runProgram(t, other)
	if t.Failed() {
		t.Logf("the program is %v, and with goroutines %v", program, other)
	}
}

// expectSameTrace fails the test if two traces differ.
func expectSameTrace(t *testing.T, how string, want, got []string) {
	t.Helper()
	if parallel {
		return // they do
	}
	for i := range max(len(want), len(got)) {
		if i >= len(want) || i >= len(got) || want[i] != got[i] {
			t.Errorf("%s, the program makes another trace, after\n\t%s\n\t%s\nand not\n\t%s", how,
				strings.Join(want[max(0, i-5):min(i, len(want))], "\n\t"), strings.Join(got[min(i, len(got)):min(i+1, len(got))], ""),
				strings.Join(want[min(i, len(want)):min(i+1, len(want))], ""))
			return
		}
	}
}

// codeOf returns the bytes of a random program.
func codeOf(seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 0))
	code := make([]byte, 50+r.IntN(600))
	for i := range code {
		code[i] = byte(r.Uint32())
	}
	return code
}

// TestStress runs programs that are made from a seed, which is in the name of the subtest. The environment variable
// ASYNCGO_STRESS_SEED has it run one of them only, and ASYNCGO_STRESS_SEEDS sets how many.
func TestStress(t *testing.T) {
	first, n := uint64(1), uint64(100)
	if testing.Short() {
		n = 20
	}
	if text := os.Getenv("ASYNCGO_STRESS_SEEDS"); text != "" {
		n = must(strconv.ParseUint(text, 10, 64))
	}
	if text := os.Getenv("ASYNCGO_STRESS_SEED"); text != "" {
		first, n = must(strconv.ParseUint(text, 10, 64)), 1
	}
	for seed := first; seed < first+n; seed++ {
		t.Run(fmt.Sprintf("the program of seed %d keeps the rules", seed), func(t *testing.T) { stress(t, codeOf(seed)) })
	}
}

// FuzzProgram runs the program that its input spells. What a program with goroutines covers is a matter of luck, so that the fuzzer
// would spend its time on making inputs smaller: a hunt needs -fuzzminimizetime=1x.
func FuzzProgram(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(codeOf(seed))
	}
	f.Fuzz(stress)
}
