package monkey_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/monkey"
)

// fresh has nothing patched, before the test and after it.
func fresh(t *testing.T) {
	t.Helper()
	monkey.Unpatch()
	t.Cleanup(func() { monkey.Unpatch() })
}

// entry returns what a report says of a name.
func entry(t *testing.T, r monkey.Report, name string) monkey.Entry {
	t.Helper()
	i := slices.IndexFunc(r.Entries, func(e monkey.Entry) bool { return e.Name == name })
	if i < 0 {
		t.Fatalf("the report has no %s: %v", name, r)
	}
	return r.Entries[i]
}

func TestPatchAll(t *testing.T) {
	t.Run("without gomonkey it patches what plain Go can, and says what is missing and the command for it", func(t *testing.T) {
		fresh(t)
		transport, resolver := http.DefaultTransport, net.DefaultResolver
		r, err := monkey.PatchAll()
		if err != nil || r.Outcome != monkey.Patched || r.Warning != "" {
			t.Errorf("it returns %v and %v", r, err)
		}
		if http.DefaultTransport == transport || net.DefaultResolver == resolver {
			t.Error("the variables are what they were")
		}
		for _, name := range []string{"time", "net", "tls", "os", "exec", "sql", "sync"} {
			e := entry(t, r, name)
			if e.Patched || monkey.IsPatched(name) || e.Why == "" || !strings.Contains(e.Command, "monkey/cmd/gomonkey test ") {
				t.Errorf("of %s it says %+v", name, e)
			}
		}
		for _, name := range []string{"http", "dns"} {
			e := entry(t, r, name)
			if !e.Patched || !monkey.IsPatched(name) || len(e.Targets) == 0 || !monkey.IsPatched(e.Targets[0]) || e.Command == "" {
				t.Errorf("of %s it says %+v", name, e)
			}
		}
		if !strings.Contains(entry(t, r, "sync").Command, "-patch aggressive") {
			t.Errorf("of sync it says %+v", entry(t, r, "sync"))
		}
		if got := len(r.Missing()); got != len(r.Entries) {
			t.Errorf("%d of %d are missing", got, len(r.Entries))
		}
		if s := r.String(); !strings.Contains(s, "monkey: patched") || !strings.Contains(s, "\ntime: not patched; ") {
			t.Errorf("its text is %s", s)
		}
		monkey.Unpatch()
		if http.DefaultTransport != transport || net.DefaultResolver != resolver || monkey.IsPatched("http") {
			t.Error("Unpatch has left something")
		}
	})
	t.Run("doing it again does nothing, and asking for something else is a warning", func(t *testing.T) {
		fresh(t)
		must(monkey.PatchAll(monkey.Except("dns")))
		transport := http.DefaultTransport
		if r := must(monkey.PatchAll(monkey.Except("dns"))); r.Outcome != monkey.Unchanged || r.Warning != "" || http.DefaultTransport != transport {
			t.Errorf("the second time it reports %v", r)
		}
		if r := must(monkey.PatchAll(monkey.Only("http"))); r.Outcome != monkey.Unchanged || r.Warning == "" {
			t.Errorf("with less it reports %v", r)
		}
		if r := must(monkey.PatchAll()); r.Outcome != monkey.Patched || r.Warning == "" || !monkey.IsPatched("dns") {
			t.Errorf("with more it reports %v", r)
		}
	})
	t.Run("order does not matter", func(t *testing.T) {
		for _, order := range [][]string{{"http", "dns"}, {"dns", "http"}} {
			fresh(t)
			for _, name := range order {
				if r := must(monkey.Patch(name)); r.Outcome != monkey.Patched || len(r.Entries) != 1 {
					t.Errorf("it reports %v", r)
				}
			}
			if !monkey.IsPatched("http") || !monkey.IsPatched("dns") {
				t.Error("not all is patched")
			}
			monkey.Unpatch(order[0])
			if monkey.IsPatched(order[0]) || !monkey.IsPatched(order[1]) {
				t.Error("Unpatch has hit the wrong one")
			}
		}
	})
	t.Run("an unknown name is an error that has the known ones, and nothing is patched", func(t *testing.T) {
		fresh(t)
		for _, do := range []func() (monkey.Report, error){
			func() (monkey.Report, error) { return monkey.Patch("http", "sockets") },
			func() (monkey.Report, error) { return monkey.PatchAll(monkey.Except("sockets")) },
			func() (monkey.Report, error) { return monkey.PatchAll(monkey.Only("sockets")) },
		} {
			_, err := do()
			if err == nil || !strings.Contains(err.Error(), `monkey: "sockets"`) || !strings.Contains(err.Error(), "exec") || monkey.IsPatched("http") {
				t.Errorf("it returns %v", err)
			}
		}
		monkey.Unpatch("sockets")
	})
	t.Run("a single variable can be patched", func(t *testing.T) {
		fresh(t)
		r := must(monkey.Patch("net/http.DefaultTransport"))
		if r.Outcome != monkey.Patched || !monkey.IsPatched("net/http.DefaultTransport") || monkey.IsPatched("net/http.DefaultClient") {
			t.Errorf("it reports %v", r)
		}
	})
}

func TestEvents(t *testing.T) {
	record := func(t *testing.T, answer func(monkey.Event) error) *[]string {
		var all []string
		t.Cleanup(monkey.Subscribe(func(e monkey.Event) error {
			name := strings.TrimPrefix(fmt.Sprintf("%T", e), "*monkey.")
			switch e := e.(type) {
			case *monkey.WillPatchAll:
				name += fmt.Sprint(e.Names, e.Args)
			case *monkey.WillPatch:
				name += fmt.Sprint(e.Name, e.Targets)
			case *monkey.DidPatch:
				name += fmt.Sprint(e.Name, e.Targets)
			}
			all = append(all, name)
			if answer != nil {
				return answer(e)
			}
			return nil
		}))
		return &all
	}
	expect := func(t *testing.T, got *[]string, want ...string) {
		t.Helper()
		if !slices.Equal(*got, want) {
			t.Errorf("the events are\n%s\nand should be\n%s", strings.Join(*got, "\n"), strings.Join(want, "\n"))
		}
	}
	t.Run("come before and after each name and all of them, and not the second time", func(t *testing.T) {
		fresh(t)
		got := record(t, nil)
		for range 2 {
			must(monkey.PatchAll(monkey.Only("dns", "time"), monkey.Arg("mine", 42)))
		}
		expect(t, got, "WillPatchAll[dns] map[mine:42]", "WillPatchdns[net.DefaultResolver]", "DidPatchdns[net.DefaultResolver]", "DidPatchBuiltins", "DidPatchAll")
	})
	t.Run("a subscriber may veto a name, or all", func(t *testing.T) {
		fresh(t)
		r := func() monkey.Report {
			defer monkey.Subscribe(func(e monkey.Event) error {
				if e, ok := e.(*monkey.WillPatch); ok && e.Name == "http" {
					return monkey.ErrDoNotPatch
				}
				return nil
			})()
			return must(monkey.PatchAll())
		}()
		if r.Outcome != monkey.Patched || monkey.IsPatched("http") || !monkey.IsPatched("dns") || entry(t, r, "http").Why != "a subscriber did not want it" {
			t.Errorf("it reports %v", r)
		}
		got := record(t, func(monkey.Event) error { return monkey.ErrDoNotPatch })
		if r := must(monkey.PatchAll()); r.Outcome != monkey.Vetoed || monkey.IsPatched("http") {
			t.Errorf("it reports %v", r)
		}
		expect(t, got, "WillPatchAll[http] map[]")
	})
	t.Run("a subscriber may take targets out", func(t *testing.T) {
		fresh(t)
		record(t, func(e monkey.Event) error {
			if e, ok := e.(*monkey.WillPatch); ok {
				e.Targets = slices.DeleteFunc(e.Targets, func(s string) bool { return s == "net/http.DefaultClient" })
			}
			return nil
		})
		r := must(monkey.Patch("http"))
		if e := entry(t, r, "http"); !e.Patched || !strings.Contains(e.Why, "net/http.DefaultClient") || monkey.IsPatched("net/http.DefaultClient") {
			t.Errorf("it reports %v", r)
		}
	})
	t.Run("another error of a subscriber ends it", func(t *testing.T) {
		fresh(t)
		broken := errors.New("broken")
		record(t, func(e monkey.Event) error {
			if e, ok := e.(*monkey.DidPatch); ok && e.Name == "dns" {
				return broken
			}
			return nil
		})
		if _, err := monkey.PatchAll(); err != broken || !monkey.IsPatched("dns") || monkey.IsPatched("http") {
			t.Errorf("it returns %v", err)
		}
	})
	t.Run("a veto that comes too late does nothing, and a nil subscriber panics", func(t *testing.T) {
		fresh(t)
		record(t, func(e monkey.Event) error {
			switch e.(type) {
			case *monkey.DidPatch, *monkey.DidPatchBuiltins, *monkey.DidPatchAll:
				return monkey.ErrDoNotPatch
			}
			return nil
		})
		if r := must(monkey.PatchAll()); r.Outcome != monkey.Patched || !monkey.IsPatched("dns") {
			t.Errorf("it reports %v", r)
		}
		defer func() {
			if v := recover(); v != "monkey: Subscribe was called with a nil function" {
				t.Errorf("it panics with %v", v)
			}
		}()
		monkey.Subscribe(nil)
	})
}

func TestPlainPatches(t *testing.T) {
	t.Run("a request by http.Get lets the other tasks go on", func(t *testing.T) {
		fresh(t)
		must(monkey.Patch("http"))
		gate := make(chan struct{})
		server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-gate }))
		defer server.Close()
		defer http.DefaultClient.CloseIdleConnections()
		check(async.Run(func(ctx context.Context) error {
			async.Go(ctx, func(context.Context) error { close(gate); return nil })
			response, err := http.Get(server.URL)
			if err == nil {
				response.Body.Close()
			}
			return err
		}))
	})
	t.Run("a lookup by the default resolver lets the other tasks go on", func(t *testing.T) {
		fresh(t)
		server, err := net.ListenPacket("udp", "127.0.0.1:0")
		check(err)
		gate, asked := make(chan struct{}), make(chan struct{})
		go func() { // a server of names that knows nothing, and says so when the gate opens
			defer close(asked)
			p := make([]byte, 512)
			n, from, err := server.ReadFrom(p)
			if err != nil {
				return
			}
			<-gate
			p[2] |= 0x80           // it is an answer
			p[3] = p[3]&0xf0 | 0x3 // there is no such name
			server.WriteTo(p[:n], from)
		}()
		old := net.DefaultResolver
		defer func() { net.DefaultResolver = old }()
		net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "udp", server.LocalAddr().String())
		}}
		must(monkey.Patch("dns"))
		check(async.Run(func(ctx context.Context) error {
			async.Go(ctx, func(context.Context) error { close(gate); return nil })
			_, err := net.LookupTXT("example.invalid.")
			var e *net.DNSError
			if !errors.As(err, &e) || !e.IsNotFound {
				t.Errorf("the lookup returns %v", err)
			}
			return nil
		}))
		monkey.Unpatch("dns")
		server.Close()
		<-asked
	})
}

func must[T any](v T, err error) T {
	check(err)
	return v
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
