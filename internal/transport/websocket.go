package transport

import (
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/sockeye-io/socketio/internal/generation"
	"github.com/sockeye-io/socketio/internal/session"
	"github.com/sockeye-io/socketio/internal/websocket"
)

// handshake checks the WebSocket handshake and returns its answer, or refuses.
func (x *exchange) handshake(spoken []*websocket.Dialect) (a websocket.Answer, ok bool) {
	a, refusal := websocket.Accept(nil, &websocket.Request{
		Method:     x.r.Method,
		ProtoMajor: x.r.ProtoMajor,
		ProtoMinor: x.r.ProtoMinor,
		Header:     x.r.Header.Values,
		Host:       x.from.host,
		Target:     x.r.RequestURI,
		Secure:     x.from.secure || x.s.cfg.MatchOrigin && strings.HasPrefix(x.origin, "https:"), // [T websocket-match-origin]
	}, spoken...)
	if refusal == nil {
		return a, true
	}
	for _, field := range refusal.Header {
		x.w.Header()[field[0]] = []string{field[1]}
	}
	if refusal.Status == http.StatusBadRequest {
		x.link.badUpgrade(x, refusal.Reason)
	} else {
		x.deny(refusal.Status, refusal.Reason)
	}
	return a, false
}

// canHijack reports whether the connection can be taken over.
func (x *exchange) canHijack() bool {
	return x.can(func(w http.ResponseWriter) bool {
		_, ok := w.(http.Hijacker)
		return ok
	})
}

// webSocketEngineIO serves a WebSocket that makes a session, or wants to take one over.
func (x *exchange) webSocketEngineIO() {
	answer, ok := x.handshake(modern)
	if !ok || !x.canHijack() {
		return
	}
	if x.route.SID == "" {
		p, ok := x.admit(x.route.Transport)
		if !ok {
			return
		}
		t := x.newStream(answer)
		c, ok := x.hijack()
		if !ok {
			return
		}
		t.sess = x.s.add(p, x.route.Generation)
		if t.sess.Bind(x.s.Now(), t) != nil {
			t.farewell(nil) // the server stops
		}
		t.adopt(c)
		return
	}
	sess := x.find()
	if sess == nil {
		x.refuse(unknownSID)
		return
	}
	t := x.newStream(answer)
	t.sess = sess
	err := sess.Probe(x.s.Now(), t)
	if errors.Is(err, session.ErrUnknown) {
		x.refuse(unknownSID)
		return
	}
	c, ok := x.hijack()
	switch {
	case ok && err != nil:
		// Accepted and closed (Engine.IO 4 test suite, "ignores WebSocket connection
		// with same sid after upgrade"; engine.io 6.6, server.js, onWebSocket).
		t.sess = nil
		t.farewell(goodbye(x.route.Generation, session.ProbeFailed))
	case err == nil && !ok:
		sess.Lost(t, session.ProbeFailed)
		return
	case !ok:
		return
	}
	t.adopt(c)
}

// webSocketRev1 serves a WebSocket of revision 1, which opens a session, or takes the
// place of what carried it (revision-1.md §7.3).
func (x *exchange) webSocketRev1() {
	answer, ok := x.handshake(x.s.dialects)
	if !ok || !x.canHijack() {
		return
	}
	c, ok := x.hijack()
	if !ok || !x.s.streams.prove(&c, &answer) {
		return
	}
	t := x.newStream(answer)
	sess := x.find()
	if sess != nil {
		t.sess = sess
		if sess.Bind(x.s.Now(), t) == nil {
			x.opened(sess)
			t.adopt(c)
			return
		}
		t.sess = nil
	}
	// "7:::1+0" in a frame of its own, then the end ([T websocket-13-refused]).
	last := t.frame([]byte(generation.Revision1.Bye.Drain.Poll))
	if t.hixie != nil {
		last = append(last, t.closing(websocket.CloseNormal, "")...) // as at any end: see goodbye
	}
	t.farewell(last)
	t.adopt(c)
}

// Dialects in which a WebSocket may be asked for. Engine.IO's clients need binary
// messages, which the hixie drafts have none of, and are younger than hybi-12.
var (
	modern = []*websocket.Dialect{websocket.RFC6455}
	old    = []*websocket.Dialect{websocket.Hixie76, websocket.Hybi07, websocket.Hybi08, websocket.RFC6455}
	oldest = append([]*websocket.Dialect{websocket.Hixie75}, old...)
)

// dialects returns those in which revision 1 is spoken.
func (c *Config) dialects() []*websocket.Dialect {
	if c.Hixie75 {
		return oldest
	}
	return old
}

// hijacked is a connection that was taken over, and what had been read of it.
type hijacked struct {
	nc       net.Conn
	leftover []byte
}

// hijack takes the connection over.
func (x *exchange) hijack() (c hijacked, ok bool) {
	nc, rw, err := x.rc.Hijack()
	if err != nil {
		x.s.log.Error("socketio: cannot take the connection over", "error", err)
		x.deny(http.StatusInternalServerError, "internal server error")
		return c, false
	}
	c.nc = nc
	if n := rw.Reader.Buffered(); n > 0 {
		// A client may send its first messages with the handshake.
		c.leftover, _ = rw.Reader.Peek(n)
	}
	return c, true
}

// proofTime bounds the wait for the last eight bytes of a hixie-76 handshake.
const proofTime = 10 * time.Second

// prove completes the answer to a handshake that is not over with its head. What it
// waits for came with the request, or comes when a proxy has seen the head
// (websocket-drafts.md §3). It reports false if the connection is gone.
func (l *streams) prove(c *hijacked, a *websocket.Answer) bool {
	if a.Proof == nil {
		return true
	}
	rest, proof := a.Proof.Feed(c.leftover)
	if proof != nil {
		a.Head, c.leftover = append(a.Head, proof...), rest
		return true
	}
	if !l.beginProof(c) {
		_ = c.nc.Close()
		return false
	}
	_ = c.nc.SetDeadline(time.Now().Add(proofTime))
	_, err := c.nc.Write(a.Head)
	var buf [8]byte // what follows belongs to the next reader
	for err == nil && proof == nil {
		var n int
		if n, err = c.nc.Read(buf[:a.Proof.Missing()]); n > 0 {
			_, proof = a.Proof.Feed(buf[:n])
		}
	}
	l.endProof(c)
	if proof == nil {
		_ = c.nc.Close()
		return false
	}
	_ = c.nc.SetDeadline(time.Time{})
	a.Head, c.leftover = proof, nil
	return true
}
