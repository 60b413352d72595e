// Package wstest is a WebSocket client for tests: raw enough to break every rule
// when it sends, strict when it reads.
package wstest

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/sockeye-io/socketio/internal/websocket"
)

// Key is the mask of the frames that do not name one, as in the examples of
// RFC 6455 §5.7.
var Key = [4]byte{0x37, 0xfa, 0x21, 0x3d}

// A Frame is one frame of a client, good or not. The zero values of its fields are
// those of a good one.
type Frame struct {
	Op       websocket.Opcode
	Payload  []byte
	More     bool    // FIN is not set
	RSV      byte    // the reserved bits, 1 to 7
	Key      [4]byte // the mask; zero: Key
	Unmasked bool
	Form     int    // bits of the length field: 7, 16, 64; 0: the shortest
	Length   uint64 // the length to announce, if Lie
	Lie      bool
}

// Append appends the frame's bytes.
func (f Frame) Append(dst []byte) []byte {
	b0 := byte(f.Op) | f.RSV<<4
	if !f.More {
		b0 |= 0x80
	}
	length := uint64(len(f.Payload))
	if f.Lie {
		length = f.Length
	}
	var mask byte = 0x80
	if f.Unmasked {
		mask = 0
	}
	dst = append(dst, b0)
	switch {
	case f.Form == 7 || f.Form == 0 && length <= 125:
		dst = append(dst, mask|byte(length))
	case f.Form == 16 || f.Form == 0 && length <= 0xFFFF:
		dst = binary.BigEndian.AppendUint16(append(dst, mask|126), uint16(length))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, mask|127), length)
	}
	if f.Unmasked {
		return append(dst, f.Payload...)
	}
	key := f.Key
	if key == [4]byte{} {
		key = Key
	}
	dst = append(dst, key[:]...)
	for i, c := range f.Payload {
		dst = append(dst, c^key[i%4])
	}
	return dst
}

// Frames returns the bytes of frames.
func Frames(frames ...Frame) []byte {
	var b []byte
	for _, f := range frames {
		b = f.Append(b)
	}
	return b
}

// A Conn is a client's connection. Reading and writing may go on at once.
type Conn struct {
	net.Conn
	Response *http.Response // the answer to the handshake

	br *bufio.Reader
}

// A RefusedError is an answer other than 101.
type RefusedError struct {
	Response *http.Response
	Body     []byte
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("wstest: refused with %s: %s", e.Response.Status, e.Body)
}

// Dial connects to addr over TCP and makes a handshake on target, a path with its
// query. header replaces and adds fields; a field with no values is not sent.
func Dial(addr, target string, header http.Header) (*Conn, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	c, err := Handshake(conn, addr, target, header)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return c, nil
}

// Handshake makes a handshake on a connection that stands.
func Handshake(conn net.Conn, host, target string, header http.Header) (*Conn, error) {
	const key = "dGhlIHNhbXBsZSBub25jZQ==" // RFC 6455 §1.3
	h := http.Header{
		"Upgrade":               {"websocket"},
		"Connection":            {"Upgrade"},
		"Sec-Websocket-Key":     {key},
		"Sec-Websocket-Version": {"13"},
	}
	for name, values := range header {
		h[http.CanonicalHeaderKey(name)] = values
	}
	b := fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\n", target, host)
	for name, values := range h {
		for _, v := range values {
			b = fmt.Appendf(b, "%s: %s\r\n", name, v)
		}
	}
	if _, err := conn.Write(append(b, "\r\n"...)); err != nil {
		return nil, err
	}
	br := bufio.NewReader(conn)
	res, err := http.ReadResponse(br, &http.Request{Method: "GET"})
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		body, _ := io.ReadAll(res.Body)
		return nil, &RefusedError{res, body}
	}
	sum := sha1.Sum([]byte(h.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	if want := base64.StdEncoding.EncodeToString(sum[:]); res.Header.Get("Sec-WebSocket-Accept") != want {
		return nil, fmt.Errorf("wstest: Sec-WebSocket-Accept is %q, want %q", res.Header.Get("Sec-WebSocket-Accept"), want)
	}
	return &Conn{Conn: conn, Response: res, br: br}, nil
}

// Send writes frames at once.
func (c *Conn) Send(frames ...Frame) error {
	_, err := c.Write(Frames(frames...))
	return err
}

// WriteText sends a text message.
func (c *Conn) WriteText(s string) error {
	return c.Send(Frame{Op: websocket.Text, Payload: []byte(s)})
}

// WriteBinary sends a binary message.
func (c *Conn) WriteBinary(b []byte) error {
	return c.Send(Frame{Op: websocket.Binary, Payload: b})
}

// WriteClose sends a close frame.
func (c *Conn) WriteClose(code int, reason string) error {
	payload := append([]byte{byte(code >> 8), byte(code)}, reason...)
	return c.Send(Frame{Op: websocket.Close, Payload: payload})
}

// Next reads the next frame, control frames included. A frame that a server must
// not send is an error, as is a fragment, which ours never sends.
func (c *Conn) Next() (op websocket.Opcode, payload []byte, err error) {
	var b [8]byte
	if _, err := io.ReadFull(c.br, b[:2]); err != nil {
		return 0, nil, err
	}
	b0, b1 := b[0], b[1]
	if b0&0xF0 != 0x80 {
		return 0, nil, fmt.Errorf("wstest: first byte is %#02x: a fragment or reserved bits", b0)
	}
	if b1&0x80 != 0 {
		return 0, nil, errors.New("wstest: frame is masked")
	}
	length := uint64(b1)
	least := uint64(0)
	switch b1 {
	case 126:
		if _, err := io.ReadFull(c.br, b[:2]); err != nil {
			return 0, nil, err
		}
		length, least = uint64(binary.BigEndian.Uint16(b[:2])), 126
	case 127:
		if _, err := io.ReadFull(c.br, b[:8]); err != nil {
			return 0, nil, err
		}
		length, least = binary.BigEndian.Uint64(b[:8]), 1<<16
	}
	if length < least || length > 1<<30 {
		return 0, nil, fmt.Errorf("wstest: length %d in the wrong form", length)
	}
	payload = make([]byte, length)
	_, err = io.ReadFull(c.br, payload)
	return websocket.Opcode(b0 & 0x0F), payload, err
}

// NextText reads the next frame, which must be a text message.
func (c *Conn) NextText() (string, error) {
	op, payload, err := c.Next()
	if err == nil && op != websocket.Text {
		err = fmt.Errorf("wstest: got opcode %d (%q), want text", op, payload)
	}
	return string(payload), err
}
