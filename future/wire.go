package future

import (
	"bytes"
	"encoding/binary"
	"encoding/gob"
	"fmt"
	"io"
	"reflect"
)

// What a pool and its worker processes say to each other: frames on two pipes, whose bodies are the
// continuous stream of one gob encoder, so that types are described once and not with every call. A
// value that cannot be encoded may leave the encoder with descriptions that were never sent; then the
// next frame begins a new stream.

// The kinds of frames.
const (
	frameCall    byte = iota // to the worker: a callHead and a slice of arguments
	frameAnswer              // from it: an answerHead, and what it announces
	frameRefused             // the call could not be read; the worker ends

	frameFresh byte = 0x80 // a flag: the body begins a new stream
)

type callHead struct {
	Name string
	N    int
}

// An answerHead is followed by a slice of all results, if there is one, and by the errors in the order of
// the marks.
type answerHead struct {
	N     int    // calls
	Marks []mark // those without a result
}

type mark struct {
	Index int
	Kind  markKind
	Text  string // of an error or a panic
	Stack []byte
}

type markKind byte

const (
	markError markKind = iota // an errorBox follows
	markText
	markPanic
)

// decodeSlice decodes a slice of n.
func decodeSlice[T any](dec *gob.Decoder, n int) ([]T, error) {
	var s []T
	err := dec.Decode(&s)
	if err == nil && len(s) != n {
		err = fmt.Errorf("there are %d values instead of %d", len(s), n)
	}
	return s, err
}

// errorBox carries an error whose type gob knows.
type errorBox struct{ Err error }

// A sender encodes frames.
type sender struct {
	buf   bytes.Buffer
	enc   *gob.Encoder
	fresh bool
}

// begin starts a frame.
func (s *sender) begin() *gob.Encoder {
	s.buf.Reset()
	if s.enc == nil {
		s.enc, s.fresh = gob.NewEncoder(&s.buf), true
	}
	return s.enc
}

// abandon drops a frame that could not be encoded.
func (s *sender) abandon() { s.enc = nil }

// tooLong returns an error if the frame is longer than one can be.
func (s *sender) tooLong() error {
	if s.buf.Len() > maxFrame {
		return fmt.Errorf("future: %d bytes are too many for a worker process", s.buf.Len())
	}
	return nil
}

// send writes the frame.
func (s *sender) send(w io.Writer, kind byte) error {
	if err := s.tooLong(); err != nil {
		return err
	}
	if s.fresh {
		kind |= frameFresh
		s.fresh = false
	}
	return writeFrame(w, kind, s.buf.Bytes())
}

func writeFrame(w io.Writer, kind byte, body []byte) error {
	frame := make([]byte, 5, 5+len(body))
	frame[0] = kind
	binary.BigEndian.PutUint32(frame[1:], uint32(len(body)))
	_, err := w.Write(append(frame, body...))
	return err
}

// maxFrame is what a length in a frame can say, and more than anybody should send.
const maxFrame = 1<<31 - 1

type frame struct {
	kind byte
	body []byte
}

func readFrame(r io.Reader) (frame, error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return frame{}, err
	}
	n := binary.BigEndian.Uint32(head[1:])
	if n > maxFrame {
		return frame{}, fmt.Errorf("future: a frame of %d bytes", n)
	}
	// The length is not trusted before the bytes are there.
	var body bytes.Buffer
	if _, err := io.CopyN(&body, r, int64(n)); err != nil {
		return frame{}, io.ErrUnexpectedEOF
	}
	return frame{head[0], body.Bytes()}, nil
}

// A receiver decodes frames.
type receiver struct {
	buf bytes.Buffer
	dec *gob.Decoder
}

// skip passes over what is left of a frame whose decoding has failed, but for what it says about types, and reports whether the
// next can be understood.
func (r *receiver) skip() bool {
	for r.buf.Len() > 0 {
		if r.dec.DecodeValue(reflect.Value{}) != nil {
			return false
		}
	}
	return true
}

// open returns the decoder for a frame, and its kind.
func (r *receiver) open(f frame) (*gob.Decoder, byte) {
	if f.kind&frameFresh != 0 || r.dec == nil {
		r.buf.Reset()
		r.dec = gob.NewDecoder(&r.buf)
	}
	r.buf.Write(f.body)
	return r.dec, f.kind &^ frameFresh
}
