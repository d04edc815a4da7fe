//go:build race

package asynctest_test

const raceEnabled = true

// slowness is by how much fewer schedules are tried under the race detector.
const slowness = 10
