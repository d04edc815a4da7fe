// Command compare measures asyncgo beside raw goroutines and channels,
// errgroup, conc, ants, pond and, where the machine has them, Python's asyncio,
// uvloop, trio, greenlet and gevent, all in one run.
//
// The samples of one workload are taken in turns, one of each peer and then
// the next round, so that a machine that is slow for a while is slow for all
// of them. Printed are medians, the ratios of asyncgo to each peer, the
// targets that the project has set itself, and whether they hold here and
// now. A missed target is printed and no more: the exit code says only whether
// everything could be measured.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"

	"github.com/asyncgo/asyncgo/bench/python"
	"github.com/asyncgo/asyncgo/bench/report"
	"github.com/asyncgo/asyncgo/bench/workload"
)

func main() {
	// A signal ends the Python and the memory processes too, and the flags
	// have the last word before the next sample.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

// config is what the flags say, and the sizes that only tests make smaller.
type config struct {
	rounds   int
	sample   time.Duration
	only     *regexp.Regexp
	markdown bool
	python   string
	report   string // the folder of the documents, or empty

	timed        []workload.Workload
	parked       int
	burst        int
	greenlets    int
	memoryRounds int
}

func run(ctx context.Context, args []string, out, log io.Writer) error {
	c := config{
		timed:        workload.All(),
		parked:       100_000,
		burst:        1_000_000,
		greenlets:    20_000,
		memoryRounds: 3,
	}
	flags := flag.NewFlagSet("compare", flag.ContinueOnError)
	flags.SetOutput(log)
	flags.IntVar(&c.rounds, "rounds", 7, "how many samples each peer gives; medians want at least 6")
	flags.DurationVar(&c.sample, "sample", 100*time.Millisecond, "how long one sample should run")
	flags.BoolVar(&c.markdown, "markdown", false, "print Markdown tables")
	flags.StringVar(&c.python, "python", "python3", "the Python to compare with; none is fine")
	flags.StringVar(&c.report, "report", "", "write the results into this folder, as benchmarks.md with charts, and into the README beside it")
	only := flags.String("run", "", "measure only the workloads whose name matches this regular expression")
	park := flags.String("park", "", "park PEER:N tasks in this process and print its memory as JSON; the memory rows start themselves with it")
	if err := flags.Parse(args); err != nil {
		if err == flag.ErrHelp {
			return nil
		}
		return err
	}
	if *park != "" {
		return parkHere(*park, out)
	}
	if c.rounds < 1 {
		return fmt.Errorf("-rounds is %d and must be at least 1", c.rounds)
	}
	if c.sample <= 0 {
		return fmt.Errorf("-sample is %v and must be longer than 0", c.sample)
	}
	var err error
	if c.only, err = regexp.Compile(*only); err != nil {
		return fmt.Errorf("-run: %w", err)
	}
	return c.compare(ctx, out, log)
}

// compare measures everything that the flags ask for and prints the tables.
func (c config) compare(ctx context.Context, out, log io.Writer) error {
	interpreter, err := python.Find(ctx, c.python)
	if err != nil {
		return err
	}
	times := timeTable()
	for _, w := range c.timed {
		if !c.only.MatchString(w.Name) {
			continue
		}
		fmt.Fprintf(log, "compare: %s: %s\n", w.Name, w.About)
		entrants := enter(w, interpreter)
		if err := measure(ctx, entrants, c.rounds, c.sample); err != nil {
			return fmt.Errorf("%s: %w", w.Name, err)
		}
		times.addTimes(w, entrants)
	}
	memory, err := c.memory(ctx, interpreter, log)
	if err != nil {
		return err
	}

	fmt.Fprintf(out, "%s %s/%s, GOMAXPROCS %d; %s. Medians of %d rounds.\n",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0), about(interpreter), c.rounds)
	for _, t := range []*table{times, memory} {
		if t.empty() {
			continue
		}
		fmt.Fprintln(out)
		if err := t.write(out, c.markdown); err != nil {
			return err
		}
	}
	if c.report == "" {
		return nil
	}
	results := report.Results{Machine: c.machine(interpreter), Workloads: append(times.found, memory.found...)}
	return results.Write(c.report, filepath.Join(c.report, "..", "README.md"))
}

// machine says where and with what was measured.
func (c config) machine(p *python.Interpreter) report.Machine {
	return report.Machine{
		CPU:      processor(),
		Procs:    runtime.GOMAXPROCS(0),
		System:   runtime.GOOS + "/" + runtime.GOARCH,
		Versions: append([]string{runtime.Version()}, strings.Split(about(p), ", ")...),
		Date:     time.Now().Format(time.DateOnly),
		Rounds:   c.rounds,
	}
}

// processor returns the name of the processor where the system tells it in /proc, and else nothing.
func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// about names the Python that was compared with.
func about(p *python.Interpreter) string {
	if p == nil {
		return "no Python"
	}
	text := "Python " + p.Version
	for _, name := range []string{python.Uvloop, python.Trio, python.Greenlet, python.Gevent} {
		if version := p.Packages[name]; version != "" {
			text += ", " + name + " " + version
		} else {
			text += ", no " + name
		}
	}
	return text
}
