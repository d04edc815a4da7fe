package report

import (
	"errors"
	"fmt"
	"strings"
)

// Markdown returns the document.
func (r Results) Markdown() string {
	var b strings.Builder
	b.WriteString("# Benchmarks\n\n" +
		"<!-- Made by `go -C bench run ./cmd/compare -report ../docs`; edits would be lost. -->\n\n" +
		"All peers of a workload take turns in one run, so a machine that is slow for a while is slow for all of them. " +
		"What counts\nare the ratios: below 1, asyncgo is faster or smaller. " +
		"[bench/README.md](../bench/README.md) says what each workload does,\n" +
		"how it is measured, and what stands in the way where a target is missed.\n\n" +
		"To measure on a machine of your own, and to write this page anew:\n\n" +
		"    go -C bench run ./cmd/compare -report ../docs\n\n")
	b.WriteString(r.Machine.describe())
	held, missed := r.verdicts()
	fmt.Fprintf(&b, "In this run %d of %d targets hold.\n", held, held+len(missed))
	if len(missed) > 0 {
		fmt.Fprintf(&b, "Missed: %s.\n", strings.Join(missed, ", "))
	}
	for _, w := range r.Workloads {
		b.WriteString("\n" + w.markdown())
	}
	return b.String()
}

// describe says where was measured, in a paragraph.
func (m Machine) describe() string {
	where := m.System
	if m.CPU != "" {
		where = m.CPU + ", " + where
	}
	return fmt.Sprintf("Measured on %s: %s, GOMAXPROCS %d. %s.\nShown are medians of %d rounds, from the lowest to the highest.\n\n",
		m.Date, where, m.Procs, strings.Join(m.Versions, ", "), m.Rounds)
}

// verdicts counts the targets that hold and names those that do not.
func (r Results) verdicts() (held int, missed []string) {
	for _, w := range r.Workloads {
		for _, row := range w.Rows {
			ratio := w.Ratio(row)
			switch {
			case row.Limit == 0 || ratio == 0:
			case ratio <= row.Limit:
				held++
			default:
				missed = append(missed, fmt.Sprintf("%s / %s (%s, target %s)",
					w.Name, row.Peer, FormatRatio(ratio), FormatRatio(row.Limit)))
			}
		}
	}
	return held, missed
}

func (w Workload) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n%s.\n\n", w.Name, capital(w.About))
	fmt.Fprintf(&b, "![%s of each peer](%s/%s.svg)\n\n", w.Unit, chartFolder, w.Name)
	fmt.Fprintf(&b, "| peer | %s | range | asyncgo / peer | target | allocs |\n| --- | --- | --- | --- | --- | --- |\n", w.Unit)
	for _, row := range w.Rows {
		if row.Absent {
			fmt.Fprintf(&b, "| %s | not installed | | | | |\n", row.Peer)
			continue
		}
		var ratio, limit, allocs string
		if row.Peer != Asyncgo {
			ratio = FormatRatio(w.Ratio(row))
		}
		if row.Limit > 0 {
			limit = "≤ " + FormatRatio(row.Limit)
			if w.Ratio(row) > row.Limit {
				limit += ", missed"
			}
		}
		if row.Allocs != nil {
			allocs = fmt.Sprintf("%.2f", *row.Allocs)
		}
		fmt.Fprintf(&b, "| %s | %s | %s to %s | %s | %s | %s |\n",
			row.Peer, formatValue(row.Median), formatValue(row.Low), formatValue(row.High), ratio, limit, allocs)
	}
	return b.String()
}

// The README's table stands between these two lines.
const (
	tableBegin = "<!-- benchmarks: made by `go -C bench run ./cmd/compare -report ../docs` -->"
	tableEnd   = "<!-- /benchmarks -->"
)

// pythons are the peers that a Python programmer comes from. The table names the first of them that was measured.
var pythons = []string{"asyncio", "gevent", "greenlet", "generator", "CPython"}

// Table returns the table of the README: a line for each workload, with the first Go peer and the first Python one.
func (r Results) Table() string {
	var b strings.Builder
	b.WriteString("| workload | what is measured | asyncgo | in Go | in Python |\n| --- | --- | --- | --- | --- |\n")
	for _, w := range r.Workloads {
		var own, goes, python string
		for _, row := range w.Rows {
			switch {
			case row.Absent:
			case row.Peer == Asyncgo:
				own = formatValue(row.Median) + " " + w.Unit
			case isPython(row.Peer):
				if python == "" {
					python = w.against(row)
				}
			case goes == "":
				goes = w.against(row)
			}
		}
		if own == "" || goes+python == "" {
			continue
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", w.Name, w.About, own, goes, python)
	}
	return b.String()
}

// against says how a peer fares beside asyncgo.
func (w Workload) against(row Row) string {
	times := 1 / w.Ratio(row)
	format := "%.1f ×"
	if times >= 10 {
		format = "%.0f ×"
	}
	return row.Peer + ": " + fmt.Sprintf(format, times)
}

func isPython(peer string) bool {
	for _, p := range pythons {
		if strings.HasPrefix(peer, p) {
			return true
		}
	}
	return peer == "uvloop" || peer == "trio"
}

// Insert returns a README with the table in its place.
func Insert(readme, table string) (string, error) {
	before, rest, ok := strings.Cut(readme, tableBegin+"\n")
	if !ok {
		return "", errors.New("there is no place for the table: want the line " + tableBegin)
	}
	_, after, ok := strings.Cut(rest, tableEnd)
	if !ok {
		return "", errors.New("the place for the table has no end: want the line " + tableEnd)
	}
	return before + tableBegin + "\n" + table + tableEnd + after, nil
}

// FormatRatio writes a ratio. It keeps a third digit for ratios that would lose half their meaning without it.
func FormatRatio(r float64) string {
	if r < 0.2 {
		return fmt.Sprintf("%.3f", r)
	}
	return fmt.Sprintf("%.2f", r)
}

// formatValue writes a time or a size with about three digits.
func formatValue(v float64) string {
	switch {
	case v < 100:
		return fmt.Sprintf("%.1f", v)
	case v < 10_000:
		return fmt.Sprintf("%.0f", v)
	}
	return thousands(fmt.Sprintf("%.0f", v))
}

// thousands puts commas into a whole number.
func thousands(s string) string {
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
