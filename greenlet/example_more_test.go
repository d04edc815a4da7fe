package greenlet_test

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/asyncgo/asyncgo/greenlet"
)

// The first Switch calls the function, a later one is answered where the greenlet stands.
func ExampleGreenlet_Switch() {
	root := greenlet.Current()
	g := greenlet.New(func(args ...any) (any, error) {
		fmt.Println("arguments", args)
		v, err := root.Switch("question")
		fmt.Println("answer", v)
		return "result", err
	})
	fmt.Println(g.Switch(1, 2))
	fmt.Println(g.Switch("yes"))
	fmt.Println(g.Switch("too late")) // g has ended, so its parent gets it, who is the caller
	// Output:
	// arguments [1 2]
	// question <nil>
	// answer yes
	// result <nil>
	// too late <nil>
}

// Python ends a greenlet when nobody refers to it any more. Here Kill does.
func ExampleGreenlet_Kill() {
	root := greenlet.Current()
	g := greenlet.New(func(...any) (any, error) {
		defer fmt.Println("cleaned up")
		_, err := root.Switch()
		fmt.Println(err)
		return nil, err
	})
	g.Switch()
	fmt.Println(g.Kill())
	fmt.Println(g)
	// Output:
	// greenlet: exit
	// cleaned up
	// <nil>
	// Greenlet(ExampleGreenlet_Kill, dead)
}

// A result goes to the parent, whoever has switched to the greenlet.
func ExampleGreenlet_SetParent() {
	root := greenlet.Current()
	collect := greenlet.New(func(args ...any) (any, error) {
		sum := args[0].(int)
		for range 2 {
			v, err := root.Switch()
			if err != nil {
				return nil, err
			}
			sum += v.(int)
		}
		return sum, nil
	})
	for i := 1; i <= 3; i++ {
		g := greenlet.New(func(...any) (any, error) { return i * i, nil })
		if err := g.SetParent(collect); err != nil {
			fmt.Println(err)
		}
		if v, err := g.Switch(); v != nil || err != nil {
			fmt.Println(v, err)
		}
	}
	fmt.Println(collect.SetParent(collect))
	// Output:
	// 14 <nil>
	// greenlet: the chain of parents would be a cycle
}

// A trace function is told of every switch, after it and in the greenlet that was switched to.
func ExampleSetTrace() {
	root := greenlet.Current()
	name := func(g *greenlet.Greenlet) string {
		if g == root {
			return "root"
		}
		return "child"
	}
	greenlet.SetTrace(func(event greenlet.Event, origin, target *greenlet.Greenlet) {
		fmt.Println(event, name(origin), "to", name(target))
	})
	greenlet.New(func(...any) (any, error) { return nil, errors.New("a fault") }).Switch()
	greenlet.SetTrace(nil)
	// Output:
	// switch root to child
	// throw child to root
}

// A greenlet that needs a thread of its own runs on another carrier, and is used like any other.
func ExampleOnThread() {
	root := greenlet.Current()
	g := greenlet.New(func(...any) (any, error) {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		return root.Switch("locked")
	}, greenlet.OnThread())
	fmt.Println(g.Switch())
	fmt.Println(g.Switch("unlocked"))
	// Output:
	// locked <nil>
	// unlocked <nil>
}

// Every goroutine is the root of a tree, and what it makes is a child of whoever makes it.
func ExampleCurrent() {
	root := greenlet.Current()
	fmt.Println(root, root.Parent() == nil)
	outer := greenlet.New(func(...any) (any, error) {
		me := greenlet.Current()
		inner := greenlet.New(func(...any) (any, error) { return greenlet.Current().Parent() == me, nil })
		return inner.Switch()
	})
	fmt.Println(outer.Switch())
	// Output:
	// Greenlet(main, current) true
	// true <nil>
}

// An error that is thrown arrives at the yield. What the body makes of it is up to it.
func ExampleGenerator_Throw() {
	again := errors.New("again")
	count := greenlet.NewGenerator(func(yield func(int) (struct{}, error)) error {
		for i := 1; ; i++ {
			switch _, err := yield(i); {
			case err == again:
				i = 0
			case err != nil:
				fmt.Println("closing:", err)
				return nil
			}
		}
	})
	fmt.Println(count.Next())
	fmt.Println(count.Next())
	fmt.Println(count.Throw(again))
	fmt.Println(count.Close())
	fmt.Println(count.Next())
	// Output:
	// 1 <nil>
	// 2 <nil>
	// 1 <nil>
	// closing: greenlet: exit
	// <nil>
	// 0 greenlet: the generator has ended
}
