package session

import (
	"math"
	"time"
)

// beat holds the deadlines that every session has. Zero: none. All are times of the
// server's clock, which is never zero once a session exists. Other deadlines lie with
// what they are for: polling, upgrade, assembly.
type beat struct {
	heart time.Duration // the next heartbeat is due, or the answer to the last (Session.asked)
	seen  time.Duration // when the peer was last heard
	phase time.Duration // unopened: a transport must come; open: a namespace be joined; closing: be closed

	wanted time.Duration // when the owner of the clock was told to call Tick
}

// after returns now+d, or no deadline if there is none.
func after(now, d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return now + d
}

// beatOpened starts the deadlines of an open session. mu is held, as for those below.
func (s *Session) beatOpened(now time.Duration) {
	s.beat.phase = after(now, s.cfg.Timers.Join)
	s.beat.seen = now
	if s.cfg.Generation.Beat.OnPolls {
		s.beat.heart = after(now, s.cfg.Timers.Interval)
	}
}

// streamBound notes that a stream carries the session.
func (s *Session) streamBound(now time.Duration) {
	if p := s.polling; p != nil {
		p.end, p.until = 0, 0
	}
	if !s.cfg.Generation.Beat.OnPolls {
		s.beat.heart, s.asked = after(now, s.cfg.Timers.Interval), false
	}
}

// pollWaits notes that a poll has come.
func (s *Session) pollWaits(now time.Duration) {
	if s.cfg.Generation.Beat.OnPolls {
		return
	}
	s.beat.heart, s.asked = 0, false
	p := s.polls()
	p.end, p.noop = 0, false
	p.until = after(now, s.cfg.Timers.Poll)
}

// pollAnswered notes that no poll waits any more.
func (s *Session) pollAnswered(now time.Duration) {
	if s.cfg.Generation.Beat.OnPolls {
		return
	}
	p := s.polls()
	p.until = 0
	p.end = after(now, s.cfg.Timers.Close)
}

func (s *Session) beatClosing(now time.Duration) {
	linger := s.cfg.Timers.Close
	if s.stream != nil || s.probe() != nil {
		linger = lingerStream
	}
	s.beatStops()
	s.beat.phase = after(now, linger)
}

// beatStops forgets all deadlines.
func (s *Session) beatStops() {
	s.beat = beat{wanted: s.beat.wanted}
	s.asked, s.grace = false, false
	if p := s.polling; p != nil {
		p.end, p.until, p.noop = 0, 0, false
		if p.probe != nil {
			p.probe.until = 0
		}
	}
	if s.assembly != nil {
		s.assembly.until = 0
	}
}

// deadline returns the earliest deadline, or 0.
func (s *Session) deadline() time.Duration {
	d := sooner(sooner(math.MaxInt64, s.beat.heart), s.beat.phase)
	if p := s.polling; p != nil {
		d = sooner(sooner(d, p.until), p.end)
		if p.probe != nil {
			d = sooner(d, p.probe.until)
		}
	}
	if s.assembly != nil {
		d = sooner(d, s.assembly.until)
	}
	if d == math.MaxInt64 {
		return 0
	}
	return d
}

// sooner returns the earlier of d and at, if that is a deadline.
func sooner(d, at time.Duration) time.Duration {
	if at != 0 && at < d {
		return at
	}
	return d
}

// deadlineMoved reports whether the owner of the clock must be told of an earlier
// deadline. A later one it learns when it calls Tick.
func (s *Session) deadlineMoved() bool {
	if s.phase == closed {
		return false
	}
	d := s.deadline()
	if d == 0 || s.beat.wanted != 0 && s.beat.wanted <= d {
		return false
	}
	s.beat.wanted = d
	return true
}

// Deadline returns when Tick is wanted next; 0: not at all.
func (s *Session) Deadline() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.beat.wanted
}

// Tick does what is due at now, and returns when it wants to be called next; 0:
// only after the next call of Config.Schedule.
func (s *Session) Tick(now time.Duration) (next time.Duration) {
	s.mu.Lock()
	var e effects
	s.expire(now, &e)
	s.beat.wanted = 0
	if s.phase != closed {
		s.beat.wanted = s.deadline()
	}
	next = s.beat.wanted
	s.unlock(&e)
	return next
}

func due(at, now time.Duration) bool { return at != 0 && at <= now }

// expire does what is due at now. mu is held.
func (s *Session) expire(now time.Duration, e *effects) {
	if p := s.polling; p != nil && due(p.end, now) {
		s.end(e, TransportClose, &s.cfg.drain) // revision 1's "close timeout": no poll came
		return
	}
	if due(s.beat.phase, now) {
		reason := TransportClose // nobody came, or the end has taken too long
		if s.phase == open {
			reason = ConnectTimeout
		}
		s.end(e, reason, &s.cfg.drain)
		return
	}
	// Is the peer's silence this side's doing? Nothing of what it says is read, or
	// only just is again (the handler was full).
	excused := s.paused || s.grace
	if a := s.assembly; a != nil && due(a.until, now) {
		s.grace = false
		if !excused {
			s.end(e, ParseError, &s.cfg.drain)
			return
		}
		a.until = after(now, s.cfg.Timers.Timeout)
	}
	s.expireBeat(now, e, excused)
	if s.phase != closed && s.polling != nil {
		s.expirePolling(now, e, excused)
	}
}

// expirePolling does what is due of s.polling. mu is held.
func (s *Session) expirePolling(now time.Duration, e *effects, excused bool) {
	p := s.polling
	if due(p.until, now) {
		p.until = 0
		if p.poll != nil {
			p.noop = true
			s.wakeUp(e)
		}
	}
	if p.probe == nil || !due(p.probe.until, now) {
		return
	}
	if excused {
		// The upgrade packet may have come, and its client polls no more.
		s.grace = false
		p.probe.until = after(now, s.cfg.Timers.Upgrade)
		return
	}
	s.dropProbe(e, ProbeFailed)
}

// expireBeat sends the heartbeat, or misses its answer. mu is held.
func (s *Session) expireBeat(now time.Duration, e *effects, excused bool) {
	b, timers := &s.beat, &s.cfg.Timers
	if !s.asked && due(b.heart, now) {
		// From when it was due, not from when the clock's owner came by; unless it
		// comes so late that the client never had a chance.
		b.heart = after(b.heart, timers.Timeout)
		if due(b.heart, now) {
			b.heart = after(now, timers.Timeout)
		}
		s.asked = true
		s.out.push(s.cfg.ping)
		s.wakeUp(e)
	}
	if !s.asked || !due(b.heart, now) {
		return
	}
	s.grace = false
	if excused {
		b.heart = after(now, timers.Timeout)
		return
	}
	if s.cfg.Generation.Beat.AnyTraffic && b.seen+timers.Timeout > now && b.seen > b.heart-timers.Timeout {
		b.heart = b.seen + timers.Timeout
		return
	}
	s.end(e, PingTimeout, &s.cfg.drain)
}

// beatAnswered notes the answer to a heartbeat. mu is held.
func (s *Session) beatAnswered(now time.Duration) {
	if s.asked {
		s.beat.heart = 0
	}
	s.asked, s.grace = false, false
	if s.cfg.Generation.Beat.OnPolls || s.stream != nil {
		s.beat.heart = after(now, s.cfg.Timers.Interval)
	}
}
