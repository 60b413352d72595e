package transport

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/sockeye-io/socketio/internal/framing"
	"github.com/sockeye-io/socketio/internal/session"
)

// poll is a GET that waits. It is the session's transport until it is answered. A
// poll that goes back to the pool may still be woken by its last session: that costs
// the next one a look.
type poll struct {
	wake  chan struct{}
	casts []*session.Cast
	msgs  []framing.Encoded
	body  []byte
}

// newPoll returns a poll from the server's pool. The pool is not the package's: in a
// test that has time for itself, a channel may not come from outside.
func (s *Server) newPoll() *poll {
	if p, ok := s.pool.Get().(*poll); ok {
		return p
	}
	return &poll{wake: make(chan struct{}, 1)}
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

// keptBody is the largest answer whose memory is kept for others.
const keptBody = 64 << 10

func (s *Server) release(p *poll) {
	clear(p.casts)
	clear(p.msgs)
	p.casts, p.msgs = p.casts[:0], p.msgs[:0]
	if cap(p.body) > keptBody {
		p.body = nil
	}
	select {
	case <-p.wake:
	default:
	}
	s.pool.Put(p)
}

// polling serves Engine.IO's polling and revision 1's xhr-polling.
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
	p := x.s.newPoll() // not given back after a panic: the session may still have it
	if err := sess.Poll(x.s.Now(), p); err != nil {
		if errors.Is(err, session.ErrUnknown) {
			x.link.unknownPoll(x)
		} else {
			x.link.badTime(x)
		}
		x.s.release(p)
		return
	}
	x.opened(sess)
	if x.wait(sess, p) {
		x.settle(sess, p)
	} else {
		sess.Leave(x.s.Now(), p)
	}
	x.s.release(p)
}

// wait waits until p was lent what it is to be answered. It returns false if the
// client went away.
func (x *exchange) wait(sess *session.Session, p *poll) bool {
	peer := sess.Peer.(*Peer)
	peer.pollCame()
	defer peer.pollWent()
	gone := x.r.Context().Done()
	for waited := false; ; waited = true {
		var status session.Status
		p.casts, status = sess.TakePoll(p, p.casts[:0], x.s.maxPayload(sess))
		if status != session.Wait {
			return true
		}
		if !waited {
			// The server's ReadTimeout would take the wait for a client that is gone.
			_ = x.rc.SetReadDeadline(time.Time{})
			x.s.waiting.Add(1)
			defer x.s.waiting.Add(-1)
		}
		select {
		case <-p.wake:
		case <-gone:
			return false
		}
	}
}

// settle answers the poll with the casts that it was lent.
func (x *exchange) settle(sess *session.Session, p *poll) {
	ok := false
	// A panic is net/http's way to say that a connection has failed, too.
	defer func() { sess.Done(x.s.Now(), p, ok) }()
	g := x.route.Generation
	for _, c := range p.casts {
		e := c.For(g)
		if e.Err != nil {
			x.s.skip(e.Err, sess)
			continue
		}
		p.msgs = append(p.msgs, e.Messages...)
	}
	p.body = g.Framing.AppendPayload(p.body[:0], p.msgs)
	if len(p.body) == 0 {
		// Nothing of it has a form here, and an empty body is no payload.
		p.body = g.Framing.AppendText(p.body, framing.Noop, nil)
	}
	ok = x.pollAnswer(p.body)
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
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	h["Cache-Control"] = noStore
	h["X-Accel-Buffering"] = noBuffer
	if x.r.Context().Err() != nil {
		return false
	}
	_ = x.rc.SetWriteDeadline(time.Now().Add(x.s.cfg.WriteTimeout))
	_, err := x.w.Write(body)
	if err == nil {
		err = x.rc.Flush()
	}
	_ = x.rc.SetWriteDeadline(time.Time{}) // the connection may have other uses
	return err == nil
}

// defaultPayload bounds the answer to a poll where messages have no bound.
const defaultPayload = 1_000_000

func (s *Server) maxPayload(sess *session.Session) int {
	if n := s.configs[sess.Generation()].Limits.MaxPayload; n > 0 {
		return n
	}
	return defaultPayload
}

// offended notes that a peer broke the protocol, which has ended its session.
func (s *Server) offended(err error, sess *session.Session) {
	s.log.Debug("socketio: session ended", "error", err,
		"generation", sess.Generation().Name, "address", sess.Peer.(*Peer).Address)
}

// skip notes that a receiver does not get a cast.
func (s *Server) skip(err error, sess *session.Session) {
	s.skipped.Add(1)
	s.log.Debug("socketio: packet skipped for a receiver", "error", err, "generation", sess.Generation().Name)
}
