package greenlet_test

import (
	"errors"
	"fmt"

	"github.com/asyncgo/asyncgo/greenlet"
)

// Two greenlets hand control to each other by name.
func Example() {
	var ping, pong *greenlet.Greenlet
	ping = greenlet.New(func(...any) (any, error) {
		for i := range 3 {
			fmt.Println("ping", i)
			if _, err := pong.Switch(i); err != nil {
				return nil, err
			}
		}
		return "done", nil
	})
	pong = greenlet.New(func(args ...any) (any, error) {
		for v := args[0]; ; {
			fmt.Println("pong", v)
			var err error
			if v, err = ping.Switch(); err != nil {
				return nil, err
			}
		}
	})
	fmt.Println(ping.Switch())
	fmt.Println(pong)
	fmt.Println(pong.Kill())
	// Output:
	// ping 0
	// pong 0
	// ping 1
	// pong 1
	// ping 2
	// pong 2
	// done <nil>
	// Greenlet(Example, suspended)
	// <nil>
}

// An error travels to the parent, whose pending Switch returns it.
func ExampleGreenlet_Throw() {
	root := greenlet.Current()
	g := greenlet.New(func(...any) (any, error) {
		_, err := root.Switch("ready")
		return nil, fmt.Errorf("got %w", err)
	})
	fmt.Println(g.Switch())
	_, err := g.Throw(errors.New("a fault"))
	fmt.Println(err, g.Dead())
	// Output:
	// ready <nil>
	// got a fault true
}

// A running average: values go in, averages come out.
func ExampleGenerator_Send() {
	average := greenlet.NewGenerator(func(yield func(float64) (float64, error)) error {
		var sum, n, average float64
		for {
			v, err := yield(average)
			if err != nil {
				return err
			}
			sum += v
			n++
			average = sum / n
		}
	})
	defer average.Close()
	average.Next() // as far as the first yield
	for _, v := range []float64{10, 30, 5} {
		fmt.Println(average.Send(v))
	}
	// Output:
	// 10 <nil>
	// 20 <nil>
	// 15 <nil>
}

// A generator is a sequence for a loop. Leaving the loop closes it.
func ExampleGenerator_All() {
	fibonacci := greenlet.NewGenerator(func(yield func(int) (struct{}, error)) error {
		for a, b := 0, 1; ; a, b = b, a+b {
			if _, err := yield(a); err != nil {
				return err
			}
		}
	})
	for v := range fibonacci.All() {
		if v > 20 {
			break
		}
		fmt.Print(v, " ")
	}
	fmt.Println(fibonacci.Err())
	// Output: 0 1 1 2 3 5 8 13 <nil>
}

// What was forgotten can be found and ended.
func ExampleAll() {
	root := greenlet.Current()
	greenlet.New(func(...any) (any, error) {
		defer fmt.Println("cleaned up")
		return root.Switch()
	}).Switch()
	for _, g := range greenlet.All() {
		fmt.Println(g.Kill(), g.Dead())
	}
	// Output:
	// cleaned up
	// <nil> true
}
