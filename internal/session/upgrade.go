package session

import (
	"time"

	"github.com/sockeye-io/socketio/internal/framing"
)

// upgrade is the state of a WebSocket that wants to take a polling session over
// (Engine.IO 4, "Upgrade"). From the answered probe on, polls are answered at once,
// by a noop if there is nothing else: noop and answer travel on two connections, so
// one noop is not enough.
type upgrade struct {
	t        Transport
	owed     bool // the probe is to be answered
	answered bool
	complete bool // the upgrade packet came; only a poll's lease stands in the way

	until time.Duration // it must be complete; 0: no such deadline
}

// probing reports whether t still asks to take the session over. mu is held.
func (s *Session) probing(t Transport) bool {
	p := s.probe()
	return p != nil && t == p.t && !p.complete
}

// carries reports whether t is the session's stream. A WebSocket is from its upgrade
// packet on: its client sends at once, though the answer to its last poll, which it
// has, may not be settled yet. mu is held.
func (s *Session) carries(t Transport) bool {
	return t != nil && (t == s.stream || s.upgraded() && t == s.probe().t)
}

// Probe lets t, a WebSocket that names this session, try to take it over. On an
// error the session stays as it is.
func (s *Session) Probe(now time.Duration, t Transport) error {
	s.mu.Lock()
	var e effects
	defer s.unlock(&e)
	s.expire(now, &e)
	switch {
	case s.phase >= closing:
		return ErrUnknown
	case s.stream != nil, s.phase == unopened, !s.cfg.Generation.Rules.Upgrades:
		return ErrTransport
	case s.probe() != nil:
		return ErrOverlap
	}
	s.polls().probe = &upgrade{t: t, until: after(now, s.cfg.Timers.Upgrade)}
	return nil
}

// upgraded reports whether the upgrade packet came, and the WebSocket only waits
// for a lease to be settled. mu is held.
func (s *Session) upgraded() bool { return s.probe() != nil && s.probe().complete }

// probeFrame handles a frame from the WebSocket that probes. mu is held.
func (s *Session) probeFrame(now time.Duration, f framing.Frame, e *effects) {
	p := s.probe()
	switch {
	case f.Kind == framing.Ping && string(f.Data) == "probe":
		p.owed = true
		e.addWake(p.t)
	case f.Kind == framing.Upgrade && (p.owed || p.answered):
		p.complete, p.until = true, 0
		if s.poll() != nil {
			// It is answered with a noop, and what is queued goes by the WebSocket.
			e.addWake(s.poll())
			s.endPoll()
			s.woken = false
		}
		if s.out.lent == nobody {
			s.switchOver(now, e)
		}
	default:
		s.dropProbe(e, ProbeFailed)
	}
}

// takeProbe lends the answer to a probe. Nothing of the outbox is leased, so Done
// has nothing to settle. mu is held, and released.
func (s *Session) takeProbe(dst []*Cast) ([]*Cast, Status) {
	p := s.probe()
	if !p.owed {
		s.mu.Unlock()
		return dst, Wait
	}
	p.owed, p.answered = false, true
	var e effects
	s.wakeUp(&e) // a poll that waits takes a noop
	s.unlock(&e)
	return append(dst, s.cfg.probePong), Send
}

// switchOver makes the WebSocket the session's transport. mu is held.
func (s *Session) switchOver(now time.Duration, e *effects) {
	p := s.polling.probe
	s.polling.probe = nil
	s.carriedBy(p.t)
	s.woken, s.held = false, false
	if p.owed {
		// "2probe" and "5" came in one read: the answer is still due, before all else.
		s.out.pushFront(s.cfg.probePong)
	}
	if s.phase == open {
		s.streamBound(now)
	}
	s.wakeUp(e)
}

// dropProbe ends the attempt; polling goes on. mu is held.
func (s *Session) dropProbe(e *effects, r Reason) {
	e.addClose(s.polling.probe.t, r)
	s.polling.probe = nil
}
