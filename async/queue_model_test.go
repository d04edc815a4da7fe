package async_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/internal/loop"
	"github.com/asyncgo/asyncgo/internal/witness"
)

// A list of operations is played twice: on a queue, by tasks, and on a model of it that knows no
// tasks, only a list of those who are ready. Both write down what happens, and after each operation
// how the queue looks. The two records have to be the same, line by line. The model is CPython's
// Lib/asyncio/queues.py, statement by statement, and its heapq.

// A modelItem is compared by its rank alone.
type modelItem struct{ rank, id int }

func (i modelItem) less(than modelItem) bool { return i.rank < than.rank }

// modelledQueue is what the model knows of a queue.
type modelledQueue interface {
	Put(context.Context, modelItem) error
	PutNowait(modelItem) error
	Get(context.Context) (modelItem, error)
	GetNowait() (modelItem, error)
	TaskDone()
	Join(context.Context) error
	Shutdown(immediate bool)
	Full() bool
	Stats() async.QueueStats
}

// A queueKind is a kind of queue and its model's order.
type queueKind struct {
	name string
	make func(max int) modelledQueue
	push func(items []modelItem, i modelItem) []modelItem
	pop  func(items []modelItem) ([]modelItem, modelItem)
}

func pushLast(items []modelItem, i modelItem) []modelItem { return append(items, i) }

func popFirst(items []modelItem) ([]modelItem, modelItem) { return items[1:], items[0] }

func popLast(items []modelItem) ([]modelItem, modelItem) {
	last := len(items) - 1
	return items[:last], items[last]
}

// heapPush is heapq.heappush.
func heapPush(heap []modelItem, i modelItem) []modelItem {
	heap = append(heap, i)
	siftDown(heap, 0, len(heap)-1)
	return heap
}

// heapPop is heapq.heappop.
func heapPop(heap []modelItem) ([]modelItem, modelItem) {
	last := heap[len(heap)-1]
	heap = heap[:len(heap)-1]
	if len(heap) == 0 {
		return heap, last
	}
	first := heap[0]
	heap[0] = last
	siftUp(heap, 0)
	return heap, first
}

// siftDown is heapq._siftdown.
func siftDown(heap []modelItem, start, pos int) {
	item := heap[pos]
	for pos > start {
		parent := (pos - 1) >> 1
		if !item.less(heap[parent]) {
			break
		}
		heap[pos] = heap[parent]
		pos = parent
	}
	heap[pos] = item
}

// siftUp is heapq._siftup.
func siftUp(heap []modelItem, pos int) {
	end, start := len(heap), pos
	item := heap[pos]
	child := 2*pos + 1
	for child < end {
		if right := child + 1; right < end && !heap[child].less(heap[right]) {
			child = right
		}
		heap[pos] = heap[child]
		pos = child
		child = 2*pos + 1
	}
	heap[pos] = item
	siftDown(heap, start, pos)
}

var (
	fifoKind = queueKind{"Queue", func(max int) modelledQueue { return async.NewQueue[modelItem](max) }, pushLast, popFirst}
	lifoKind = queueKind{"LifoQueue", func(max int) modelledQueue { return async.NewLifoQueue[modelItem](max) }, pushLast, popLast}
	heapKind = queueKind{"PriorityQueue", func(max int) modelledQueue {
		return async.NewPriorityQueue(max, modelItem.less)
	}, heapPush, heapPop}
)

// A modelParty is a task of the model.
type modelParty struct {
	name      string
	step      func(p *modelParty) // goes on where it has stopped
	line      *[]*modelParty      // it waits in
	waits     bool                // its future is pending
	woken     bool                // its future has a result
	cancelled bool
	done      bool
}

// A queueModel is the model of one queue and the loop around it.
type queueModel struct {
	queueKind
	max        int
	items      []modelItem
	getters    []*modelParty
	putters    []*modelParty
	joiners    []*modelParty
	unfinished int
	shut       bool
	ready      []*modelParty
	record     []string
}

func (m *queueModel) log(format string, args ...any) {
	m.record = append(m.record, fmt.Sprintf(format, args...))
}

func (m *queueModel) full() bool { return m.max > 0 && len(m.items) >= m.max }

// wake is _wakeup_next.
func (m *queueModel) wake(line *[]*modelParty) {
	for len(*line) > 0 {
		p := (*line)[0]
		*line = (*line)[1:]
		if p.waits {
			p.waits, p.woken = false, true
			m.ready = append(m.ready, p)
			return
		}
	}
}

func (m *queueModel) wakeAll(line *[]*modelParty) {
	for len(*line) > 0 {
		m.wake(line)
	}
}

// wait is the await of a new future.
func (m *queueModel) wait(p *modelParty, line *[]*modelParty) {
	*line = append(*line, p)
	p.line, p.waits, p.woken = line, true, false
}

// cancel is Task.cancel.
func (m *queueModel) cancel(p *modelParty) {
	if p.done || p.cancelled {
		return
	}
	p.cancelled = true
	if p.waits {
		p.waits = false
		m.ready = append(m.ready, p)
	}
}

// run is a step of a task.
func (m *queueModel) run(p *modelParty) {
	if !p.cancelled {
		p.step(p)
		return
	}
	p.done = true
	if p.line == nil {
		return // it has not begun
	}
	*p.line = slices.DeleteFunc(*p.line, func(other *modelParty) bool { return other == p })
	if p.woken && (p.line == &m.getters && len(m.items) > 0 || p.line == &m.putters && !m.full()) {
		m.wake(p.line)
	}
	m.log("%s: cancelled", p.name)
}

func (m *queueModel) getNowait() (modelItem, error) {
	if len(m.items) == 0 {
		if m.shut {
			return modelItem{}, async.ErrQueueShutdown
		}
		return modelItem{}, async.ErrQueueEmpty
	}
	var item modelItem
	m.items, item = m.pop(m.items)
	m.wake(&m.putters)
	return item, nil
}

func (m *queueModel) putNowait(item modelItem) error {
	switch {
	case m.shut:
		return async.ErrQueueShutdown
	case m.full():
		return async.ErrQueueFull
	}
	m.items = m.push(m.items, item)
	m.unfinished++
	m.wake(&m.getters)
	return nil
}

func (m *queueModel) get(p *modelParty) {
	if len(m.items) == 0 && !m.shut {
		m.wait(p, &m.getters)
		return
	}
	p.done = true
	item, err := m.getNowait()
	m.log("%s: %v, %v", p.name, item, err)
}

func (m *queueModel) put(item modelItem) func(*modelParty) {
	return func(p *modelParty) {
		if m.full() && !m.shut {
			m.wait(p, &m.putters)
			return
		}
		p.done = true
		m.log("%s: %v", p.name, m.putNowait(item))
	}
}

func (m *queueModel) join(p *modelParty) {
	if m.unfinished > 0 && !p.woken {
		m.wait(p, &m.joiners)
		return
	}
	p.done = true
	m.log("%s: %v", p.name, error(nil))
}

func (m *queueModel) taskDone() {
	if m.unfinished--; m.unfinished == 0 {
		m.wakeAll(&m.joiners)
	}
}

func (m *queueModel) shutdown(immediate bool) {
	m.shut = true
	if immediate {
		m.unfinished = max(0, m.unfinished-len(m.items))
		m.items = nil
		if m.unfinished == 0 {
			m.wakeAll(&m.joiners)
		}
	}
	m.wakeAll(&m.getters)
	m.wakeAll(&m.putters)
}

// tick is an iteration of the loop.
func (m *queueModel) tick() {
	now := m.ready
	m.ready = nil
	for _, p := range now {
		m.run(p)
	}
}

func (m *queueModel) stats() async.QueueStats {
	return async.QueueStats{
		Size:       len(m.items),
		Unfinished: m.unfinished,
		Getters:    len(m.getters),
		Putters:    len(m.putters),
		Joiners:    len(m.joiners),
		Shutdown:   m.shut,
	}
}

// A queueScript plays operations on a queue and on its model.
type queueScript struct {
	ctx     context.Context
	q       modelledQueue
	m       queueModel
	record  []string
	tasks   []*async.Task[async.Void]
	parties []*modelParty
	items   int
}

func (s *queueScript) log(format string, args ...any) {
	s.record = append(s.record, fmt.Sprintf(format, args...))
}

// spawn starts a task, and its model.
func (s *queueScript) spawn(verb string, run func(ctx context.Context) (string, error), step func(*modelParty)) {
	name := fmt.Sprint(verb, len(s.tasks))
	s.tasks = append(s.tasks, async.Go(s.ctx, func(ctx context.Context) error {
		text, err := run(ctx)
		if errors.Is(err, async.ErrCancelled) {
			s.log("%s: cancelled", name)
			return err
		}
		s.log("%s: %s%v", name, text, err)
		return nil
	}))
	p := &modelParty{name: name, step: step}
	s.parties = append(s.parties, p)
	s.m.ready = append(s.m.ready, p)
}

func (s *queueScript) item(rank int) modelItem {
	s.items++
	return modelItem{rank, s.items}
}

func (s *queueScript) tick() {
	ticks(s.ctx, 1)
	s.m.tick()
}

// play is one operation.
func (s *queueScript) play(op byte) {
	switch arg := int(op / 16); op % 16 {
	case 0, 1, 2:
		s.spawn("get", func(ctx context.Context) (string, error) {
			item, err := s.q.Get(ctx)
			return fmt.Sprintf("%v, ", item), err
		}, s.m.get)
	case 3, 4, 5:
		item := s.item(arg % 4)
		s.spawn("put", func(ctx context.Context) (string, error) { return "", s.q.Put(ctx, item) }, s.m.put(item))
	case 6:
		s.spawn("join", func(ctx context.Context) (string, error) { return "", s.q.Join(ctx) }, s.m.join)
	case 7:
		item, err := s.q.GetNowait()
		s.log("get: %v, %v", item, err)
		item, err = s.m.getNowait()
		s.m.log("get: %v, %v", item, err)
	case 8:
		item := s.item(arg % 4)
		s.log("put: %v", s.q.PutNowait(item))
		s.m.log("put: %v", s.m.putNowait(item))
	case 9, 10:
		if n := len(s.tasks); n > 0 {
			i := max(0, n-1-arg)
			s.tasks[i].Cancel()
			s.m.cancel(s.parties[i])
		}
	case 11:
		if s.m.unfinished > 0 {
			s.q.TaskDone()
			s.m.taskDone()
		}
	case 12:
		if arg < 2 {
			s.q.Shutdown(arg == 1)
			s.m.shutdown(arg == 1)
		}
	default:
		s.tick()
	}
	stats := s.q.Stats()
	s.log("%+v, %t", stats, s.q.Full())
	s.m.log("%+v, %t", s.m.stats(), s.m.full())
}

// end lets all who still wait go home.
func (s *queueScript) end() {
	s.play(12)
	for s.m.unfinished > 0 {
		s.play(11)
	}
	for range 3 {
		s.play(15)
	}
}

// playQueue plays ops, of which the first is the limit of the queue.
func playQueue(t *testing.T, kind queueKind, ops []byte) {
	t.Helper()
	limit := 0
	if len(ops) > 0 {
		limit, ops = int(ops[0]%5), ops[1:]
	}
	s := &queueScript{q: kind.make(limit), m: queueModel{queueKind: kind, max: limit}}
	err := async.Run(func(ctx context.Context) error {
		s.ctx = ctx
		for _, op := range ops {
			s.play(op)
		}
		s.end()
		for i, task := range s.tasks {
			if !task.IsDone() || !s.parties[i].done {
				t.Errorf("%s waits for ever: done is %t, in the model %t", s.parties[i].name, task.IsDone(), s.parties[i].done)
			}
		}
		return nil
	}, async.Clock(loop.NewVirtual()))
	if err != nil {
		t.Fatal(err)
	}
	witness.Compare(t, s.record, s.m.record)
	if t.Failed() {
		t.Fatalf("the operations were %#v", append([]byte{byte(limit)}, ops...))
	}
}

// TestQueueModel plays random operations.
func TestQueueModel(t *testing.T) {
	const lists, length = 300, 150
	for _, kind := range []queueKind{fifoKind, lifoKind, heapKind} {
		t.Run(kind.name, func(t *testing.T) {
			for seed := range uint64(lists) {
				random := rand.New(rand.NewPCG(seed, 1))
				ops := make([]byte, random.IntN(length))
				for i := range ops {
					if ops[i] = byte(random.Uint32()); ops[i]%16 == 12 && random.IntN(4) > 0 {
						ops[i] = 13 // most lists have no early end
					}
				}
				playQueue(t, kind, ops)
			}
		})
	}
}

// TestQueueModelIsHeapq holds the model's heap against what CPython prints for six equal items and
// for some numbers.
func TestQueueModelIsHeapq(t *testing.T) {
	for _, c := range []struct{ ranks, want []int }{
		{[]int{1, 1, 1, 1, 1, 1}, []int{1, 3, 6, 5, 2, 4}},
		{[]int{5, 1, 3, 1}, []int{2, 4, 3, 1}},
	} {
		var heap []modelItem
		for i, rank := range c.ranks {
			heap = heapPush(heap, modelItem{rank, i + 1})
		}
		var got []int
		for len(heap) > 0 {
			var item modelItem
			heap, item = heapPop(heap)
			got = append(got, item.id)
		}
		expectSlice(t, "the order", got, c.want)
	}
}

func fuzzQueue(f *testing.F, kind queueKind) {
	f.Add([]byte{1, 3, 3, 13, 7, 9, 13, 13})            // a woken putter is cancelled
	f.Add([]byte{0, 0, 0, 13, 8, 0x1a, 13, 13})         // a woken getter is cancelled
	f.Add([]byte{0, 0, 0, 13, 8, 7, 13, 8, 8, 13})      // its item is taken
	f.Add([]byte{0, 0, 0, 13, 0x1a, 8, 13})             // a getter is cancelled first
	f.Add([]byte{2, 8, 8, 3, 6, 6, 13, 12, 13, 11, 11}) // a shutdown with a putter and joiners
	f.Add([]byte{0, 8, 0x18, 0x28, 8, 0x18, 0x38, 7, 7, 7, 7, 7, 7, 0x1c})
	f.Fuzz(func(t *testing.T, ops []byte) { playQueue(t, kind, ops) })
}

func FuzzQueue(f *testing.F)         { fuzzQueue(f, fifoKind) }
func FuzzLifoQueue(f *testing.F)     { fuzzQueue(f, lifoKind) }
func FuzzPriorityQueue(f *testing.F) { fuzzQueue(f, heapKind) }
