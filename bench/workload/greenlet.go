package workload

import (
	"github.com/asyncgo/asyncgo/greenlet"
)

// GreenletRoundTrip switches from the root to a greenlet and back. An operation is the way there and back.
func GreenletRoundTrip() Workload {
	return Workload{
		Name:  "greenlet_roundtrip",
		About: "switch from the root to a greenlet and back",
		Peers: []Peer{
			{Name: Asyncgo, UnitOps: 1, Run: func(t Timer, trips int) (int, error) {
				root, seen := greenlet.Current(), 0
				g := greenlet.New(func(...any) (any, error) {
					for {
						if _, err := root.Switch(); err != nil {
							return nil, err
						}
						seen++
					}
				})
				if _, err := g.Switch(); err != nil {
					return 0, err
				}
				t.StartTimer()
				for range trips {
					if _, err := g.Switch(); err != nil {
						return seen, err
					}
				}
				t.StopTimer()
				if err := g.Kill(); err != nil {
					return seen, err
				}
				return counted(seen, trips)
			}},
			channelRoundTrip(),
		},
	}
}

// GreenletSiblings switches from one child of the root to another and back.
func GreenletSiblings() Workload {
	return Workload{
		Name:  "greenlet_siblings",
		About: "switch from one greenlet to its sibling and back",
		Peers: []Peer{
			{Name: Asyncgo, UnitOps: 1, Run: func(t Timer, trips int) (int, error) {
				seen := 0
				var one, two *greenlet.Greenlet
				two = greenlet.New(func(...any) (any, error) {
					for {
						if _, err := one.Switch(); err != nil {
							return nil, err
						}
						seen++
					}
				})
				one = greenlet.New(func(...any) (any, error) {
					if _, err := two.Switch(); err != nil {
						return nil, err
					}
					t.StartTimer()
					for range trips {
						if _, err := two.Switch(); err != nil {
							return nil, err
						}
					}
					t.StopTimer()
					return nil, nil
				})
				if _, err := one.Switch(); err != nil {
					return seen, err
				}
				if err := two.Kill(); err != nil {
					return seen, err
				}
				return counted(seen, trips)
			}},
			channelRoundTrip(),
		},
	}
}

// GreenletLife makes greenlets that run and end at once, one after the other.
func GreenletLife() Workload {
	return Workload{
		Name:  "greenlet_life",
		About: "make a greenlet, run it, and let it end",
		Peers: []Peer{
			{Name: Asyncgo, UnitOps: 1, Run: func(t Timer, lives int) (int, error) {
				ended := 0
				run := func(...any) (any, error) { ended++; return nil, nil }
				t.StartTimer()
				for range lives {
					if _, err := greenlet.New(run).Switch(); err != nil {
						return ended, err
					}
				}
				t.StopTimer()
				return counted(ended, lives)
			}},
			{Name: "goroutine+chan", UnitOps: 1, Run: func(t Timer, lives int) (int, error) {
				ended := 0
				t.StartTimer()
				for range lives {
					done := make(chan struct{})
					go func() { ended++; close(done) }()
					<-done
				}
				t.StopTimer()
				return counted(ended, lives)
			}},
		},
	}
}

// GeneratorSend sends numbers to a generator, which yields each of them and one more. An operation is a Send.
func GeneratorSend(values int) Workload {
	return Workload{
		Name:  "generator_send",
		About: "send a value to a generator and get one, " + thousands(values) + " times",
		Units: values,
		Peers: []Peer{
			{Name: Asyncgo, UnitOps: 1, Run: func(t Timer, values int) (int, error) {
				gen := greenlet.NewGenerator(func(yield func(int) (int, error)) error {
					for v := 0; ; {
						var err error
						if v, err = yield(v + 1); err != nil {
							return err
						}
					}
				})
				v, err := gen.Next()
				if err != nil {
					return v, err
				}
				t.StartTimer()
				for range values {
					if v, err = gen.Send(v); err != nil {
						return v, err
					}
				}
				t.StopTimer()
				if err := gen.Close(); err != nil {
					return v, err
				}
				return counted(v-1, values)
			}},
			channelRoundTrip(),
		},
	}
}

// channelRoundTrip passes a number to a goroutine and back through two unbuffered channels. An operation is
// the way there and back.
func channelRoundTrip() Peer {
	handOff := channelHandOff()
	return Peer{Name: handOff.Name, UnitOps: 1, Run: func(t Timer, trips int) (int, error) {
		handOffs, err := handOff.Run(t, trips)
		return handOffs / handOff.UnitOps, err
	}}
}
