package engineio

import (
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"

	"github.com/sockeye-io/socketio/internal/session"
)

// What a client may have sent that its handlers have not taken, before nothing more is
// read from it (THREATS.md, "Default limits"). A message or body that arrives below the
// bound is taken whole.
const (
	maxMessages = 256
	maxBytes    = 1 << 20
)

// keptQueue is the capacity of the queue that an idle client keeps.
const keptQueue = 4

// An inbox is what a socket's handlers have not done yet. They run on a goroutine that
// exists only while there is something to do.
type inbox struct {
	mu              sync.Mutex
	queue           []entry
	next            int // in queue; what is before it is done
	messages, bytes int // in queue
	running         bool
	paused          bool
	gone            bool // the last entry was queued; nothing follows it
	reason          session.Reason
	idle            chan struct{} // closed when the queue is empty; nil unless someone waits

	crossed bool // a message filled the inbox; only enqueue and taken touch it, in a message's turn
}

// An entry is what one call of a handler is for.
type entry struct {
	data []byte
	kind kind
}

type kind uint8

const (
	text kind = iota
	binary
	connected // the first
	closed    // the last
)

// handlers are their names.
var handlers = [...]string{"OnMessage", "OnMessage", "OnConnect", "OnClose"}

// enough reports whether no more should be read. mu is held.
func (s *Socket) enough() bool {
	return s.messages >= maxMessages || s.bytes >= maxBytes || s.srv.draining.Load()
}

// enqueue adds what the client did.
func (s *Socket) enqueue(e entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		return // a message that was under way when the session ended
	}
	if e.kind != connected {
		s.messages++
		s.bytes += len(e.data)
		s.crossed = s.crossed || s.enough()
	}
	s.push(e)
}

// push adds e to the queue, and starts a dispatcher if there is none. mu is held.
func (s *Socket) push(e entry) {
	if len(s.queue) == cap(s.queue) && s.next > len(s.queue)/2 {
		s.queue = slices.Delete(s.queue, 0, s.next)
		s.next = 0
	}
	s.queue = append(s.queue, e)
	if !s.running {
		s.running = true
		if !s.sess.Go((*dispatcher)(s)) {
			s.srv.dispatchers.Go(s) // until the queue is empty
		}
	}
}

// taken stops reading if the inbox is full, once a whole message or body is in it.
func (s *Socket) taken() {
	if s.crossed {
		s.crossed = false
		s.pause()
	}
}

// pause stops reading. If handlers have made room meanwhile it goes on: whoever makes
// room looks for paused, which is not set before the session knows.
func (s *Socket) pause() {
	s.sess.Pause()
	s.mu.Lock()
	s.paused = s.enough()
	resume := !s.paused
	s.mu.Unlock()
	if resume {
		s.sess.Resume()
	}
}

// closed queues the last entry. Messages that nobody has handled still count if the
// client left or was lost, and if the server stops; what a client sent that was thrown
// out counts no more.
func (s *Socket) closed(reason session.Reason) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch reason {
	case session.TransportClose, session.TransportError, session.PingTimeout, session.ServerShutdown:
	default:
		s.drop()
	}
	s.gone, s.reason = true, reason
	s.push(entry{kind: closed})
}

// drop forgets the messages. mu is held.
func (s *Socket) drop() {
	rest := slices.DeleteFunc(s.queue[s.next:], func(e entry) bool { return e.kind != connected })
	s.queue = s.queue[:s.next+len(rest)]
	s.messages, s.bytes = 0, 0
}

// A dispatcher is a socket as a session's job.
type dispatcher Socket

// Run implements session.Job.
func (d *dispatcher) Run() { (*Socket)(d).dispatch() }

// dispatch calls the handlers, one after the other, until there is nothing to do.
func (s *Socket) dispatch() {
	finished := false
	defer func() {
		if !finished { // a handler called runtime.Goexit
			go s.dispatch() // as the one before
		}
	}()
	for {
		if flows := s.sess.Flows(); flows != nil {
			s.sess.Yield()
			<-flows // the client first has to read what it is owed
		}
		e, resume, ok := s.take()
		if !ok {
			finished = true
			return
		}
		if resume {
			s.sess.Resume()
		}
		s.handle(e)
	}
}

// take returns what is to be done next, and whether reading may go on. If there is
// nothing, ok is false and the dispatcher has left.
func (s *Socket) take() (e entry, resume, ok bool) {
	s.mu.Lock()
	if s.next == len(s.queue) {
		gone := s.leave()
		s.mu.Unlock()
		if gone {
			s.srv.forget(s)
		}
		return e, false, false
	}
	defer s.mu.Unlock()
	e = s.queue[s.next]
	s.queue[s.next] = entry{}
	s.next++
	if e.kind <= binary {
		s.messages--
		s.bytes -= len(e.data)
	}
	if resume = s.paused && !s.enough(); resume {
		s.paused = false
	}
	return e, resume, true
}

// leave ends the dispatcher, and reports whether it was the socket's last. mu is held.
func (s *Socket) leave() bool {
	s.queue, s.next, s.running = s.queue[:0], 0, false
	if cap(s.queue) > keptQueue {
		s.queue = nil
	}
	if s.idle != nil {
		close(s.idle)
		s.idle = nil
	}
	return s.gone
}

// rest returns a channel that is closed when all that was read is handled.
func (s *Socket) rest() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.running {
		done := make(chan struct{})
		close(done)
		return done
	}
	if s.idle == nil {
		s.idle = make(chan struct{})
	}
	return s.idle
}

// handle calls the handler for e, and survives what becomes of it.
func (s *Socket) handle(e entry) {
	returned := false
	defer func() {
		if !returned {
			s.broken(e.kind, recover())
		}
	}()
	switch srv := s.srv; {
	case e.kind == connected && srv.connect != nil:
		srv.connect(s)
	case e.kind == closed && srv.close != nil:
		srv.close(s, string(s.reason))
	case e.kind <= binary && srv.message != nil:
		srv.message(s, Message{Data: e.data, Binary: e.kind == binary})
	}
	returned = true
}

// broken logs that a handler did not return: v is what it panicked with, or nil if it
// called runtime.Goexit.
func (s *Socket) broken(k kind, v any) {
	what := "engineio: panic in a handler"
	if v == nil {
		what = "engineio: a handler ended its goroutine"
	}
	s.srv.log.Error(what, slog.String("handler", handlers[k]), slog.Any("panic", v), slog.String("stack", string(debug.Stack())))
	if k == connected {
		s.Close() // nobody knows how far it was prepared
	}
}
