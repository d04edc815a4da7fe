package main_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	long(t)
	t.Run("the tutorial's program with time.Sleep is cooperative, and without gomonkey it is not", func(t *testing.T) {
		const interleaved = "ckl eat 1\nckl play 1\nckl play 2\nckl eat 2\n3 seconds"
		call{}.expect(t, interleaved, gomonkey, "run", program+"eatplay", "200ms")
		call{}.expect(t, "ckl eat 1\nckl eat 2\nckl play 1\nckl play 2\n5 seconds", "go", "run", program+"eatplay", "200ms")
	})
	t.Run("the example of it prints what the tutorial does", func(t *testing.T) {
		call{}.expect(t, "ckl eat 1\nckl play 1\nckl play 2\nckl eat 2", gomonkey, "run", "github.com/asyncgo/asyncgo/examples/geventmonkey", "200ms")
	})
	t.Run("an echo server of plain net serves five hundred clients at once, one at a time", func(t *testing.T) {
		call{}.expect(t, "500 clients, 1 at a time", gomonkey, "run", program+"echo", "500")
	})
	t.Run("a package of the module cache is cooperative by -patch", func(t *testing.T) {
		call{}.expect(t, "the loop stands still\nhas waited\nopens the gate\nfalse false", "go", "run", program+"thirdparty")
		call{env: []string{"GOMONKEYCACHE=" + kept}}.expect(t, "opens the gate\nhas waited\ntrue true", gomonkey, "run", "-patch", "github.com/sourcegraph/conc.(*WaitGroup).Wait", program+"thirdparty")
	})
	t.Run("every call that may wait lets the other tasks go on, and without gomonkey none does", func(t *testing.T) {
		call{}.expect(t, standard, gomonkey, "run", program+"standard")
		call{}.expect(t, "tcp read: hello, the loop stands still\naccept: accepted, the loop stands still", "go", "run", program+"standard", "tcp read", "accept")
	})
	t.Run("the same for a named pipe to be opened, and terminals", func(t *testing.T) {
		if runtime.GOOS != "linux" {
			t.Skip("the program can open terminals of Linux only")
		}
		if f, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0); err != nil {
			t.Skip(err)
		} else {
			f.Close()
		}
		const special = "named pipe: hello\n" + `terminal: "hello\n"` + "\n" + `terminal as stdin: "other\n" and "typed\ntyped\n"` + "\n" +
			`terminal as stdout: "other\n" and 400000 bytes`
		call{}.expect(t, special, gomonkey, "run", program+"standard", "named pipe", "terminal", "terminal as stdin", "terminal as stdout")
		call{}.expect(t, "named pipe: hello, the loop stands still\n"+`terminal: "hello\n", the loop stands still`+"\n"+
			"terminal as stdin: the child's loop stands still, the loop stands still", "go", "run", program+"standard", "named pipe", "terminal", "terminal as stdin")
	})
	t.Run("the report says what the build has, what it has not, and the command for the rest", func(t *testing.T) {
		const command = "go run github.com/asyncgo/asyncgo/monkey/cmd/gomonkey run "
		call{}.expect(t, "time true time.Sleep |  | \n"+
			"tls true crypto/tls.(*Conn).Read | the program was built without the rest of it; build it by | "+command+program+"report\n"+
			"sql false  | the program does not have the package | \n"+
			"sync false  | the program was built without it; build it by | "+command+"-patch aggressive "+program+"report\n"+
			"patched <nil> true true false\nfalse",
			gomonkey, "run", "-patch", "-tls,crypto/tls.(*Conn).Read", program+"report", "time", "tls", "sql", "sync")
	})
	t.Run("tests of patched programs may use the virtual clock, cancellation, kills and greenlets", func(t *testing.T) {
		if out, ok := (call{}).run(t, gomonkey, "test", "-count", "1", program+"waits"); !ok {
			t.Error(out)
		}
	})
	t.Run("the race detector finds nothing", func(t *testing.T) {
		// One build of the standard library is for this and the locks: each takes half a minute.
		call{}.expect(t, standard, gomonkey, "run", "-race", "-patch", "aggressive", program+"standard")
	})
	t.Run("with -patch aggressive tasks may wait for locks that are held across waits, and asyncgo's own are as they were", func(t *testing.T) {
		call{}.expect(t, "Mutex: 100\nRWMutex: 20 true\nWaitGroup: done\nCond: woken\nOnce: 1\nasyncgo's own: Len 2, other", gomonkey, "run", "-race", "-patch", "aggressive", program+"locks")
	})
}

// standard is what the program standard prints.
const standard = `accept: accepted
close ends a read: true
dial: connected
http: hello
http2: HTTP/2.0!
log: logged
lookups: 11
os.Pipe: hello
sql: executed
stdin: "other\n" and 5 bytes
stdout: "other\n" and 1048576 bytes
tcp read: hello
tcp write: true
tls: "hello\n"
two read one connection: xx
udp read: hello
wait for a process: ended`

// tiny is a module of a program that only sleeps, in a package of its own and by one of somebody else.
var tiny = map[string]string{
	"go.mod":           "module example.com/tiny\n\ngo 1.26\n\nrequire example.com/client v1.0.0\n\nreplace example.com/client => ./client\n",
	"main.go":          "package main\n\nimport (\n\t\"fmt\"\n\t\"time\"\n\n\t\"example.com/client\"\n)\n\nfunc main() {\n\ttime.Sleep(1)\n\tfmt.Println(client.Call(\"a\", \"b\"), tagged)\n}\n",
	"tagged.go":        "//go:build mine && gomonkey\n\npackage main\n\nconst tagged = \"with tags\"\n",
	"untagged.go":      "//go:build !mine || !gomonkey\n\npackage main\n\nconst tagged = \"without tags\"\n",
	"client/go.mod":    "module example.com/client\n\ngo 1.26\n",
	"client/client.go": "package client\n\n// Call calls.\nfunc Call(args ...string) int { return len(args) + Twice[int](0) }\n\nfunc Twice[T int | string](x T) T { return x + x }\n",
}

func TestModules(t *testing.T) {
	long(t)
	patch := []string{"-patch", "example.com/client.Call", "-patch", "example.com/client.Twice"}
	run := func(args ...string) []string { return append(append([]string{"run"}, patch...), args...) }
	listed := func(t *testing.T, dir string, in call, where string) {
		t.Helper()
		out, ok := in.run(t, gomonkey, append(append([]string{"list"}, patch...), "-C", dir)...)
		if !ok || !strings.Contains(out, where) {
			t.Errorf("the list has no %s: %s", where, out)
		}
	}
	t.Run("a module that is replaced by a folder, with tags and an overlay of the user's own", func(t *testing.T) {
		dir := t.TempDir()
		write(t, dir, tiny)
		write(t, dir, map[string]string{
			"other/client.go": strings.ReplaceAll(tiny["client/client.go"], "len(args)", "40+len(args)"),
			"overlay.json":    `{"Replace": {"client/client.go": "other/client.go"}}`,
		})
		in := call{dir: dir}
		in.expect(t, "2 with tags", gomonkey, run("-tags", "mine", ".")...)
		in.expect(t, "2 with tags", gomonkey, run("-C", dir, "-tags=mine", ".")...)
		in.expect(t, "42 without tags", gomonkey, run("-overlay", "overlay.json", ".")...)
		call{dir: dir, env: []string{"GOFLAGS=-tags=mine"}}.expect(t, "2 with tags", gomonkey, run(".")...)
		listed(t, dir, in, filepath.Join("client", "client.go"))
		write(t, dir, map[string]string{
			"client/patched.go": "//go:build gomonkey\n\npackage client\n\nfunc Tagged() {}\n",
			"overlay.json":      `{"Replace": {"client/more.go": "other/more.go"}}`,
			"other/more.go":     "package client\n\nfunc More() {}\n",
		})
		for _, args := range [][]string{{"example.com/client.Tagged"}, {"example.com/client.More", "-overlay", "overlay.json"}} {
			if out, ok := in.run(t, gomonkey, append([]string{"list", "-patch"}, args...)...); !ok || !strings.Contains(out, args[0]) {
				t.Errorf("the list has no %s: %s", args[0], out)
			}
		}
	})
	t.Run("a vendor directory", func(t *testing.T) {
		dir := t.TempDir()
		write(t, dir, tiny)
		in := call{dir: dir}
		if out, ok := in.run(t, "go", "mod", "vendor"); !ok {
			t.Fatal(out)
		}
		in.expect(t, "2 without tags", gomonkey, run("-mod=vendor", ".")...)
		listed(t, dir, in, filepath.Join("vendor", "example.com", "client", "client.go"))
	})
	t.Run("a workspace", func(t *testing.T) {
		dir := t.TempDir()
		write(t, dir, tiny)
		write(t, dir, map[string]string{"go.work": "go 1.26\n\nuse .\nuse ./client\n"})
		in := call{dir: dir}
		in.expect(t, "2 without tags", gomonkey, run(".")...)
	})
	t.Run("a workspace with a module of the module cache, and a cache in a folder with any name", func(t *testing.T) {
		root, err := filepath.Abs(filepath.Join("..", "..", ".."))
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		from := root
		if rel, err := filepath.Rel(dir, root); err == nil { // on Windows they may be on two drives
			from = rel
		}
		version, ok := call{}.run(t, "go", "list", "-m", "-f", "{{.Version}}", "github.com/sourcegraph/conc")
		if !ok {
			t.Fatal(version)
		}
		same := "github.com/sourcegraph/conc " + version
		write(t, dir, map[string]string{"go.work": "go 1.26\n\nuse " + strconv.Quote(filepath.ToSlash(from)) + "\n\nreplace " + same + " => " + same + "\n"})
		in := call{env: []string{"GOWORK=" + filepath.Join(dir, "go.work"), "GOMONKEYCACHE=" + filepath.Join(kept, "a cache@home")}}
		in.expect(t, "opens the gate\nhas waited\ntrue true", gomonkey, "run", "-patch", "github.com/sourcegraph/conc.(*WaitGroup).Wait", program+"thirdparty")
	})
	t.Run("without cgo, and for another system", func(t *testing.T) {
		dir := t.TempDir()
		write(t, dir, tiny)
		call{dir: dir, env: []string{"CGO_ENABLED=0"}}.expect(t, "2 without tags", gomonkey, run(".")...)
		for _, goos := range []string{"windows", "darwin", "linux", "freebsd"} {
			listed(t, dir, call{dir: dir, env: []string{"GOOS=" + goos, "GOARCH=arm64"}}, "net.(*netFD).Read")
		}
		in := call{dir: dir, env: []string{"GOOS=windows", "GOARCH=amd64"}}
		if out, ok := in.run(t, gomonkey, append(append([]string{"build"}, patch...), "-o", filepath.Join(dir, "tiny.exe"), ".")...); !ok {
			t.Errorf("the build fails: %s", out)
		}
	})
}
