package loop

// A Feeder is a [Party] that is no task: when it is told, it goes on to complete something that others wait for, as a
// gather does. It is asked under the lock of the list that it waits in.
type Feeder interface {
	Feeds() []*Completion
}

// Awaiters returns the tasks that wait for the task, directly or through gathers, groups and shields, in the order in
// which they came.
func (t *Task) Awaiters() []*Task {
	if c, ok := t.Body().Info().(interface{ Completion() *Completion }); ok {
		return c.Completion().Awaiters()
	}
	return nil
}

// Awaiters is [Task.Awaiters] for any Completion.
func (c *Completion) Awaiters() []*Task {
	a := awaiters{seen: map[any]bool{}}
	a.visit(c)
	return a.tasks
}

type awaiters struct {
	tasks []*Task
	seen  map[any]bool
}

func (a *awaiters) visit(c *Completion) {
	if a.seen[c] {
		return
	}
	a.seen[c] = true
	for _, next := range a.parties(c) {
		a.visit(next)
	}
}

// parties notes the tasks that wait for c itself, and returns what the other parties feed.
func (a *awaiters) parties(c *Completion) (feeds []*Completion) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for w := range c.list.all() {
		switch p := w.party.(type) {
		case *worker:
			if !a.seen[p] {
				a.seen[p] = true
				a.tasks = append(a.tasks, p.task)
			}
		case Feeder:
			feeds = append(feeds, p.Feeds()...)
		}
	}
	return feeds
}
