package session

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sockeye-io/socketio/internal/generation"
)

// What a request that comes at the wrong time is told.
var (
	// ErrUnknown: the session has ended.
	ErrUnknown = errors.New("session: unknown session")
	// ErrTransport: the session is on another transport.
	ErrTransport = errors.New("session: wrong transport for this session")
	// ErrOverlap: another request of the kind is under way.
	ErrOverlap = errors.New("session: overlapping request")
	// ErrClosed: the session has ended, and what was pushed is lost.
	ErrClosed = errors.New("session: closed")
)

type phase uint8

const (
	unopened phase = iota // handshaken; no transport came yet
	open
	closing // ended by this side; what is queued still leaves
	closed
)

// A Session is one client's connection, whatever carries it. All methods may be
// called concurrently. There are many, and most are idle on a stream, so what others
// need has a place of its own (TestIdleSize).
type Session struct {
	// User belongs to the handler, which sets it in Opened.
	User any
	// Peer belongs to the owner, which sets it before the session is shared.
	Peer any

	cfg *Config

	recv     sync.Mutex // held while a message is handled
	assembly *assembly  // nil: no attachments are due; changed with recv and mu held

	mu       sync.Mutex
	phase    phase
	greeting greeting
	paused   bool        // the handler wants nothing to be read
	woken    bool        // the transport was told, and has not taken since
	joined   bool        // a namespace was joined
	held     bool        // the answer to a Connect stands alone for a moment
	full     bool        // a cast did not fit: the session is about to end
	asked    bool        // the heartbeat was sent, and its answer is due
	grace    bool        // reading was paused, so one deadline of the peer's is forgiven
	dammed   atomic.Bool // handling is to wait; set under mu

	out     outbox
	stream  Transport // the WebSocket or other stream; nil on polling
	polling *polling  // nil: only a stream has to do with the session
	beat    beat
	rare    *rare
}

// rare is what few sessions have before their end.
type rare struct {
	reading, handling gate // where those wait who may not go on

	reason Reason
	bye    *farewell // nil before the end
}

// seldom returns s.rare, which exists from now on. mu is held.
func (s *Session) seldom() *rare {
	if s.rare == nil {
		s.rare = new(rare)
	}
	return s.rare
}

// reason returns why the session has ended. mu is held.
func (s *Session) reason() Reason {
	if s.rare == nil {
		return ""
	}
	return s.rare.reason
}

// New returns a session that no transport has opened. The owner of the clock asks
// for its Deadline; Schedule is not called for it.
func New(cfg *Config, now time.Duration) *Session {
	s := new(Session)
	s.Init(cfg, now)
	return s
}

// Init makes s, which is zero but for Peer, what New returns.
func (s *Session) Init(cfg *Config, now time.Duration) {
	s.cfg = cfg
	if cfg.Generation.Rules.PathHandshake {
		s.beat.phase = after(now, cfg.Timers.Unopened)
		s.beat.wanted = s.beat.phase
	}
}

// Generation returns the session's generation.
func (s *Session) Generation() *generation.Generation { return s.cfg.Generation }

// Streaming reports whether a stream carries the session.
func (s *Session) Streaming() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stream != nil
}

// Carrier returns the stream that carries the session, or nil if polls do; after the
// end, what did last.
func (s *Session) Carrier() Transport {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.upgraded() {
		return s.probe().t
	}
	return s.stream
}

// Polled reports whether polls may carry the session: no stream does, or wants to.
func (s *Session) Polled() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stream == nil && s.probe() == nil
}

// Opened reports whether any transport has opened the session.
func (s *Session) Opened() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.phase != unopened
}

// effects are what is to be done once mu is released.
type effects struct {
	wake   [3]Transport
	resume Transport
	close  [2]Transport
	reason Reason // for close
	ended  bool   // the handler is told
	gone   bool   // the owner may forget the session
}

func (e *effects) addWake(t Transport) {
	for i := range e.wake {
		if e.wake[i] == nil {
			e.wake[i] = t
			return
		}
	}
}

func (e *effects) addClose(t Transport, r Reason) {
	if t == nil || t == e.close[0] {
		return
	}
	e.reason = r
	if e.close[0] == nil {
		e.close[0] = t
	} else {
		e.close[1] = t
	}
}

// unlock releases mu and does what became due.
func (s *Session) unlock(e *effects) {
	reason := s.reason()
	if e.ended && s.greeting != greeted {
		// The handler hears of the end after the beginning, or of neither.
		e.ended = false
		if s.greeting == greetingNow {
			s.greeting = greetingLate
		}
	}
	schedule := s.deadlineMoved()
	if s.polling != nil && s.stream != nil && s.polling.unneeded() {
		s.polling = nil
	}
	s.mu.Unlock()
	for _, t := range e.wake {
		if t != nil {
			t.Wake()
		}
	}
	if e.resume != nil {
		e.resume.Resume()
	}
	for _, t := range e.close {
		if t != nil {
			t.Close(e.reason)
		}
	}
	if schedule && s.cfg.Schedule != nil {
		s.cfg.Schedule(s)
	}
	if e.ended {
		s.cfg.Handler.Closed(s, reason)
	}
	if e.gone && s.cfg.Gone != nil {
		s.cfg.Gone(s)
	}
}

// greeting is how far the handler has been told that the session opened.
type greeting uint8

const (
	ungreeted greeting = iota
	greetingNow
	greetingLate // as greetingNow, and the session has ended meanwhile
	greeted
)

// greet tells the handler that the session is open, once. recv is held.
func (s *Session) greet() {
	s.mu.Lock()
	if s.greeting != ungreeted || s.phase != open {
		s.mu.Unlock()
		return
	}
	s.greeting = greetingNow
	s.mu.Unlock()
	s.cfg.Handler.Opened(s)
	s.mu.Lock()
	late, reason := s.greeting == greetingLate, s.reason()
	s.greeting = greeted
	s.mu.Unlock()
	if late {
		s.cfg.Handler.Closed(s, reason)
	}
}

// wakeUp tells whoever carries the session that there is something to take. mu is
// held.
func (s *Session) wakeUp(e *effects) {
	if t := s.toWake(); t != nil {
		e.addWake(t)
	}
}

// toWake returns the transport to wake because the outbox has something, or nil
// if it is awake, must wait for a lease, or is not there. mu is held.
func (s *Session) toWake() Transport {
	if s.woken || s.out.lent != nobody {
		return nil
	}
	t := s.stream
	if t == nil {
		t = s.poll()
	}
	if t != nil {
		s.woken = true
	}
	return t
}
