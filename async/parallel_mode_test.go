package async

import (
	"os"
	"strconv"
)

// With ASYNCGO_TEST_PARALLEL=n in the environment all loops of the tests are as with Parallel(n).
func init() {
	if s := os.Getenv(ModeVariable); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			panic(err)
		}
		parallelByDefault = n
	}
}

// ModeVariable is where the tests find out.
const ModeVariable = "ASYNCGO_TEST_PARALLEL"
