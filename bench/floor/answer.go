package main

import "bytes"

// fixedID stands for the session ids a real server makes: as long as Node's.
const fixedID = "lv_VI97HAXpY6yYWAAAC"

// What the connect phase of each protocol sends, whatever came in.
var (
	openPacket    = []byte(`0{"sid":"` + fixedID + `","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`)
	connectPacket = []byte(`40{"sid":"` + fixedID + `"}`)
	authEvent     = []byte(`42["auth",{}]`)

	oldConnectPacket = []byte(`1::`)
	oldAuthEvent     = []byte(`5:::{"name":"auth","args":[{}]}`)
)

// A kind says what an incoming message asks for.
type kind int

const (
	nothing   kind = iota
	connect        // answer with connectPacket and authEvent
	reply          // answer with the bytes given
	join           // answer with the bytes given and join a room
	toRoom         // deliver the bytes given to the sender's room
	broadcast      // deliver the bytes given to everyone
)

// answer recognises a message by its first bytes and appends what is to be
// sent to dst.
func answer(dst, msg []byte) (kind, []byte) {
	if rest, ok := bytes.CutPrefix(msg, []byte(`42["message",`)); ok {
		dst = append(dst, `42["message-back",`...)
		return reply, append(dst, rest...)
	}
	if rest, ok := bytes.CutPrefix(msg, []byte(`5:::{"name":"message",`)); ok {
		dst = append(dst, `5:::{"name":"message-back",`...)
		return reply, append(dst, rest...)
	}
	if rest, ok := bytes.CutPrefix(msg, []byte(`42["to",`)); ok {
		_, payload, _ := bytes.Cut(rest, []byte(`,`))
		dst = append(dst, `42["room-message",`...)
		return toRoom, append(dst, payload...)
	}
	if rest, ok := bytes.CutPrefix(msg, []byte(`42["broadcast",`)); ok {
		dst = append(dst, `42["broadcast-message",`...)
		return broadcast, append(dst, rest...)
	}
	if rest, ok := bytes.CutPrefix(msg, []byte(`42`)); ok {
		return answerAck(dst, rest)
	}
	if bytes.HasPrefix(msg, []byte(`40`)) {
		return connect, dst
	}
	return nothing, dst
}

// answerAck is answer for what follows the 42 of an event that wants an
// acknowledgement.
func answerAck(dst, msg []byte) (kind, []byte) {
	n := bytes.IndexByte(msg, '[')
	if n < 1 {
		return nothing, dst
	}
	dst = append(append(dst, `43`...), msg[:n]...)
	if rest, ok := bytes.CutPrefix(msg[n:], []byte(`["message-with-ack",`)); ok {
		dst = append(dst, '[')
		return reply, append(dst, rest...)
	}
	if bytes.HasPrefix(msg[n:], []byte(`["join",`)) {
		return join, append(dst, `["ok"]`...)
	}
	return nothing, dst
}

// room cuts the room out of a join message.
func room(msg []byte) string {
	_, rest, _ := bytes.Cut(msg, []byte(`,"`))
	name, _, _ := bytes.Cut(rest, []byte(`"`))
	return string(name)
}
