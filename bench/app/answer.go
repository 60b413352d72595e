// Package app is the conformance app as servers play it that know no Socket.IO:
// what each message is answered with, by its first bytes.
package app

import "bytes"

// A Kind says what an incoming message asks for.
type Kind int

const (
	Nothing   Kind = iota
	Connect        // answer with the dialect's Joined
	Reply          // answer with the bytes given
	Join           // answer with the bytes given and join a room
	ToRoom         // deliver the bytes given to the sender's room
	Broadcast      // deliver the bytes given to everyone
	Leave          // answer with the bytes given and close
)

// Answer recognises a message by its first bytes and appends what is to be
// sent to dst.
func (d *Dialect) Answer(dst, msg []byte) (Kind, []byte) {
	for i := range d.events {
		e := &d.events[i]
		rest, ok := bytes.CutPrefix(msg, e.from)
		if !ok {
			continue
		}
		if e.kind == ToRoom {
			_, rest, _ = bytes.Cut(rest, []byte(`,`))
		}
		return e.kind, append(append(dst, e.to...), rest...)
	}
	if rest, ok := bytes.CutPrefix(msg, d.request); ok {
		return d.acknowledge(dst, rest)
	}
	switch {
	case d.connect != nil && bytes.HasPrefix(msg, d.connect):
		return Connect, dst
	case d.leave != nil && bytes.Equal(msg, d.leave):
		return Leave, append(dst, d.leave...)
	}
	return Nothing, dst
}

// acknowledge is Answer for what follows the beginning of an event that wants
// an acknowledgement.
func (d *Dialect) acknowledge(dst, msg []byte) (Kind, []byte) {
	n := 0
	for n < len(msg) && '0' <= msg[n] && msg[n] <= '9' {
		n++
	}
	if n == 0 {
		return Nothing, dst
	}
	dst = append(append(dst, d.ack...), msg[:n]...)
	dst = append(dst, d.ackArgs...)
	if rest, ok := bytes.CutPrefix(msg[n:], d.ackEvent); ok {
		return Reply, append(dst, bytes.TrimSuffix(rest, d.tail)...)
	}
	if bytes.HasPrefix(msg[n:], d.join) {
		return Join, append(dst, `"ok"]`...)
	}
	return Nothing, dst
}

// Room cuts the room, its last string, out of a join message.
func Room(msg []byte) string {
	end := max(0, bytes.LastIndexByte(msg, '"'))
	return string(msg[1+bytes.LastIndexByte(msg[:end], '"') : end])
}
