package transport

import (
	"strings"
	"testing"

	"github.com/sockeye-io/socketio/internal/websocket"
)

const handshakeRev1, handshakeEIO = "/socket.io/1/", eio + "polling"

type corsTest struct {
	why       string
	origins   string
	fields    []string
	eio, rev1 corsWant
}

// corsWant is the status, the two fields, and what the handshake sees of Cookie and
// Authorization.
type corsWant struct {
	status                int
	origin, creds, authed string
}

// corsTests is made of what a request says of its origin.
func corsTests() []corsTest {
	own := []string{"Host: own.example", "Origin: http://own.example"}
	other := []string{"Host: own.example", "Origin: http://other.example"}
	listed := []string{"Host: own.example", "Origin: https://listed.example:8443"}
	null := []string{"Host: own.example", "Origin: null"}
	none := []string{"Host: own.example"}
	sameSite := []string{"Host: own.example", "Sec-Fetch-Site: same-origin"}
	crossSite := []string{"Host: own.example", "Sec-Fetch-Site: cross-site"}
	refused := corsWant{403, "", "", ""}
	return []corsTest{
		{"default: no page, no origin", "", none, corsWant{200, "", "", "k"}, corsWant{200, "", "", "k"}},
		{"default: own", "", own, corsWant{200, "http://own.example", "true", "k"}, corsWant{200, "http://own.example", "true", "k"}},
		{"default: other", "", other, refused, refused},
		{"default: null", "", null, refused, refused},
		{"default: own host, other scheme", "", []string{"Host: own.example", "Origin: https://own.example"}, refused, refused},
		{"default: own host, other port", "", []string{"Host: own.example", "Origin: http://own.example:81"}, refused, refused},
		{"default: the default port is none", "", []string{"Host: own.example:80", "Origin: http://OWN.example"}, corsWant{200, "http://OWN.example", "true", "k"}, corsWant{200, "http://OWN.example", "true", "k"}},
		{"default: own host alone, as Node's client 0.9 says", "", []string{"Host: own.example:81", "Origin: own.example:81"}, corsWant{200, "own.example:81", "true", "k"}, corsWant{200, "own.example:81", "true", "k"}},
		{"default: another host alone", "", []string{"Host: own.example:81", "Origin: own.example"}, refused, refused},
		{"default: null is nobody, even at a host of that name", "", []string{"Host: null", "Origin: null"}, refused, refused},
		{"default: two origins", "", append(own, "Origin: http://other.example"), refused, refused},
		{"list: listed", "https://listed.example:8443", listed, corsWant{200, "https://listed.example:8443", "true", "k"}, corsWant{200, "https://listed.example:8443", "true", "k"}},
		{"list: own", "https://listed.example:8443", own, corsWant{200, "http://own.example", "true", "k"}, corsWant{200, "http://own.example", "true", "k"}},
		{"list: other", "https://listed.example:8443", other, refused, refused},
		{"list: compared whole", "http://other.example.org", other, refused, refused},
		{"list: null is nobody", "null", null, refused, refused},
		{"list: no origin", "https://listed.example:8443", none, corsWant{200, "", "", "k"}, corsWant{200, "", "", "k"}},
		// Under "*" credentials count for nothing; 0.9 clients need the field (revision-1.md §4.1).
		{"all: other", "*", other, corsWant{200, "http://other.example", "", ""}, corsWant{200, "http://other.example", "true", ""}},
		{"all: null", "*", null, corsWant{200, "null", "", ""}, corsWant{200, "null", "true", ""}},
		{"all: own", "*", own, corsWant{200, "http://own.example", "true", "k"}, corsWant{200, "http://own.example", "true", "k"}},
		{"all: no origin might be any page's", "*", none, corsWant{200, "*", "", ""}, corsWant{200, "*", "", ""}},
		{"all: own page, no origin", "*", sameSite, corsWant{200, "*", "", "k"}, corsWant{200, "*", "", "k"}},
		{"all: other page, no origin", "*", crossSite, corsWant{200, "*", "", ""}, corsWant{200, "*", "", ""}},
		{"all: own page of an old browser", "*", append(none, "Referer: http://own.example/x"), corsWant{200, "*", "", "k"}, corsWant{200, "*", "", "k"}},
		{"all: other page of an old browser", "*", append(none, "Referer: http://other.example/x"), corsWant{200, "*", "", ""}, corsWant{200, "*", "", ""}},
		{"all, one by name", "* https://listed.example:8443", listed, corsWant{200, "https://listed.example:8443", "true", "k"}, corsWant{200, "https://listed.example:8443", "true", "k"}},
	}
}

func TestCORS(t *testing.T) {
	for _, tt := range corsTests() {
		peers := make(chan *Peer, 10)
		st := start(t, func(c *Config) {
			c.Origins = strings.Fields(tt.origins)
			c.Admit = admitTo(peers)
		})
		for path, want := range map[string]corsWant{handshakeEIO: tt.eio, handshakeRev1: tt.rev1} {
			r := st.do("GET", path, "", append(tt.fields, "Cookie: k", "Authorization: k")...)
			h := r.header
			if r.status != want.status || h.Get("Access-Control-Allow-Origin") != want.origin || h.Get("Access-Control-Allow-Credentials") != want.creds {
				t.Errorf("%s: %s: %+v, want %+v", tt.why, path, r, want)
			}
			if origin := h.Get("Access-Control-Allow-Origin"); origin != "" && origin != "*" && h.Get("Vary") != "Origin" {
				t.Errorf("%s: %s: Vary is %q", tt.why, path, h.Get("Vary"))
			}
			if r.status != 200 {
				continue
			}
			p := <-peers
			if c, a := p.Header().Get("Cookie"), p.Header().Get("Authorization"); c != want.authed || a != want.authed {
				t.Errorf("%s: %s: the handshake sees cookie %q, authorization %q", tt.why, path, c, a)
			}
		}
	}
}

// TestCORSOnEveryStatus: a page learns the status only if the fields are there.
func TestCORSOnEveryStatus(t *testing.T) {
	st := start(t, func(c *Config) { c.Origins = []string{"http://a.example"} })
	for path, status := range map[string]int{
		"/socket.io/1/xhr-polling/x": 200, "/socket.io/2/": 500, "/socket.io/1/nosuch/x": 400,
		eio + "nosuch": 400, eio + "polling&sid=x": 400, "/socket.io/?EIO=9": 400, "/socket.io/1/x?disconnect": 200,
	} {
		r := st.do("GET", path, "", "Origin: http://a.example")
		if r.status != status || r.header.Get("Access-Control-Allow-Origin") != "http://a.example" {
			t.Errorf("%s: %+v", path, r)
		}
	}
	if r := st.do("GET", "/socket.io/1/", "", "Origin: http://b.example"); r.status != 403 || r.body != "handshake bad origin" { // [T handshake-bad-origin]
		t.Errorf("refused: %+v", r)
	}
	if r := st.do("GET", eio+"polling", "", "Origin: http://b.example"); r.status != 403 || r.body != `{"code":4,"message":"Forbidden"}` {
		t.Errorf("refused: %+v", r)
	}
}

func TestPreflight(t *testing.T) {
	st := start(t, func(c *Config) {
		c.Origins = []string{"http://a.example"}
		c.Headers = []string{"Content-Type", "X-Token"}
	})
	ask := []string{"Access-Control-Request-Method: POST", "Access-Control-Request-Headers: x-token"}
	for path, status := range map[string]int{eio + "polling": 204, eio + "polling&sid=x": 204, "/socket.io/1/": 200, "/socket.io/1/xhr-polling/x": 200} {
		r := st.do("OPTIONS", path, "", append(ask, "Origin: http://a.example")...)
		h := r.header
		if r.status != status || r.body != "" || h.Get("Access-Control-Allow-Origin") != "http://a.example" ||
			h.Get("Access-Control-Allow-Methods") != "GET, POST, OPTIONS" || h.Get("Access-Control-Allow-Headers") != "Content-Type, X-Token" ||
			h.Get("Access-Control-Allow-Credentials") != "true" {
			t.Errorf("%s: %+v", path, r)
		}
		if r := st.do("OPTIONS", path, "", append(ask, "Origin: http://b.example")...); r.status != 403 || r.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: other origin: %+v", path, r)
		}
	}
	if n := st.Sessions(); n != 0 {
		t.Errorf("%d sessions were spent", n)
	}
}

// TestHijackingOfWebSockets: CORS does not hold for WebSockets, so the same rule does.
func TestHijackingOfWebSockets(t *testing.T) {
	peers := make(chan *Peer, 10)
	st := start(t, func(c *Config) { c.Admit = admitTo(peers) })
	sid, rev1 := st.open(), st.handshakeRev1()
	for len(peers) > 0 {
		<-peers
	}
	before := st.Sessions()
	for _, path := range []string{eio + "websocket", eio + "websocket&sid=" + sid, "/socket.io/1/websocket/" + rev1} {
		w := st.dial()
		w.send("GET " + path + " HTTP/1.1\r\nOrigin: http://evil.example\r\n" + upgradeFields)
		if r := w.answer(); r.status != 403 {
			t.Errorf("%s: %+v", path, r)
		}
		w = st.dial()
		w.send("GET " + path + " HTTP/1.1\r\nOrigin: http://x\r\n" + upgradeFields)
		w.upgraded()
		w.send(masked(websocket.Close, ""))
	}
	if len(peers) != 1 || before > st.Sessions()+1 {
		t.Errorf("%d sessions", st.Sessions())
	}

	all := start(t, func(c *Config) { c.Origins = []string{"*"}; c.Admit = admitTo(peers) })
	for len(peers) > 0 {
		<-peers
	}
	w := all.dial()
	w.send("GET " + eio + "websocket HTTP/1.1\r\nOrigin: http://evil.example\r\nCookie: k\r\n" + upgradeFields)
	w.upgraded()
	if p := <-peers; p.Header().Get("Cookie") != "" || p.Header().Get("Origin") != "http://evil.example" || !p.XDomain() {
		t.Errorf("the handshake sees %v", p.Header())
	}
}
