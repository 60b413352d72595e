package session

import "time"

// Ending says how a client is told that its session ends.
type Ending uint8

const (
	// Kick: the client shall stay away.
	Kick Ending = iota
	// Drain: the client may come back.
	Drain
)

// End ends the session from the server's side: what is queued still leaves, then
// the client is told. The handler's Closed is called at once.
func (s *Session) End(now time.Duration, how Ending, r Reason) {
	s.mu.Lock()
	var e effects
	bye := &s.cfg.kick
	if how == Drain {
		bye = &s.cfg.drain
	}
	s.close(now, &e, r, bye)
	s.hurry(now)
	s.unlock(&e)
}

// lingerDeserted is how long a session that drains waits for a poll that is on its way,
// if that is only to be told goodbye. A client that comes later is told of an unknown
// session, and comes back as well.
const lingerDeserted = time.Second

// hurry shortens the end of a session that drains with nothing to say and nobody to be
// told. mu is held.
func (s *Session) hurry(now time.Duration) {
	deserted := s.stream == nil && s.poll() == nil && s.probe() == nil && s.out.empty() && s.out.lent == nobody
	if deserted && s.phase == closing && s.rare.bye == &s.cfg.drain {
		s.beat.phase = after(now, lingerDeserted)
	}
}

// Fail ends the session at once: what is queued is lost.
func (s *Session) Fail(r Reason) {
	s.mu.Lock()
	var e effects
	s.end(&e, r, &s.cfg.drain)
	s.unlock(&e)
}

// Lost says that the connection of t, a stream, has ended.
func (s *Session) Lost(t Transport, r Reason) {
	s.mu.Lock()
	var e effects
	switch {
	case s.probing(t):
		s.dropProbe(&e, ProbeFailed)
	case s.carries(t):
		s.end(&e, r, &s.cfg.drain)
	}
	e.close = [2]Transport{} // t has closed by itself
	s.unlock(&e)
}

// lingerStream is how long a stream may take to bring what was queued when the
// session was ended (THREATS.md, "close handshake").
const lingerStream = 5 * time.Second

// close begins the end: the outbox still leaves. mu is held.
func (s *Session) close(now time.Duration, e *effects, r Reason, bye *farewell) {
	if s.phase >= closing {
		return
	}
	if s.phase == unopened {
		s.end(e, r, bye)
		return
	}
	s.phase = closing
	s.seldom().reason, s.seldom().bye = r, bye
	e.ended = true
	s.release()
	s.breach()
	if s.probe() != nil && !s.probe().complete {
		s.dropProbe(e, r)
	}
	s.beatClosing(now)
	if s.held {
		s.held, s.woken = false, false
	}
	s.wakeUp(e)
}

// end ends the session with nothing more to send but the goodbye that a waiting
// poll takes. mu is held.
func (s *Session) end(e *effects, r Reason, bye *farewell) {
	if s.phase == closed {
		return
	}
	if s.phase != closing {
		e.ended = s.phase == open
		s.seldom().reason, s.seldom().bye = r, bye
	}
	s.finish(e)
	e.addClose(s.stream, s.reason())
}

// finish is the end of the end. mu is held.
func (s *Session) finish(e *effects) {
	if s.phase == closed {
		return
	}
	s.phase = closed
	s.out.drop()
	s.release()
	s.breach()
	s.beatStops()
	if p := s.probe(); p != nil {
		s.dropProbe(e, s.reason())
		if p.complete {
			s.carriedBy(p.t) // it did already, but for a lease
		}
	}
	if s.poll() != nil {
		e.addWake(s.poll())
	}
	e.gone = true
}

// release lets whoever waits for reading to go on see that the session ended. mu
// is held.
func (s *Session) release() {
	s.paused = false
	if s.rare != nil {
		s.rare.reading.open()
	}
}
