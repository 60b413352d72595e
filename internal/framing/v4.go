package framing

import (
	"bytes"
	"encoding/base64"
	"unicode/utf8"

	"github.com/sockeye-io/socketio/packet"
)

// V4 is the link framing of Engine.IO 4.
//
// A text frame is one digit, the type, and its data; a binary message travels bare
// on a stream. A payload joins its frames with the byte 0x1e, where a binary
// message is the letter b and base64 (Engine.IO 4, "Packet encoding").
//
// Text must be UTF-8. Over a WebSocket the WebSocket layer has seen to that, so
// Parse does not look again; ParsePayload checks the body.
type V4 struct{}

var _ Framing = V4{}

// separator stands between the frames of a payload. No frame contains it: JSON
// writes it as an escape, base64 has no such letter (Engine.IO 4, "Payload").
const separator = 0x1e

// kindOf is indexed by the type digit (Engine.IO 4, "Packet types").
var kindOf = [...]Kind{Open, Close, Ping, Pong, Message, Upgrade, Noop}

// digitOf is its inverse.
var digitOf = [...]byte{
	Open: '0', Close: '1', Ping: '2', Pong: '3', Message: '4', Upgrade: '5', Noop: '6',
}

// AppendText appends a text frame.
func (V4) AppendText(dst []byte, kind Kind, data []byte) []byte {
	return append(append(dst, digitOf[kind]), data...)
}

// Parse reads one message of a WebSocket.
//
// It takes b and base64 there too, as Node's engine.io-parser does
// (engine.io-parser 5.2.3, decodePacket).
func (V4) Parse(data []byte, binary bool) (Frame, error) {
	if binary {
		return Frame{Kind: Message, Binary: true, Data: data}, nil
	}
	if len(data) == 0 {
		return Frame{}, &packet.ProtocolError{Rule: "empty packet"}
	}
	if data[0] == 'b' {
		bin, err := decodeBase64(data[1:])
		if err != nil {
			return Frame{}, err
		}
		return Frame{Kind: Message, Binary: true, Data: bin}, nil
	}
	i := int(data[0]) - '0'
	if i < 0 || i >= len(kindOf) {
		return Frame{}, &packet.ProtocolError{Rule: "unknown packet type"}
	}
	return Frame{Kind: kindOf[i], Data: data[1:]}, nil
}

// AppendPayload appends msgs as one payload.
func (V4) AppendPayload(dst []byte, msgs []Encoded) []byte {
	size := len(msgs)
	for _, m := range msgs {
		if m.Binary {
			size += 1 + base64.StdEncoding.EncodedLen(len(m.Data))
		} else {
			size += len(m.Data)
		}
	}
	dst = grow(dst, size)
	for i, m := range msgs {
		if i > 0 {
			dst = append(dst, separator)
		}
		if m.Binary {
			dst = base64.StdEncoding.AppendEncode(append(dst, 'b'), m.Data)
		} else {
			dst = append(dst, m.Data...)
		}
	}
	return dst
}

// ParsePayload reads the body of a POST. Frames before a wrong one are yielded, as
// Node hands them on too (engine.io-parser 5.2.3, decodePayload); the error then
// ends the session. A body that is not UTF-8 or has too many frames yields nothing.
func (v V4) ParsePayload(body []byte, max int, yield func(Frame) error) error {
	if max > 0 && bytes.Count(body, []byte{separator}) >= max {
		return &packet.ProtocolError{Rule: "too many packets in a payload"}
	}
	// Separators are ASCII, so a valid body has valid frames.
	if !utf8.Valid(body) {
		return &packet.ProtocolError{Rule: "text is not UTF-8"}
	}
	for more := true; more; {
		record := body
		if i := bytes.IndexByte(body, separator); i >= 0 {
			record, body = body[:i:i], body[i+1:]
		} else {
			more = false
		}
		f, err := v.Parse(record, false)
		if err != nil {
			return err
		}
		if err := yield(f); err != nil {
			return err
		}
	}
	return nil
}

// decodeBase64 accepts what Node's decoder does as far as encoders write it: both
// alphabets, padding or none, and the line breaks that Java's default encoder puts
// in. Anything else is an error (THREATS.md, "Packets"), where Node skips it.
func decodeBase64(src []byte) ([]byte, error) {
	enc := base64.StdEncoding // ignores CR and LF by itself
	if bytes.IndexByte(src, '=') < 0 {
		enc = base64.RawStdEncoding
	}
	if bytes.IndexByte(src, '-') >= 0 || bytes.IndexByte(src, '_') >= 0 {
		src = bytes.Map(func(r rune) rune {
			switch r {
			case '-':
				return '+'
			case '_':
				return '/'
			}
			return r
		}, src)
	}
	dst := make([]byte, enc.DecodedLen(len(src)))
	n, err := enc.Decode(dst, src)
	if err != nil {
		return nil, &packet.ProtocolError{Rule: "bad base64"}
	}
	return dst[:n], nil
}
