package session

import (
	"strconv"
	"time"

	"github.com/sockeye-io/socketio/internal/framing"
	"github.com/sockeye-io/socketio/packet"
)

// Bind makes t, a stream, the session's transport: it opens the session, or takes
// the place of what carried it where the generation allows that. On an error the
// session stays as it is. The caller must be ready to be woken before it calls.
func (s *Session) Bind(now time.Duration, t Transport) error {
	s.recv.Lock()
	defer s.recv.Unlock()
	s.mu.Lock()
	var e effects
	s.expire(now, &e)
	if s.phase >= closing {
		s.unlock(&e)
		return ErrUnknown
	}
	rules := &s.cfg.Generation.Rules
	if s.phase != unopened && !rules.ReplacePoll {
		s.unlock(&e)
		return ErrTransport // a session born on a WebSocket takes no second one
	}
	again := s.phase == open
	e.addClose(s.stream, Replaced)
	if s.poll() != nil {
		e.addWake(s.poll()) // takes a noop
		s.endPoll()
	}
	s.carriedBy(t)
	s.woken, s.held = false, false
	s.open(now, nil)
	s.streamBound(now)
	if again {
		s.greetAgain()
	}
	s.wakeUp(&e)
	s.unlock(&e)
	s.greet()
	return nil
}

// Poll makes t the poll that waits, and opens the session if it is the first. Moved says
// that the client has polled before, by another transport. The caller calls TakePoll next.
func (s *Session) Poll(now time.Duration, t Transport, moved bool) error {
	s.recv.Lock()
	defer s.recv.Unlock()
	s.mu.Lock()
	var e effects
	if err := s.pollRefused(now, &e); err != nil {
		s.unlock(&e)
		return err
	}
	if s.stream != nil && s.phase == open {
		// revision-1.md §7.3: the poll takes over.
		e.addClose(s.stream, Replaced)
		s.carriedBy(nil)
		moved = true
	}
	if moved && s.phase == open {
		s.greetAgain()
	}
	if old := s.poll(); old != nil {
		e.addWake(old) // takes a noop, as it is not the waiting poll any more
	}
	s.polls().poll, s.woken = t, true // it takes by itself now
	s.open(now, s.cfg.Upgrades)
	if s.phase == open {
		s.pollWaits(now)
	}
	s.unlock(&e)
	s.greet()
	return nil
}

// pollRefused says why no poll may wait now, and ends the session if the poll is
// an offence. mu is held.
func (s *Session) pollRefused(now time.Duration, e *effects) error {
	rules := &s.cfg.Generation.Rules
	s.expire(now, e)
	switch {
	case s.phase == closed:
		return ErrUnknown
	case s.stream != nil && !rules.ReplacePoll, s.upgraded():
		return ErrTransport
	case s.phase == closing && s.stream != nil:
		return ErrUnknown // the stream says goodbye
	case s.poll() != nil && !rules.ReplacePoll:
		s.end(e, TransportError, &s.cfg.drain)
		return ErrOverlap
	}
	return nil
}

// Leave takes back t, a poll whose client went away while it waited.
func (s *Session) Leave(now time.Duration, t Transport) {
	s.mu.Lock()
	var e effects
	if t == s.poll() && t != nil {
		s.endPoll()
		s.woken = false
		switch {
		case s.phase != open:
		case !s.cfg.Generation.Rules.ResumePoll:
			s.end(&e, TransportClose, &s.cfg.drain)
		default:
			s.pollAnswered(now)
		}
	}
	s.unlock(&e)
}

// BeginPost announces a POST before its body is read; it opens the session if it
// is the first request (revision-1.md §7.2: what was posted is queued, not lost).
// If there is no error, the caller waits for its Turn before it hands the body
// over, and EndPost must follow.
func (s *Session) BeginPost(now time.Duration) (t Turn, err error) {
	s.mu.Lock()
	var e effects
	defer s.unlock(&e)
	rules := &s.cfg.Generation.Rules
	s.expire(now, &e)
	switch {
	case s.phase >= closing:
		return t, ErrUnknown
	case s.stream != nil && !rules.ReplacePoll, s.upgraded(), s.phase == unopened && !rules.PathHandshake:
		return t, ErrTransport
	case s.polling != nil && s.polling.posts > 0 && !rules.ManyPosts:
		s.end(&e, TransportError, &s.cfg.drain)
		return t, ErrOverlap
	}
	if s.phase == unopened {
		s.open(now, nil)
		s.pollAnswered(now)
	}
	p := s.polls()
	p.posts++
	if rules.ManyPosts {
		t.place = new(place)
		if p.post != nil {
			t.place.come = make(chan struct{})
			p.post.next = t.place
			t.Come = t.place.come
		}
		p.post = t.place
	}
	return t, nil
}

// A Turn is a POST's place in the order of arrival.
type Turn struct {
	// Come is closed when all earlier POSTs are done. Nil: there are none.
	Come  <-chan struct{}
	place *place
}

// A place is one of a queue. Session.mu guards it.
type place struct {
	come chan struct{} // open while there are earlier ones; nil: there are none
	done bool          // its POST ended, maybe before its turn
	next *place
}

// EndPost ends the POST that BeginPost began. One that is cut off may end before
// its turn; those behind it still wait for those before it.
func (s *Session) EndPost(t Turn) {
	s.mu.Lock()
	var e effects
	defer s.unlock(&e)
	s.polling.posts--
	p := t.place
	if p == nil {
		return
	}
	p.done = true
	if p.come != nil {
		return // whoever is before it passes the turn on
	}
	for p != nil && p.done {
		if p = p.next; p != nil {
			close(p.come)
			p.come = nil
		}
	}
	if p == nil {
		s.polling.post = nil
	}
}

// open moves an unopened session on. mu is held.
func (s *Session) open(now time.Duration, upgrades []string) {
	if s.phase != unopened {
		return
	}
	s.phase = open
	s.beatOpened(now)
	if !s.cfg.Generation.Rules.PathHandshake {
		s.out.push(s.openCast(upgrades))
	}
}

// greetAgain tells a client whose transport changed that it is connected: it may
// never have had the first word of it (revision-1.md §7.2). mu is held.
func (s *Session) greetAgain() {
	if !s.cfg.Generation.Rules.JoinsMain || !s.joined {
		return
	}
	c := NewSingle(packet.Packet{Type: packet.Connect, Namespace: "/"}, false)
	if !s.out.fits(c, &s.cfg.Limits) {
		c.release() // a client that comes again and again and reads nothing
		return
	}
	s.out.push(c)
}

// Joined tells the session that its client joined a namespace.
func (s *Session) Joined() {
	s.mu.Lock()
	s.joined = true
	if s.phase == open {
		s.beat.phase = 0
	}
	s.mu.Unlock()
}

// openCast is Engine.IO's open packet ("Handshake"). mu is held.
func (s *Session) openCast(upgrades []string) *Cast {
	// The fields in the order in which Node's server writes them. Ids and names of
	// transports need no escapes.
	data := append(make([]byte, 0, 192), `{"sid":"`...)
	data = append(append(data, s.cfg.ID(s)...), `","upgrades":[`...)
	for i, name := range upgrades {
		if i > 0 {
			data = append(data, ',')
		}
		data = append(append(append(data, '"'), name...), '"')
	}
	data = append(data, `],"pingInterval":`...)
	data = strconv.AppendInt(data, s.cfg.Timers.Interval.Milliseconds(), 10)
	data = append(data, `,"pingTimeout":`...)
	data = strconv.AppendInt(data, s.cfg.Timers.Timeout.Milliseconds(), 10)
	data = append(data, `,"maxPayload":`...)
	data = strconv.AppendInt(data, int64(s.cfg.Limits.MaxPayload), 10)
	return linkCast(s.cfg.Generation, framing.Open, append(data, '}'))
}
