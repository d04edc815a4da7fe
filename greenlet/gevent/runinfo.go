package gevent

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"
)

// RunInfo returns a text about all goroutines, and the greenlets of all hubs, with what each of them waits for, where, and who
// has spawned it: gevent.util.format_run_info. It does not wait for long: a hub that does not come to its loop in a tenth of
// a second is only named, its greenlets' stacks are among those of the goroutines.
func RunInfo() string {
	var b strings.Builder
	line := strings.Repeat("*", 80)
	fmt.Fprintf(&b, "%s\n* Goroutines\n%s\n%s\n", line, line, stacks())
	fmt.Fprintf(&b, "%s\n* Greenlets\n%s\n", line, line)
	hubs.mu.Lock()
	all := make([]*hub, 0, len(hubs.all))
	for _, h := range hubs.all {
		all = append(all, h)
	}
	hubs.mu.Unlock()
	slices.SortFunc(all, func(a, c *hub) int { return int(a.gid - c.gid) })
	for _, h := range all {
		fmt.Fprintf(&b, "Hub of goroutine %d", h.gid)
		text := make(chan string, 1)
		h.l.Call(func() { text <- h.report() })
		select {
		case s := <-text:
			fmt.Fprintf(&b, ":%s\n", s)
		case <-h.l.Closed():
			b.WriteString(" has been closed\n")
		case <-time.After(100 * time.Millisecond):
			b.WriteString(" does not come to its loop\n")
		}
	}
	return b.String()
}

// PrintRunInfo writes [RunInfo]: gevent.util.print_run_info. It is meant for a signal handler.
func PrintRunInfo(w io.Writer) error {
	_, err := io.WriteString(w, RunInfo())
	return err
}

// stacks returns those of all goroutines.
func stacks() string {
	for size := 1 << 16; ; size *= 2 {
		buf := make([]byte, size)
		if n := runtime.Stack(buf, true); n < size || size >= 1<<24 {
			return string(buf[:n])
		}
	}
}
