//go:build !linux

package async

import "errors"

// A poller is there on Linux only; elsewhere each connection has a goroutine that reads.
type poller struct{}

func newPoller() (*poller, error) { return nil, errors.ErrUnsupported }

func (*poller) add(*transport) bool { return false }

func (*poller) remove(*transport) {}

func (*poller) again(*transport) {}

func (*poller) glance() {}

func (*poller) watch() {}

func (*poller) close() {}
