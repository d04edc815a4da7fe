package loop_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// A leaky keeper has lost an item.
type leaky struct {
	mu   sync.Mutex
	line loop.Line
}

func (*leaky) GaveUp(*loop.Line, bool)      {}
func (*leaky) String() string               { return "Leaky" }
func (*leaky) Balance() (in, out, here int) { return 5, 3, 1 }
func (k *leaky) wait(ctx context.Context) {
	k.mu.Lock()
	k.line.Wait(ctx, &k.mu, k)
	k.mu.Unlock()
}

func TestAuditOfItems(t *testing.T) {
	defer loop.KeepBooks()()
	inTask(t, loop.NewVirtual(), func(ctx context.Context, l *loop.Loop) {
		var k leaky
		start(ctx, l, func(ctx context.Context) { k.wait(ctx) })
		ticks(ctx, 1)
		k.mu.Lock()
		k.line.Wake()
		k.mu.Unlock()
		ticks(ctx, 1)
		want := []string{"Leaky was given 5 items, has given away 3 and holds 1"}
		if got := l.Audit(); !slices.Equal(got, want) {
			t.Errorf("the audit finds %q", got)
		}
	})
}
