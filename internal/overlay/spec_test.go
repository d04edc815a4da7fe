package overlay_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/asyncgo/asyncgo/internal/overlay"
)

// find returns the names of the sites that a specification has, by their groups.
func find(t *testing.T, patch ...string) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, s := range findSites(t, patch...) {
		all[s.Group] = append(all[s.Group], s.Full)
	}
	return all
}

func findSites(t *testing.T, patch ...string) []overlay.Found {
	t.Helper()
	spec, err := overlay.ParseSpec(patch)
	if err != nil {
		t.Fatal(err)
	}
	tools, err := overlay.Ask("", nil)
	if err != nil {
		t.Fatal(err)
	}
	sites, err := overlay.Find(spec, tools, "")
	if err != nil {
		t.Fatal(err)
	}
	return sites
}

// expectError looks for all sites in a standard library in one file of which something else stands, and expects an error.
func expectError(t *testing.T, file, from, to, want string) {
	t.Helper()
	tools, err := overlay.Ask("", nil)
	if err != nil {
		t.Fatal(err)
	}
	spec, err := overlay.ParseSpec([]string{"aggressive"})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(tools.Env["GOROOT"], "src", filepath.FromSlash(file))
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), from) {
		t.Fatalf("%s has no %s", path, from)
	}
	other, user := filepath.Join(t.TempDir(), "other.go"), filepath.Join(t.TempDir(), "overlay.json")
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{path: other}})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{other: strings.ReplaceAll(string(text), from, to), user: string(replace)} {
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := overlay.Find(spec, tools, user); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("it is %v, without %q", err, want)
	}
}

func TestOtherStandardLibrary(t *testing.T) {
	for _, tt := range []struct{ name, file, from, to, want string }{
		{"a function that a wrapper calls", "net/ip.go", "func parseIP(", "func parseAny(", "no function net.parseIP"},
		{"a method that a wrapper tries", "sync/rwmutex.go", ") TryRLock(", ") AttemptRLock(", "no function sync.RWMutex.TryRLock"},
		{"the runtime's record of a goroutine", "runtime/runtime2.go", "type g struct", "type routine struct", "has no struct g with flags"},
		{"the body of a function in package runtime", "runtime/time.go", "time.Sleep\n", "time.Nap\n", "time.Sleep has no body in Go"},
		{"a parameter that a wrapper looks at", "net/lookup.go", "network, host string", "network, name string", "net.(*Resolver).lookupIPAddr has no parameter host"},
	} {
		t.Run(tt.name+" and that is called otherwise is an error that names the function", func(t *testing.T) {
			expectError(t, tt.file, tt.from, tt.to, tt.want)
		})
	}
}

func TestOtherRuntime(t *testing.T) {
	for _, tt := range []struct{ name, to string }{
		{"two parameters", "func timeSleep(ns, slack int64)"},
		{"a parameter without a name", "func timeSleep(int64)"},
		{"a parameter of another type", "func timeSleep(ns uint64)"},
		{"a result", "func timeSleep(ns int64) bool"},
	} {
		t.Run("a time.Sleep with "+tt.name+" is an error that names it", func(t *testing.T) {
			expectError(t, "runtime/time.go", "func timeSleep(ns int64)", tt.to, "gomonkey: time.Sleep is not of the shape func(ns int64)")
		})
	}
}

func TestSpec(t *testing.T) {
	t.Run("the default has every group but the locks", func(t *testing.T) {
		got := find(t)
		for _, group := range overlay.Groups() {
			if (len(got[group]) > 0) != (group != overlay.Locks) {
				t.Errorf("%s has %v", group, got[group])
			}
		}
		if !slices.Contains(got["time"], "time.Sleep") || !slices.Contains(got["net"], "net.(*netFD).Read") {
			t.Errorf("it is %v", got)
		}
	})
	t.Run("a group is added by its name, and taken away with a minus", func(t *testing.T) {
		got := find(t, "aggressive,-net", "-http")
		if len(got["sync"]) == 0 || len(got["net"])+len(got["http"]) > 0 || len(got["time"]) == 0 {
			t.Errorf("it is %v", got)
		}
	})
	t.Run("a function is a group of its package, however it is spelled", func(t *testing.T) {
		for _, name := range []string{"net/textproto.Reader.ReadLine", "net/textproto.(*Reader).ReadLine", "section:net/textproto.(*Reader).ReadLine"} {
			if got := find(t, name)["net/textproto"]; !slices.Equal(got, []string{"net/textproto.(*Reader).ReadLine"}) {
				t.Errorf("%s is %v", name, got)
			}
		}
		if got := find(t, "io.Copy"); !slices.Equal(got["io"], []string{"io.Copy"}) {
			t.Errorf("it is %v", got)
		}
	})
	t.Run("a function that is patched already is patched once", func(t *testing.T) {
		if got := find(t, "time.Sleep"); !slices.Equal(got["time"], []string{"time.Sleep"}) {
			t.Errorf("it is %v", got)
		}
	})
	t.Run("a function of a group that is left out becomes cooperative as it does in the group, if nothing else is said", func(t *testing.T) {
		for name, kind := range map[string]overlay.Kind{
			"time.Sleep": overlay.Sleep, "net.(*netFD).Read": overlay.Section, "net.(*Dialer).DialContext": overlay.Block,
			"section:net.(*Dialer).DialContext": overlay.Section,
		} {
			sites := findSites(t, "-time,-net", name)
			i := slices.IndexFunc(sites, func(s overlay.Found) bool { return strings.HasSuffix(name, s.Full) })
			if i < 0 || sites[i].Kind != kind || sites[i].Group != "time" && sites[i].Group != "net" {
				t.Errorf("%s is not there as a %v: %v", name, kind, sites)
			}
		}
	})
	t.Run("what is no name is an error that begins with gomonkey", func(t *testing.T) {
		for _, name := range []string{"x", "-x", "x.", ".F", "a/b.", "a.(*T.F", "a.(*T).", "a.(T).F.G", "a.1"} {
			if _, err := overlay.ParseSpec([]string{name}); err == nil || !strings.HasPrefix(err.Error(), "gomonkey: ") {
				t.Errorf("%q gives %v", name, err)
			}
		}
	})
}
