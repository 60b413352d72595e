package session

import (
	"math"
	"time"
)

// beat holds a session's deadlines. Zero: none. All are times of the server's
// clock, which is never zero once a session exists.
type beat struct {
	next  time.Duration // the next heartbeat is due
	reply time.Duration // the answer to a heartbeat is due
	seen  time.Duration // when the peer was last heard
	poll  time.Duration // the poll that waits is to be ended with a noop
	end   time.Duration // the session ends: unopened, without polls, or closing
	probe time.Duration // the upgrade must be complete
	join  time.Duration // a namespace must be joined
	parts time.Duration // attachments are due

	wanted time.Duration // when the owner of the clock was told to call Tick

	noopDue bool // the poll that waits has waited long enough
	grace   bool // reading was paused, so one deadline of the peer's is forgiven
}

// after returns now+d, or no deadline if there is none.
func after(now, d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return now + d
}

func (b *beat) opened(now time.Duration, cfg *Config) {
	b.end = 0
	b.join = after(now, cfg.Timers.Join)
	b.seen = now
	if cfg.Generation.Beat.OnPolls {
		b.next = after(now, cfg.Timers.Interval)
	}
}

func (b *beat) streamBound(now time.Duration, cfg *Config) {
	b.end, b.poll = 0, 0
	if !cfg.Generation.Beat.OnPolls {
		b.next, b.reply = after(now, cfg.Timers.Interval), 0
	}
}

func (b *beat) pollWaits(now time.Duration, cfg *Config) {
	if cfg.Generation.Beat.OnPolls {
		return
	}
	b.end, b.next, b.reply, b.noopDue = 0, 0, 0, false
	b.poll = after(now, cfg.Timers.Poll)
}

func (b *beat) pollAnswered(now time.Duration, cfg *Config) {
	if cfg.Generation.Beat.OnPolls {
		return
	}
	b.poll = 0
	b.end = after(now, cfg.Timers.Close)
}

func (b *beat) closing(now time.Duration, cfg *Config, stream bool) {
	linger := cfg.Timers.Close
	if stream {
		linger = lingerStream
	}
	b.stop()
	b.end = after(now, linger)
}

func (b *beat) stop() { *b = beat{wanted: b.wanted} }

// deadline returns the earliest deadline, or 0.
func (b *beat) deadline() time.Duration {
	d := time.Duration(math.MaxInt64)
	for _, at := range [...]time.Duration{b.next, b.reply, b.poll, b.end, b.probe, b.join, b.parts} {
		if at != 0 && at < d {
			d = at
		}
	}
	if d == math.MaxInt64 {
		return 0
	}
	return d
}

// moved reports whether the owner of the clock must be told of an earlier deadline.
// A later one it learns when it calls Tick.
func (b *beat) moved(p phase) bool {
	if p == closed {
		return false
	}
	d := b.deadline()
	if d == 0 || b.wanted != 0 && b.wanted <= d {
		return false
	}
	b.wanted = d
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
		s.beat.wanted = s.beat.deadline()
	}
	next = s.beat.wanted
	s.unlock(&e)
	return next
}

func due(at, now time.Duration) bool { return at != 0 && at <= now }

// expire does what is due at now. mu is held.
func (s *Session) expire(now time.Duration, e *effects) {
	b := &s.beat
	if due(b.end, now) {
		// Revision 1's "close timeout": no poll came. Or the end has taken too long.
		s.end(e, TransportClose, &s.cfg.drain)
		return
	}
	if due(b.join, now) {
		s.end(e, ConnectTimeout, &s.cfg.drain)
		return
	}
	// Is the peer's silence this side's doing? Nothing of what it says is read, or
	// only just is again (the handler was full).
	excused := s.paused || b.grace
	if due(b.parts, now) {
		b.grace = false
		if !excused {
			s.end(e, ParseError, &s.cfg.drain)
			return
		}
		b.parts = after(now, s.cfg.Timers.Timeout)
	}
	s.expireBeat(now, e, excused)
	if s.phase == closed {
		return
	}
	if due(b.poll, now) {
		b.poll = 0
		if s.poll != nil {
			b.noopDue = true
			s.wakeUp(e)
		}
	}
	if due(b.probe, now) {
		s.dropProbe(e, ProbeFailed)
	}
}

// expireBeat sends the heartbeat, or misses its answer. mu is held.
func (s *Session) expireBeat(now time.Duration, e *effects, excused bool) {
	b, timers := &s.beat, &s.cfg.Timers
	if due(b.next, now) {
		// From when it was due, not from when the clock's owner came by; unless it
		// comes so late that the client never had a chance.
		b.reply = after(b.next, timers.Timeout)
		if due(b.reply, now) {
			b.reply = after(now, timers.Timeout)
		}
		b.next = 0
		s.out.push(s.cfg.ping)
		s.wakeUp(e)
	}
	if !due(b.reply, now) {
		return
	}
	b.grace = false
	if excused {
		b.reply = after(now, timers.Timeout)
		return
	}
	if s.cfg.Generation.Beat.AnyTraffic && b.seen+timers.Timeout > now && b.seen > b.reply-timers.Timeout {
		b.reply = b.seen + timers.Timeout
		return
	}
	s.end(e, PingTimeout, &s.cfg.drain)
}

// answered notes the answer to a heartbeat.
func (b *beat) answered(now time.Duration, cfg *Config, stream bool) {
	b.reply, b.grace = 0, false
	if cfg.Generation.Beat.OnPolls || stream {
		b.next = after(now, cfg.Timers.Interval)
	}
}
