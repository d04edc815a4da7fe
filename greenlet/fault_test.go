package greenlet_test

import (
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/asyncgo/asyncgo/greenlet"
)

func TestMany(t *testing.T) {
	t.Run("a hundred thousand are parked at once, and end", func(t *testing.T) {
		n := 100_000
		if raceEnabled {
			n = 4_000 // The race detector dies of more than 8128 goroutines.
		}
		root := greenlet.Current()
		all := make([]*greenlet.Greenlet, n)
		for i := range all {
			all[i] = greenlet.New(func(...any) (any, error) {
				v, err := root.Switch(i)
				return v, err
			})
			if v, err := all[i].Switch(); v != i || err != nil {
				t.Fatal(v, err)
			}
		}
		if left := len(greenlet.All()); left != n {
			t.Errorf("%d of %d are listed", left, n)
		}
		for i, g := range all {
			if i%2 == 0 {
				if v, err := g.Switch(-i); v != -i || err != nil {
					t.Fatal(v, err)
				}
			} else if err := g.Kill(); err != nil {
				t.Fatal(err)
			}
		}
		greenlet.VerifyNone(t)
	})

	onEach(t, "a chain of a thousand parents passes an error up", func(t *testing.T, _ *greenlet.Greenlet, start maker) {
		const depth = 1000
		passed := 0
		var open func(level int) (any, error)
		open = func(level int) (any, error) {
			if level == depth {
				return nil, errFault
			}
			return start(func(...any) (any, error) {
				v, err := open(level + 1)
				passed++
				return v, err
			}).Switch()
		}
		if _, err := open(0); err != errFault || passed != depth {
			t.Errorf("the error is %v, %d have passed it on", err, passed)
		}
	})

	t.Run("both carriers in one tree, in any order", func(t *testing.T) {
		for seed := range uint64(20) {
			rnd := rand.New(rand.NewPCG(seed, 0))
			root := greenlet.Current()
			all := make([]*greenlet.Greenlet, 30)
			steps := 0
			for i := range all {
				var opts []greenlet.Option
				if rnd.IntN(2) == 0 {
					opts = append(opts, greenlet.OnThread())
				}
				all[i] = greenlet.New(func(...any) (any, error) {
					for {
						if steps++; steps > 500 {
							steps = 0
							if _, err := root.Switch(); err != nil {
								return nil, err
							}
						}
						to := all[rnd.IntN(len(all))]
						if rnd.IntN(50) == 0 {
							return nil, nil
						}
						if _, err := to.Switch(); err != nil {
							return nil, err
						}
					}
				}, opts...)
			}
			for _, g := range all {
				must(g.Switch())
			}
			for _, g := range all {
				if err := g.Kill(); err != nil {
					t.Errorf("seed %d: %v", seed, err)
				}
			}
			greenlet.VerifyNone(t)
		}
	})

	t.Run("a greenlet on the channel carrier may lock its thread", func(t *testing.T) {
		root := greenlet.Current()
		g := greenlet.New(func(...any) (any, error) {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			return root.Switch("locked")
		}, greenlet.OnThread())
		v, err := g.Switch()
		is(t, v, err, "locked", nil)
		v, err = g.Switch("unlocked")
		is(t, v, err, "unlocked", nil)
	})

	t.Run("a root that nobody refers to is made again", func(t *testing.T) {
		for range 3 {
			if v, err := greenlet.New(func(...any) (any, error) { return 1, nil }).Switch(); v != 1 || err != nil {
				t.Fatal(v, err)
			}
			runtime.GC()
		}
		if root := greenlet.Current(); greenlet.Current() != root {
			t.Error("the root changes")
		}
	})
}

func TestAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	root := greenlet.Current()
	g := greenlet.New(func(...any) (any, error) {
		for {
			if _, err := root.Switch(); err != nil {
				return nil, err
			}
		}
	})
	must(g.Switch())
	defer g.Kill()
	if n := testing.AllocsPerRun(100, func() { g.Switch() }); n != 0 {
		t.Errorf("a switch allocates %v times", n)
	}
	gen := greenlet.NewGenerator(func(yield func(int) (int, error)) error {
		for x := 0; ; {
			var err error
			if x, err = yield(x + 1); err != nil {
				return err
			}
		}
	})
	gen.Next()
	defer gen.Close()
	if n := testing.AllocsPerRun(100, func() { gen.Send(1) }); n != 0 {
		t.Errorf("a value to a generator allocates %v times", n)
	}
}
