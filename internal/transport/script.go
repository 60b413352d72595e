package transport

import (
	"net/http"
	"slices"
	"strings"

	"github.com/sockeye-io/socketio/internal/framing"
	"github.com/sockeye-io/socketio/internal/generation"
)

// Pages without XMLHttpRequest, or from another origin than it may ask, ask by script
// elements, and are answered by a script that calls them: JSON-P (revision-1.md §4.2,
// §8.3). No browser asks first whether they may, and each sends its cookies.

// bodies say what a polling transport puts around payloads.
type bodies struct {
	pollType []string
	wrap     func(x *exchange, payload []byte) []byte
	unwrap   func(body []byte) (payload []byte, ok bool) // not ok: it is none, and nothing is lost
}

var (
	javascript = []string{"application/javascript"} // [T handshake-jsonp]

	jsonpBodies = bodies{
		pollType: []string{"text/javascript; charset=UTF-8"}, // [T jsonp-polling]
		wrap: func(x *exchange, payload []byte) []byte {
			x.w.Header()["X-XSS-Protection"] = valueZero
			return framing.AppendJSONP(nil, x.callback, payload)
		},
		unwrap: framing.ParseForm,
	}
)

// findCallback notes whether a page wants a script, and for which of its callbacks. What
// is not one number is no callback, since it would become part of the script: then a
// handshake is answered as any other, and a poll with callback 0.
func (x *exchange) findCallback() {
	switch {
	case x.route.Kind == generation.Rev1Handshake:
		x.callback, x.scripted = queryNumber(x.r.URL.RawQuery, "jsonp")
	case x.t != nil && x.t.bodies != nil:
		x.callback, _ = queryNumber(x.r.URL.RawQuery, "i")
		x.scripted = true
	}
}

// maxCallback bounds the digits of a callback's number.
const maxCallback = 15

// queryNumber returns the number that a query has under key, if there is one and only
// one, of digits alone.
func queryNumber(raw, key string) (n uint64, ok bool) {
	for pair := range strings.SplitSeq(raw, "&") {
		value, found := strings.CutPrefix(pair, key)
		if !found || value != "" && value[0] != '=' {
			continue
		}
		if ok || len(value) < 2 || len(value) > 1+maxCallback {
			return 0, false
		}
		for _, c := range []byte(value[1:]) {
			if c < '0' || '9' < c {
				return 0, false
			}
			n = 10*n + uint64(c-'0')
		}
		ok = true
	}
	return n, ok
}

// admitScript decides on the page that runs a script, which Origin mostly does not name
// (ARCHITECTURE decision 19): it must be known to be the server's own or a listed one.
func (x *exchange) admitScript() bool {
	rules := &x.s.origins
	if !x.scripted || rules.any || x.sameSite() {
		return true
	}
	page := x.origin
	if page == "" {
		page = refererOrigin(x.r.Header)
	}
	return isOrigin(page, x.from.secure, x.from.host) || slices.Contains(rules.listed, page)
}

// refererOrigin returns the origin of the page that the request names, or "".
func refererOrigin(h http.Header) string {
	scheme, rest, ok := strings.Cut(h.Get("Referer"), "://")
	if !ok {
		return ""
	}
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	return scheme + "://" + rest
}

// tell answers a handshake with an error. A page that asked by a script sees no status.
func (x *exchange) tell(status int, text string) {
	if x.route.Kind != generation.Rev1Handshake || !x.scripted {
		x.deny(status, text)
		return
	}
	x.dropBody()
	x.answer(http.StatusOK, javascript, string(framing.AppendJSONPError(nil, x.callback, text)))
}
