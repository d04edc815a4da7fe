package async_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/asyncgo/asyncgo/async"
)

// A page is what a fetch brings back.
type page struct {
	url  string
	size int
}

// A fetcher fetches many pages with a few workers. Replace get by a request of yours; the rest can stay as it is.
type fetcher struct {
	get      func(url string) async.Coroutine[page]
	workers  int           // pages that are fetched at once
	tries    int           // for each page
	pause    time.Duration // before the second try, twice as long before each further one
	patience time.Duration // with each try
}

// all returns the pages in the order of urls. The first page that cannot be had ends the others, and nothing runs any more when all
// returns.
func (f fetcher) all(ctx context.Context, urls []string) ([]page, error) {
	pages := make([]page, len(urls))
	next := 0
	err := async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
		for n := range min(f.workers, len(urls)) {
			tg.Go(func(ctx context.Context) error {
				// The workers share next and pages without a lock: between two waits nothing else in the loop runs.
				for next < len(urls) {
					i := next
					next++
					p, err := f.one(ctx, urls[i])
					if err != nil {
						return fmt.Errorf("fetching %s: %w", urls[i], err)
					}
					pages[i] = p
				}
				return nil
			}, async.Name(fmt.Sprint("worker ", n)))
		}
		return nil
	})
	return pages, err
}

// one fetches a page and tries again while the site is busy or slow.
func (f fetcher) one(ctx context.Context, url string) (page, error) {
	pause := f.pause
	for try := 1; ; try++ {
		p, err := async.WaitFor(ctx, f.get(url), f.patience)
		again := errors.Is(err, errBusy) || errors.Is(err, async.ErrTimeout)
		if !again || try == f.tries {
			return p, err
		}
		if err := async.Sleep(ctx, pause); err != nil {
			return page{}, err
		}
		pause *= 2
	}
}

var (
	errBusy = errors.New("503 service unavailable")
	errGone = errors.New("404 not found")
)

// A site stands for the network. It counts with plain ints, since only tasks of one loop visit it.
type site struct {
	sizes   map[string]int
	busy    map[string]int // how many visits of a page come to nothing
	now     int            // visitors at this moment
	most    int            // and at the busiest
	visited int
}

// get is the slow call of which many have to run at once.
func (s *site) get(url string) async.Coroutine[page] {
	return func(ctx context.Context) (page, error) {
		s.visited++
		s.now++
		s.most = max(s.most, s.now)
		defer func() { s.now-- }()
		if err := async.Sleep(ctx, time.Millisecond); err != nil {
			return page{}, err
		}
		size, found := s.sizes[url]
		switch {
		case !found:
			return page{}, errGone
		case s.busy[url] > 0:
			s.busy[url]--
			return page{}, errBusy
		}
		return page{url, size}, nil
	}
}

// A whole program: many pages, a few at a time, each with a timeout and a few tries, the results in order, and no goroutine left when
// one of them fails.
func Example_fetcher() {
	s := &site{
		sizes: map[string]int{"/": 120, "/news": 300, "/shop": 80, "/jobs": 45, "/about": 60},
		busy:  map[string]int{"/shop": 2},
	}
	f := fetcher{get: s.get, workers: 3, tries: 3, pause: time.Millisecond, patience: time.Minute}

	err := async.Run(func(ctx context.Context) error {
		pages, err := f.all(ctx, []string{"/", "/news", "/shop", "/jobs", "/about"})
		if err != nil {
			return err
		}
		for _, p := range pages {
			fmt.Printf("%-6s %4d\n", p.url, p.size)
		}
		fmt.Println(s.visited, "visits, at most", s.most, "at once")

		_, err = f.all(ctx, []string{"/", "/typo"})
		fmt.Println("gone:", errors.Is(err, errGone))
		return nil
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// /       120
	// /news   300
	// /shop    80
	// /jobs    45
	// /about   60
	// 7 visits, at most 3 at once
	// gone: true
}
