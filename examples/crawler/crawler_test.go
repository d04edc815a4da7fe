package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"go.uber.org/goleak"
)

// TestMain also shows that nothing of a crawl outlives it. The two functions are
// what ants starts when it is imported, before any code of ours runs.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/panjf2000/ants/v2.(*poolCommon).purgeStaleWorkers"),
		goleak.IgnoreAnyFunction("github.com/panjf2000/ants/v2.(*poolCommon).ticktock"),
	)
}

// quickSite is drawn once for all tests; it answers at once.
var quickSite = sync.OnceValues(func() (*site, error) { return newSite(0) })

// newCrawler serves handler for the length of a test and returns a crawler of it.
func newCrawler(t *testing.T, handler http.Handler, limit int) crawler {
	t.Helper()
	base, stop, err := serve(handler)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: limit}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return crawler{client: &http.Client{Transport: async.HTTPTransport(transport)}, base: base, limit: limit}
}

// ways are the runs, which every test of them shares.
var ways = map[string]func(crawler, context.Context, string, func()) ([]picture, error){
	"sequential": crawler.sequential,
	"concurrent": crawler.concurrent,
	"tasks":      crawler.tasks,
}

func TestRun(t *testing.T) {
	dir := t.TempDir()
	var out, progress bytes.Buffer
	err := run(t.Context(), config{dir: dir, delay: 2 * time.Millisecond, limit: 8}, &out, &progress)
	if err != nil {
		t.Fatalf("run: %v\n%s", err, &out)
	}
	want := []string{
		`^http://127\.0\.0\.1:\d+ has 4 pages and 80 pictures and takes about 2ms an answer$`,
		`^index_2\.html: from 清晨的雪山4K壁纸 to 雨后的星空4K壁纸$`,
		`^index_3\.html: from 深秋的雪山4K壁纸 to 月光下的星空4K壁纸$`,
		`^index_4\.html: from 云雾中的雪山4K壁纸 to 夕阳里的星空4K壁纸$`,
		`^index_5\.html: from 初春的雪山4K壁纸 to 寂静的星空4K壁纸$`,
		`^sequential: 80 pictures in \d+\.\d{3} s, equal to the originals byte by byte$`,
		`^concurrent: 80 pictures in \d+\.\d{3} s, equal to the originals byte by byte$`,
		`^tasks: 80 pictures in \d+\.\d{3} s, equal to the originals byte by byte$`,
		`^ratio: \d+\.\d and \d+\.\d times as fast, with at most 8 requests at once$`,
		`^the files are in ` + regexp.QuoteMeta(dir) + `$`,
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != len(want) {
		t.Fatalf("run printed %d lines, want %d:\n%s", len(lines), len(want), &out)
	}
	for i, pattern := range want {
		if !regexp.MustCompile(pattern).MatchString(lines[i]) {
			t.Errorf("line %d is %q, want a match of %s", i+1, lines[i], pattern)
		}
	}
	if progress.Len() > 0 {
		t.Errorf("run showed %q to something that is no terminal", &progress)
	}

	s, err := quickSite()
	if err != nil {
		t.Fatal(err)
	}
	for way := range ways {
		if err := compare(filepath.Join(dir, way), s.originals); err != nil {
			t.Errorf("%s: %v", way, err)
		}
	}
}

func TestRunRemovesItsTemporaryFolder(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	var out bytes.Buffer
	if err := run(t.Context(), config{limit: 16}, &out, &out); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(temp)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) > 0 {
		t.Errorf("run left %v behind", left)
	}
}

func TestRunRefusesBadFlags(t *testing.T) {
	for _, cfg := range []config{{limit: 0}, {limit: -1}, {limit: 1, delay: -1}} {
		var out bytes.Buffer
		if err := run(t.Context(), cfg, &out, &out); err == nil {
			t.Errorf("run(%+v) took it", cfg)
		}
	}
}

func TestAllWaysFindTheSame(t *testing.T) {
	s, err := quickSite()
	if err != nil {
		t.Fatal(err)
	}
	var want []picture
	for number := range len(s.originals) {
		page := firstPage + number/picturesPerPage
		want = append(want, picture{title(number), fmt.Sprintf("/uploads/allimg/%06d/%04d.jpg", 250100+page, number)})
	}
	for name, crawl := range ways {
		t.Run(name, func(t *testing.T) {
			c := newCrawler(t, s, 5)
			dir := t.TempDir()
			steps := 0
			// Not locked on purpose: -race tells when done runs on two threads.
			got, err := crawl(c, t.Context(), dir, func() { steps++ })
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, want) {
				t.Errorf("found %v, want %v", got, want)
			}
			if steps != len(want) {
				t.Errorf("done was called %d times, want %d", steps, len(want))
			}
			if err := compare(dir, s.originals); err != nil {
				t.Error(err)
			}
		})
	}
}

// gate lets requests for pictures through only when size of them wait, and
// counts how many were ever there at once. A run that made fewer at once would
// hang here; this shows the concurrency without a look at the clock.
type gate struct {
	http.Handler
	size int

	mu      sync.Mutex
	waiting int
	most    int
	open    chan struct{}
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, ".jpg") {
		g.mu.Lock()
		g.waiting++
		g.most = max(g.most, g.waiting)
		open := g.open
		if g.waiting == g.size {
			g.waiting, g.open = 0, make(chan struct{})
			close(open)
		}
		g.mu.Unlock()
		select {
		case <-open:
		case <-r.Context().Done():
			return
		}
	}
	g.Handler.ServeHTTP(w, r)
}

func TestConcurrentWaysKeepTheirLimit(t *testing.T) {
	s, err := quickSite()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"concurrent", "tasks"} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			const limit = 10
			g := &gate{Handler: s, size: limit, open: make(chan struct{})}
			c := newCrawler(t, g, limit)
			if _, err := ways[name](c, ctx, t.TempDir(), func() {}); err != nil {
				t.Fatalf("the run never made %d requests at once: %v", limit, err)
			}
			if g.most != limit {
				t.Errorf("%d requests at once, want %d", g.most, limit)
			}
		})
	}
}

func TestErrorsSayWhereTheyHappened(t *testing.T) {
	s, err := quickSite()
	if err != nil {
		t.Fatal(err)
	}
	without := func(path string) http.Handler {
		broken := &site{resources: maps.Clone(s.resources)}
		delete(broken.resources, path)
		return broken
	}
	tests := []struct {
		name    string
		handler http.Handler
		want    []string
	}{
		{"no page", without("/index_4.html"), []string{"page 4: ", "/index_4.html", "404 Not Found"}},
		{"no picture", without("/uploads/allimg/250103/0025.jpg"), []string{"picture " + title(25) + ": ", "/0025.jpg", "404 Not Found"}},
	}
	for name, crawl := range ways {
		for _, tt := range tests {
			t.Run(name+"/"+tt.name, func(t *testing.T) {
				c := newCrawler(t, tt.handler, 4)
				pictures, err := crawl(c, t.Context(), t.TempDir(), func() {})
				if err == nil {
					t.Fatalf("found %d pictures without an error", len(pictures))
				}
				for _, part := range tt.want {
					if !strings.Contains(err.Error(), part) {
						t.Errorf("error %q does not say %q", err, part)
					}
				}
			})
		}
		t.Run(name+"/no folder", func(t *testing.T) {
			c := newCrawler(t, s, 4)
			_, err := crawl(c, t.Context(), filepath.Join(t.TempDir(), "missing"), func() {})
			if !errors.Is(err, os.ErrNotExist) {
				t.Errorf("error %v is not os.ErrNotExist", err)
			}
		})
		t.Run(name+"/no site", func(t *testing.T) {
			base, stop, err := serve(s)
			if err != nil {
				t.Fatal(err)
			}
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			c := crawler{client: &http.Client{Transport: async.HTTPTransport(&http.Transport{})}, base: base, limit: 4}
			// Concurrent pages fail in any order.
			_, err = crawl(c, t.Context(), t.TempDir(), func() {})
			if err == nil || !regexp.MustCompile(`^page [2-5]: `).MatchString(err.Error()) {
				t.Errorf("error %v does not name the page", err)
			}
		})
	}
}

func TestInterruptEndsARun(t *testing.T) {
	for name, crawl := range ways {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			s, err := quickSite()
			if err != nil {
				t.Fatal(err)
			}
			// The site goes silent at the first picture and the user gives up.
			c := newCrawler(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, ".jpg") {
					cancel()
					<-r.Context().Done()
					return
				}
				s.ServeHTTP(w, r)
			}), 4)
			if _, err := crawl(c, ctx, t.TempDir(), func() {}); !errors.Is(err, context.Canceled) {
				t.Errorf("error %v is not context.Canceled", err)
			}
		})
	}
}

func TestCompareNoticesEveryDifference(t *testing.T) {
	originals := map[string][]byte{"a.jpg": []byte("first"), "b.jpg": []byte("second")}
	tests := []struct {
		name  string
		files map[string][]byte
		want  string // a part of the error; empty for none
	}{
		{"equal", originals, ""},
		{"changed", map[string][]byte{"a.jpg": []byte("first"), "b.jpg": []byte("secone")}, "b.jpg differs"},
		{"cut", map[string][]byte{"a.jpg": nil, "b.jpg": []byte("second")}, "a.jpg differs"},
		{"missing", map[string][]byte{"a.jpg": []byte("first")}, "1 files"},
		{"besides", map[string][]byte{"a.jpg": []byte("first"), "b.jpg": []byte("second"), "c.jpg": nil}, "has no c.jpg"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, body := range tt.files {
				if err := os.WriteFile(filepath.Join(dir, name), body, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			err := compare(dir, originals)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("compare says %v, want %q", err, tt.want)
			}
		})
	}
	if err := compare(filepath.Join(t.TempDir(), "missing"), originals); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("compare of no folder says %v", err)
	}
}

func TestSitesAreEqual(t *testing.T) {
	first, err := quickSite()
	if err != nil {
		t.Fatal(err)
	}
	second, err := newSite(40 * time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if len(first.originals) != 80 || len(first.resources) != 84 {
		t.Errorf("the site has %d pictures and %d resources, want 80 and 84", len(first.originals), len(first.resources))
	}
	if !maps.EqualFunc(first.originals, second.originals, bytes.Equal) {
		t.Error("two sites drew different pictures")
	}
	for path, r := range second.resources {
		shortest, longest := 20*time.Millisecond, 60*time.Millisecond
		if strings.HasSuffix(path, ".html") {
			shortest, longest = 40*time.Millisecond, 40*time.Millisecond
		}
		if r.delay < shortest || r.delay > longest {
			t.Errorf("%s takes %v, want %v to %v", path, r.delay, shortest, longest)
		}
	}
	// What the tutorial's crawler meets: bytes that are not UTF-8.
	page := second.resources["/index_2.html"].body
	if bytes.Contains(page, []byte("雪山")) || !bytes.Contains(page, []byte("\xd1\xa9\xc9\xbd")) {
		t.Error("the page is not encoded in GBK")
	}
}
