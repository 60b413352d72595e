package transport

import (
	"net/http"
	"slices"
	"strings"
)

// originRules say which pages may use the server (ARCHITECTURE decisions 12 and 19).
// A browser says by Origin which page a request comes from; a request without one is
// no page's, or the server's own. The same rules hold for WebSockets, to which CORS
// does not apply (THREATS.md, "Cross-site WebSocket hijacking").
type originRules struct {
	any    bool
	listed []string

	allowHeaders []string // the value of Access-Control-Allow-Headers
}

func newOriginRules(origins, headers []string) originRules {
	rules := originRules{allowHeaders: []string{strings.Join(headers, ", ")}}
	for _, o := range origins {
		if o == "*" {
			rules.any = true
		} else {
			rules.listed = append(rules.listed, o)
		}
	}
	return rules
}

// Header values that answers share.
var (
	valueTrue  = []string{"true"}
	valueAny   = []string{"*"}
	methods    = []string{"GET, POST, OPTIONS"}
	maxAge     = []string{"600"}
	noStore    = []string{"no-store"}
	noBuffer   = []string{"no"}
	closing    = []string{"close"}
	valueZero  = []string{"0"}
	valueEmpty = []string(nil) // keeps net/http from guessing
)

// admitOrigin decides on the request's origin, and writes the fields that tell a
// browser so, for whatever status the answer will have.
func (x *exchange) admitOrigin() bool {
	rules, h := &x.s.origins, x.w.Header()
	values := x.r.Header["Origin"]
	if len(values) == 0 {
		values = x.r.Header["Sec-Websocket-Origin"] // hybi-07 to hybi-12 (websocket-drafts.md §1)
	}
	if len(values) == 0 {
		if rules.any {
			h["Access-Control-Allow-Origin"] = valueAny
		}
		return true
	}
	x.origin = values[0]
	if len(values) > 1 {
		return false // no browser sends two
	}
	own := isOrigin(x.origin, x.from.secure, x.from.host)
	// Sandboxed and local pages all share the origin "null".
	named := own || x.origin != "null" && slices.Contains(rules.listed, x.origin)
	if !named && !rules.any {
		return false
	}
	x.hideAuthority = !named
	h["Access-Control-Allow-Origin"] = values
	h.Add("Vary", "Origin")
	if named || x.link.credential {
		h["Access-Control-Allow-Credentials"] = valueTrue
	}
	return true
}

// sameSite reports whether a request without Origin provably comes from a page of the
// server's own, or from no page.
func (x *exchange) sameSite() bool {
	if site := x.r.Header.Get("Sec-Fetch-Site"); site != "" {
		return site == "same-origin"
	}
	// Older browsers: a page can leave Referer out, but not write another's.
	return isOrigin(refererOrigin(x.r.Header), x.from.secure, x.from.host)
}

// isOrigin reports whether origin is that of host, over TLS or not. Node's client 0.9
// names the host alone (websocket-drafts.md §5), which no browser does.
func isOrigin(origin string, secure bool, host string) bool {
	scheme, port := "http", ":80"
	if secure {
		scheme, port = "https", ":443"
	}
	s, h, ok := strings.Cut(origin, "://")
	if !ok {
		return origin != "" && origin != "null" && strings.EqualFold(origin, host)
	}
	return strings.EqualFold(s, scheme) &&
		strings.EqualFold(strings.TrimSuffix(h, port), strings.TrimSuffix(host, port)) && h != ""
}

// refuseOrigin answers a page that may not come in, and says what would let it in.
func (x *exchange) refuseOrigin() {
	x.s.log.Warn("socketio: origin refused: to let it in, add it to Options.Origins; "+
		"behind a proxy, see Options.TrustedProxies",
		"origin", x.origin, "host", x.from.host, "secure", x.from.secure)
	x.link.badOrigin(x)
}

// preflight answers a browser that asks whether it may ask (RFC 9110 §9.3.7, Fetch
// "CORS-preflight request"). It spends no session.
func (x *exchange) preflight(methods []string) {
	h := x.w.Header()
	h["Access-Control-Allow-Methods"] = methods
	h["Access-Control-Allow-Headers"] = x.s.origins.allowHeaders
	h["Access-Control-Max-Age"] = maxAge
	h["Allow"] = methods
	x.answer(x.link.preflight, valueEmpty, "")
}

// tooManyFields reports whether the request has more than max field values.
func tooManyFields(h http.Header, max int) bool {
	n := 0
	for _, values := range h {
		n += len(values)
	}
	return n > max
}
