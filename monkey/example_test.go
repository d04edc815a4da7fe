package monkey_test

import (
	"fmt"

	"github.com/asyncgo/asyncgo/monkey"
)

// A subscriber hears of each name before it is patched, and can say no.
func ExampleSubscribe() {
	defer monkey.Subscribe(func(e monkey.Event) error {
		if e, ok := e.(*monkey.WillPatch); ok && e.Name == "dns" {
			return monkey.ErrDoNotPatch
		}
		return nil
	})()
	defer monkey.Unpatch()
	_, err := monkey.PatchAll(monkey.Only("dns", "http"))
	fmt.Println(err, monkey.IsPatched("dns"), monkey.IsPatched("http"))
	// Output: <nil> false true
}

// The report says what is patched. What cannot be, or not as a whole, in a program that gomonkey has not built, as this one, it
// names with the command that would change it.
func ExamplePatchAll() {
	defer monkey.Unpatch()
	report, err := monkey.PatchAll(monkey.Only("time", "http"))
	fmt.Println(report.Outcome, err, monkey.IsPatched("http"))
	for _, e := range report.Missing() {
		fmt.Println(e.Name, "wants gomonkey:", e.Command != "")
	}
	// Output:
	// patched <nil> true
	// time wants gomonkey: true
	// http wants gomonkey: true
}
