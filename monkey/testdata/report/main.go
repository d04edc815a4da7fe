// Report prints what package monkey says of the names of its arguments.
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/asyncgo/asyncgo/monkey"
)

func main() {
	all, err := monkey.PatchAll()
	if err != nil {
		panic(err)
	}
	for _, name := range os.Args[1:] {
		for _, e := range all.Entries {
			if e.Name == name {
				fmt.Printf("%s %t %s | %s | %s\n", name, e.Patched, strings.Join(e.Targets, " "), e.Why, e.Command)
			}
		}
	}
	monkey.Unpatch()
	r, err := monkey.Patch("time.Sleep", "time.Sleep")
	fmt.Println(r.Outcome, err, monkey.IsPatched("time"), monkey.IsPatched("time.Sleep"), monkey.IsPatched("exec"))
	monkey.Unpatch("time.Sleep", "time")
	fmt.Println(monkey.IsPatched("time"))
}
