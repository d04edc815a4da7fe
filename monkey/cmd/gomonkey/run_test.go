package main_test

import "testing"

func TestRun(t *testing.T) {
	long(t)
	t.Run("the tutorial's program with time.Sleep is cooperative, and without gomonkey it is not", func(t *testing.T) {
		const interleaved = "ckl eat 1\nckl play 1\nckl play 2\nckl eat 2\n3 seconds"
		call{}.expect(t, interleaved, gomonkey, "run", program+"eatplay", "200ms")
		call{}.expect(t, "ckl eat 1\nckl eat 2\nckl play 1\nckl play 2\n5 seconds", "go", "run", program+"eatplay", "200ms")
	})
	t.Run("an echo server of plain net serves five hundred clients at once, one at a time", func(t *testing.T) {
		call{}.expect(t, "500 clients, 1 at a time", gomonkey, "run", program+"echo", "500")
	})
	t.Run("a package of the module cache is cooperative by -patch", func(t *testing.T) {
		call{}.expect(t, "the loop stands still\nhas waited\nopens the gate\nfalse false", "go", "run", program+"thirdparty")
		call{}.expect(t, "opens the gate\nhas waited\ntrue true", gomonkey, "run", "-patch", "github.com/sourcegraph/conc.(*WaitGroup).Wait", program+"thirdparty")
	})
}
