package transport

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/sockeye-io/socketio/internal/conn"
	"github.com/sockeye-io/socketio/internal/generation"
	"github.com/sockeye-io/socketio/internal/session"
	"github.com/sockeye-io/socketio/internal/timerwheel"
	"github.com/sockeye-io/socketio/internal/websocket"
)

// stream is a WebSocket: the transport of a session, and the handler of a connection.
type stream struct {
	conn   conn.Conn
	s      *Server
	sess   *session.Session // nil: it only says goodbye
	reader websocket.Reader
	hixie  *hixie // in place of reader; nil: frames are RFC 6455's

	// The writing side's: between Outgoing and Sent the session's lease is out.
	leased bool
	both   bool // both sides have said goodbye

	place uint8 // in transports

	mu      sync.Mutex
	control *control // nil: nothing to say besides the session's casts

	prev **stream // guarded by streams.mu
	next *stream
}

// control is what a stream has to say by itself.
type control struct {
	answer []byte   // to the handshake
	pongs  [][]byte // payloads that pings wait to have back, the oldest first
	end    bool     // last bytes, if any, and the end
	last   []byte
	both   bool // the peer has said goodbye before
	limit  *linger
}

// maxPongs is how many pongs wait to be written; older ones are dropped. A ping that
// is answered out of time is as good as unanswered (RFC 6455 §5.5.3 allows to answer
// only the most recent one).
const maxPongs = 16

// newStream returns a stream that the exchange is to become, after an answer.
func (x *exchange) newStream(answer websocket.Answer) *stream {
	t := &stream{s: x.s, place: x.place, control: &control{answer: answer.Head}}
	if limit := x.s.configs[x.route.Generation].Limits.MaxPayload; answer.Dialect.Hixie() {
		t.hixie = newHixie(answer.Dialect, limit)
	} else {
		t.reader.Limit = limit
	}
	return t
}

// adopt hands the connection to internal/conn. The answer to the handshake, and what
// the session has by now, leave in one write.
func (t *stream) adopt(c hijacked) {
	t.s.streams.add(t)
	t.conn.Wake()
	t.s.group.Adopt(&t.conn, c.nc, c.leftover, t)
}

// at returns the place of the stream's transport in transports.
func (t *stream) at() uint8 { return t.place }

// Wake implements session.Transport.
func (t *stream) Wake() { t.conn.Wake() }

// Resume implements session.Transport.
func (t *stream) Resume() { t.conn.Resume() }

// Go implements session.Transport.
func (t *stream) Go(job session.Job) bool { return t.conn.Go(job) }

// Yield implements session.Transport.
func (t *stream) Yield() { t.conn.Yield() }

// Close implements session.Transport.
func (t *stream) Close(r session.Reason) { t.finish(t.goodbye(r), false) }

// farewell makes last, if anything, the last thing that t sends.
func (t *stream) farewell(last []byte) { t.finish(last, false) }

// goodbye returns the closing for the end of t's session. That of hixie-76 goes in any
// generation: its WebSockets take an end without one for an error, and clients of 0.8
// do nothing about errors.
func (t *stream) goodbye(r session.Reason) []byte {
	if t.hixie != nil {
		return t.closing(websocket.CloseNormal, "")
	}
	return goodbye(t.sess.Generation(), r)
}

// goodbye returns the close frame for the end of a session.
func goodbye(g *generation.Generation, r session.Reason) []byte {
	if !g.Rules.CloseFrame {
		return nil
	}
	code, ok := closeCodes[r]
	if !ok {
		code = websocket.CloseNormal
	}
	return websocket.AppendClose(nil, code, "")
}

// closeCodes say why a session ended, as far as RFC 6455 §7.4.1 has a code for it.
var closeCodes = map[session.Reason]int{
	session.ServerShutdown: websocket.CloseGoingAway,
	session.PingTimeout:    websocket.CloseGoingAway,
	session.ParseError:     websocket.CloseProtocolError,
	session.OutboxFull:     websocket.ClosePolicy,
	session.InboxFull:      websocket.ClosePolicy,
}

// finish makes last the last thing that t sends, unless something else is already, and
// bounds how long that may take: a peer that does not read keeps nobody. both: the
// peer has said goodbye, and sends nothing more.
func (t *stream) finish(last []byte, both bool) {
	t.mu.Lock()
	c := t.controls()
	first := !c.end
	if first {
		c.end, c.last, c.both = true, last, both
		c.limit = newLinger(t)
	}
	limit := c.limit
	t.mu.Unlock()
	if first {
		t.s.clock.schedule(&limit.timer)
		t.conn.Wake()
	}
}

func (t *stream) controls() *control {
	if t.control == nil {
		t.control = new(control)
	}
	return t.control
}

// linger ends a stream that takes too long to end.
type linger struct {
	timer timerwheel.Timer[timed]
	t     *stream
	at    time.Duration
}

func (s *Server) linger() time.Duration {
	if d := s.group.Linger; d > 0 {
		return d
	}
	return conn.DefaultLinger
}

func newLinger(t *stream) *linger {
	l := &linger{t: t, at: t.s.Now() + t.s.linger()}
	l.timer.Owner = l
	return l
}

func (l *linger) deadline() time.Duration { return l.at }

func (l *linger) tick(time.Duration) time.Duration {
	l.t.conn.Close(os.ErrDeadlineExceeded)
	return 0
}

// Receive implements conn.Handler.
func (t *stream) Receive(p []byte) error {
	now := t.s.Now()
	err := t.feed(p, func(op websocket.Opcode, payload []byte) error {
		t.message(now, op, payload)
		return nil
	})
	var broken *websocket.CloseError
	if errors.As(err, &broken) {
		t.finish(t.closing(broken.Code, broken.Reason), false)
		t.lost(session.TransportError)
	}
	if t.sess != nil && t.sess.Paused() {
		t.conn.Pause()
		if !t.sess.Paused() { // Resume may have come between
			t.conn.Resume()
		}
	}
	return nil
}

func (t *stream) message(now time.Duration, op websocket.Opcode, payload []byte) {
	switch op {
	case websocket.Text, websocket.Binary:
		if t.sess != nil {
			// An error has ended the session, which closes t.
			if err := t.sess.Receive(now, t, payload, op == websocket.Binary); err != nil {
				t.s.offended(err, t.sess)
			}
		}
	case websocket.Ping:
		t.pong(payload)
	case websocket.Close:
		// "When sending a Close frame in response, the endpoint typically echos the
		// status code it received" (RFC 6455 §5.5.1).
		code, _ := websocket.ParseClose(payload)
		t.finish(t.closing(code, ""), true)
		t.lost(session.TransportClose)
	}
}

func (t *stream) pong(payload []byte) {
	t.mu.Lock()
	c := t.controls()
	if len(c.pongs) == maxPongs {
		copy(c.pongs, c.pongs[1:])
		c.pongs = c.pongs[:maxPongs-1]
	}
	c.pongs = append(c.pongs, payload)
	t.mu.Unlock()
	t.conn.Wake()
}

func (t *stream) lost(r session.Reason) {
	if t.sess != nil {
		t.sess.Lost(t, r)
	}
}

// Outgoing implements conn.Handler.
func (t *stream) Outgoing(scratch []byte) (p []byte, last bool) {
	out, last := t.own(scratch)
	if last || t.sess == nil {
		return out, last
	}
	var batch [16]*session.Cast
	for {
		casts, status := t.sess.TakeStream(t, batch[:0], conn.MaxWrite)
		switch status {
		case session.Hold:
			time.AfterFunc(session.HoldTime, func() { t.sess.LetGo(t) }) // ends at once
			fallthrough
		case session.Wait:
			if len(out) == 0 {
				return nil, false
			}
			return out, false
		}
		t.leased = true
		out = t.join(out, casts)
		if status == session.Final {
			return t.end(out), true
		}
		if len(out) > 0 {
			return out, false
		}
		t.settle(true) // the generation has no form for any of them
	}
}

// own appends what the stream says by itself. All but the answer to the handshake are
// frames, so they may stand between those of the session.
func (t *stream) own(out []byte) (_ []byte, last bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.control
	if c == nil {
		return out, false
	}
	out = append(out, c.answer...)
	for _, payload := range c.pongs {
		out = websocket.AppendFrame(out, websocket.Pong, payload)
	}
	c.answer, c.pongs = nil, nil
	if c.end {
		t.both = c.both
		return append(out, c.last...), true
	}
	t.control = nil
	return out, false
}

// join appends the frames of casts to out. A cast that goes alone is not copied.
func (t *stream) join(out []byte, casts []*session.Cast) []byte {
	g := t.sess.Generation()
	for _, c := range casts {
		e := c.For(g)
		switch {
		case e.Err != nil:
			t.s.skip(e.Err, t.sess)
		case t.hixie != nil:
			out = appendHixie(out, e)
		case len(casts) == 1 && len(out) == 0:
			return e.Frames
		default:
			out = append(out, e.Frames...)
		}
	}
	return out
}

// end appends the close frame of a session that has said all it had to.
func (t *stream) end(out []byte) []byte {
	reason := session.ServerDisconnect
	if t.s.refusing.Load() {
		reason = session.ServerShutdown
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.controls()
	if !c.end { // nobody has said yet why
		c.end, c.last = true, t.goodbye(reason)
	}
	// out may be a cast's own memory.
	return append(out[:len(out):len(out)], c.last...)
}

// Sent implements conn.Handler.
func (t *stream) Sent(err error) {
	if t.leased {
		t.settle(err == nil)
	}
	if t.both {
		// "The server MUST close the underlying TCP connection immediately" (RFC 6455
		// §5.5.1); nothing is on its way that a reset could destroy.
		t.conn.Close(nil)
	}
}

func (t *stream) settle(ok bool) {
	t.leased = false
	t.sess.Done(t.s.Now(), t, ok)
}

// Leaving implements conn.Handler.
func (t *stream) Leaving() {
	if t.sess != nil {
		t.sess.Leaving(t)
	}
}

// Closed implements conn.Handler.
func (t *stream) Closed(err error) {
	reason := session.TransportError
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
		reason = session.TransportClose
	}
	t.lost(reason)
	t.mu.Lock()
	var limit *linger
	if t.control != nil {
		limit = t.control.limit
	}
	t.mu.Unlock()
	if limit != nil {
		t.s.clock.wheel.Stop(&limit.timer)
	}
	t.s.streams.remove(t, t.s)
}
