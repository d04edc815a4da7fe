package loop

import (
	"context"
	"sync/atomic"
	"time"
)

// A JobContext is what a function gets as its context that a task has sent to another goroutine: the
// values of the task's, variables of its own, and an end that comes when the task stops waiting or the
// function has returned. It is part of the job, so that it costs no allocation.
type JobContext struct {
	Scope
	task *Task
	over atomic.Bool // the function has returned
	vars Vars
}

// Init makes it the context of a job that t sends from ctx.
func (c *JobContext) Init(ctx context.Context, t *Task) {
	c.values, c.loop, c.task = valuesOf(ctx), t.loop, t
	if v := VarsOf(ctx, false); v != nil {
		c.vars.m.Store(v.m.Load())
	}
}

// Value implements [context.Context].
func (c *JobContext) Value(key any) any {
	switch key {
	case scopeKey:
		return c.task
	case varsKey:
		return &c.vars
	}
	return c.value(key)
}

// Done implements [context.Context].
func (c *JobContext) Done() <-chan struct{} {
	std := c.standard()
	if c.over.Load() { // before the channel was made
		std.cancel(context.Canceled)
	}
	return std.Done()
}

// Err implements [context.Context].
func (c *JobContext) Err() error {
	if cause := c.cause.Load(); cause != nil {
		return cause.Err
	}
	if c.over.Load() {
		return context.Canceled
	}
	return nil
}

// Deadline implements [context.Context]: a job has none.
func (c *JobContext) Deadline() (time.Time, bool) { return time.Time{}, false }

// Cancel ends the context, from any goroutine.
func (c *JobContext) Cancel(err error) {
	c.cancel(&Cause{Err: context.Canceled, Cause: err, Wait: Spell.Context(context.Canceled, err).Wait}, nil)
}

// End ends the context because the function has returned.
func (c *JobContext) End() {
	c.over.Store(true)
	if std := c.made(); std != nil {
		std.cancel(context.Canceled)
	}
}
