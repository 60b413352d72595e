package websocket_test

import (
	"bytes"
	"fmt"
	"testing"
	"unicode/utf8"

	"github.com/gobwas/ws"

	. "github.com/sockeye-io/socketio/internal/websocket"
	"github.com/sockeye-io/socketio/internal/websocket/wstest"
)

// An oracle reads frames with gobwas/ws and follows the rules in the plainest way:
// everything there at once, each frame a copy.
type oracle struct {
	limit     int
	msg       []byte
	op        ws.OpCode
	open      bool
	fragments int
	tr        transcript
}

// run reads b to its end or to the first fault.
func (o *oracle) run(b []byte) transcript {
	for r := bytes.NewReader(b); ; {
		h, err := ws.ReadHeader(r)
		if err == ws.ErrHeaderLengthMSB {
			h.Length = 1<<63 - 1 // the other fields are there; a later rule may come first
		} else if err != nil {
			return o.tr
		}
		if o.tr.code = o.header(h); o.tr.code != 0 {
			return o.tr
		}
		there := int(min(h.Length, int64(r.Len())))
		payload := make([]byte, there)
		r.Read(payload)
		ws.Cipher(payload, h.Mask, 0)
		if o.frame(h, payload, int64(there) == h.Length) {
			return o.tr
		}
	}
}

// header returns the code that refuses a frame, or 0.
func (o *oracle) header(h ws.Header) int {
	control := h.OpCode.IsControl()
	switch {
	case h.Rsv != 0 || h.OpCode.IsReserved() || !h.Masked:
		return 1002
	case control && (!h.Fin || h.Length > 125):
		return 1002
	case control:
		return 0
	case o.open != (h.OpCode == ws.OpContinuation):
		return 1002
	case h.Length > int64(o.limit-len(o.msg)):
		return 1009
	case o.fragments >= 16384:
		return 1008
	}
	return 0
}

// frame takes a payload, whole or not, and reports whether that was the end.
func (o *oracle) frame(h ws.Header, payload []byte, whole bool) (end bool) {
	if h.OpCode.IsControl() {
		if !whole {
			return true
		}
		if h.OpCode == ws.OpClose && len(payload) > 0 {
			code, reason := ParseClose(payload)
			named := code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006
			if len(payload) == 1 || !named && (code < 3000 || code > 4999) {
				o.tr.code = 1002
				return true
			}
			if !utf8.Valid(reason) {
				o.tr.code = 1007
				return true
			}
		}
		o.event(h.OpCode, payload)
		return h.OpCode == ws.OpClose
	}
	if h.OpCode != ws.OpContinuation {
		o.msg, o.op, o.open, o.fragments = nil, h.OpCode, true, 0
	}
	o.fragments++
	o.msg = append(o.msg, payload...)
	last := whole && h.Fin
	if o.op == ws.OpText && !validPrefix(o.msg, last) {
		o.tr.code = 1007
		return true
	}
	if last {
		o.event(o.op, o.msg)
		o.msg, o.open, o.fragments = nil, false, 0
	}
	return !whole
}

func (o *oracle) event(op ws.OpCode, payload []byte) {
	o.tr.events = append(o.tr.events, fmt.Sprintf("%s %q", names[Opcode(op)], payload))
}

// validPrefix reports whether b is UTF-8, or unless whole may become it.
func validPrefix(b []byte, whole bool) bool {
	for len(b) > 0 {
		if !whole && !utf8.FullRune(b) {
			return true
		}
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			return false
		}
		b = b[n:]
	}
	return true
}

// Whatever the bytes and however they are cut, a Reader reads what the oracle does.
func FuzzReader(f *testing.F) {
	for _, frames := range [][]frame{
		{text("3:::hello"), text("2::")},
		{more("3:::ab"), {Op: Ping, Payload: []byte("p")}, cont("cd"), closing("\x03\xe8bye")},
		{{Op: Binary, Payload: bytes.Repeat([]byte{0xff, 1}, 100)}, text("é😀")},
		{text("x"), {Op: Text, Form: 64, Lie: true, Length: 1 << 63}},
		{{Op: Text, Payload: []byte("\xed\xa0\x80")}}, {text("a"), {Op: Ping, More: true}},
		{{Op: Text, Payload: []byte("3:::x"), Form: 64}, {Op: Pong}, cont("a")},
	} {
		f.Add(wstest.Frames(frames...), uint64(0x0102030405060708), false)
		f.Add(wstest.Frames(frames...), uint64(3), true)
	}
	f.Fuzz(func(t *testing.T, b []byte, cuts uint64, maskAll bool) {
		if maskAll {
			b = forceMasks(b) // most random frames have none, and nothing else is tried
		}
		const limit = 5000
		want := (&oracle{limit: limit}).run(b)
		for _, next := range []func() int{all, one, func() int {
			cuts = cuts>>3 | cuts<<61
			return int(cuts&31) + 1
		}} {
			if got := feed(t, limit, b, next); got.String() != want.String() {
				t.Fatalf("got %v, want %v", got, want)
			}
		}
	})
}

// forceMasks sets the mask bit of every frame, so far as b can be followed.
func forceMasks(b []byte) []byte {
	b = bytes.Clone(b)
	for rest := b; len(rest) >= 2; {
		rest[1] |= 0x80
		r := bytes.NewReader(rest)
		h, err := ws.ReadHeader(r)
		if err != nil || h.Length > int64(r.Len()) {
			break
		}
		rest = rest[int64(len(rest)-r.Len())+h.Length:]
	}
	return b
}
