package main_test

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// write writes files into a folder.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNames(t *testing.T) {
	for _, tt := range []struct {
		name, patch string
		words       []string
	}{
		{"an unknown function", "time.Nap", []string{"there is no function time.Nap", runtime.Version()}},
		{"an unknown method", "net.(*TCPConn).Nap", []string{"there is no function net.TCPConn.Nap"}},
		{"an unknown package", "example.com/nowhere.F", []string{"example.com/nowhere.F", "no such package"}},
		{"an unknown group", "-everything", []string{`"everything" is no group`}},
		{"no name of a function", "gibberish", []string{`"gibberish" is neither a group nor the name of a function`}},
		{"a function that package runtime does not provide", "reflect.methodValueCall", []string{"reflect.methodValueCall", "no body"}},
		{"a function of package runtime", "runtime.GC", []string{"runtime.GC cannot be patched"}},
		{"a method that the hook itself needs", "sync/atomic.(*Value).Load", []string{"sync/atomic.Value.Load cannot be patched"}},
		{"a method that the loop itself needs", "sync.(*Map).Load", []string{"sync.Map.Load cannot be patched", "-patch aggressive"}},
		{"a function of asyncgo's own", "github.com/asyncgo/asyncgo/async.Sleep", []string{"asyncgo/async.Sleep cannot be patched"}},
		{"a function that asyncgo asks who calls", "github.com/petermattis/goid.Get", []string{"goid.Get cannot be patched"}},
		{"a function whose directives do not allow it", "syscall.Syscall", []string{"syscall.Syscall", "//go:"}},
	} {
		t.Run(tt.name+" is an error that names it", func(t *testing.T) {
			call{}.refuse(t, append(tt.words, "gomonkey: "), gomonkey, "list", "-patch", tt.patch)
			call{}.refuse(t, append(tt.words, "gomonkey: "), gomonkey, "build", "-patch", tt.patch, program+"eatplay")
		})
	}
	t.Run("what gomonkey does not know is an error with a line of usage", func(t *testing.T) {
		const usage = "usage: gomonkey run|build|test|list"
		call{}.refuse(t, []string{"gomonkey: there is nothing to do", usage}, gomonkey)
		call{}.refuse(t, []string{"gomonkey: install is none of its commands", usage}, gomonkey, "install", ".")
		call{}.refuse(t, []string{"the flag -patch needs a value"}, gomonkey, "run", "-patch")
		call{}.refuse(t, []string{"gomonkey: list has no flag -o", usage}, gomonkey, "list", "-o", "x")
		call{}.refuse(t, []string{"-nonsense", "go help build"}, gomonkey, "build", "-nonsense", "fmt")
	})
	t.Run("help is gomonkey's own, wherever it is asked for", func(t *testing.T) {
		for _, line := range []string{"help", "-h", "help run", "run -h", "build -race --help", "test ./x -h", "list -help"} {
			if out, ok := (call{}).run(t, gomonkey, strings.Fields(line)...); !ok || !strings.Contains(out, "time, net, dns") || !strings.Contains(out, "GOMONKEYCACHE") {
				t.Errorf("gomonkey %s prints %s", line, out)
			}
		}
	})
	t.Run("a list of packages has what they need, and no more", func(t *testing.T) {
		if out, ok := (call{}).run(t, gomonkey, "list", "os/exec", "log"); !ok || !strings.Contains(out, "os/exec.(*Cmd).Wait") ||
			!strings.Contains(out, "time.Sleep") || strings.Contains(out, "net.") {
			t.Errorf("it prints %s", out)
		}
		call{}.refuse(t, []string{"gomonkey: ", "nowhere"}, gomonkey, "list", "./nowhere")
	})
	t.Run("the exit code is the program's, as far as the go command tells it", func(t *testing.T) {
		out, ok := call{}.run(t, gomonkey, "build", "./nowhere")
		if ok || !strings.Contains(out, "nowhere") {
			t.Errorf("it prints %s", out)
		}
	})
}

func TestChangedToolchain(t *testing.T) {
	root, ok := call{}.run(t, "go", "env", "GOROOT")
	if !ok {
		t.Fatal(root)
	}
	// A toolchain that is another one's by links, except for one package.
	other := t.TempDir()
	link := func(from, to string, but ...string) {
		entries, err := os.ReadDir(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(to, 0o777); err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if slices.Contains(but, e.Name()) {
				continue
			}
			if err := os.Symlink(filepath.Join(from, e.Name()), filepath.Join(to, e.Name())); err != nil {
				t.Skip(err)
			}
		}
	}
	link(root, other, "src")
	link(filepath.Join(root, "src"), filepath.Join(other, "src"), "time")
	link(filepath.Join(root, "src", "time"), filepath.Join(other, "src", "time"), "sleep.go")
	text, err := os.ReadFile(filepath.Join(root, "src", "time", "sleep.go"))
	if err != nil {
		t.Fatal(err)
	}
	in := call{env: []string{"GOROOT=" + other, "GOTOOLCHAIN=local"}}
	for _, tt := range []struct{ name, sleep, words string }{
		{"has lost a function", "", "there is no function time.Sleep"},
		{"has given one another shape", "func Sleep(d Duration, why string) { _ = d }", "time.Sleep is not of the shape func(d Duration)"},
	} {
		t.Run("a toolchain that "+tt.name+" is an error that names it", func(t *testing.T) {
			write(t, other, map[string]string{"src/time/sleep.go": strings.Replace(string(text), "func Sleep(d Duration)\n", tt.sleep+"\n", 1)})
			in.refuse(t, []string{"gomonkey: ", tt.words}, gomonkey, "list")
			in.refuse(t, []string{"gomonkey: ", tt.words}, gomonkey, "build", program+"eatplay")
		})
	}
	t.Run("a toolchain that has a body in Go now is patched all the same", func(t *testing.T) {
		write(t, other, map[string]string{"src/time/sleep.go": strings.Replace(string(text), "func Sleep(d Duration)\n", "func Sleep(d Duration) {}\n", 1)})
		if out, ok := in.run(t, gomonkey, "list"); !ok || !strings.Contains(out, "time.Sleep") {
			t.Errorf("it prints %s", out)
		}
	})
}

func TestCache(t *testing.T) {
	t.Run("a cache that cannot be written is an error that says what to do", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "file")
		write(t, filepath.Dir(file), map[string]string{"file": ""})
		call{env: []string{"GOMONKEYCACHE=" + filepath.Join(file, "cache")}}.refuse(t,
			[]string{"gomonkey: the cache cannot be written", "GOMONKEYCACHE"}, gomonkey, "build", program+"eatplay")
	})
	t.Run("a cache inside the module cache is refused", func(t *testing.T) {
		dir := t.TempDir()
		call{env: []string{"GOMONKEYCACHE=" + filepath.Join(dir, "inside"), "GOMODCACHE=" + dir}}.refuse(t,
			[]string{"gomonkey: the cache", "is inside the module cache"}, gomonkey, "build", "-n", "fmt")
	})
	t.Run("a cache that is complete is not written any more", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "cache")
		in := call{env: []string{"GOMONKEYCACHE=" + dir}}
		if out, ok := in.run(t, gomonkey, "build", "-n", "fmt"); !ok {
			t.Fatal(out)
		}
		before := tree(t, dir)
		if len(before) < 10 {
			t.Errorf("the cache has %d files", len(before))
		}
		chmod(t, dir, 0o555)
		if out, ok := in.run(t, gomonkey, "build", "-n", "fmt"); !ok {
			t.Error(out)
		}
		chmod(t, dir, 0o777)
		if after := tree(t, dir); !slices.Equal(before, after) {
			t.Errorf("the cache has become\n%s\nand was\n%s", strings.Join(after, "\n"), strings.Join(before, "\n"))
		}
	})
	t.Run("a file in the cache that somebody has damaged is written again", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "cache")
		in := call{env: []string{"GOMONKEYCACHE=" + dir}}
		in.run(t, gomonkey, "build", "-n", "fmt")
		files, err := filepath.Glob(filepath.Join(dir, "*", "*", "*-dial.go"))
		if err != nil || len(files) != 1 {
			t.Fatalf("%v %v", files, err)
		}
		write(t, "", map[string]string{files[0]: "damaged"})
		in.run(t, gomonkey, "build", "-n", "fmt")
		if text, _ := os.ReadFile(files[0]); !strings.Contains(string(text), "gomonkeyOriginal_DialContext") {
			t.Errorf("it is %q", text)
		}
	})
}

// tree returns the files of a folder, with the times when they were written.
func tree(t *testing.T, dir string) (all []string) {
	t.Helper()
	walk(t, dir, func(path string, info os.FileInfo) {
		if !info.IsDir() {
			all = append(all, path+" "+info.ModTime().String())
		}
	})
	return all
}

func chmod(t *testing.T, dir string, mode os.FileMode) {
	t.Helper()
	walk(t, dir, func(path string, info os.FileInfo) {
		if info.IsDir() {
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func walk(t *testing.T, dir string, fn func(path string, info os.FileInfo)) {
	t.Helper()
	if err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil {
			fn(path, info)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
