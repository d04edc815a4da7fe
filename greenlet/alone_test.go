package greenlet_test

import (
	"os/exec"
	"testing"
)

// The other tests import package future, which spells the errors of panics, and so does whoever imports package async.
func TestAlone(t *testing.T) {
	t.Run("a program that imports nothing else gets panics as errors", func(t *testing.T) {
		if testing.Short() {
			t.Skip("It builds a program.")
		}
		out, err := exec.Command("go", "run", "./testdata/alone").CombinedOutput()
		if want := "true\ntrue\ntrue\ntrue\n"; err != nil || string(out) != want {
			t.Errorf("%v, and it has written\n%s", err, out)
		}
	})
}
