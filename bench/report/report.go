// Package report turns what cmd/compare has measured into docs/benchmarks.md, its charts, and the table of the
// README. The measurements themselves are kept beside them as JSON, so that the documents can be made again without
// measuring, and a test can tell whether they still say what was measured.
package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Asyncgo is the name of our own row in each workload, which comes first.
const Asyncgo = "asyncgo"

// The files that [Results.Write] makes in the folder of the documents.
const (
	dataFile     = "benchmarks.json"
	documentFile = "benchmarks.md"
	chartFolder  = "benchmarks"
)

// Results are all that one run of cmd/compare has found.
type Results struct {
	Machine   Machine    `json:"machine"`
	Workloads []Workload `json:"workloads"`
}

// A Machine is where and with what was measured.
type Machine struct {
	CPU      string   `json:"cpu"`   // the processor's name, or empty
	Procs    int      `json:"procs"` // GOMAXPROCS
	System   string   `json:"system"`
	Versions []string `json:"versions"` // Go's first, as "go1.26.8" or "Python 3.13.0"
	Date     string   `json:"date"`     // the day, as 2006-01-02
	Rounds   int      `json:"rounds"`
}

// A Workload is what was measured side by side.
type Workload struct {
	Name  string `json:"name"`
	About string `json:"about"`
	Unit  string `json:"unit"` // "ns/op" or "B/task"
	Rows  []Row  `json:"rows"`
}

// A Row is one peer of a workload. Limits are of the ratio; zero means that there is none.
type Row struct {
	Peer   string  `json:"peer"`
	Absent bool    `json:"absent,omitempty"` // the machine does not have it
	Median float64 `json:"median,omitempty"`
	Low    float64 `json:"low,omitempty"`
	High   float64 `json:"high,omitempty"`
	Limit  float64 `json:"limit,omitempty"`
	// Allocs is how many allocations an operation takes, if that is known.
	Allocs *float64 `json:"allocs,omitempty"`
}

// Ratio returns asyncgo's median relative to that of r, or zero if either was not measured.
func (w Workload) Ratio(r Row) float64 {
	if len(w.Rows) == 0 || w.Rows[0].Peer != Asyncgo || r.Absent || r.Median <= 0 {
		return 0
	}
	return w.Rows[0].Median / r.Median
}

// Load reads the results that Write has left in a folder.
func Load(folder string) (Results, error) {
	var r Results
	data, err := os.ReadFile(filepath.Join(folder, dataFile))
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return r, fmt.Errorf("%s: %w", dataFile, err)
	}
	return r, nil
}

// Write writes the data, the document and the charts into a folder, and the table into a README that has a place
// for it. Charts of workloads that are no more are removed.
func (r Results) Write(folder, readme string) error {
	data, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	charts := filepath.Join(folder, chartFolder)
	if err := os.RemoveAll(charts); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(charts, 0o755); err != nil {
		return err
	}
	for _, w := range r.Workloads {
		svg, err := w.chart()
		if err != nil {
			return fmt.Errorf("%s: %w", w.Name, err)
		}
		if err := os.WriteFile(filepath.Join(charts, w.Name+".svg"), svg, 0o644); err != nil {
			return err
		}
	}
	for name, text := range map[string][]byte{dataFile: append(data, '\n'), documentFile: []byte(r.Markdown())} {
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o644); err != nil {
			return err
		}
	}
	old, err := os.ReadFile(readme)
	if err != nil {
		return err
	}
	text, err := Insert(string(old), r.Table())
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(readme), err)
	}
	return os.WriteFile(readme, []byte(text), 0o644)
}
