package asynctest

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"strings"
	"sync/atomic"
	"testing"
)

// variable names the environment variable that holds the token of a schedule to replay.
const variable = "ASYNCGO_SCHEDULE"

// taken is whether a test of this process has taken the token in the environment.
var taken atomic.Bool

// A token is a schedule, and the fault that is injected into it, as text: a hash of the test's name, so that
// one test does not take the token of another, and the choices, in base64. First comes how many there are, which tells
// whether the program is still the one that the token was made of; then those that deviate from FIFO, each
// after the number of choices since the last one.
type token struct {
	choices []uint16
	fault   fault
}

var errToken = errors.New("asynctest: this is not the token of a schedule")

// mostChoices is how many choices a token may have. A run has no more steps.
const mostChoices = mostSteps

// owner returns the name that the tokens of a test bear. The inputs of a fuzz target are tests with a name of their
// own, and while the fuzzer runs without any: so they all use the target's.
func owner(t testing.TB) string {
	name := testName(t)
	if top, _, _ := strings.Cut(name, "/"); strings.HasPrefix(top, "Fuzz") {
		return top
	}
	return name
}

// testHash identifies a test in its tokens.
func testHash(name string) string {
	h := fnv.New32a()
	h.Write([]byte(name))
	return fmt.Sprintf("%08x", h.Sum32())
}

// encode returns the token as text, for a test of the name.
func (k token) encode(name string) string {
	b := binary.AppendUvarint(nil, uint64(len(k.choices)))
	gap := uint64(0)
	for _, c := range k.choices {
		if c == 0 {
			gap++
			continue
		}
		b = binary.AppendUvarint(b, gap)
		b = binary.AppendUvarint(b, uint64(c))
		gap = 0
	}
	text := testHash(name) + "." + base64.RawURLEncoding.EncodeToString(b)
	if k.fault.kind != noFault {
		text += fmt.Sprintf(".%c%d", k.fault.kind, k.fault.point)
	}
	return text
}

// decode reads a token of the test. It reports false if it is the token of another test.
func decode(text, name string) (k token, mine bool, err error) {
	parts := strings.Split(text, ".")
	if len(parts) < 2 || len(parts) > 3 || len(parts[0]) != len(testHash("")) {
		return k, false, fmt.Errorf("%w: %q", errToken, text)
	}
	if parts[0] != testHash(name) {
		return k, false, nil
	}
	if k.choices, err = decodeChoices(parts[1]); err == nil && len(parts) == 3 {
		k.fault, err = decodeFault(parts[2])
	}
	if err != nil {
		return token{}, true, fmt.Errorf("%w: %q", err, text)
	}
	return k, true, nil
}

func decodeChoices(text string) ([]uint16, error) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, errToken
	}
	next := func(most uint64) (int, bool) {
		x, n := binary.Uvarint(b)
		if n <= 0 || x > most {
			return 0, false
		}
		b = b[n:]
		return int(x), true
	}
	total, ok := next(mostChoices)
	if !ok {
		return nil, errToken
	}
	choices := make([]uint16, total)
	for at := 0; len(b) > 0; at++ {
		gap, ok := next(mostChoices)
		if at += gap; !ok || at >= total {
			return nil, errToken
		}
		c, ok := next(1<<16 - 1)
		if !ok {
			return nil, errToken
		}
		choices[at] = uint16(c)
	}
	return choices, nil
}

func decodeFault(text string) (f fault, err error) {
	var kind rune
	var rest string
	n, _ := fmt.Sscanf(text, "%c%d%s", &kind, &f.point, &rest)
	if n != 2 || !faultKind(kind).known() || f.point < 1 {
		return fault{}, errToken
	}
	f.kind = faultKind(kind)
	return f, nil
}

// misfit says why a run that was to follow the token is not the one that it stands for, or nothing.
func (k token) misfit(a *attempt) string {
	n := min(len(k.choices), len(a.choices))
	for i := range n {
		if k.choices[i] != a.choices[i] {
			return fmt.Sprintf("in choice %d it takes number %d of the tasks that are ready, and there are only %d", i+1,
				k.choices[i]+1, a.choices[i]+1)
		}
	}
	switch {
	case len(k.choices) != len(a.choices):
		return fmt.Sprintf("it has %d choices, and the program has made %d", len(k.choices), len(a.choices))
	case k.fault.kind == noFault || a.hit:
		return ""
	case a.points < k.fault.point:
		return fmt.Sprintf("it has %v at suspension point %d, and the program has only %d", k.fault.kind, k.fault.point, a.points)
	}
	return fmt.Sprintf("it has %v at suspension point %d, where that cannot happen", k.fault.kind, k.fault.point)
}

// follow runs the schedule of a token, and blames the token if the program has gone another way.
func (s *session) follow(k token) *attempt {
	a := s.run(&replay{choices: k.choices}, k.fault)
	if why := k.misfit(a); why != "" {
		a.blame(stale, "the token does not fit the program: %s.\n"+
			"\tThe program has changed since, or the token is of another Explore or Sweep in the same test. Explore once more.", why)
	}
	return a
}
