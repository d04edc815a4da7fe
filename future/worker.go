package future

import (
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync/atomic"
)

// workerEnv tells a program that it is a worker process: how many functions are registered before it
// serves, and its name.
const workerEnv = "ASYNCGO_WORKER"

var workerServes, workerName = workerSpec()

// serving is set when a worker process has come to where it serves.
var serving atomic.Bool

func workerSpec() (int, string) {
	spec, ok := os.LookupEnv(workerEnv)
	if !ok {
		return 0, ""
	}
	os.Unsetenv(workerEnv) // processes that the worker starts are none
	count, name, _ := strings.Cut(spec, " ")
	n, err := strconv.Atoi(count)
	if err != nil || n < 1 {
		fmt.Fprintf(os.Stderr, "future: %s=%q is none of ours\n", workerEnv, spec)
		os.Exit(2)
	}
	return n, name
}

// WorkerName returns the name of the worker process that calls, "pool-0" for instance, and "" in a process
// that is none. It stands for multiprocessing.current_process().name.
func WorkerName() string { return workerName }

// errLeft is the outcome of a function that has not returned.
var errLeft = errors.New("future: the function was left by runtime.Goexit")

// serveWorker is the life of a worker process. It ends when the pool closes its pipe, or dies.
func serveWorker() {
	// Who presses ^C means the program, which tells its workers.
	signal.Notify(make(chan os.Signal, 1), os.Interrupt)
	in, out, tickets, err := workerPipes()
	if err != nil {
		fmt.Fprintf(os.Stderr, "future: %s was not started by a pool: %v\n", workerName, err)
		os.Exit(2)
	}
	var under atomic.Int32 // calls that were read, and have no answer yet
	calls := make(chan frame, 2)
	go func() {
		for {
			f, err := readFrame(in)
			if err != nil {
				if under.Load() > 0 {
					os.Exit(1) // there is nobody left to work for
				}
				os.Exit(0)
			}
			under.Add(1)
			calls <- f
		}
	}()
	var from receiver
	var to sender
	for f := range calls {
		name, work, err := read(&from, f) // also if it was taken back, for what it says about types
		var ticket [1]byte
		if _, lost := io.ReadFull(tickets, ticket[:]); lost != nil {
			os.Exit(1)
		}
		switch void := ticket[0] == ticketVoid; {
		case void && err == nil:
			under.Add(-1)
			continue
		case void:
			os.Exit(1)
		case err != nil:
			writeFrame(out, frameRefused, []byte(err.Error()))
			os.Exit(1)
		}
		to.answer(name, work, serve(work))
		under.Add(-1)
		if err := to.send(out, frameAnswer); err != nil {
			os.Exit(1)
		}
	}
}

// read reads the calls of a message.
func read(from *receiver, f frame) (string, work, error) {
	dec, _ := from.open(f)
	var head callHead
	if err := dec.Decode(&head); err != nil {
		return "", nil, fmt.Errorf("future: a call: %w", err)
	}
	registry.Lock()
	r := registry.byName[head.Name]
	registry.Unlock()
	if r == nil {
		return "", nil, fmt.Errorf("future: the worker does not know %q", head.Name)
	}
	work, err := r.open(head.N, dec)
	return head.Name, work, err
}

// serve does the calls of a message.
func serve(work work) []served {
	outcomes := make([]served, work.size())
	for i := range outcomes {
		outcomes[i].err = errLeft
	}
	done := make(chan struct{})
	go func() { // which the function may end by runtime.Goexit
		defer close(done)
		for i := range outcomes {
			outcomes[i] = work.do(i)
		}
	}()
	<-done
	return outcomes
}

// answer encodes what has become of the calls. A result that cannot be sent becomes an error of its own call.
func (s *sender) answer(name string, work work, outcomes []served) {
	sendable := func(v any) error { return gob.NewEncoder(io.Discard).Encode(v) }
	for careful := false; ; careful = true {
		head := answerHead{N: len(outcomes)}
		for i := range outcomes {
			o := &outcomes[i]
			if o.ok() && careful {
				if err := sendable(work.result(i)); err != nil {
					work.forget(i)
					o.err = fmt.Errorf("future: the result of %s: %w", name, err)
				}
			}
			if o.ok() {
				continue
			}
			m := mark{Index: i}
			switch {
			case o.panic != nil:
				m.Kind, m.Text, m.Stack = markPanic, o.panic.Value.(string), o.panic.Stack
			case sendable(errorBox{o.err}) == nil:
				m.Kind = markError
			default:
				m.Kind, m.Text = markText, o.err.Error()
			}
			head.Marks = append(head.Marks, m)
		}
		if s.encodeAnswer(head, work, outcomes) == nil {
			return
		}
		s.abandon()
	}
}

func (s *sender) encodeAnswer(head answerHead, work work, outcomes []served) error {
	enc := s.begin()
	err := enc.Encode(head)
	if err == nil && len(head.Marks) < head.N {
		err = enc.Encode(work.results())
	}
	for _, m := range head.Marks {
		if err == nil && m.Kind == markError {
			err = enc.Encode(errorBox{outcomes[m.Index].err})
		}
	}
	return err
}
