package session

import "time"

// polling is what a session has while polls carry it, or requests for it are under way.
// One that a stream carries, as most, has none of it. Session.mu guards it.
type polling struct {
	poll   Transport // the poll that waits; nil: none
	holder Transport // of a lease that the session's stream does not have
	probe  *upgrade  // the WebSocket that wants to take over; nil: none

	posts int32  // under way
	noop  bool   // the poll that waits has waited long enough
	post  *place // the POST that came last, where many may be under way

	until time.Duration // the poll that waits is to be ended with a noop
	end   time.Duration // no poll came: the session ends
}

// polls returns s.polling, which exists from now on. mu is held, as for those below.
func (s *Session) polls() *polling {
	if s.polling == nil {
		s.polling = new(polling)
	}
	return s.polling
}

// unneeded reports whether nothing of p is needed while a stream carries the session.
func (p *polling) unneeded() bool {
	return p.poll == nil && p.holder == nil && p.probe == nil && p.posts == 0
}

// poll returns the poll that waits, or nil.
func (s *Session) poll() Transport {
	if s.polling == nil {
		return nil
	}
	return s.polling.poll
}

// endPoll forgets the poll that waits.
func (s *Session) endPoll() {
	if p := s.polling; p != nil {
		p.poll, p.until, p.noop = nil, 0, false
	}
}

// probe returns the WebSocket that wants to take over, or nil.
func (s *Session) probe() *upgrade {
	if s.polling == nil {
		return nil
	}
	return s.polling.probe
}

// holder returns who has the lease, or nil.
func (s *Session) holder() Transport {
	switch s.out.lent {
	case streamer:
		return s.stream
	case other:
		return s.polling.holder
	}
	return nil
}

// lend notes that t has the lease.
func (s *Session) lend(t Transport) {
	if t == s.stream {
		s.out.lent = streamer
		return
	}
	s.out.lent, s.polls().holder = other, t
}

// carriedBy makes t, which may be nil, the session's stream.
func (s *Session) carriedBy(t Transport) {
	if s.out.lent == streamer && t != s.stream {
		s.polls().holder, s.out.lent = s.stream, other
	}
	s.stream = t
}
