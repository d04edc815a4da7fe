//go:build unix

package async_test

import (
	"context"
	"os/exec"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/internal/pytrace"
)

func init() { ports = append(ports, trace75, trace87) }

var trace75 = port{
	name: "75_subprocess_timeout_pattern",
	run: func(tr *trace) {
		tr.run(func(ctx context.Context) error {
			p := must(async.CreateSubprocess(ctx, exec.Command("sh", "-c", "echo early; exec sleep 60"), async.PipeStdout()))
			for p.Stdout().Buffered() == 0 { // the clock jumps, and the child needs a moment
				check(async.Sleep(ctx, time.Millisecond))
			}
			communicate := async.Do(func(ctx context.Context) error {
				_, _, err := p.Communicate(ctx, nil)
				return err
			})
			if _, err := async.WaitFor(ctx, communicate, 300*time.Millisecond); err != nil {
				_, ended := p.ReturnCode()
				tr.println(className(err)+"; the process is NOT killed; returncode", map[bool]any{false: nil, true: "set"}[ended])
			}
			check(p.Kill())
			out, _, err := p.Communicate(ctx, nil)
			check(err)
			code, _ := p.ReturnCode()
			tr.println("second communicate(): output read before the timeout is lost:", pyBytes(out), code)
			return nil
		})
	},
	deviations: []pytrace.Deviation{{
		Line:   2,
		Python: "second communicate(): output read before the timeout is lost: b'' -9",
		Ours:   `second communicate(): output read before the timeout is lost: b'early\n' -9`,
		Why:    `decisions.md, Python bugs we do not copy: "communicate() losing its output after a timeout (W17): kept for the next call".`,
	}},
}

var trace87 = port{
	name: "87_communicate_without_input",
	run: func(tr *trace) {
		tr.run(func(ctx context.Context) error {
			cat := func(input []byte) string {
				p := must(async.CreateSubprocess(ctx, exec.Command("cat"), async.PipeStdin(), async.PipeStdout()))
				out, stderr, err := p.Communicate(ctx, input)
				check(err)
				if stderr != nil {
					tr.println("stderr", stderr)
				}
				return "(" + pyBytes(out) + ", None)"
			}
			tr.println(cat(nil), "(3.12+: stdin is closed)")
			tr.println(cat([]byte{}))
			return nil
		})
	},
}
