package main

import "bytes"

// A kind says what an incoming message asks for.
type kind int

const (
	nothing   kind = iota
	connect        // answer with the dialect's joined
	reply          // answer with the bytes given
	join           // answer with the bytes given and join a room
	toRoom         // deliver the bytes given to the sender's room
	broadcast      // deliver the bytes given to everyone
	leave          // answer with the bytes given and close
)

// answer recognises a message by its first bytes and appends what is to be
// sent to dst.
func (d *dialect) answer(dst, msg []byte) (kind, []byte) {
	for i := range d.events {
		e := &d.events[i]
		rest, ok := bytes.CutPrefix(msg, e.from)
		if !ok {
			continue
		}
		if e.kind == toRoom {
			_, rest, _ = bytes.Cut(rest, []byte(`,`))
		}
		return e.kind, append(append(dst, e.to...), rest...)
	}
	if rest, ok := bytes.CutPrefix(msg, d.request); ok {
		return d.acknowledge(dst, rest)
	}
	switch {
	case d.connect != nil && bytes.HasPrefix(msg, d.connect):
		return connect, dst
	case d.leave != nil && bytes.Equal(msg, d.leave):
		return leave, append(dst, d.leave...)
	}
	return nothing, dst
}

// acknowledge is answer for what follows the beginning of an event that wants
// an acknowledgement.
func (d *dialect) acknowledge(dst, msg []byte) (kind, []byte) {
	n := 0
	for n < len(msg) && '0' <= msg[n] && msg[n] <= '9' {
		n++
	}
	if n == 0 {
		return nothing, dst
	}
	dst = append(append(dst, d.ack...), msg[:n]...)
	dst = append(dst, d.ackArgs...)
	if rest, ok := bytes.CutPrefix(msg[n:], d.ackEvent); ok {
		return reply, append(dst, bytes.TrimSuffix(rest, d.tail)...)
	}
	if bytes.HasPrefix(msg[n:], d.join) {
		return join, append(dst, `"ok"]`...)
	}
	return nothing, dst
}

// room cuts the room, its last string, out of a join message.
func room(msg []byte) string {
	end := max(0, bytes.LastIndexByte(msg, '"'))
	return string(msg[1+bytes.LastIndexByte(msg[:end], '"') : end])
}
