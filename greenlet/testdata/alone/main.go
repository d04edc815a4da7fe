// Alone imports greenlet and nothing else of asyncgo.
package main

import (
	"errors"
	"fmt"

	"github.com/asyncgo/asyncgo/greenlet"
)

func main() {
	var p *greenlet.PanicError
	for _, opts := range [][]greenlet.Option{nil, {greenlet.OnThread()}} {
		_, err := greenlet.New(func(...any) (any, error) { panic("fault") }, opts...).Switch()
		fmt.Println(errors.As(err, &p))
	}
	greenlet.SetTrace(func(greenlet.Event, *greenlet.Greenlet, *greenlet.Greenlet) { panic("fault") })
	_, err := greenlet.New(func(...any) (any, error) { return nil, nil }).Switch()
	fmt.Println(errors.As(err, &p))
	gen := greenlet.NewGenerator(func(func(int) (int, error)) error { panic("fault") })
	_, err = gen.Next()
	fmt.Println(errors.As(err, &p))
}
