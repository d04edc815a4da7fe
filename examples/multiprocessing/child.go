package main

import (
	"encoding/gob"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/asyncgo/asyncgo/future"
)

// child does what a process was started for. It is the counterpart of the target functions of the tutorials.
func child(target string, args []string) error {
	switch target {
	case "show":
		fmt.Println("Process name is", args[0])
	case "run":
		fmt.Println("process name :" + args[0])
	case "task":
		// start and stop, with a time between them that the parent decides about: until its pipe to us is closed.
		fmt.Println(args[0], "start")
		io.Copy(io.Discard, os.Stdin)
		fmt.Println(args[0], "stop")
	case "ids":
		fmt.Println(os.Getpid(), os.Getppid())
	case "named":
		fmt.Printf("子进程[%s]运行。。。。\n", currentName())
	case "forever":
		fmt.Println("running")
		select {}
	case "put":
		// A multiprocessing.Queue pickles what is put into it; gob does that here.
		queue := gob.NewEncoder(os.Stdout)
		for _, item := range []any{"hello", []string{"1", "2", "3"}, 1} {
			if err := queue.Encode(&item); err != nil {
				return err
			}
		}
	case "double":
		// A Pipe goes both ways.
		in, out := gob.NewDecoder(os.Stdin), gob.NewEncoder(os.Stdout)
		for {
			var n int
			switch err := in.Decode(&n); err {
			case nil:
			case io.EOF: // the parent has closed its end
				return nil
			default:
				return err
			}
			if err := out.Encode(2 * n); err != nil {
				return err
			}
		}
	default:
		return fmt.Errorf("there is no such target")
	}
	return nil
}

func init() { gob.Register([]string{}) }

// hello is what the tutorial's pool calls.
var hello = future.Register("hello", func(i int) (string, error) {
	time.Sleep(time.Duration(i) * time.Millisecond)
	return "hello " + strconv.Itoa(i), nil
})
