package transport

import (
	"bytes"

	"github.com/sockeye-io/socketio/internal/websocket"
)

// What the model's clients say and hear in hixie-76, and in RFC 6455.

// opening returns the fields of the handshake, and what follows its head.
func (c *client) opening() string {
	if c.hixie {
		return "Host: x\r\nConnection: Upgrade\r\n" + draft76.fields + "\r\n" + draft76.third
	}
	return upgradeFields
}

// accepted takes what the answer to the handshake has after its head. It reports false
// if that has not come. c.mu is held.
func (c *client) accepted(rest []byte) (_ []byte, ok bool) {
	if !c.hixie {
		return rest, true
	}
	if len(rest) < len(hixieProof) {
		return nil, false
	}
	if string(rest[:len(hixieProof)]) != hixieProof {
		c.r.mistake("wrong proof")
	}
	return rest[len(hixieProof):], true
}

// cutFrame cuts a server's frame off p, if there is a whole one.
func (c *client) cutFrame(p []byte) (op websocket.Opcode, payload, rest []byte, ok bool) {
	if !c.hixie {
		return cutFrame(p)
	}
	switch {
	case len(p) == 0, p[0] == 0xFF && len(p) == 1:
		return 0, nil, nil, false
	case p[0] == 0xFF && p[1] == 0:
		return websocket.Close, nil, p[2:], true
	case p[0] != 0:
		return 0xF, nil, nil, true
	}
	payload, rest, ok = bytes.Cut(p[1:], []byte{0xFF})
	return websocket.Text, payload, rest, ok
}

// textFrame returns a client's text.
func (c *client) textFrame(s string) string {
	if c.hixie {
		return "\x00" + s + "\xff"
	}
	return masked(websocket.Text, s)
}

// closeFrame returns a client's goodbye.
func (c *client) closeFrame() string {
	if c.hixie {
		return "\xff\x00"
	}
	return masked(websocket.Close, closePayload(websocket.CloseNormal, ""))
}
