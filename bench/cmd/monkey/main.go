// Command monkey measures what it costs to be built by gomonkey. It builds itself by the go command and by gomonkey, and
// has the programs take turns on goroutines that are no tasks, the patched ones with their hooks off and on. The best turn of each
// counts: what disturbs only ever adds.
//
//	go -C bench run ./cmd/monkey
package main

import (
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/asyncgo/asyncgo/monkey"
)

var (
	measured = flag.String("measure", "", "be the program that is measured: off or on")
	rounds   = flag.Int("rounds", 81, "turns of each program; the best counts")
	sample   = flag.Duration("sample", 5*time.Millisecond, "how long a turn of each call takes")
)

func main() {
	flag.Parse()
	if *measured != "" {
		measure(*measured == "on")
		return
	}
	if err := compare(); err != nil {
		fmt.Fprintln(os.Stderr, "monkey:", err)
		os.Exit(1)
	}
}

// A workload is a call that is measured.
type workload struct {
	name string
	run  func(n int)
}

func workloads() []workload {
	var mu sync.Mutex
	var rw sync.RWMutex
	var wg sync.WaitGroup
	a, b := connect()
	p := make([]byte, 1)
	return []workload{
		{"time.Sleep(0)", func(n int) {
			// It takes as long as a few instructions, and where a loop around one of them lies in memory would count for more
			// than what is measured.
			for range n/8 + 1 {
				time.Sleep(0)
				time.Sleep(0)
				time.Sleep(0)
				time.Sleep(0)
				time.Sleep(0)
				time.Sleep(0)
				time.Sleep(0)
				time.Sleep(0)
			}
		}},
		{"time.Sleep(1)", func(n int) {
			for range n {
				time.Sleep(time.Nanosecond)
			}
		}},
		{"Mutex.Lock, Unlock", func(n int) {
			for range n {
				mu.Lock()
				mu.Unlock() //lint:ignore SA2001 it is measured
			}
		}},
		{"RWMutex.RLock, RUnlock", func(n int) {
			for range n {
				rw.RLock()
				rw.RUnlock() //lint:ignore SA2001 it is measured
			}
		}},
		{"WaitGroup.Wait", func(n int) {
			for range n/8 + 1 {
				wg.Wait()
				wg.Wait()
				wg.Wait()
				wg.Wait()
				wg.Wait()
				wg.Wait()
				wg.Wait()
				wg.Wait()
			}
		}},
		{"Conn.Write and Read", func(n int) {
			for range n {
				if _, err := a.Write(p); err != nil {
					panic(err)
				}
				if _, err := b.Read(p); err != nil {
					panic(err)
				}
			}
		}},
	}
}

// connect returns the ends of a connection.
func connect() (a, b net.Conn) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer ln.Close()
	if a, err = net.Dial("tcp", ln.Addr().String()); err != nil {
		panic(err)
	}
	if b, err = ln.Accept(); err != nil {
		panic(err)
	}
	return a, b
}

// measure prints the time of each call in nanoseconds.
func measure(on bool) {
	if on {
		monkey.PatchAll()
	}
	for _, w := range workloads() {
		n := 1
		for {
			start := time.Now()
			w.run(n)
			if d := time.Since(start); d >= *sample/4 {
				n = max(int(float64(n)*float64(*sample)/float64(d)), 1)
				break
			}
			n *= 4
		}
		start := time.Now()
		w.run(n)
		fmt.Printf("%.4f\n", float64(time.Since(start))/float64(n))
	}
}

func compare() error {
	dir, err := os.MkdirTemp("", "monkey-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	const self, gomonkey = "github.com/asyncgo/asyncgo/bench/cmd/monkey", "github.com/asyncgo/asyncgo/monkey/cmd/gomonkey"
	plain, patched, locks := filepath.Join(dir, "plain"), filepath.Join(dir, "patched"), filepath.Join(dir, "locks")
	for _, args := range [][]string{
		{"build", "-o", plain, self},
		{"run", gomonkey, "build", "-o", patched, self},
		{"run", gomonkey, "build", "-patch", "aggressive", "-o", locks, self},
	} {
		if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	programs := []struct{ name, path, mode string }{
		{"plain", plain, "off"}, {"patched, off", patched, "off"}, {"patched, on", patched, "on"},
		{"aggressive, off", locks, "off"}, {"aggressive, on", locks, "on"},
	}
	times := make([][][]float64, len(programs)) // by program and call
	for range *rounds {
		for i, p := range programs {
			out, err := exec.Command(p.path, "-measure", p.mode, "-sample", sample.String()).Output()
			if err != nil {
				return fmt.Errorf("%s: %v", p.name, err)
			}
			for j, field := range strings.Fields(string(out)) {
				ns, err := strconv.ParseFloat(field, 64)
				if err != nil {
					return err
				}
				if j == len(times[i]) {
					times[i] = append(times[i], nil)
				}
				times[i][j] = append(times[i][j], ns)
			}
		}
	}
	fmt.Printf("%-24s %10s", "ratios to plain", "plain, ns")
	for _, p := range programs[1:] {
		fmt.Printf(" %16s", p.name)
	}
	fmt.Println()
	for j, w := range workloads() {
		base := slices.Min(times[0][j])
		fmt.Printf("%-24s %10.1f", w.name, base)
		for i := range programs[1:] {
			fmt.Printf(" %16.2f", slices.Min(times[i+1][j])/base)
		}
		fmt.Println()
	}
	return nil
}
