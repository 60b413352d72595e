package transport

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/sockeye-io/socketio/internal/framing"
	"github.com/sockeye-io/socketio/internal/session"
)

// admit decides whether the request may have a session, and answers if not.
func (x *exchange) admit(transport string) (*Peer, bool) {
	x.identify()
	switch {
	case x.s.refusing.Load():
		x.link.busy(x, http.StatusServiceUnavailable)
		return nil, false
	case !x.s.rate.allow(x.from.address.Addr()):
		x.link.busy(x, http.StatusTooManyRequests)
		return nil, false
	}
	p := x.newPeer(transport)
	err := x.ask(p)
	var refusal *Refusal
	switch {
	case err == nil && x.s.refusing.Load():
		x.link.busy(x, http.StatusServiceUnavailable)
	case err == nil:
		return p, true
	case errors.As(err, &refusal):
		x.link.refused(x, refusal.Text)
	default:
		x.s.log.Error("socketio: authorization failed", "error", err, "address", p.Address())
		x.link.failed(x)
	}
	return nil, false
}

// identify finds out what only a first request is asked for.
func (x *exchange) identify() {
	if !x.from.address.IsValid() {
		x.from.address, _ = netip.ParseAddrPort(x.r.RemoteAddr)
	}
	if x.origin == "" {
		x.hideAuthority = x.s.origins.any && !x.sameSite()
	}
}

// ask calls Admit; a panic in it is its error.
func (x *exchange) ask(p *Peer) (err error) {
	if x.s.cfg.Admit == nil {
		return nil
	}
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	return x.s.cfg.Admit(x.r.Context(), p)
}

// find returns the session that the request names, if it is of the request's
// generation.
func (x *exchange) find() *session.Session {
	sess := x.s.find(x.route.SID)
	if sess == nil || sess.Generation() != x.route.Generation {
		return nil
	}
	return sess
}

// opened notes that a transport has come for the session.
func (x *exchange) opened(sess *session.Session) { x.s.unopened.remove(peerOf(sess)) }

// handshakeRev1 makes a session (revision-1.md §4.1).
func (x *exchange) handshakeRev1() {
	p, ok := x.admit("")
	if !ok {
		return
	}
	x.s.add(p, x.route.Generation)
	timers := &x.s.configs[x.route.Generation].Timers
	body := x.s.ids.text(&p.id) + ":" + seconds(timers.Timeout) + ":" + seconds(timers.Close) + ":" + x.s.advertised
	if x.scripted {
		x.answer(http.StatusOK, javascript, string(framing.AppendJSONP(nil, x.callback, []byte(body))))
		return
	}
	x.answer(http.StatusOK, plain, body)
}

// seconds writes d in whole seconds. An empty field or 0 kills the clients since
// 0.9.1, which take it for no time at all (revision-1.md §4.1).
func seconds(d time.Duration) string {
	if d <= 0 {
		return strconv.Itoa(math.MaxInt32 / 1000) // clients count in milliseconds, in 32 bits
	}
	return strconv.Itoa(int((d + time.Second - 1) / time.Second))
}

// disconnectRev1 ends a session from outside its transport. A waiting poll gets 0::,
// and an unknown session the same empty answer ([T disconnect-by-client]).
func (x *exchange) disconnectRev1() {
	if sess := x.find(); sess != nil {
		sess.End(x.s.Now(), session.Kick, session.ClientDisconnect)
	}
	x.answer(http.StatusOK, valueEmpty, "")
}
