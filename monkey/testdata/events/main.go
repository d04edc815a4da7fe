// Events is the trace 82_monkey_events of gevent in Go.
package main

import (
	"fmt"
	"strings"

	"github.com/asyncgo/asyncgo/monkey"
)

var outcomes = map[monkey.Outcome]string{monkey.Patched: "True", monkey.Vetoed: "False", monkey.Unchanged: "None"}

func main() {
	var ev []string
	monkey.Subscribe(func(e monkey.Event) error {
		switch e := e.(type) {
		case *monkey.WillPatchAll:
			ev = append(ev, "WillPatchAll")
		case *monkey.WillPatch:
			ev = append(ev, "WillPatchModule:"+e.Name)
		case *monkey.DidPatch:
			ev = append(ev, "DidPatchModule:"+e.Name)
		case *monkey.DidPatchBuiltins:
			ev = append(ev, "DidPatchBuiltinModules")
		case *monkey.DidPatchAll:
			ev = append(ev, "DidPatchAll")
		}
		return nil
	})
	fmt.Println("before:", monkey.IsPatched("net"))
	r, err := monkey.PatchAll()
	if err != nil {
		panic(err)
	}
	fmt.Println("patch_all ->", outcomes[r.Outcome])
	for _, e := range ev {
		fmt.Println(" ", e)
	}
	var patched []string
	for _, e := range r.Entries {
		if e.Patched {
			patched = append(patched, e.Name)
		}
	}
	fmt.Println("patched modules:", patched)
	for _, e := range r.Entries {
		if e.Name == "time" || e.Name == "exec" {
			fmt.Printf("  %s: %s\n", e.Name, strings.Join(e.Targets, " "))
		}
	}
	fmt.Println("is_object_patched", monkey.IsPatched("os/exec.(*Cmd).Wait"), monkey.IsPatched("os/exec.Nope"), monkey.IsPatched("math"))
	ev = nil
	r, _ = monkey.PatchAll()
	fmt.Println("second identical patch_all ->", outcomes[r.Outcome], ev)
	r, _ = monkey.PatchAll(monkey.Except("os"))
	fmt.Println("other args ->", outcomes[r.Outcome], r.Warning)
}
