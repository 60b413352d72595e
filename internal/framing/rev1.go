package framing

import (
	"bytes"
	"strconv"
	"unicode/utf8"

	"github.com/sockeye-io/socketio/packet"
)

// Rev1 is the link framing of revision 1, which has hardly any: a message is a
// packet, and the packets that concern only the link are told by their type.
//
//	0::  on the main socket   Close
//	2::                       Ping from the server, Pong from the client
//	8::                       Noop
//	all others                Message, with the whole packet as its data
//
// An HTTP body with several packets frames them with their lengths in UTF-16 code
// units (revision-1.md §5.3):
//
//	U+FFFD length U+FFFD packet  U+FFFD length U+FFFD packet …
//
// One packet stands alone. On a WebSocket each message is one packet, and binary
// messages are swallowed (revision-1.md §8.5).
type Rev1 struct{}

var _ Framing = Rev1{}

// mark is U+FFFD in UTF-8.
const mark = "\uFFFD"

// maxDigits bounds the length field of a frame. No body comes near 10^10 units.
const maxDigits = 10

// minFrame is the shortest frame: two marks and a digit (V payload-18).
const minFrame = 2*len(mark) + 1

// AppendText appends the packet of kind; a Message is its data. Open and Upgrade,
// which this revision does not have, are their data too.
func (Rev1) AppendText(dst []byte, kind Kind, data []byte) []byte {
	switch kind {
	case Close:
		return append(dst, "0::"...) // [T websocket-kick]
	case Ping, Pong:
		return append(dst, "2::"...) // [T websocket-heartbeat]
	case Noop:
		return append(dst, "8::"...) // [T xhr-polling-noop]
	}
	return append(dst, data...)
}

// Parse reads one packet. It never fails: what is no packet of the link is a
// Message, and whether that is a packet at all is for the packet grammar to say.
func (Rev1) Parse(data []byte, binary bool) (Frame, error) {
	if binary {
		return Frame{Kind: Noop, Binary: true, Data: data}, nil
	}
	return Frame{Kind: linkKind(data), Data: data}, nil
}

// linkKind says which kind of frame the packet is.
func linkKind(p []byte) Kind {
	if len(p) == 0 {
		return Message
	}
	kind := Message
	switch p[0] {
	case '0':
		kind = Close
	case '2':
		kind = Pong // the client answers, and an unasked one is accepted (revision-1.md §7.1)
	case '8':
		kind = Noop
	default:
		return Message
	}
	if len(p) == 1 {
		return kind // bare digits are accepted (revision-1.md §5.2; V heartbeat-03)
	}
	endpoint, ok := cutHead(p[1:])
	if !ok || kind == Close && len(endpoint) > 0 {
		// 0::/chat leaves a namespace, it does not end the session (revision-1.md §7.5).
		return Message
	}
	return kind
}

// cutHead reads what follows the type digit of a packet and returns the endpoint:
//
//	":" [ id [ "+" ] ] ":" [ endpoint ] [ ":" data ]        (revision-1.md §5.1)
func cutHead(p []byte) (endpoint []byte, ok bool) {
	const maxID = 19 // digits; a longer id spoils the packet (revision-1.md §5.2)
	if p[0] != ':' {
		return nil, false
	}
	p = p[1:]
	n := digits(p, maxID+1)
	if n > maxID {
		return nil, false
	}
	p = p[n:]
	if len(p) > 0 && p[0] == '+' { // without an id it is ignored (revision-1.md §5.2)
		p = p[1:]
	}
	if len(p) == 0 || p[0] != ':' {
		return nil, false
	}
	endpoint, _, _ = bytes.Cut(p[1:], []byte{':'})
	return endpoint, true
}

// AppendPayload appends the body that carries msgs. The revision has no binary
// messages, so those are left out.
func (Rev1) AppendPayload(dst []byte, msgs []Encoded) []byte {
	size, count := 0, 0
	var only []byte
	for _, m := range msgs {
		if !m.Binary {
			size += minFrame + maxDigits + len(m.Data)
			count++
			only = m.Data
		}
	}
	// One packet is not framed (V encode-payload-02), unless it would look framed,
	// which no packet does.
	if count == 1 && !bytes.HasPrefix(only, []byte(mark)) {
		return append(dst, only...)
	}
	dst = grow(dst, size)
	for _, m := range msgs {
		if m.Binary {
			continue
		}
		units := m.Units
		if units == 0 {
			units = Units(m.Data)
		}
		dst = append(dst, mark...)
		dst = strconv.AppendInt(dst, int64(units), 10)
		dst = append(dst, mark...)
		dst = append(dst, m.Data...)
	}
	return dst
}

// ParsePayload reads the body of a POST, after its transport has unwrapped it.
//
// Each byte that is not part of valid UTF-8 is replaced by U+FFFD before anything
// else is read, as in the reference, which decodes the body first (revision-1.md
// §8.1); lengths count the replacements.
//
// The first wrong frame ends the payload without an error, and the frames before
// it count (revision-1.md §5.3). A frame is wrong whose length is not digits, or
// does not end where a frame or the body does: such a length lies, and taking what
// it cuts off would deliver half a message.
func (r Rev1) ParsePayload(body []byte, max int, yield func(Frame) error) error {
	if !utf8.Valid(body) {
		body = replaceInvalid(body)
	}
	if len(body) == 0 {
		return nil // V payload-10
	}
	if !bytes.HasPrefix(body, []byte(mark)) {
		f, _ := r.Parse(body, false)
		return yield(f)
	}
	// Most bodies are too short to hold too many frames; the others are read twice.
	if max > 0 && len(body)/minFrame > max {
		n := 0
		for rest := body; n <= max; n++ {
			var ok bool
			if _, rest, ok = cutFrame(rest); !ok {
				break
			}
		}
		if n > max {
			return &packet.ProtocolError{Rule: "too many packets in a payload"}
		}
	}
	for {
		data, rest, ok := cutFrame(body)
		if !ok {
			return nil
		}
		body = rest
		f, _ := r.Parse(data, false)
		if err := yield(f); err != nil {
			return err
		}
	}
}

// cutFrame cuts the first frame off b, which is valid UTF-8.
func cutFrame(b []byte) (data, rest []byte, ok bool) {
	if !bytes.HasPrefix(b, []byte(mark)) {
		return nil, nil, false
	}
	b = b[len(mark):]
	n := digits(b, maxDigits+1)
	if n == 0 || n > maxDigits {
		return nil, nil, false
	}
	units := 0
	for _, c := range b[:n] {
		units = units*10 + int(c-'0')
		if units > len(b) { // a unit is at least a byte; also keeps 32 bits from overflowing
			return nil, nil, false
		}
	}
	b = b[n:]
	if !bytes.HasPrefix(b, []byte(mark)) {
		return nil, nil, false
	}
	b = b[len(mark):]
	end, ok := offset(b, units)
	if !ok {
		return nil, nil, false
	}
	data, rest = b[:end:end], b[end:]
	return data, rest, len(rest) == 0 || bytes.HasPrefix(rest, []byte(mark))
}

// digits returns how many ASCII digits b begins with, at most max.
func digits(b []byte, max int) int {
	n := 0
	for n < len(b) && n < max && '0' <= b[n] && b[n] <= '9' {
		n++
	}
	return n
}

// replaceInvalid returns a copy of b with U+FFFD for each byte that is not part of
// valid UTF-8.
func replaceInvalid(b []byte) []byte {
	out := make([]byte, 0, len(b)+16*len(mark))
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		out = utf8.AppendRune(out, r)
		b = b[n:]
	}
	return out
}
