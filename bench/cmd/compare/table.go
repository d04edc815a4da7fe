package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/asyncgo/asyncgo/bench/report"
	"github.com/asyncgo/asyncgo/bench/workload"
)

// A table has a head and rows of as many cells. An empty cell has nothing to
// say; a dash says that something could not be measured.
type table struct {
	head []string
	rows [][]string
	// found is the same for the report.
	found []report.Workload
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }
func (t *table) empty() bool         { return len(t.rows) == 0 }

// write prints the table, aligned for a terminal or as Markdown. The first
// cell is a group's name and is printed once per group in both.
func (t *table) write(out io.Writer, markdown bool) error {
	if markdown {
		return t.writeMarkdown(out)
	}
	var aligned strings.Builder
	tw := tabwriter.NewWriter(&aligned, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, strings.Join(t.head, "\t"))
	last := ""
	for _, row := range t.rows {
		if last != "" && row[0] != last {
			fmt.Fprintln(tw, strings.Repeat("\t", len(row)-1))
		}
		fmt.Fprintln(tw, strings.Join(once(row, &last), "\t"))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	// The writer pads the last cells too; what is pasted somewhere should not
	// end in blanks.
	for line := range strings.Lines(aligned.String()) {
		if _, err := fmt.Fprintln(out, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}

func (t *table) writeMarkdown(out io.Writer) error {
	var b strings.Builder
	line := func(cells []string) { b.WriteString("| " + strings.Join(cells, " | ") + " |\n") }
	line(t.head)
	rule := make([]string, len(t.head))
	for i := range rule {
		rule[i] = "---"
	}
	line(rule)
	last := ""
	for _, row := range t.rows {
		line(once(row, &last))
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// once blanks the first cell of a row that repeats the one before.
func once(row []string, last *string) []string {
	if row[0] == *last {
		row = append([]string{""}, row[1:]...)
	} else {
		*last = row[0]
	}
	return row
}

func timeTable() *table {
	return &table{head: []string{"workload", "peer", "ns/op", "±", "asyncgo/peer", "target", "holds", "allocs/op", "B/op"}}
}

// addTimes adds a row for each entrant. The row of asyncgo itself carries the
// target for allocations, the others those for time.
func (t *table) addTimes(w workload.Workload, entrants []*entrant) {
	wanted := targets[w.Name]
	own := median(entrants[0].samples, sample.nsPerOp)
	found := report.Workload{Name: w.Name, About: w.About, Unit: "ns/op"}
	for _, e := range entrants {
		found.Rows = append(found.Rows, e.row(wanted.ratio[e.name]))
		if e.take == nil {
			t.add(w.Name, e.name, "-", "", "-", ratioTarget(wanted, e.name), "-", "", "")
			continue
		}
		ns := median(e.samples, sample.nsPerOp)
		row := []string{w.Name, e.name, fmt.Sprintf("%.1f", ns), fmt.Sprintf("%.0f%%", 100*spread(e.samples)), "", "", "", "", ""}
		if e.counts {
			row[7] = fmt.Sprintf("%.2f", median(e.samples, sample.allocsPerOp))
			row[8] = fmt.Sprintf("%.0f", median(e.samples, sample.bytesPerOp))
		}
		if e.name == workload.Asyncgo {
			if wanted.allocs != noAllocTarget {
				limit := w.Objects + float64(wanted.allocs)
				row[5] = fmt.Sprintf("≤ %.0f allocs", limit)
				row[6] = verdict(median(e.samples, sample.allocsPerOp), limit+allocSlack)
			}
		} else {
			ratio := own / ns
			row[4] = report.FormatRatio(ratio)
			row[5] = ratioTarget(wanted, e.name)
			if limit, ok := wanted.ratio[e.name]; ok {
				row[6] = verdict(ratio, limit)
			}
		}
		t.add(row...)
	}
	t.found = append(t.found, found)
}

// row is what an entrant has shown, for the report.
func (e *entrant) row(limit float64) report.Row {
	if e.take == nil {
		return report.Row{Peer: e.name, Absent: true, Limit: limit}
	}
	r := report.Row{Peer: e.name, Median: median(e.samples, sample.nsPerOp), Limit: limit}
	r.Low, r.High = extremes(e.samples, sample.nsPerOp)
	if e.counts {
		allocs := median(e.samples, sample.allocsPerOp)
		r.Allocs = &allocs
	}
	return r
}

// ratioTarget writes the limit for a peer, or nothing where there is none.
func ratioTarget(wanted target, peer string) string {
	limit, ok := wanted.ratio[peer]
	if !ok {
		return ""
	}
	return "≤ " + report.FormatRatio(limit)
}

func verdict(value, limit float64) string {
	if value <= limit {
		return "ok"
	}
	return "MISS"
}
