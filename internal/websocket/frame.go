package websocket

import (
	"encoding/binary"
	"unicode/utf8"
)

// An Opcode says what a frame is (RFC 6455 §5.2).
type Opcode uint8

// The opcodes. A Reader joins fragments, so it never hands out a Continuation.
const (
	Continuation Opcode = 0x0
	Text         Opcode = 0x1
	Binary       Opcode = 0x2
	Close        Opcode = 0x8
	Ping         Opcode = 0x9
	Pong         Opcode = 0xA
)

// isControl reports whether op is a control frame's (RFC 6455 §5.5).
func (op Opcode) isControl() bool { return op&0x8 != 0 }

// known reports whether op is defined (RFC 6455 §5.2).
func (op Opcode) known() bool { return op <= Binary || Close <= op && op <= Pong }

const (
	finBit     = 0x80
	rsvBits    = 0x70
	opcodeBits = 0x0F
	maskBit    = 0x80
	lengthBits = 0x7F
)

// maxControl is the longest payload of a control frame (RFC 6455 §5.5).
const maxControl = 125

// maxHeader is the longest header: two bytes, the length in eight, the mask in four.
const maxHeader = 14

// Headroom is the longest header that a server writes, where nothing is masked.
const Headroom = 10

// HeaderLen returns the length of the header of a frame with n bytes of payload.
func HeaderLen(n int) int {
	switch {
	case n <= 125:
		return 2
	case n <= 0xFFFF:
		return 4
	}
	return Headroom
}

// AppendHeader appends the header of a frame that is a whole message of n bytes,
// or a control frame.
func AppendHeader(dst []byte, op Opcode, n int) []byte {
	switch {
	case n <= 125:
		return append(dst, finBit|byte(op), byte(n))
	case n <= 0xFFFF: // the length with the fewest bytes is a must: RFC 6455 §5.2
		return append(dst, finBit|byte(op), 126, byte(n>>8), byte(n))
	}
	dst = append(dst, finBit|byte(op), 127)
	return binary.BigEndian.AppendUint64(dst, uint64(n))
}

// PutHeader writes the same header so that it ends at buf[Headroom], where the
// payload begins, and returns where the header begins. For senders who learn the
// length of a payload only when they have written it.
func PutHeader(buf []byte, op Opcode, n int) (start int) {
	start = Headroom - HeaderLen(n)
	AppendHeader(buf[start:start:Headroom], op, n)
	return start
}

// AppendFrame appends a whole message, or a control frame; a control frame's
// payload has at most 125 bytes.
func AppendFrame(dst []byte, op Opcode, payload []byte) []byte {
	return append(AppendHeader(dst, op, len(payload)), payload...)
}

// AppendClose appends a close frame. Without a code (0 or CloseNoStatus) it has no
// body. A reason that does not fit is cut, between characters.
func AppendClose(dst []byte, code int, reason string) []byte {
	if code == 0 || code == CloseNoStatus {
		return AppendHeader(dst, Close, 0)
	}
	if len(reason) > maxControl-2 {
		n := maxControl - 2
		for n > 0 && !utf8.RuneStart(reason[n]) {
			n--
		}
		reason = reason[:n]
	}
	dst = AppendHeader(dst, Close, 2+len(reason))
	dst = append(dst, byte(code>>8), byte(code))
	return append(dst, reason...)
}

// A header is the header of a frame from a client.
type header struct {
	length uint64
	key    uint32 // the mask, its first byte lowest
	b0, b1 byte
}

func (h header) op() Opcode { return Opcode(h.b0 & opcodeBits) }
func (h header) fin() bool  { return h.b0&finBit != 0 }

// parseHeader reads the header that b begins with and returns its length, 0 if b
// does not hold it all.
func parseHeader(b []byte) (h header, n int) {
	if len(b) < 2 {
		return h, 0
	}
	h.b0, h.b1 = b[0], b[1]
	h.length = uint64(h.b1 & lengthBits)
	n = 2
	switch h.length {
	case 126:
		if len(b) < 4 {
			return h, 0
		}
		h.length = uint64(binary.BigEndian.Uint16(b[2:]))
		n = 4
	case 127:
		if len(b) < 10 {
			return h, 0
		}
		h.length = binary.BigEndian.Uint64(b[2:])
		n = 10
	}
	if h.b1&maskBit != 0 {
		if len(b) < n+4 {
			return h, 0
		}
		h.key = binary.LittleEndian.Uint32(b[n:])
		n += 4
	}
	return h, n
}
