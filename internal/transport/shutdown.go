package transport

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/sockeye-io/socketio/internal/session"
)

// streams are the connections that were taken over, in a list, and who waits for
// their end and the sessions'.
type streams struct {
	mu   sync.Mutex
	head *stream
	n    int
	idle chan struct{} // closed when nothing is left; nil unless someone waits
	bare chan struct{} // closed when no session is left; likewise

	proving map[*hijacked]struct{} // whose handshakes are not over; nil: none yet
	closed  bool                   // no others follow
}

// beginProof notes that the handshake of c goes on, which closeAll ends. It reports
// false if that has been.
func (l *streams) beginProof(c *hijacked) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	if l.proving == nil {
		l.proving = make(map[*hijacked]struct{})
	}
	l.proving[c] = struct{}{}
	return true
}

func (l *streams) endProof(c *hijacked) {
	l.mu.Lock()
	delete(l.proving, c)
	l.mu.Unlock()
}

func (l *streams) add(t *stream) {
	l.mu.Lock()
	t.next = l.head
	t.prev = &l.head
	if t.next != nil {
		t.next.prev = &t.next
	}
	l.head = t
	l.n++
	l.mu.Unlock()
}

func (l *streams) remove(t *stream, s *Server) {
	l.mu.Lock()
	if t.prev != nil {
		*t.prev = t.next
		if t.next != nil {
			t.next.prev = t.prev
		}
		t.next, t.prev = nil, nil
		l.n--
	}
	l.mu.Unlock()
	l.check(s)
}

// check tells those who wait.
func (l *streams) check(s *Server) {
	if s.Sessions() > 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.bare != nil {
		close(l.bare)
		l.bare = nil
	}
	if l.n == 0 && l.idle != nil {
		close(l.idle)
		l.idle = nil
	}
}

// wait returns channels that are closed when no session is left, and when no
// connection is left either.
func (l *streams) wait(s *Server) (bare, idle <-chan struct{}) {
	l.mu.Lock()
	if l.bare == nil {
		l.bare = make(chan struct{})
	}
	if l.idle == nil {
		l.idle = make(chan struct{})
	}
	bare, idle = l.bare, l.idle
	l.mu.Unlock()
	l.check(s)
	return bare, idle
}

// closeAll ends all connections at once.
func (l *streams) closeAll() {
	l.mu.Lock()
	l.closed = true
	var all []*stream
	for t := l.head; t != nil; t = t.next {
		all = append(all, t)
	}
	var proving []net.Conn
	for c := range l.proving {
		proving = append(proving, c.nc)
	}
	l.mu.Unlock()
	for _, t := range all {
		t.conn.Close(net.ErrClosed)
	}
	for _, nc := range proving {
		_ = nc.Close() // whoever waits for the rest notices
	}
}

// Refuse makes the server take no new sessions: requests for one are answered 503.
func (s *Server) Refuse() { s.refusing.Store(true) }

// lastGoodbye is how long connections may take to end after their sessions did; what
// was to be sent is in the kernel by then.
const lastGoodbye = time.Second

// Shutdown ends all sessions in the way that makes their clients come back (to another
// server, or to this one when it has restarted), and waits until they have been told.
// When ctx ends the rest is ended at once, and the context's error is returned. The
// server is of no use afterwards.
func (s *Server) Shutdown(ctx context.Context, reason session.Reason) error {
	s.Refuse()
	now := s.Now()
	for _, sess := range s.sessions.all() {
		sess.End(now, session.Drain, reason)
	}
	bare, idle := s.streams.wait(s)
	var err error
	select {
	case <-bare:
		late := time.NewTimer(lastGoodbye)
		defer late.Stop()
		select {
		case <-idle:
		case <-ctx.Done():
		case <-late.C:
		}
	case <-ctx.Done():
		err = ctx.Err()
	}
	s.end(reason)
	return err
}

// Close ends all sessions and connections at once.
func (s *Server) Close() {
	s.Refuse()
	s.end(session.ServerShutdown)
}

func (s *Server) end(reason session.Reason) {
	for _, sess := range s.sessions.all() {
		sess.Fail(reason)
	}
	_, idle := s.streams.wait(s)
	s.streams.closeAll()
	late := time.NewTimer(lastGoodbye)
	defer late.Stop()
	select {
	case <-idle:
	case <-late.C: // a handler is in the way
	}
	s.clock.close()
}
