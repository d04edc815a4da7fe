//go:build !race

package asynctest_test

const raceEnabled = false

// slowness is by how much fewer schedules are tried under the race detector, which looks at other things. All of them are
// tried without.
const slowness = 1
