// Processes is the process chapter of a Python tutorial in Go. It ports the scripts that the tutorials build
// on ProcessPoolExecutor and multiprocessing:
//
//   - pool: work(n) in worker processes, submit, shutdown, and the results;
//
//   - callbacks: pages are fetched in processes, and each is parsed by a done callback in the main process, here
//     against a server of our own;
//
//   - mapping: executor.map on processes;
//
//   - apart: a variable that a process changes stays as it was in the others (n = 99);
//
//   - shared: what the tutorials do with Manager().dict() and Value, the Go way: one owner, and results that
//     are sent to it;
//
//   - table: waiting and computing, one after the other, on threads and in processes.
//
//     go run ./examples/processes
//
// Scripts, by tutorial as in examples/README.md: II, computing: serial, threads, processes; III, `n = 99` in processes;
// III, computing and waiting in processes and threads; III, `ProcessPoolExecutor`; III, callbacks in the main process
// for pages that processes fetch; III, `executor.map` on processes; IV, memory that is apart; IV, `Manager().dict()`; V,
// a thread, and a pool that computes.
package main

import (
	"context"
	"fmt"
	"io"
	"iter"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/asyncgo/asyncgo/future"
)

// What worker processes may run is registered where package variables are. A worker is this program, started
// again, and stays here: it never comes to main, so there is no "if __name__ == '__main__'".
var (
	work = future.Register("work", func(n int) (int, error) { return n * 2, nil })

	change = future.Register("change", func(to int) (int, error) {
		n = to
		return n, nil
	})

	count = future.Register("count", func(text string) (map[string]int, error) {
		letters := map[string]int{}
		for _, r := range text {
			letters[string(r)]++
		}
		return letters, nil
	})

	getPage = future.Register("getPage", get)

	wait    = future.Register("wait", waitFor)
	compute = future.Register("compute", sum)
)

// n is the variable of the tutorial that processes do not share.
var n = 99

func waitFor(d time.Duration) (int, error) {
	time.Sleep(d) // stands for I/O
	return 1, nil
}

// page is what a worker sends back. Only exported fields travel.
type page struct{ URL, Text, Worker string }

func get(url string) (page, error) {
	response, err := http.Get(url)
	if err != nil {
		return page{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return page{url, string(text), future.WorkerName()}, err
}

// sum is the loop of the tutorial: ret += i.
func sum(x int) (int, error) {
	ret := 1
	for i := range x {
		ret += i ^ ret>>1
	}
	return ret, nil
}

func main() {
	log.SetFlags(0)
	ctx := context.Background()
	if err := run(ctx, os.Stdout); err != nil {
		log.Fatal("processes: ", err)
	}
	if err := table(ctx, os.Stdout, 200*time.Millisecond, 100_000_000); err != nil {
		log.Fatal("processes: ", err)
	}
}

// run runs the scripts whose output is always the same.
func run(ctx context.Context, out io.Writer) error {
	for _, part := range []func(context.Context, io.Writer) error{pool, callbacks, mapping, apart, shared} {
		if err := part(ctx, out); err != nil {
			return err
		}
	}
	return nil
}

// pool submits ten calls, shuts down, and looks at the results:
//
//	p = ProcessPoolExecutor()
//	for i in range(10): objs_list.append(p.submit(work, i))
//	p.shutdown()
//	for j in objs_list: print(j.result())
func pool(ctx context.Context, out io.Writer) error {
	p := future.NewProcessPool(2)
	var calls []*future.Future[int]
	for i := range 10 {
		calls = append(calls, future.Call(p, work, i))
	}
	if err := p.Shutdown(ctx); err != nil {
		return err
	}
	for _, call := range calls {
		result, err := call.Result()
		if err != nil {
			return err
		}
		fmt.Fprint(out, result, " ")
	}
	fmt.Fprintln(out)
	return nil
}

// callbacks has three processes fetch pages, and parses each here as soon as it is there:
//
//	p.submit(get_page, url).add_done_callback(parse_page)
//
// The callback gets the future. That of Pool.apply_async gets the result, which is one call of Result away. Which page
// is the first is open, so the lines are printed sorted.
func callbacks(ctx context.Context, out io.Writer) error {
	sizes := map[string]int{"/baidu": 2443, "/qq": 1024, "/jd": 512}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write(make([]byte, sizes[r.URL.Path]))
	}))
	defer server.Close()

	p := future.NewProcessPool(3)
	var mu sync.Mutex // callbacks of different workers may run at the same time
	var lines []string
	parsePage := func(f *future.Future[page]) {
		res, err := f.Result()
		line := fmt.Sprintf("got %s in a worker: %t, parse %d in a worker: %t", strings.TrimPrefix(res.URL, server.URL),
			res.Worker != "", len(res.Text), future.WorkerName() != "")
		if err != nil {
			line = err.Error()
		}
		mu.Lock()
		defer mu.Unlock()
		lines = append(lines, line)
	}
	for _, path := range []string{"/baidu", "/qq", "/jd"} {
		future.Call(p, getPage, server.URL+path).AddDoneCallback(parsePage)
	}
	if err := p.Shutdown(ctx); err != nil {
		return err
	}
	mu.Lock()
	defer mu.Unlock()
	slices.Sort(lines)
	for _, line := range lines {
		fmt.Fprintln(out, line)
	}
	return nil
}

// mapping gives the results in the order of the arguments: list(p.map(work, range(10))).
func mapping(ctx context.Context, out io.Writer) error {
	p := future.NewProcessPool(2)
	defer p.Shutdown(ctx)
	var list []int
	for v, err := range future.CallMap(ctx, p, work, slices.Values([]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}), 1) {
		if err != nil {
			return err
		}
		list = append(list, v)
	}
	fmt.Fprintln(out, list)
	return nil
}

// apart has a process change n.
func apart(ctx context.Context, out io.Writer) error {
	p := future.NewProcessPool(1)
	defer p.Shutdown(ctx)
	there, err := future.Call(p, change, 1).Await(ctx)
	fmt.Fprintf(out, "in the worker %d, in the main %d\n", there, n)
	return err
}

// shared counts letters in processes. In Python they would write into a dict of a Manager, which is a process
// of its own, and lock it. Here the state has one owner, this goroutine, and what comes to it are results.
func shared(ctx context.Context, out io.Writer) error {
	p := future.NewProcessPool(2)
	defer p.Shutdown(ctx)
	texts := []string{"banana", "ananas", "cabana"}
	letters := map[string]int{}
	for part, err := range future.CallMap(ctx, p, count, slices.Values(texts), 1) {
		if err != nil {
			return err
		}
		for letter, n := range part {
			letters[letter] += n
		}
	}
	fmt.Fprintln(out, letters) // fmt sorts the keys
	return nil
}

// table does six pieces of each kind of work in three ways. Waiting is the same on threads and in processes.
// Computing is too, because Go's threads have no GIL: where Python needs processes, a pool will do.
func table(ctx context.Context, out io.Writer, pause time.Duration, loops int) error {
	const pieces = 6
	threads := future.NewPool(pieces)
	defer threads.Shutdown(ctx)
	processes := future.NewProcessPool(pieces)
	defer processes.Shutdown(ctx)
	// The processes are started before the clock is.
	if err := drain(future.CallMap(ctx, processes, wait, repeat(pieces, pause/10), 1)); err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\tserial\tthreads\tprocesses")
	row(ctx, w, "I/O-bound", threads, processes, wait, waitFor, repeat(pieces, pause))
	row(ctx, w, "CPU-bound", threads, processes, compute, sum, repeat(pieces, loops))
	return w.Flush()
}

// row does one kind of work and prints how many times faster than one after the other it was.
func row[A any](ctx context.Context, w io.Writer, name string, threads *future.Pool, processes *future.ProcessPool,
	remote future.Func[A, int], local func(A) (int, error), items iter.Seq[A]) {
	timed := func(fn func()) time.Duration {
		start := time.Now()
		fn()
		return time.Since(start)
	}
	serial := timed(func() {
		for item := range items {
			local(item)
		}
	})
	times := func(d time.Duration) float64 { return float64(serial) / float64(d) }
	fmt.Fprintf(w, "%s\t1.0\t%.1f\t%.1f\n", name,
		times(timed(func() { drain(future.Map(ctx, threads, items, local)) })),
		times(timed(func() { drain(future.CallMap(ctx, processes, remote, items, 1)) })))
}

func repeat[T any](times int, v T) iter.Seq[T] {
	return func(yield func(T) bool) {
		for range times {
			if !yield(v) {
				return
			}
		}
	}
}

// drain waits for all results.
func drain(results iter.Seq2[int, error]) error {
	for _, err := range results {
		if err != nil {
			return err
		}
	}
	return nil
}
