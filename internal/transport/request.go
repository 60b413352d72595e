package transport

import (
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"time"

	"github.com/sockeye-io/socketio/internal/generation"
)

// exchange is one request and what was found out about it.
type exchange struct {
	s     *Server
	w     http.ResponseWriter
	rc    http.ResponseController
	r     *http.Request
	route generation.Route
	link  *link
	from  from

	origin        string     // empty: none
	hideAuthority bool       // the browser's credentials are not its user's will; set by admit
	t             *transport // nil: the request names none, or none that there is
	place         uint8      // of t, in transports
	callback      uint64     // of the page, which a script is to call
	scripted      bool       // the answer is to be one

	length [1]string // contentLength's

	nextRead *exchange  // guarded by Peer.mu
	prevRead **exchange // what points here
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{s: s, w: w, rc: *http.NewResponseController(w), r: r, link: &engineIO}
	if len(r.TransferEncoding) > 0 {
		// Whoever is in front may have seen another end of this request, which might
		// have had a length too (THREATS.md, "Ambiguous requests").
		w.Header()["Connection"] = closing
	}
	if r.ContentLength != 0 {
		// Whoever does not read the body leaves that to net/http, which waits for it.
		_ = x.rc.SetReadDeadline(time.Now().Add(s.cfg.BodyTimeout))
	}
	if tooManyFields(r.Header, s.cfg.MaxFields) {
		w.Header()["Connection"] = closing
		x.deny(http.StatusRequestHeaderFieldsTooLarge, "too many header fields")
		return
	}
	// Names of files come before all others (decision 19).
	if f := s.cfg.Static.Find(r.URL.Path); f != nil {
		x.file(f)
		return
	}
	m := matched(r)
	x.route = generation.Match(s.served, &m)
	switch x.route.Kind {
	case generation.NotFound:
		x.deny(http.StatusNotFound, "not found")
		return
	case generation.Rev1Handshake, generation.Rev1Transport, generation.Rev1Disconnect, generation.UnsupportedRevision:
		x.link = &revision1
	}
	x.locate()
	if x.t = x.transport(); x.t != nil {
		x.place = x.t.place
	}
	x.findCallback()
	if !x.admitOrigin() || !x.admitScript() {
		x.refuseOrigin()
		return
	}
	if r.Method == http.MethodOptions {
		x.preflight(methods)
		return
	}
	x.dispatch()
}

// locate finds out where the request comes from.
func (x *exchange) locate() {
	x.from = from{secure: x.r.TLS != nil, host: x.r.Host}
	if len(x.s.proxies) > 0 {
		x.from = x.s.proxies.locate(x.r)
	}
}

// matched returns what generation.Match looks at.
func matched(r *http.Request) generation.Request {
	m := generation.Request{Path: r.URL.Path}
	for raw := r.URL.RawQuery; raw != ""; {
		var pair string
		pair, raw, _ = strings.Cut(raw, "&")
		key, value, _ := strings.Cut(pair, "=")
		switch key {
		case "EIO":
			m.EIO, m.HasEIO = unescape(value), true
		case "transport":
			m.Transport, m.HasTransport = unescape(value), true
		case "sid":
			m.SID = unescape(value)
		case "disconnect":
			m.HasDisconnect = true
		}
	}
	return m
}

func unescape(s string) string {
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '+') < 0 {
		return s
	}
	if u, err := url.QueryUnescape(s); err == nil {
		return u
	}
	return s // no name and no id
}

// dispatch goes where the route leads.
func (x *exchange) dispatch() {
	switch x.route.Kind {
	case generation.EngineIO:
		x.engineIO()
	case generation.UnsupportedEIO:
		x.refuse(badVersion)
	case generation.UnsupportedRevision:
		x.deny(http.StatusInternalServerError, "Protocol version not supported.") // [T handshake-errors]
	case generation.Rev1Handshake:
		if x.mayUse() {
			x.handshakeRev1()
		}
	case generation.Rev1Disconnect:
		if x.mayUse() {
			x.disconnectRev1()
		}
	case generation.Rev1Transport:
		if x.t == nil {
			x.deny(http.StatusBadRequest, "transport unknown")
		} else if x.mayUse() {
			x.t.serve(x)
		}
	}
}

// engineIO serves a request with EIO, checking as Node's server does and in its order
// (engine.io 6.6, server.js, verify).
func (x *exchange) engineIO() {
	switch {
	case x.t == nil:
		x.refuse(unknownTransport)
	case x.route.SID == "" && x.r.Method != http.MethodGet:
		x.refuse(badMethod)
	case x.mayUse():
		x.t.serve(x)
	}
}

// transport returns the transport that the request names, if it is enabled.
func (x *exchange) transport() *transport {
	for i := range x.s.transports {
		if t := &x.s.transports[i]; t.link == x.link && t.name == x.route.Transport {
			return t
		}
	}
	return nil
}

// mayUse refuses methods that nothing here has a use for. A HEAD is never a handshake
// or a poll: what came would be lost.
func (x *exchange) mayUse() bool {
	if x.r.Method == http.MethodGet || x.r.Method == http.MethodPost {
		return true
	}
	x.w.Header()["Allow"] = methods
	x.deny(http.StatusMethodNotAllowed, "method not allowed")
	return false
}

// canFlush reports whether what is written can be pushed out, which proves that it
// reached the kernel. A middleware's writer can if it has Unwrap.
func (x *exchange) canFlush() bool {
	return x.can(func(w http.ResponseWriter) bool {
		switch w.(type) {
		case http.Flusher, interface{ FlushError() error }:
			return true
		}
		return false
	})
}

func (x *exchange) can(able func(http.ResponseWriter) bool) bool {
	for w := x.w; ; {
		if able(w) {
			return true
		}
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			x.badWriter(w)
			return false
		}
		w = u.Unwrap()
	}
}

// badWriter answers 500 because a middleware is in the way, and says once which.
func (x *exchange) badWriter(w http.ResponseWriter) {
	name := reflect.TypeOf(w).String()
	if _, again := x.s.warned.LoadOrStore(name, true); !again {
		x.s.log.Error("socketio: a ResponseWriter that can neither flush nor hijack cannot be unwrapped either: "+
			"give it an Unwrap method (see http.ResponseController)", "type", name)
	}
	x.deny(http.StatusInternalServerError, "internal server error")
}

func appendJSON(dst []byte, s string) []byte {
	b, _ := json.Marshal(s) // strings always can
	return append(dst, b...)
}
