package transport

import (
	"errors"
	"net/http"
	"time"

	"github.com/sockeye-io/socketio/internal/framing"
	"github.com/sockeye-io/socketio/internal/session"
)

// poll is a GET that waits. It is the session's transport until it is answered. A
// poll that goes back to the pool may still be woken by its last session: that costs
// the next one a look.
type poll struct{ wake chan struct{} }

// newPoll returns a poll from the server's pool. The pool is not the package's: in a
// test that has time for itself, a channel may not come from outside.
func (s *Server) newPoll() *poll {
	if p, ok := s.pool.Get().(*poll); ok {
		return p
	}
	return &poll{wake: make(chan struct{}, 1)}
}

func (s *Server) release(p *poll) {
	select {
	case <-p.wake:
	default:
	}
	s.pool.Put(p)
}

// batch is what a poll is answered with. While it waits, it has none: the memory of
// one answer would lie idle for each client.
type batch struct {
	casts []*session.Cast
	msgs  []framing.Encoded
	body  []byte
}

func (s *Server) newBatch() *batch {
	if b, ok := s.batches.Get().(*batch); ok {
		return b
	}
	return new(batch)
}

// keptBody is the largest answer whose memory is kept for others.
const keptBody = 64 << 10

func (s *Server) drop(b *batch) {
	clear(b.casts)
	clear(b.msgs)
	b.casts, b.msgs = b.casts[:0], b.msgs[:0]
	if cap(b.body) > keptBody {
		b.body = nil
	}
	s.batches.Put(b)
}

// Wake implements session.Transport.
func (p *poll) Wake() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// Resume implements session.Transport; a poll does not read.
func (p *poll) Resume() {}

// Go implements session.Transport; the request's goroutine waits for the session.
func (p *poll) Go(session.Job) bool { return false }

// Yield implements session.Transport.
func (p *poll) Yield() {}

// Close implements session.Transport; what the poll is to say it takes.
func (p *poll) Close(session.Reason) { p.Wake() }

// polling serves Engine.IO's polling, and revision 1's xhr-polling and jsonp-polling.
func (x *exchange) polling() {
	if x.r.Method == http.MethodPost {
		x.post()
		return
	}
	if x.r.ContentLength != 0 {
		x.link.badTime(x) // nothing has a use for a body here, and it would hide the connection's end
		return
	}
	if !x.canFlush() {
		return
	}
	var sess *session.Session
	if x.route.SID == "" {
		p, ok := x.admit(x.route.Transport)
		if !ok {
			return
		}
		sess = x.s.add(p, x.route.Generation)
	} else if sess = x.find(); sess == nil {
		x.link.unknownPoll(x)
		return
	}
	x.poll(sess)
}

// poll waits until the session has something for this request.
func (x *exchange) poll(sess *session.Session) {
	moved := peerOf(sess).marks.setPoll(x.place) // handlers may ask before Poll returns
	p := x.s.newPoll()                           // not given back after a panic: the session may still have it
	if err := sess.Poll(x.s.Now(), p, moved); err != nil {
		if errors.Is(err, session.ErrUnknown) {
			x.link.unknownPoll(x)
		} else {
			x.link.badTime(x)
		}
		x.s.release(p)
		return
	}
	x.opened(sess)
	if b := x.wait(sess, p); b != nil {
		x.settle(sess, p, b)
		x.s.drop(b)
	} else {
		sess.Leave(x.s.Now(), p)
	}
	x.s.release(p)
}

// wait waits until p was lent what it is to be answered, and returns that; nil if the
// client went away. No deadline for reading would end the wait: net/http lifts it when
// a request has come, since it reads on to see the connection's end.
func (x *exchange) wait(sess *session.Session, p *poll) *batch {
	peer := peerOf(sess)
	peer.pollCame()
	defer peer.pollWent()
	if b := x.lend(sess, p); b != nil {
		return b
	}
	x.s.waiting.Add(1)
	defer x.s.waiting.Add(-1)
	gone := x.r.Context().Done()
	for {
		select {
		case <-p.wake:
			if b := x.lend(sess, p); b != nil {
				return b
			}
		case <-gone:
			return nil
		}
	}
}

// lend returns what p is to be answered, or nil if there is nothing yet.
func (x *exchange) lend(sess *session.Session, p *poll) *batch {
	b := x.s.newBatch()
	var status session.Status
	b.casts, status = sess.TakePoll(p, b.casts, x.s.maxPayload(sess))
	if status == session.Wait {
		x.s.batches.Put(b)
		return nil
	}
	return b
}

// settle answers the poll with what it was lent.
func (x *exchange) settle(sess *session.Session, p *poll, b *batch) {
	ok := false
	// A panic is net/http's way to say that a connection has failed, too.
	defer func() { sess.Done(x.s.Now(), p, ok) }()
	g := x.route.Generation
	for _, c := range b.casts {
		e := c.For(g)
		if e.Err != nil {
			x.s.skip(e.Err, sess)
			continue
		}
		b.msgs = append(b.msgs, e.Messages...)
	}
	b.body = g.Framing.AppendPayload(b.body[:0], b.msgs)
	if len(b.body) == 0 {
		// Nothing of it has a form here, and an empty body is no payload.
		b.body = g.Framing.AppendText(b.body, framing.Noop, nil)
	}
	ok = x.pollAnswer(b.body)
}

// pollAnswer writes body and reports whether the client was there to get it. The
// request's context is asked before: it ends when net/http sees that the connection
// has. Afterwards it says nothing: a client that has its answer may close at once, as
// Node's does after every poll, and what it has got must not be sent again.
func (x *exchange) pollAnswer(body []byte) bool {
	if x.r.Context().Err() != nil {
		return false
	}
	h := x.w.Header()
	h["Content-Type"] = x.link.pollType
	if b := x.t.bodies; b != nil {
		h["Content-Type"] = b.pollType
		body = b.wrap(x, body)
	}
	h["Content-Length"] = x.contentLength(len(body))
	h["Cache-Control"] = noStore
	h["X-Accel-Buffering"] = noBuffer
	x.setWriteDeadline()
	x.w.WriteHeader(http.StatusOK) // some middleware looks at the fields only then
	_, err := x.w.Write(body)
	if err == nil {
		err = x.rc.Flush()
	}
	return err == nil
}

// setWriteDeadline gives the client WriteTimeout to take the answer (THREATS.md: the
// handler sets body and write deadlines itself). The deadline is this answer's: net/http
// lifts it when the handler has returned.
func (x *exchange) setWriteDeadline() {
	_ = x.rc.SetWriteDeadline(time.Now().Add(x.s.cfg.WriteTimeout))
}

// defaultPayload bounds the answer to a poll where messages have no bound.
const defaultPayload = 1_000_000

func (s *Server) maxPayload(sess *session.Session) int {
	if n := s.cfg.Sessions[sess.Generation().Index].Limits.MaxPayload; n > 0 {
		return n
	}
	return defaultPayload
}

// offended notes that a peer broke the protocol, which has ended its session.
func (s *Server) offended(err error, sess *session.Session) {
	s.log.Debug("socketio: session ended", "error", err,
		"generation", sess.Generation().Name, "address", peerOf(sess).Address())
}

// skip notes that a receiver does not get a cast.
func (s *Server) skip(err error, sess *session.Session) {
	s.skipped.Add(1)
	s.log.Debug("socketio: packet skipped for a receiver", "error", err, "generation", sess.Generation().Name)
}
