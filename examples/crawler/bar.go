package main

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// bar shows how far a run is. The nil bar shows nothing.
type bar struct{ shown *progressbar.ProgressBar }

// newBar makes a bar of total steps, or a nil one when w is not a terminal: a log
// file has no use for a line that rewrites itself.
func newBar(w io.Writer, name string, total int) *bar {
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return nil
	}
	return &bar{progressbar.NewOptions(total,
		progressbar.OptionSetWriter(file),
		progressbar.OptionSetDescription(name),
		progressbar.OptionShowCount(),
		progressbar.OptionThrottle(50*time.Millisecond),
		progressbar.OptionClearOnFinish(),
	)}
}

// step moves the bar on by one picture. A terminal that is gone is no reason to
// end the run, so errors are dropped here and in close.
func (b *bar) step() {
	if b != nil {
		_ = b.shown.Add(1)
	}
}

// close takes the bar off the terminal, where an error may have left it half way.
func (b *bar) close() {
	if b != nil {
		_ = b.shown.Clear()
	}
}
