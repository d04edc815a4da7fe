package asynctest

import "slices"

// shrinkTries is how many runs the shortening of a schedule may take. The value is a guess: a few of the shapes of
// programs that people write need a hundred.
const shrinkTries = 400

// shrinkSteps is how many steps these runs may take together.
const shrinkSteps = 1_000_000

// shrink shortens a failing schedule: to few choices that are not the first, to small ones, as early as possible. Each
// step keeps the failure and its kind, by trying. It is the delta debugging of Zeller and Hildebrandt, with chunks of
// half the length each time, towards FIFO order.
func (s *session) shrink(k token, kind string) (short token, tries int) {
	best, steps := trimmed(k.choices), 0
	fails := func(choices []uint16) bool {
		if tries >= shrinkTries || steps >= shrinkSteps {
			return false
		}
		tries++
		a := s.run(&replay{choices: choices}, k.fault)
		steps += len(a.steps)
		return a.kind() == kind && (a.hit || k.fault.kind == noFault) // or it is another failure, without the fault
	}
	for improved := true; improved && tries < shrinkTries; {
		improved = false
		for size := len(best); size > 0; size /= 2 {
			for from := 0; from < len(best); from += size {
				to := min(from+size, len(best))
				if deviations(best[from:to]) == 0 {
					continue
				}
				c := slices.Clone(best)
				clear(c[from:to])
				if c = trimmed(c); fails(c) {
					best, improved = c, true
				}
			}
		}
		for i := range best {
			for best[i] > 1 {
				c := slices.Clone(best)
				c[i]--
				if !fails(c) {
					break
				}
				best, improved = c, true
			}
		}
	}
	return token{best, k.fault}, tries
}

// trimmed cuts off the choices at the end that are the first of theirs, which is what a replay makes of none.
func trimmed(choices []uint16) []uint16 {
	n := len(choices)
	for n > 0 && choices[n-1] == 0 {
		n--
	}
	return slices.Clone(choices[:n])
}
