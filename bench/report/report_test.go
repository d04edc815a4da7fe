package report_test

import (
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/asyncgo/asyncgo/bench/report"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func sample() report.Results {
	none, two := 0.0, 2.0
	return report.Results{
		Machine: report.Machine{CPU: "Abacus", Procs: 2, System: "linux/amd64", Versions: []string{"go1.26.8", "Python 3.13.0"}, Date: "2026-11-21", Rounds: 7},
		Workloads: []report.Workload{
			{Name: "turns", About: "one turn", Unit: "ns/op", Rows: []report.Row{
				{Peer: report.Asyncgo, Median: 50, Low: 48.2, High: 60, Allocs: &none},
				{Peer: "channel", Median: 100, Low: 90, High: 123456, Limit: 0.6, Allocs: &two},
				{Peer: "asyncio", Median: 1000, Low: 900, High: 1100, Limit: 0.02},
				{Peer: "uvloop", Absent: true},
			}},
			{Name: "alone", About: "something without a peer", Unit: "B/task", Rows: []report.Row{
				{Peer: report.Asyncgo, Median: 7, Low: 7, High: 7},
			}},
		},
	}
}

func TestTheDocumentShows(t *testing.T) {
	doc := sample().Markdown()
	for what, want := range map[string]string{
		"the machine":                        "Measured on 2026-11-21: Abacus, linux/amd64, GOMAXPROCS 2. go1.26.8, Python 3.13.0.\n",
		"the targets that hold and the rest": "1 of 2 targets hold.\nMissed: turns / asyncio (0.050, target 0.020).\n",
		"our own row":                        "| asyncgo | 50.0 | 48.2 to 60.0 |  |  | 0.00 |\n",
		"a peer's range, ratio and target":   "| channel | 100 | 90.0 to 123,456 | 0.50 | ≤ 0.60 | 2.00 |\n",
		"a missed target":                    "| asyncio | 1000 | 900 to 1100 | 0.050 | ≤ 0.020, missed |  |\n",
		"a peer that is not there":           "| uvloop | not installed | | | | |\n",
		"the chart":                          "(benchmarks/turns.svg)",
	} {
		if !strings.Contains(doc, want) {
			t.Errorf("%s is missing: %q in\n%s", what, want, doc)
		}
	}
}

func TestTheReadmeGetsTheTableInItsPlace(t *testing.T) {
	const before = "# x\n<!-- benchmarks: made by `go -C bench run ./cmd/compare -report ../docs` -->\n"
	got, err := report.Insert(before+"old\n<!-- /benchmarks -->\nmore\n", sample().Table())
	if err != nil {
		t.Fatal(err)
	}
	want := before + "| workload | what is measured | asyncgo | in Go | in Python |\n| --- | --- | --- | --- | --- |\n" +
		"| `turns` | one turn | 50.0 ns/op | channel: 2.0 × | asyncio: 20 × |\n<!-- /benchmarks -->\nmore\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, broken := range []string{"", before} {
		if _, err := report.Insert(broken, "table"); err == nil {
			t.Errorf("Insert into %q has no error", broken)
		}
	}
}

func TestWriteLeavesWhatLoadReads(t *testing.T) {
	folder := t.TempDir()
	readme := filepath.Join(folder, "README.md")
	place, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(readme, place, 0o644); err != nil {
		t.Fatal(err)
	}
	stale := filepath.Join(folder, "benchmarks", "gone.svg")
	if err := os.MkdirAll(filepath.Dir(stale), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(stale, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	want := sample()
	if err := want.Write(folder, readme); err != nil {
		t.Fatal(err)
	}
	got, err := report.Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	if got.Markdown() != want.Markdown() || got.Table() != want.Table() {
		t.Errorf("what was loaded makes other documents:\n%s\n%s", got.Markdown(), got.Table())
	}
	if _, err := os.Stat(stale); !os.IsNotExist(err) {
		t.Errorf("a chart of no workload is still there: %v", err)
	}
	for _, w := range want.Workloads {
		f, err := os.Open(filepath.Join(folder, "benchmarks", w.Name+".svg"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		texts := svgTexts(t, f)
		for _, row := range w.Rows {
			if texts[row.Peer] == row.Absent {
				t.Errorf("%s: absent %v, and its name in the chart is %v: %v", row.Peer, row.Absent, texts[row.Peer], texts)
			}
		}
	}
}

// svgTexts returns the texts of a drawing, which has to be XML.
func svgTexts(t *testing.T, r io.Reader) map[string]bool {
	t.Helper()
	texts := map[string]bool{}
	decoder := xml.NewDecoder(r)
	for {
		token, err := decoder.Token()
		if err == io.EOF {
			return texts
		}
		if err != nil {
			t.Fatal(err)
		}
		if text, ok := token.(xml.CharData); ok {
			texts[strings.TrimSpace(string(text))] = true
		}
	}
}

// What is in docs has to be what was measured: nobody edits figures by hand.
func TestTheDocumentsSayWhatWasMeasured(t *testing.T) {
	docs := filepath.Join("..", "..", "docs")
	results, err := report.Load(docs)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile(filepath.Join(docs, "benchmarks.md"))
	if err != nil {
		t.Fatal(err)
	}
	if string(doc) != results.Markdown() {
		t.Error("docs/benchmarks.md is not what its data make; run go -C bench run ./cmd/compare -report ../docs")
	}
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if again, err := report.Insert(string(readme), results.Table()); err != nil || again != string(readme) {
		t.Errorf("the README's table is not what docs/benchmarks.json makes (%v)", err)
	}
	for _, w := range results.Workloads {
		if _, err := os.Stat(filepath.Join(docs, "benchmarks", w.Name+".svg")); err != nil {
			t.Error(err)
		}
	}
}
