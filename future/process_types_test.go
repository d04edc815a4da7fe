//go:build unix

package future_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/future"
)

// A moody value travels, fails or panics on its way, as its text says.
type moody struct{ Text string }

func (m moody) GobEncode() ([]byte, error) {
	if m.Text == "panics going" {
		panic("not going")
	}
	return []byte(m.Text), nil
}

func (m *moody) GobDecode(b []byte) error {
	m.Text = string(b)
	switch {
	case future.WorkerName() != "": // in the worker all is well
	case m.Text == "fails coming":
		return errors.New("not coming")
	case m.Text == "panics coming":
		panic("not coming at all")
	}
	return nil
}

var echoes = future.Register("echoes", func(m moody) (moody, error) { return m, nil })

func TestProcessPoolTypes(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"panics going", "not going"},
		{"fails coming", "not coming"},
		{"panics coming", "not coming at all"},
	} {
		t.Run("a value that "+c.text+" fails its call alone", func(t *testing.T) {
			withProcesses(t, 1, func(p *future.ProcessPool) {
				dir := t.TempDir()
				first := future.Call(p, door, dir+"/first")
				waitForPid(t, dir+"/first")
				bad := future.Call(p, echoes, moody{c.text})
				next := future.Call(p, echoes, moody{"good"}) // the worker has it ahead when the answer comes
				openDoor(t, dir+"/first")
				await(t, first)
				_, err := outcomeOf(bad)
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("the error is %v", err)
				}
				var caught *future.PanicError
				expectEqual(t, "whether it is a PanicError", errors.As(err, &caught), strings.HasPrefix(c.text, "panics"))
				expectEqual(t, "the next", await(t, next), moody{"good"})
				expectEqual(t, "the one after", await(t, future.Call(p, square, 3)), 9)
				if !strings.HasPrefix(c.text, "panics coming") {
					expectEqual(t, "the processes", p.Stats().Started, 1)
				}
			})
		})
	}
}

func TestProcessPoolCallbacks(t *testing.T) {
	t.Run("one that leaves by Goexit holds up nothing", func(t *testing.T) {
		withProcesses(t, 1, func(p *future.ProcessPool) {
			dir := t.TempDir()
			first := future.Call(p, door, dir+"/first")
			first.AddDoneCallback(func(*future.Future[int]) { runtime.Goexit() })
			var rest []*future.Future[int]
			for i := range 4 {
				rest = append(rest, future.Call(p, square, i))
			}
			openDoor(t, dir+"/first")
			for i, f := range rest {
				expectEqual(t, "a square", await(t, f), i*i)
			}
			expectError(t, "Shutdown", p.Shutdown(context.Background()), nil)
			expectEqual(t, "how many run", p.Stats().Running, 0)
			expectEqual(t, "the processes", p.Stats().Started, 1)
		})
	})

	t.Run("the time that one takes is not that of the call", func(t *testing.T) {
		const limit = time.Second
		withProcesses(t, 1, func(p *future.ProcessPool) {
			dir := t.TempDir()
			first := future.Call(p, door, dir+"/first")
			returned := make(chan struct{})
			first.AddDoneCallback(func(*future.Future[int]) {
				defer close(returned)
				time.Sleep(limit + limit/2) // there is no clock to turn
			})
			openDoor(t, dir+"/first")
			<-returned
			expectEqual(t, "the next", await(t, future.Call(p, square, 3)), 9)
			expectEqual(t, "the processes", p.Stats().Started, 1)
		}, future.CallLimit(limit))
	})
}

func TestProcessPoolShutdownUnderWay(t *testing.T) {
	p := future.NewProcessPool(1)
	dir := t.TempDir()
	running := future.Call(p, door, dir+"/first")
	waitForPid(t, dir+"/first")
	queued := future.Call(p, square, 3)
	short, cancel := context.WithCancel(context.Background())
	cancel()
	expectError(t, "Shutdown", p.Shutdown(short), context.Canceled)
	late := future.Call(p, square, 4)
	expectError(t, "a call during Shutdown", late.Err(), future.ErrShutdown)
	expectEqual(t, "Cancel of it", late.Cancel(), false)
	openDoor(t, dir+"/first")
	await(t, running)
	expectEqual(t, "the queued one", await(t, queued), 9)
	expectEqual(t, "Cancel of one that is done", queued.Cancel(), false)
	expectError(t, "Shutdown", p.Shutdown(context.Background()), nil)
}
