package witness_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/internal/witness"
)

// leak is set in the environment of a process that is to leave a goroutine behind: "before" its first test, or "after".
const leak = "ASYNCGO_WITNESS_LEAK"

func TestMain(m *testing.M) {
	if os.Getenv(leak) == "before" {
		forEver()
	}
	witness.Main(m)
}

// forEver starts a goroutine that nothing ends.
func forEver() { go func() { select {} }() }

func TestMainOfPackage(t *testing.T) {
	if os.Getenv(leak) == "after" {
		forEver()
		return
	}
	for when, says := range map[string]string{"before": "importing the package has started a goroutine", "after": "found unexpected goroutines"} {
		t.Run("a goroutine that is started "+when+" the first test fails the package", func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run=^TestMainOfPackage$")
			cmd.Env = append(os.Environ(), leak+"="+when)
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), says) {
				t.Errorf("it ends with %v and says\n%s", err, out)
			}
		})
	}
}

func TestNoLeaks(t *testing.T) {
	t.Run("a goroutine that outlives the test fails it", func(t *testing.T) {
		end := make(chan struct{})
		defer close(end)
		said := witness.Verdict(func(tb testing.TB) {
			witness.NoLeaks(tb)
			go func() { <-end }()
		})
		if !strings.Contains(said, "found unexpected goroutines") {
			t.Errorf("it says %q", said)
		}
	})
	t.Run("one that was there before does not", func(t *testing.T) {
		end := make(chan struct{})
		defer close(end)
		go func() { <-end }()
		if said := witness.Verdict(witness.NoLeaks); said != "" {
			t.Errorf("it says %q", said)
		}
	})
	t.Run("after another fault there is no word of it", func(t *testing.T) {
		end := make(chan struct{})
		defer close(end)
		said := witness.Verdict(func(tb testing.TB) {
			witness.NoLeaks(tb)
			go func() { <-end }()
			tb.Fatal("the fault")
		})
		if said != "the fault" {
			t.Errorf("it says %q", said)
		}
	})
}

func TestTrace(t *testing.T) {
	t.Run("what happened as it should passes, and is over", func(t *testing.T) {
		var tr witness.Trace
		tr.Add("a%d", 1)
		tr.Add("b c")
		tr.Expect(t, "a1 b c")
		tr.Expect(t, "")
		tr.Add("d")
		tr.Expect(t, "d")
	})
	for why, want := range map[string]string{"another order": "b a", "something that is missing": "a b c", "something too much": "a"} {
		t.Run(why+" fails the test", func(t *testing.T) {
			said := witness.Verdict(func(tb testing.TB) {
				var tr witness.Trace
				tr.Add("a")
				tr.Add("b")
				tr.Expect(tb, want)
			})
			if said != "what happened is\n\ta b\nand should be\n\t"+want {
				t.Errorf("it says %q", said)
			}
		})
	}
}

func TestCompare(t *testing.T) {
	same := []string{"a", "b"}
	witness.Compare(t, same, []string{"a", "b"})
	witness.Compare(t, nil, nil)
	for _, c := range []struct {
		why string
		got []string
		say string
	}{
		{"another line", []string{"a", "x"}, "line 2\nis     \"x\"\nnot    \"b\""},
		{"a line that is missing", []string{"a"}, "line 2 is missing: \"b\""},
		{"a line too many", []string{"a", "b", "c"}, "line 3 is one too many: \"c\""},
	} {
		t.Run(c.why+" fails the test", func(t *testing.T) {
			if said := witness.Verdict(func(tb testing.TB) { witness.Compare(tb, c.got, same) }); said != c.say {
				t.Errorf("it says %q, not %q", said, c.say)
			}
		})
	}
}

func TestLimited(t *testing.T) {
	t.Run("a test that ends passes, and has run", func(t *testing.T) {
		ran := false
		witness.Limited(t, func() { ran = true })
		if !ran {
			t.Error("it has not run")
		}
	})
	for why, c := range map[string]struct {
		run  func(end chan bool)
		says string
	}{
		"a panic":               {func(chan bool) { panic("ouch") }, "panic: ouch"},
		"a test that stays":     {func(end chan bool) { <-end }, "the test does not end"},
		"a goroutine it leaves": {func(end chan bool) { go func() { <-end }() }, "found unexpected goroutines"},
	} {
		t.Run(why+" fails the test", func(t *testing.T) {
			end := make(chan bool)
			defer close(end)
			patience := time.Minute
			if why == "a test that stays" {
				patience = 0
			}
			said := witness.Verdict(func(tb testing.TB) { witness.LimitedTo(tb, patience, func() { c.run(end) }) })
			if !strings.Contains(said, c.says) {
				t.Errorf("it says %q", said)
			}
		})
	}
}

func TestSources(t *testing.T) {
	root := t.TempDir()
	for _, file := range []string{"go.mod", "go.sum", "a.go", "a_test.go", ".hidden/b.go", "sub/c.go", "sub/go.mod"} {
		path := filepath.Join(root, filepath.FromSlash(file))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	for tests, want := range map[bool]string{false: "a.go go.mod sub/c.go sub/go.mod", true: "a.go a_test.go go.mod sub/c.go sub/go.mod"} {
		var got []string
		for _, path := range witness.Sources(t, root, tests) {
			rel, err := filepath.Rel(root, path)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, filepath.ToSlash(rel))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("with tests %t the files are %v, not %s", tests, got, want)
		}
	}
	t.Run("a folder that is not there fails the test", func(t *testing.T) {
		if said := witness.Verdict(func(tb testing.TB) { witness.Sources(tb, filepath.Join(root, "none"), true) }); said == "" {
			t.Error("it does not")
		}
	})
}

func TestVerdict(t *testing.T) {
	t.Run("all faults up to a fatal one are there, and cleanups are run, the last one first", func(t *testing.T) {
		said := witness.Verdict(func(tb testing.TB) {
			tb.Cleanup(func() { tb.Error("five") })
			tb.Cleanup(func() { tb.Error("four") })
			tb.Error("one", 1)
			tb.Errorf("two %d", 2)
			if !tb.Failed() {
				tb.Error("it has not failed")
			}
			tb.Fatalf("three %d", 3)
			tb.Error("never")
		})
		if want := "one 1\ntwo 2\nthree 3\nfour\nfive"; said != want {
			t.Errorf("it says %q, not %q", said, want)
		}
	})
}
