package gather_test

import (
	"testing"

	"github.com/asyncgo/asyncgo/internal/witness"
)

func TestMain(m *testing.M) { witness.Main(m) }
