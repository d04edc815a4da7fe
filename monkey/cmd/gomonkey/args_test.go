package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/asyncgo/asyncgo/internal/overlay"
)

func TestArguments(t *testing.T) {
	for _, tt := range []struct {
		name, args, goflags, want string
		patch                     string
	}{
		{name: "a package", args: "run ./x a -patch b", want: "run -tags=gomonkey -overlay=O ./x a -patch b"},
		{name: "flags before it", args: "build -race -o out -p 2 ./x", want: "build -tags=gomonkey -overlay=O -race -o out -p 2 ./x"},
		{name: "names between them", args: "test -patch a -v -patch=b ./... --patch c -run X", want: "test -tags=gomonkey -overlay=O -v ./... -run X", patch: "a b c"},
		{name: "tags", args: "build -tags a,b .", want: "build -tags=a,b,gomonkey -overlay=O ."},
		{name: "tags of GOFLAGS", args: "build .", goflags: "-mod=mod -tags=c", want: "build -tags=c,gomonkey -overlay=O ."},
		{name: "tags that win over those of GOFLAGS", args: "build -tags=a .", goflags: "--tags=c", want: "build -tags=a,gomonkey -overlay=O ."},
		{name: "another folder", args: "build -C dir .", want: "-C dir build -tags=gomonkey -overlay=O ."},
		{name: "an overlay of the user's own", args: "build -overlay=mine.json .", want: "build -tags=gomonkey -overlay=O ."},
		{name: "flags of the tests' own", args: "test ./x -update", want: "test -tags=gomonkey -overlay=O ./x -update"},
		{name: "flags by their long names", args: "test -test.run X ./x", want: "test -tags=gomonkey -overlay=O -test.run X ./x"},
		{name: "what comes behind -args", args: "test ./x -args -patch y", want: "test -tags=gomonkey -overlay=O ./x -args -patch y"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := parse(strings.Fields(tt.args))
			if err != nil {
				t.Fatal(err)
			}
			c.complete(tt.goflags)
			got := strings.Join(c.command(&overlay.Build{File: "O"}), " ")
			if got != tt.want || strings.Join(c.patch, " ") != tt.patch {
				t.Errorf("it is %q with %q, and should be %q with %q", got, c.patch, tt.want, tt.patch)
			}
		})
	}
	t.Run("a go.mod that gomonkey has made takes the place of the user's", func(t *testing.T) {
		for _, args := range []string{"build -modfile mine.mod .", "build -modfile=mine.mod ."} {
			c, err := parse(strings.Fields(args))
			if err != nil {
				t.Fatal(err)
			}
			c.complete("")
			got := strings.Join(c.command(&overlay.Build{File: "O", Flags: []string{"-modfile=ours.mod"}}), " ")
			if got != "build -tags=gomonkey -overlay=O -modfile=ours.mod ." || !slices.Contains(c.listFlags, "-modfile=mine.mod") {
				t.Errorf("it is %q, asked with %q", got, c.listFlags)
			}
		}
	})
	t.Run("what GOFLAGS has is not lost, and the command line wins", func(t *testing.T) {
		for _, tt := range []struct{ args, overlay, flags string }{
			{"build .", "theirs.json", "-modfile=theirs.mod -tags=gomonkey -overlay=theirs.json"},
			{"build -modfile=mine.mod -overlay mine.json .", "mine.json", "-modfile=mine.mod -tags=gomonkey -overlay=mine.json"},
		} {
			c, err := parse(strings.Fields(tt.args))
			if err != nil {
				t.Fatal(err)
			}
			c.complete("-modfile=theirs.mod --overlay=theirs.json")
			if got := strings.Join(c.listFlags, " "); c.overlay != tt.overlay || got != tt.flags {
				t.Errorf("%s asks with %s, and has the overlay %s", tt.args, got, c.overlay)
			}
		}
	})
	t.Run("a flag without its value is an error", func(t *testing.T) {
		if _, err := parse([]string{"build", "-tags"}); err == nil || !strings.Contains(err.Error(), "-tags needs a value") {
			t.Errorf("it is %v", err)
		}
	})
}
