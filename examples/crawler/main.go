// Crawler is the picture crawler of a Python tutorial, against a web site that it
// brings along: four index pages in GBK and eighty JPEG files on loopback, where
// every answer takes its time, as it does on the real net.
//
// It downloads all of them three times. First the way the tutorial starts: one
// request after the other. Then with asyncgo: a task for each page and each
// picture, gathered into one answer, the blocking calls of net/http and os moved
// to threads by ToThread. And once more with the tasks alone, whose requests
// suspend them through HTTPTransport. All folders are compared with the originals
// byte by byte.
//
//	go -C examples/crawler run . [-dir folder] [-delay 40ms] [-limit 16]
//
// Scripts, by tutorial as in examples/README.md: II, the crawler, one request after the other; II, the crawler with
// aiohttp.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"time"

	"github.com/asyncgo/asyncgo/async"
)

// config is what the flags say.
type config struct {
	dir   string        // empty: a temporary folder, removed at the end
	delay time.Duration // what a page takes; a picture takes half to three halves of it
	limit int           // how many requests run at once when concurrent
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("crawler: ")
	var cfg config
	flag.StringVar(&cfg.dir, "dir", "", "folder to keep the files in (default a temporary one)")
	flag.DurationVar(&cfg.delay, "delay", 40*time.Millisecond, "time that the site takes for a page, and on average for a picture")
	flag.IntVar(&cfg.limit, "limit", 16, "requests at once in the concurrent run")
	flag.Parse()

	// An interrupt ends the runs and still removes the temporary folder.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, cfg, os.Stdout, os.Stderr)
	stop()
	if err != nil {
		log.Fatal(err)
	}
}

// run starts the site, crawls it in all ways and reports on out. Progress goes
// to progress, if that is a terminal.
func run(ctx context.Context, cfg config, out, progress io.Writer) (err error) {
	if cfg.limit < 1 {
		return fmt.Errorf("a limit of %d requests would never make one", cfg.limit)
	}
	if cfg.delay < 0 {
		return fmt.Errorf("the delay %v is negative", cfg.delay)
	}
	dir := cfg.dir
	if dir == "" {
		dir, err = os.MkdirTemp("", "crawler-")
		if err != nil {
			return fmt.Errorf("making a folder for the pictures: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}

	s, err := newSite(cfg.delay)
	if err != nil {
		return fmt.Errorf("making the site: %w", err)
	}
	base, stop, err := serve(s)
	if err != nil {
		return fmt.Errorf("starting the site: %w", err)
	}
	defer func() { err = errors.Join(err, stop()) }()
	fmt.Fprintf(out, "%s has %d pages and %d pictures and takes about %v an answer\n",
		base, lastPage-firstPage+1, len(s.originals), cfg.delay)

	// Enough idle connections for every worker, so that no run pays for dialling
	// again and again.
	transport := &http.Transport{MaxIdleConnsPerHost: cfg.limit}
	defer transport.CloseIdleConnections()
	c := crawler{client: &http.Client{Transport: async.HTTPTransport(transport)}, base: base, limit: cfg.limit}

	ways := []struct {
		name  string
		crawl func(ctx context.Context, dir string, done func()) ([]picture, error)
	}{
		{"sequential", c.sequential},
		{"concurrent", c.concurrent},
		{"tasks", c.tasks},
	}
	times := make([]time.Duration, len(ways))
	for i, way := range ways {
		folder := filepath.Join(dir, way.name)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return fmt.Errorf("making a folder for the pictures: %w", err)
		}
		bar := newBar(progress, way.name, len(s.originals))
		start := time.Now()
		pictures, err := way.crawl(ctx, folder, bar.step)
		times[i] = time.Since(start)
		bar.close()
		if err != nil {
			return fmt.Errorf("%s: %w", way.name, err)
		}
		if i == 0 {
			report(out, pictures)
		}
		if err := compare(folder, s.originals); err != nil {
			return fmt.Errorf("%s: %w", way.name, err)
		}
		fmt.Fprintf(out, "%s: %d pictures in %.3f s, equal to the originals byte by byte\n",
			way.name, len(pictures), times[i].Seconds())
	}
	fmt.Fprintf(out, "ratio: %.1f and %.1f times as fast, with at most %d requests at once\n",
		times[0].Seconds()/times[1].Seconds(), times[0].Seconds()/times[2].Seconds(), cfg.limit)
	if cfg.dir != "" {
		fmt.Fprintf(out, "the files are in %s\n", cfg.dir)
	}
	return nil
}

// report shows what the pages said, which only reads well when they were decoded
// from GBK.
func report(out io.Writer, pictures []picture) {
	page := firstPage
	for titles := range slices.Chunk(pictures, picturesPerPage) {
		fmt.Fprintf(out, "index_%d.html: from %s to %s\n", page, titles[0].title, titles[len(titles)-1].title)
		page++
	}
}
