package websocket

import (
	"bytes"
	"math"
	"unicode/utf8"
)

// Bytes that the hixie drafts put around a message (websocket-drafts.md §3). Neither
// of the last two occurs in UTF-8.
const (
	hixieText  = 0x00
	hixieEnd   = 0xFF // of a text; as a frame's type, with a length of 0: the closing
	hixieClose = "\xff\x00"
)

// AppendHixie appends a text as a frame of hixie-75 and hixie-76.
func AppendHixie(dst, text []byte) []byte {
	return append(append(append(dst, hixieText), text...), hixieEnd)
}

// AppendHixieClose appends the closing of hixie-76. hixie-75 has none: what its
// clients do not know they read to the end of the connection, which follows.
func AppendHixieClose(dst []byte) []byte { return append(dst, hixieClose...) }

// A HixieReader turns the bytes that a client of hixie-75 or hixie-76 sends into
// messages, however they are cut. Between messages it holds nothing beyond itself.
//
// The zero HixieReader is ready to use.
type HixieReader struct {
	// Limit is the greatest length of a message. 0: no limit.
	Limit int

	state uint8
	text  []byte // what has come of a message
}

// States of a HixieReader.
const (
	hixieBetween uint8 = iota // a frame's type is next
	hixieInText
	hixieClosing // the type was hixieEnd; its length is next
	hixieEnded   // by a closing, or an error
)

// Feed takes the next bytes, all of them, and calls yield for each Text and for the
// closing, in order. What it says of ownership and errors is what Reader.Feed does;
// a CloseError's code can be told to nobody here.
func (r *HixieReader) Feed(p []byte, yield func(op Opcode, payload []byte) error) (err error) {
	for len(p) > 0 && r.state != hixieEnded {
		switch r.state {
		case hixieBetween:
			err = r.begin(p[0])
			p = p[1:]
		case hixieInText:
			p, err = r.take(p, yield)
		case hixieClosing:
			if p[0] != 0 {
				err = fail(CloseProtocolError, "a closing has no content")
			} else {
				r.end()
				err = yield(Close, nil)
			}
			p = p[1:]
		}
		if err != nil {
			r.end()
			return err
		}
	}
	return nil
}

func (r *HixieReader) end() { r.state, r.text = hixieEnded, nil }

// begin looks at a frame's type. Those with a length, 0x80 to 0xFE, and texts of
// another type than 0 are in the drafts, but nobody sends them (websocket-drafts.md §3).
func (r *HixieReader) begin(kind byte) error {
	switch kind {
	case hixieText:
		r.state = hixieInText
	case hixieEnd:
		r.state = hixieClosing
	default:
		return fail(CloseProtocolError, "unknown frame type")
	}
	return nil
}

// take reads on in a text, and returns what follows it.
func (r *HixieReader) take(p []byte, yield func(Opcode, []byte) error) (rest []byte, err error) {
	n := bytes.IndexByte(p, hixieEnd)
	whole := n >= 0
	if !whole {
		n = len(p)
	}
	limit := r.Limit
	if limit <= 0 {
		limit = math.MaxInt
	}
	if n > limit-len(r.text) {
		return nil, fail(CloseTooBig, "message is too long")
	}
	r.text = append(r.text, p[:n]...)
	if !whole {
		return nil, nil
	}
	text := r.text
	r.state, r.text = hixieBetween, nil
	if !utf8.Valid(text) {
		return nil, fail(CloseInvalidData, "text is not UTF-8")
	}
	return p[n+1:], yield(Text, text)
}
