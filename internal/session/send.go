package session

import "time"

// A Status says what a transport that took has to do.
type Status uint8

const (
	// Wait: there is nothing; a Wake will come.
	Wait Status = iota
	// Send: send the casts, then settle the lease with Done.
	Send
	// Final: as Send, and nothing follows. A stream ends after it.
	Final
	// Hold: as Wait, and the stream calls LetGo after HoldTime.
	Hold
)

// Push queues c. It returns the transport to wake, if any, for the caller to wake
// once it holds no lock. A volatile cast is dropped unless it could be written
// now. If c does not fit, the session ends ("outbox full"): then the returned
// transport's Wake ends it.
func (s *Session) Push(c *Cast) (wake Transport, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase >= closing {
		c.release()
		return nil, ErrClosed
	}
	if c.volatile && !s.writable() {
		c.release()
		return nil, nil
	}
	if s.full || !s.out.fits(c, &s.cfg.Limits) {
		s.full = true // nothing may follow what is missing
		c.release()
		return (*overflow)(s), ErrClosed
	}
	s.out.push(c)
	s.dam()
	return s.toWake(), nil
}

// writable reports whether a cast would leave at once. mu is held.
func (s *Session) writable() bool {
	return s.out.empty() && s.out.lent == nobody && (s.stream != nil || s.poll() != nil)
}

// overflow ends its session when it is woken.
type overflow Session

func (o *overflow) Wake()        { (*Session)(o).Fail(OutboxFull) }
func (o *overflow) Resume()      {}
func (o *overflow) Go(Job) bool  { return false }
func (o *overflow) Yield()       {}
func (o *overflow) Close(Reason) {}

// TakeStream lends up to about max bytes to a stream that was bound or probes.
// The lease is appended to dst. If the result is Send or Final, the stream must call
// Done, whatever becomes of its connection; after Done it takes again.
func (s *Session) TakeStream(t Transport, dst []*Cast, max int) ([]*Cast, Status) {
	s.mu.Lock()
	if p := s.probe(); p != nil && t == p.t {
		return s.takeProbe(dst)
	}
	defer s.mu.Unlock()
	if t != s.stream || s.phase == closed {
		return dst, Final // replaced, refused or ended
	}
	s.woken = false
	if s.out.lent != nobody {
		return dst, Wait
	}
	if s.out.empty() {
		if s.phase != closing {
			return dst, Wait
		}
		s.out.final = true
		s.lend(t)
		if bye := s.rare.bye; bye.stream != nil {
			dst = append(dst, bye.stream)
		}
		return dst, Final
	}
	if s.held {
		s.woken = true // LetGo wakes it
		return dst, Hold
	}
	s.lend(t)
	return s.out.lease(dst, max, 0, s.cfg.Generation.Rules.ConnectAlone), Send
}

// TakePoll lends to the poll t what it is to be answered, as TakeStream does. A
// poll is answered once: Send and Final both end it. A poll that was replaced, or
// that an upgrade has no use for, takes a noop; one whose session ended, goodbye.
func (s *Session) TakePoll(t Transport, dst []*Cast, max int) ([]*Cast, Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t != s.poll() {
		if s.phase == closed {
			return s.sayBye(dst), Final
		}
		return append(dst, s.cfg.noop), Send
	}
	s.woken = false
	if s.phase == closed {
		s.endPoll()
		return s.sayBye(dst), Final
	}
	if s.out.lent != nobody {
		return dst, Wait
	}
	if !s.out.empty() {
		s.endPoll()
		s.lend(t)
		// The goodbye goes in an answer of its own: a client handles a packet later
		// than the end of its transport, and would report "transport close" for a kick.
		return s.out.lease(dst, max, s.cfg.Limits.PollPackets, false), Send
	}
	switch {
	case s.phase == closing:
		s.endPoll()
		s.lend(t)
		s.out.final = true
		return s.sayBye(dst), Final
	case s.noopDue():
		s.endPoll()
		s.lend(t) // an empty lease: settling it starts the close timeout
		return append(dst, s.cfg.noop), Send
	}
	return dst, Wait
}

// noopDue reports whether the poll that waits, or the next one, is to be answered
// though there is nothing to say. mu is held.
func (s *Session) noopDue() bool {
	p := s.polling
	return p != nil && (p.noop || p.probe != nil && p.probe.answered)
}

func (s *Session) sayBye(dst []*Cast) []*Cast {
	if bye := s.rare.bye; bye.poll != nil {
		dst = append(dst, bye.poll)
	}
	return dst
}

// Done settles what t took. ok: the bytes are in the kernel, and for a poll its
// client was still there. Otherwise a poll's casts are the first of the outbox
// again, and a stream's session ends.
func (s *Session) Done(now time.Duration, t Transport, ok bool) {
	s.mu.Lock()
	var e effects
	if t != nil && s.holder() == t {
		s.settle(now, t, ok, &e)
	}
	s.unlock(&e)
}

func (s *Session) settle(now time.Duration, t Transport, ok bool, e *effects) {
	final, connect := s.out.final, s.out.connect
	s.out.settle(ok)
	if s.polling != nil {
		s.polling.holder = nil
	}
	s.flow()
	switch {
	case s.phase == closed:
		s.out.drop()
	case t == s.stream && !ok:
		s.end(e, TransportError, &s.cfg.drain)
	case final && (ok || t == s.stream):
		s.finish(e)
	case t == s.stream:
		// It takes again by itself, until it is told to wait.
		if connect {
			s.hold()
		}
	default:
		s.pollSettled(now, ok, e)
	}
}

// pollSettled goes on after a poll's answer. mu is held.
func (s *Session) pollSettled(now time.Duration, ok bool, e *effects) {
	switch {
	case s.upgraded():
		s.switchOver(now, e)
	case s.stream != nil:
		s.wakeUp(e)
	case s.poll() != nil:
		if s.out.waiting() > 0 || s.noopDue() || s.phase == closing {
			s.wakeUp(e)
		}
	case s.phase != open:
		s.hurry(now) // else the time that it has for its end runs on
	case !ok && !s.cfg.Generation.Rules.ResumePoll:
		s.end(e, TransportClose, &s.cfg.drain)
	default:
		s.pollAnswered(now)
	}
}
