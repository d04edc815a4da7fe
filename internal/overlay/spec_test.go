package overlay_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/asyncgo/asyncgo/internal/overlay"
)

// find returns the names of the sites that a specification has, by their groups.
func find(t *testing.T, patch ...string) map[string][]string {
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
	all := map[string][]string{}
	for _, s := range sites {
		all[s.Group] = append(all[s.Group], s.Full)
	}
	return all
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
	t.Run("what is no name is an error that begins with gomonkey", func(t *testing.T) {
		for _, name := range []string{"x", "-x", "x.", ".F", "a/b.", "a.(*T.F", "a.(*T).", "a.(T).F.G", "a.1"} {
			if _, err := overlay.ParseSpec([]string{name}); err == nil || !strings.HasPrefix(err.Error(), "gomonkey: ") {
				t.Errorf("%q gives %v", name, err)
			}
		}
	})
}
