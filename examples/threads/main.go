// Threads is the thread pool chapter of a Python tutorial, line by line in Go. It ports the scripts that
// the tutorials build on ThreadPoolExecutor:
//
//   - serial and threads: spider01 and spider02, which wait for three and five seconds: eight one after the
//     other, five on threads;
//
//   - futures: three tasks on two workers, shutdown, and then the results;
//
//   - callbacks: pages are fetched by a pool, and each is parsed by a done callback, here against a server of
//     our own;
//
//   - mapping: executor.map.
//
//     go run ./examples/threads
//
// Scripts, by tutorial as in examples/README.md: II, `spider01` and `spider02`, serial and on threads; II,
// `ThreadPoolExecutor`; III, `ThreadPoolExecutor`; III, callbacks that parse pages; III, `executor.map`; IV,
// `ThreadPoolExecutor(3)`; V, a thread, and a pool that computes.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/asyncgo/asyncgo/future"
)

func main() {
	log.SetFlags(0)
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal("threads: ", err)
	}
}

// run runs the scripts one after the other.
func run(ctx context.Context, out io.Writer) error {
	s := &script{out: out, second: time.Second}
	for _, part := range []func(context.Context) error{s.serial, s.threads, s.futures, s.callbacks, s.mapping} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

// script is what Python finds in its module: where print goes and how long a second is.
type script struct {
	second time.Duration
	mu     sync.Mutex // print may be called from any thread
	out    io.Writer
}

func (s *script) printf(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.out, format, args...)
}

// since returns how many of the tutorial's seconds have passed, without the fractions.
func (s *script) since(start time.Time) int { return int(time.Since(start) / s.second) }

func (s *script) spider(name string, timer int) {
	s.printf("%s start\n", name)
	time.Sleep(time.Duration(timer) * s.second) // stands for I/O, as in the tutorial
	s.printf("%s end\n", name)
}

// serial is the version without threads.
func (s *script) serial(context.Context) error {
	start := time.Now()
	s.spider("spider01", 3)
	s.spider("spider02", 5)
	s.printf("时间花销: %d\n", s.since(start))
	return nil
}

// threads starts each spider on a worker. Shutdown is the join of both.
func (s *script) threads(ctx context.Context) error {
	start := time.Now()
	pool := future.NewPool(2)
	for _, spider := range []struct {
		name  string
		timer int
	}{{"spider01", 3}, {"spider02", 5}} {
		if err := pool.Execute(func() { s.spider(spider.name, spider.timer) }); err != nil {
			return err
		}
		time.Sleep(s.second / 10) // the tutorial prints the starts in this order
	}
	if err := pool.Shutdown(ctx); err != nil {
		return err
	}
	s.printf("时间花销: %d\n", s.since(start))
	return nil
}

// futures submits three tasks to two workers:
//
//	pool = ThreadPoolExecutor(2)
//	future01 = pool.submit(task, 1)
//	...
//	pool.shutdown()
//	print("future01的结果", future01.result())
func (s *script) futures(ctx context.Context) error {
	start := time.Now()
	pool := future.NewPool(2)
	var futures []*future.Future[int]
	for i := 1; i <= 3; i++ {
		futures = append(futures, future.Submit(pool, func() (int, error) {
			s.printf("任务%d开始!\n", i)
			time.Sleep(time.Duration(i) * s.second)
			s.printf("任务%d结束!\n", i)
			return i, nil
		}))
		time.Sleep(s.second / 10)
	}
	if err := pool.Shutdown(ctx); err != nil {
		return err
	}
	s.printf("程序耗时%d秒钟\n", s.since(start))
	for i, f := range futures {
		result, err := f.Result()
		if err != nil {
			return err
		}
		s.printf("future%02d的结果 %d\n", i+1, result)
	}
	return nil
}

// page is what getPage returns.
type page struct{ url, text string }

// callbacks fetches three pages and has each parsed as soon as it is there:
//
//	p.submit(get_page, url).add_done_callback(parse_page)
func (s *script) callbacks(ctx context.Context) error {
	sizes := map[string]int{"/baidu": 2443, "/qq": 1024, "/jd": 512}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write(make([]byte, sizes[r.URL.Path]))
	}))
	defer server.Close()

	// One worker, so that the order of the lines is that of the tutorial.
	pool := future.NewPool(1, future.PoolName("ThreadPoolExecutor"))
	getPage := func(path string) (page, error) {
		s.printf("<%s> get %s\n", pool.Worker(), path)
		response, err := server.Client().Get(server.URL + path)
		if err != nil {
			return page{}, err
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		return page{path, string(text)}, err
	}
	parsePage := func(f *future.Future[page]) {
		res, err := f.Result() // the future is the argument, as in Python
		if err != nil {
			s.printf("%v\n", err)
			return
		}
		s.printf("<%s> parse %s: %d\n", pool.Worker(), res.url, len(res.text))
	}
	hold := make(chan struct{}) // until all callbacks are there
	if err := pool.Execute(func() { <-hold }); err != nil {
		return err
	}
	for _, path := range []string{"/baidu", "/qq", "/jd"} {
		future.Submit(pool, func() (page, error) { return getPage(path) }).AddDoneCallback(parsePage)
	}
	close(hold)
	return pool.Shutdown(ctx)
}

// mapping gives the results in the order of the arguments: list(p.map(work, range(10))).
func (s *script) mapping(ctx context.Context) error {
	pool := future.NewPool(4)
	defer pool.Shutdown(ctx)
	work := func(n int) (int, error) {
		time.Sleep(time.Duration(10-n) * s.second / 100) // the last is the quickest
		return n * 2, nil
	}
	var list []int
	for v, err := range future.Map(ctx, pool, slices.Values([]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}), work) {
		if err != nil {
			return err
		}
		list = append(list, v)
	}
	s.printf("%v\n", list)
	return nil
}
