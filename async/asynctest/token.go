package asynctest

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"strings"
)

// variable names the environment variable that holds the token of a schedule to replay.
const variable = "ASYNCGO_SCHEDULE"

// A token is a schedule, and the fault that is injected into it, as text: a hash of the test's name, so that
// one test does not take the token of another, and the choices, in base64. Only choices that
// deviate from FIFO are written down, each after the number of choices since the last one.
type token struct {
	choices []uint16
	fault   fault
}

var errToken = errors.New("asynctest: this is not the token of a schedule")

// testHash identifies a test in its tokens.
func testHash(name string) string {
	h := fnv.New32a()
	h.Write([]byte(name))
	return fmt.Sprintf("%04x", uint16(h.Sum32()^h.Sum32()>>16))
}

// encode returns the token as text, for a test of the name.
func (k token) encode(name string) string {
	var b []byte
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
	if len(parts) < 2 || len(parts) > 3 || len(parts[0]) != 4 {
		return k, false, fmt.Errorf("%w: %q", errToken, text)
	}
	if parts[0] != testHash(name) {
		return k, false, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return k, true, fmt.Errorf("%w: %q", errToken, text)
	}
	const most = 1 << 20 // choices; nobody's schedule is as long
	for len(b) > 0 {
		gap, n := binary.Uvarint(b)
		if n <= 0 || gap > most || len(k.choices) > most {
			return k, true, fmt.Errorf("%w: %q", errToken, text)
		}
		b = b[n:]
		c, n := binary.Uvarint(b)
		if n <= 0 || c > 1<<16-1 {
			return k, true, fmt.Errorf("%w: %q", errToken, text)
		}
		b = b[n:]
		k.choices = append(k.choices, make([]uint16, gap)...)
		k.choices = append(k.choices, uint16(c))
	}
	if len(parts) == 3 {
		var kind rune
		if _, err := fmt.Sscanf(parts[2], "%c%d", &kind, &k.fault.point); err != nil || !faultKind(kind).known() {
			return k, true, fmt.Errorf("%w: %q", errToken, text)
		}
		k.fault.kind = faultKind(kind)
	}
	return k, true, nil
}
