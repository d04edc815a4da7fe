package asynctest_test

import (
	"testing"

	"github.com/asyncgo/asyncgo/async/asynctest"
)

func TestMain(m *testing.M) { asynctest.VerifyTestMain(m) }
