//go:build race

package greenlet_test

const raceEnabled = true
