package session

import (
	"time"

	"github.com/sockeye-io/socketio/internal/framing"
	"github.com/sockeye-io/socketio/internal/parser"
	"github.com/sockeye-io/socketio/packet"
)

// Receive takes a whole message from the stream t. The message's memory is the
// session's from then on. An error says that the session has ended by it.
func (s *Session) Receive(now time.Duration, t Transport, data []byte, binary bool) error {
	s.recv.Lock()
	defer s.recv.Unlock()
	f, err := s.cfg.Generation.Framing.Parse(data, binary)
	s.mu.Lock()
	var e effects
	if s.probing(t) {
		// Whatever is wrong with it costs the probe, not the session.
		s.probeFrame(now, f, &e)
		s.unlock(&e)
		return nil
	}
	if !s.carries(t) || s.phase != open {
		s.mu.Unlock()
		return nil
	}
	s.beat.seen = now
	if s.held {
		s.letGo(&e)
		s.unlock(&e)
	} else {
		s.mu.Unlock()
	}
	if err == nil {
		err = s.frame(now, f)
		s.cfg.Handler.Taken(s)
	}
	return s.check(now, err)
}

// ReceivePayload takes the body of a POST, which is the session's from then on. It
// must be called between BeginPost and EndPost.
func (s *Session) ReceivePayload(now time.Duration, body []byte) error {
	s.recv.Lock()
	defer s.recv.Unlock()
	s.mu.Lock()
	s.beat.seen = now
	s.mu.Unlock()
	s.greet()
	if !s.receiving() {
		return ErrUnknown // it ended while the body was on its way
	}
	err := s.cfg.Generation.Framing.ParsePayload(body, s.cfg.Limits.PayloadPackets, func(f framing.Frame) error {
		if !s.receiving() {
			// The frame before was the client's goodbye, or had it thrown out: what
			// follows counts no more (THREATS.md, "A kick is an end").
			return nil
		}
		return s.frame(now, f)
	})
	s.cfg.Handler.Taken(s)
	return s.check(now, err)
}

// receiving reports whether what the client sends still counts.
func (s *Session) receiving() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.phase == open
}

// check ends the session if err says so, and watches over attachments that are due.
func (s *Session) check(now time.Duration, err error) error {
	a := s.assembly
	if err == nil && (a == nil || a.watched) {
		return nil
	}
	s.mu.Lock()
	var e effects
	switch {
	case err != nil:
		s.end(&e, ParseError, &s.cfg.drain)
	case s.phase == open:
		a.until = after(now, s.cfg.Timers.Timeout)
	}
	if a != nil {
		a.watched = true
	}
	s.unlock(&e)
	return err
}

var errDirection = &packet.ProtocolError{Rule: "a frame of this kind is the server's to send"}

// An assembly is a packet whose attachments are due. recv guards it, and mu until.
type assembly struct {
	decoder parser.Decoder
	watched bool          // until was set
	until   time.Duration // they must be there
}

// assemble begins an assembly, or ends it. recv is held.
func (s *Session) assemble(a *assembly) {
	s.mu.Lock()
	s.assembly = a
	s.mu.Unlock()
}

// message takes a message. recv is held.
func (s *Session) message(f framing.Frame) error {
	if s.assembly != nil {
		return s.attach(f)
	}
	p, rest, done, err := s.cfg.Generation.Codec.Decode(&s.cfg.Decoding, f.Data, f.Binary)
	if rest != nil {
		s.assemble(&assembly{decoder: rest})
	}
	if err != nil || !done {
		return err
	}
	return s.cfg.Handler.Message(s, p)
}

// attach takes what goes to the decoder of an assembly. recv is held.
func (s *Session) attach(f framing.Frame) error {
	p, done, err := s.assembly.decoder.Decode(f.Data, f.Binary)
	if err != nil || !done {
		return err
	}
	s.assemble(nil) // the attachments of the next packet have their own time
	return s.cfg.Handler.Message(s, p)
}

// frame handles one frame. recv is held.
func (s *Session) frame(now time.Duration, f framing.Frame) error {
	if f.Kind == framing.Message {
		return s.message(f)
	}
	s.mu.Lock()
	var e effects
	defer s.unlock(&e)
	if s.phase != open {
		return nil
	}
	switch f.Kind {
	case framing.Pong:
		s.beatAnswered(now)
	case framing.Noop:
	case framing.Close:
		s.left(now, &e)
	default:
		// Open and Upgrade are not a client's to send here, nor is Ping: "invalid
		// heartbeat direction" (Engine.IO 4, "Heartbeat").
		return errDirection
	}
	return nil
}

// left ends the session as its client asked for. mu is held.
func (s *Session) left(now time.Duration, e *effects) {
	if s.cfg.Generation.Rules.EndByPacket {
		s.close(now, e, ClientDisconnect, &s.cfg.left)
		return
	}
	s.end(e, TransportClose, &s.cfg.left)
}

// Leaving says that the peer of t, a stream, has finished sending while reading is
// paused.
func (s *Session) Leaving(t Transport) {
	s.mu.Lock()
	tell := s.phase == open && s.carries(t) && s.greeting == greeted
	s.mu.Unlock()
	if tell {
		s.cfg.Handler.Leaving(s)
	}
}

// Go runs job on the goroutine that serves the session's stream, if that is about to be
// free; see Transport.
func (s *Session) Go(job Job) bool {
	t := s.carrier()
	return t != nil && t.Go(job)
}

// Yield says that the caller, who may be a job of Go's, is about to block.
func (s *Session) Yield() {
	if t := s.carrier(); t != nil {
		t.Yield()
	}
}

// carrier returns the stream that carries the session, or nil.
func (s *Session) carrier() Transport {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stream
}

// Pause tells the session's transports to read no further: the handler has all it
// can hold. What was read already is still handled.
func (s *Session) Pause() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase == open {
		s.paused = true
	}
}

// Resume ends what Pause began.
func (s *Session) Resume() {
	s.mu.Lock()
	var e effects
	if s.paused {
		s.release()
		s.grace = true // what the client said meanwhile is still to be read
		e.resume = s.stream
		if s.probe() != nil {
			e.resume = s.probe().t // it may have stopped, too; and there is no stream yet
		}
	}
	s.unlock(&e)
}

// Paused reports whether nothing is to be read. A stream asks after each Receive,
// and one that takes another transport's place before the first: it stops reading,
// and then asks again, since Resume may have come between.
func (s *Session) Paused() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.paused
}

// Resumed returns a channel that is closed when reading may go on, or nil if it
// may at once.
func (s *Session) Resumed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.paused {
		return nil
	}
	return s.seldom().reading.wait()
}
