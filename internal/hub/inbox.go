package hub

import (
	"log/slog"
	"runtime/debug"
	"sync/atomic"

	"github.com/sockeye-io/socketio/internal/session"
	"github.com/sockeye-io/socketio/packet"
)

// eventKind says what an entry of an inbox is.
type eventKind uint8

const (
	happened eventKind = iota // the client sent it
	joins                     // the socket's first entry
	ended                     // its last
)

// An Event is an entry of a socket's inbox. There is one for everything that arrives,
// so it keeps only what handlers have a use for.
type Event struct {
	Packet Content

	socket   *Socket
	next     *Event
	Type     packet.Type
	kind     eventKind
	autoAck  bool // see packet.Packet
	answered atomic.Bool
}

// Content is what packet.Packet says of these.
type Content struct {
	Name, ID string
	Args     packet.Args
	Data     []byte
}

func newEvent(s *Socket, p *packet.Packet) *Event {
	return &Event{
		Type: p.Type, socket: s, autoAck: p.AutoAck,
		Packet: Content{Name: p.Name, ID: p.ID, Args: p.Args, Data: p.Data},
	}
}

// Socket returns the socket that sent the event.
func (e *Event) Socket() *Socket { return e.socket }

// size is what the event counts in the inbox.
func (e *Event) size() int {
	n := len(e.Packet.Args.JSON) + len(e.Packet.Data)
	for i := range e.Packet.Args.Attachments {
		n += len(e.Packet.Args.Attachments[i].Data)
	}
	return n
}

// An inbox is what a connection's sockets have not handled yet, taken together.
// The events themselves hang on their sockets. Client.mu guards it.
type inbox struct {
	bytes   int
	events  int32
	running int32 // dispatchers
}

// drop forgets what s has not handled.
func (in *inbox) drop(s *Socket) {
	for e := s.pop(); e != nil; e = s.pop() {
		if e.kind == happened {
			in.events--
			in.bytes -= e.size()
		}
	}
}

// push appends e to the events of s. client.mu is held.
func (s *Socket) push(e *Event) {
	if e.next = e; s.last != nil {
		e.next, s.last.next = s.last.next, e
	}
	s.last = e
}

// pop takes the first of the events of s, or returns nil. client.mu is held.
func (s *Socket) pop() *Event {
	if s.last == nil {
		return nil
	}
	e := s.last.next
	if s.last.next = e.next; e == s.last {
		s.last = nil
	}
	e.next = nil
	return e
}

// waits reports whether a call waits for the client's acknowledgement. mu is held.
func (c *Client) waits() bool { return c.rare != nil && c.rare.waits > 0 }

// full reports whether no further message should be read.
func (c *Client) full() bool {
	n := 1
	if c.waits() {
		n = 2 // the acknowledgement that is waited for stands behind more events
	}
	return int(c.inbox.events) >= n*c.hub.cfg.InboxEvents || c.inbox.bytes >= n*c.hub.cfg.InboxBytes
}

// enough reports whether nothing more is to be read: the inbox is full, or the server
// is being emptied. But what a handler waits for can come only by reading. mu is held.
func (c *Client) enough() bool {
	return c.full() || !c.waits() && c.hub.draining.Load()
}

// pause stops reading if there is enough. It tells the session with mu held, so that
// no resume, which is decided with mu held, is overtaken by it.
func (c *Client) pause() (paused bool) {
	if !c.enough() {
		return false
	}
	c.paused = true
	c.sess.Pause()
	return true
}

// mayResume reports whether reading was paused and may go on. mu is held.
func (c *Client) mayResume() bool {
	if !c.paused || c.enough() {
		return false
	}
	c.paused = false
	return true
}

// enqueue appends e to the inbox of s and starts its dispatcher if none runs. mu is
// held.
func (c *Client) enqueue(s *Socket, e *Event) {
	s.push(e)
	if e.kind == happened {
		c.inbox.events++
		c.inbox.bytes += e.size()
	}
	if !s.running {
		s.running = true
		c.inbox.running++
		if !c.sess.Go(s) {
			c.hub.dispatchers.Go(s) // until the inbox is empty
		}
	}
}

// taken is called when a whole message or body was handed over, which is taken even
// if it passes the bound.
func (c *Client) taken() {
	if !c.crossed {
		return
	}
	c.crossed = false
	c.mu.Lock()
	stuck := c.pause() && c.waits()
	c.mu.Unlock()
	if stuck {
		c.sess.End(c.hub.cfg.Now(), session.Drain, session.InboxFull)
	}
}

// waiting notes that a call begins (+1) or ends (-1) to wait for an acknowledgement
// of this client. While one does, reading goes on to twice the bound; what is
// waited for can come only so.
func (c *Client) waiting(n int) {
	c.mu.Lock()
	c.seldom().waits += n
	resume := n > 0 && c.mayResume()
	stuck := n > 0 && c.paused
	if n < 0 {
		c.pause()
	}
	c.mu.Unlock()
	if resume {
		c.sess.Resume()
	}
	if stuck {
		c.sess.End(c.hub.cfg.Now(), session.Drain, session.InboxFull)
	}
}

// Run handles the events of s, one after the other, until there are none: it is its
// dispatcher.
func (s *Socket) Run() {
	c := s.client
	finished := false
	defer func() {
		if !finished { // a handler called runtime.Goexit
			go s.Run() // as the one before
		}
	}()
	for {
		if flows := c.sess.Flows(); flows != nil {
			c.sess.Yield()
			<-flows // the client first has to read what it is owed
		}
		c.mu.Lock()
		e := s.pop()
		if e == nil {
			s.running, finished = false, true
			c.dispatched()
			return
		}
		resume := false
		if e.kind == happened {
			c.inbox.events--
			c.inbox.bytes -= e.size()
			resume = c.mayResume()
		}
		c.mu.Unlock()
		if resume {
			c.sess.Resume()
		}
		s.handle(e)
	}
}

// dispatched notes the end of a dispatcher. mu is held, and released.
func (c *Client) dispatched() {
	c.inbox.running--
	rest := c.inbox.running > 0
	if r := c.rare; !rest && r != nil && r.idle != nil {
		close(r.idle)
		r.idle = nil
	}
	gone := c.gone && !rest
	c.mu.Unlock()
	if gone {
		c.hub.clients.remove(c)
	}
}

// idle returns a channel that is closed when all events that were read are handled.
func (c *Client) idle() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inbox.running == 0 {
		done := make(chan struct{})
		close(done)
		return done
	}
	r := c.seldom()
	if r.idle == nil {
		r.idle = make(chan struct{})
	}
	return r.idle
}

func (s *Socket) handle(e *Event) {
	h := s.ns.handlers.Load()
	switch e.kind {
	case joins:
		s.join(h)
		return
	case ended:
		s.end(true) // whoever queued this is about to, but OnDisconnect comes after it
		s.farewell(h.disconnect, e.Packet.Name)
		return
	}
	if e.autoAck && e.Packet.ID != "" {
		// The library's own answer, before the application sees the message
		// ([T acks], revision-1.md §6).
		_ = s.pushCast(session.NewSingle(packet.Packet{Type: packet.Ack, Namespace: s.ns.name, ID: e.Packet.ID}, false))
	}
	f := h.events[e.Packet.Name]
	if e.Type != packet.Event {
		if f = h.message; f == nil {
			e.name()
			f = h.events[e.Packet.Name]
		}
	}
	s.run(e, f, h.any)
}

// run calls the handlers of an event. If one of them does not return, the answer that
// is owed is an error.
func (s *Socket) run(e *Event, f EventFunc, any []EventFunc) {
	returned := false
	defer func() {
		if !returned {
			s.broken(e.Packet.Name, recover())
			e.Fail(errInternal)
		}
	}()
	for _, a := range any {
		a(e)
	}
	if f != nil {
		f(e)
	}
	returned = true
}

// farewell tells handlers that the socket has left, and why.
func (s *Socket) farewell(handlers []DisconnectFunc, reason string) {
	if len(handlers) == 0 {
		return
	}
	defer s.farewell(handlers[1:], reason) // even if this one ends the goroutine
	s.guard("OnDisconnect", func() { handlers[0](s, reason) })
}

// guard calls f and survives its panic.
func (s *Socket) guard(what string, f func()) {
	returned := false
	defer func() {
		if !returned {
			s.broken(what, recover())
		}
	}()
	f()
	returned = true
}

// broken logs that a handler did not return: v is what it panicked with, or nil if it
// called runtime.Goexit.
func (s *Socket) broken(what string, v any) {
	text := "socketio: panic in a handler"
	if v == nil {
		text = "socketio: a handler ended its goroutine"
	}
	s.ns.hub.cfg.Logger.Error(text,
		slog.String("handler", what), slog.String("namespace", s.ns.name), slog.String("socket", s.ID()),
		slog.Any("panic", v), slog.String("stack", string(debug.Stack())))
}
