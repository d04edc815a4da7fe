//go:build !unix

package future

import (
	"errors"
	"os"
)

func workerPipes() (in, out *os.File, err error) { return nil, nil, errors.ErrUnsupported }
