package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/future"
	"github.com/asyncgo/asyncgo/gather"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// The tutorial starts at the second page, because the address of the first is
// not made like the others.
const (
	firstPage = 2
	lastPage  = 5
)

// crawler downloads the pictures of one site.
type crawler struct {
	client *http.Client
	base   string // the site's address, without a slash at its end
	limit  int    // requests at once in the concurrent run
}

// picture is what an index page says of one.
type picture struct {
	title string
	path  string // on the site
}

// sequential downloads everything into dir, one request after the other, and
// calls done after each picture. It returns the pictures in the site's order.
func (c crawler) sequential(ctx context.Context, dir string, done func()) ([]picture, error) {
	var all []picture
	for page := firstPage; page <= lastPage; page++ {
		pictures, err := c.index(ctx, page)
		if err != nil {
			return nil, err
		}
		for _, p := range pictures {
			if err := c.download(ctx, p, dir); err != nil {
				return nil, err
			}
			done()
		}
		all = append(all, pictures...)
	}
	return all, nil
}

// concurrent does the same with a task for every page, which makes a task for
// every picture on it. A task costs next to nothing, a connection does not: the
// bound is the size of the thread pool, at most c.limit requests at once.
//
// The first error ends the run; what is still under way is cancelled and awaited
// before concurrent returns.
func (c crawler) concurrent(ctx context.Context, dir string, done func()) ([]picture, error) {
	main := func(ctx context.Context) ([]picture, error) {
		var tasks []*async.Task[[]picture]
		for page := firstPage; page <= lastPage; page++ {
			tasks = append(tasks, async.CreateTask(ctx, c.page(page, dir, done), async.Name(fmt.Sprintf("page %d", page))))
		}
		// Gathering keeps the order of the pages, whichever was read first.
		pages, err := gather.AllOf(ctx, tasks)
		return slices.Concat(pages...), err
	}
	pool := future.NewPool(c.limit)
	defer pool.Shutdown(context.Background())
	return async.RunResult(main, async.WithContext(ctx), async.DefaultExecutor(pool))
}

// page is the coroutine that downloads one page and all of its pictures.
func (c crawler) page(page int, dir string, done func()) async.Coroutine[[]picture] {
	return func(ctx context.Context) ([]picture, error) {
		pictures, err := async.ToThread(ctx, func(ctx context.Context) ([]picture, error) {
			return c.index(ctx, page)
		})
		if err != nil {
			return nil, err
		}
		tasks := make([]*async.Task[async.Void], len(pictures))
		for i, p := range pictures {
			tasks[i] = async.Go(ctx, func(ctx context.Context) error {
				_, err := async.ToThread(ctx, func(ctx context.Context) (async.Void, error) {
					return async.Void{}, c.download(ctx, p, dir)
				})
				if err == nil {
					// Back in the loop, where one task runs at a time: done
					// needs no lock.
					done()
				}
				return err
			})
		}
		_, err = gather.AllOf(ctx, tasks)
		return pictures, err
	}
}

// tasks does the same without a thread: the transport of the client and the files suspend the task that uses them, so the
// functions of the sequential run are called as they are.
func (c crawler) tasks(ctx context.Context, dir string, done func()) ([]picture, error) {
	main := func(ctx context.Context) ([]picture, error) {
		requests := async.NewSemaphore(c.limit)
		var tasks []*async.Task[[]picture]
		for page := firstPage; page <= lastPage; page++ {
			tasks = append(tasks, async.CreateTask(ctx, func(ctx context.Context) (pictures []picture, err error) {
				err = requests.With(ctx, func(ctx context.Context) error {
					pictures, err = c.index(ctx, page)
					return err
				})
				if err != nil {
					return nil, err
				}
				downloads := make([]*async.Task[async.Void], len(pictures))
				for i, p := range pictures {
					downloads[i] = async.Go(ctx, func(ctx context.Context) error {
						err := requests.With(ctx, func(ctx context.Context) error { return c.download(ctx, p, dir) })
						if err == nil {
							done()
						}
						return err
					})
				}
				_, err = gather.AllOf(ctx, downloads)
				return pictures, err
			}, async.Name(fmt.Sprintf("page %d", page))))
		}
		pages, err := gather.AllOf(ctx, tasks)
		return slices.Concat(pages...), err
	}
	return async.RunResult(main, async.WithContext(ctx))
}

// imageTag finds the pictures of an index page.
var imageTag = regexp.MustCompile(`<img src="(/uploads/allimg/[^"]*)" alt="([^"]*)"`)

// index reads an index page and returns its pictures in the order of the page.
// It suspends the calling task, and blocks on a plain goroutine.
func (c crawler) index(ctx context.Context, page int) ([]picture, error) {
	body, err := c.get(ctx, fmt.Sprintf("/index_%d.html", page))
	if err != nil {
		return nil, fmt.Errorf("page %d: %w", page, err)
	}
	html, err := simplifiedchinese.GBK.NewDecoder().Bytes(body)
	if err != nil {
		return nil, fmt.Errorf("page %d: decoding GBK: %w", page, err)
	}
	var pictures []picture
	for _, match := range imageTag.FindAllSubmatch(html, -1) {
		pictures = append(pictures, picture{title: string(match[2]), path: string(match[1])})
	}
	return pictures, nil
}

// download writes a picture into dir, under the last part of its path. It
// waits as index does.
func (c crawler) download(ctx context.Context, p picture, dir string) error {
	body, err := c.get(ctx, p.path)
	if err != nil {
		return fmt.Errorf("picture %s: %w", p.title, err)
	}
	if err := async.WriteFile(ctx, filepath.Join(dir, path.Base(p.path)), body, 0o644); err != nil {
		return fmt.Errorf("picture %s: %w", p.title, err)
	}
	return nil
}

// get returns the body of an answer. An error of the transport names the address
// itself; the others are given it here. It waits as index does.
func (c crawler) get(ctx context.Context, path string) ([]byte, error) {
	url := c.base + path
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	res, err := c.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("get %s: the site answers %s", url, res.Status)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, fmt.Errorf("get %s: reading the answer: %w", url, err)
	}
	return body, nil
}
