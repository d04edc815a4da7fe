//go:build !race

package gevent_test

const raceEnabled = false
