package loop

import (
	"context"
	"testing"
	"time"
)

func TestBuffers(t *testing.T) {
	const many = 2 * maxSpare
	for name, clock := range map[string]Clock{"real": NewReal(), "virtual": NewVirtual()} {
		t.Run("the buffers of a burst outlast a short calm, and are given back after a longer one, on the "+name+" clock", func(t *testing.T) {
			l := New(context.Background(), clock)
			defer l.Close()
			var looks func()
			after := 0
			looks = func() {
				switch after++; {
				case after == 1 && l.room() <= maxSpare:
					t.Errorf("there is room for %d at once", l.room())
				case l.room() <= maxSpare:
					l.Stop()
					return
				case after == 1000:
					t.Errorf("there still is room for %d", l.room())
					l.Stop()
					return
				}
				NewHandle(l, looks).At(l.After(trimEvery / 2))
			}
			for range many {
				NewHandle(l, func() {}).Soon()
				NewHandle(l, func() {}).At(l.After(time.Millisecond))
			}
			NewHandle(l, looks).At(l.After(2 * time.Millisecond))
			if _, err := l.Run(); err != nil {
				t.Fatal(err)
			}
		})
	}
}
