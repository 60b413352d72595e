package session

import (
	"time"

	"github.com/sockeye-io/socketio/packet"
)

// HoldTime is how long nothing follows the answer to a Connect on a stream, unless the
// client is heard before. Clients that wait for the answer with a listener of its own,
// as the official test suite does, miss a message that arrives in the same read (ws
// before 8.16 hands out both at once). A client that emits has had its answer, so this
// delays only what the server says by itself.
const HoldTime = time.Millisecond

// hold notes that the answer to a Connect has left by the stream. mu is held.
func (s *Session) hold() {
	s.held = s.cfg.Generation.Rules.ConnectAlone && s.phase == open
}

// letGo ends a hold. mu is held.
func (s *Session) letGo(e *effects) {
	if !s.held {
		return
	}
	s.held, s.woken = false, false
	if !s.out.empty() || s.phase == closing {
		s.wakeUp(e)
	}
}

// LetGo ends the hold that a TakeStream by t reported HoldTime ago.
func (s *Session) LetGo(t Transport) {
	s.mu.Lock()
	var e effects
	if t == s.stream {
		s.letGo(&e)
	}
	s.unlock(&e)
}

// endsLease reports whether nothing may go in one write with c behind it.
func (c *Cast) endsLease() bool { return c.raw == nil && c.packet.Type == packet.Connect }
