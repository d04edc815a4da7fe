package pytrace_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/asyncgo/asyncgo/internal/pytrace"
	"github.com/asyncgo/asyncgo/internal/witness"
)

func TestMain(m *testing.M) { witness.Main(m) }

// outputs has the test in a folder with these outputs of Python.
func outputs(t *testing.T, texts map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	dir := filepath.Join("testdata", "traces")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range texts {
		if err := os.WriteFile(filepath.Join(dir, name+".out"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWant(t *testing.T) {
	outputs(t, map[string]string{"01": "one\ntwo\n\nfour\n"})

	t.Run("it is Python's output with the deviations, which are a line, several, or none", func(t *testing.T) {
		got := pytrace.Want(t, "01", []pytrace.Deviation{
			{Line: 1, Python: "one", Why: "because"},
			{Line: 2, Python: "two", Ours: "2\n2.5", Why: "because"},
			{Line: 4, Python: "four", Ours: "4", Why: "because"},
		})
		if want := []string{"2", "2.5", "", "4"}; !slices.Equal(got, want) {
			t.Errorf("the lines are %q, not %q", got, want)
		}
	})

	for _, c := range []struct {
		why        string
		deviations []pytrace.Deviation
		says       string
	}{
		{"a deviation of another line", []pytrace.Deviation{{Line: 2, Python: "one", Ours: "x", Why: "because"}}, `expects Python to print "one", not "two"`},
		{"a deviation that is none", []pytrace.Deviation{{Line: 2, Python: "two", Ours: "two", Why: "because"}}, "line 2 is none"},
		{"a deviation without a reason", []pytrace.Deviation{{Line: 2, Python: "two", Ours: "2"}}, "line 2 has no reason"},
		{"deviations in another order", []pytrace.Deviation{{Line: 2, Python: "two", Ours: "2", Why: "because"}, {Line: 1, Python: "one", Ours: "1", Why: "because"}}, "line 1 is out of order"},
		{"a deviation behind the end", []pytrace.Deviation{{Line: 5, Python: "", Ours: "5", Why: "because"}}, "line 5 is out of order or behind the end"},
	} {
		t.Run(c.why+" fails the test", func(t *testing.T) {
			if said := witness.Verdict(func(tb testing.TB) { pytrace.Want(tb, "01", c.deviations) }); !strings.Contains(said, c.says) {
				t.Errorf("it says %q", said)
			}
		})
	}

	t.Run("an output that is not there fails the test", func(t *testing.T) {
		if said := witness.Verdict(func(tb testing.TB) { pytrace.Want(tb, "02", nil) }); !strings.Contains(said, "02.out") {
			t.Errorf("it says %q", said)
		}
	})
}

func TestPorted(t *testing.T) {
	outputs(t, map[string]string{"01": "", "02": ""})
	pytrace.Ported(t, []string{"02", "01"})
	for _, c := range []struct {
		why, says string
		names     []string
	}{
		{"an output without a port", "the trace 02 has no port", []string{"01"}},
		{"a port without an output", "the port 03 has no trace", []string{"01", "02", "03"}},
		{"a port that is there twice", "the trace 01 has two ports", []string{"01", "02", "01"}},
	} {
		t.Run(c.why+" fails the test", func(t *testing.T) {
			if said := witness.Verdict(func(tb testing.TB) { pytrace.Ported(tb, c.names) }); said != c.says {
				t.Errorf("it says %q, not %q", said, c.says)
			}
		})
	}
}

// own is a type that only this test knows how to spell.
type own string

func special(v any) (string, bool) {
	o, ok := v.(own)
	return "<" + string(o) + ">", ok
}

func repr(v any) string { return pytrace.Repr(v, special) }

func TestRepr(t *testing.T) {
	for _, c := range []struct {
		v    any
		want string
	}{
		{nil, "None"},
		{true, "True"},
		{false, "False"},
		{42, "42"},
		{0.25, "0.25"},
		{1.0, "1.0"},
		{"a", "'a'"},
		{"it's", `"it's"`},
		{`it's "it"`, `'it\'s "it"'`},
		{`\`, `'\\'`},
		{"a\nb", `'a\nb'`},
		{[]int{1, 2}, "[1, 2]"},
		{[]any{nil, []string{"a"}}, "[None, ['a']]"},
		{[]string{}, "[]"},
		{pytrace.Tuple{}, "()"},
		{pytrace.Tuple{1}, "(1,)"},
		{pytrace.Tuple{1, own("a")}, "(1, <a>)"},
		{own("a"), "<a>"},
	} {
		if got := repr(c.v); got != c.want {
			t.Errorf("repr of %#v is %s, not %s", c.v, got, c.want)
		}
	}
}

func TestPrinter(t *testing.T) {
	t.Run("it prints strings as they are, and else what str says, with a space between", func(t *testing.T) {
		var p pytrace.Printer
		p.Print(repr, "a", 1, own("b"), []string{"c"})
		p.Print(repr)
		p.Print(repr, "two\nlines")
		if got, want := p.Lines(), []string{"a 1 <b> ['c']", "", "two", "lines"}; !slices.Equal(got, want) {
			t.Errorf("the lines are %q, not %q", got, want)
		}
	})
	t.Run("any goroutine may print", func(t *testing.T) {
		var p pytrace.Printer
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() { p.Print(repr, "a") })
		}
		wg.Wait()
		if n := len(p.Lines()); n != 10 {
			t.Errorf("there are %d lines", n)
		}
	})
}
