// Veto is the trace 84_monkey_veto of gevent in Go.
package main

import (
	"fmt"

	"github.com/asyncgo/asyncgo/monkey"
)

var outcomes = map[monkey.Outcome]string{monkey.Patched: "True", monkey.Vetoed: "False", monkey.Unchanged: "None"}

func main() {
	monkey.Subscribe(func(e monkey.Event) error {
		if e, ok := e.(*monkey.WillPatch); ok && (e.Name == "tls" || e.Name == "dns") {
			return monkey.ErrDoNotPatch
		}
		return nil
	})
	r, err := monkey.PatchAll(monkey.Except("exec", "os"), monkey.Arg("mylib", 42))
	if err != nil {
		panic(err)
	}
	fmt.Println(outcomes[r.Outcome])
	fmt.Print("{")
	for i, name := range []string{"net", "tls", "dns", "exec", "os", "time"} {
		if i > 0 {
			fmt.Print(", ")
		}
		fmt.Printf("%s: %t", name, monkey.IsPatched(name))
	}
	fmt.Println("}")
	monkey.Subscribe(func(e monkey.Event) error {
		if _, ok := e.(*monkey.WillPatchAll); ok {
			return monkey.ErrDoNotPatch
		}
		return nil
	})
	r, _ = monkey.PatchAll(monkey.Except())
	fmt.Println("vetoed patch_all(exec=True) ->", outcomes[r.Outcome], monkey.IsPatched("exec"))
}
