package future_test

import (
	"os"
	"testing"

	"github.com/asyncgo/asyncgo/internal/witness"
)

func TestMain(m *testing.M) {
	os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE")) // or each worker process takes a second to end
	witness.Main(m)
}
