package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/socketio/internal/session"
)

func TestRequests(t *testing.T) {
	st := start(t, nil)
	const badTransport = `{"code":0,"message":"Transport unknown"}`
	const unknown = `{"code":1,"message":"Session ID unknown"}`
	const method = `{"code":2,"message":"Bad handshake method"}`
	const version = `{"code":5,"message":"Unsupported protocol version"}`
	tests := []struct {
		why, method, path string
		status            int
		body              string // "-": whatever
	}{
		{"test suite: no EIO", "GET", "/engine.io/?transport=polling", 400, version},
		{"test suite: EIO=abc", "GET", "/engine.io/?EIO=abc&transport=polling", 400, version},
		{"an EIO that is not served", "GET", "/engine.io/?EIO=3&transport=polling", 400, version},
		{"test suite: no transport", "GET", "/engine.io/?EIO=4", 400, badTransport},
		{"test suite: transport=abc", "GET", "/engine.io/?EIO=4&transport=abc", 400, badTransport},
		{"revision 1's transport", "GET", "/engine.io/?EIO=4&transport=xhr-polling", 400, badTransport},
		{"test suite: POST", "POST", eio + "polling", 400, method},
		{"test suite: PUT", "PUT", eio + "polling", 400, method},
		{"a HEAD is no handshake", "HEAD", eio + "polling", 400, ""},
		{"unknown sid", "GET", eio + "polling&sid=x", 400, unknown},
		{"unknown sid, POST", "POST", eio + "polling&sid=x", 400, unknown},
		{"a name of every object in JavaScript", "GET", eio + "polling&sid=__proto__", 400, unknown},
		{"other methods", "PUT", eio + "polling&sid=x", 405, "method not allowed"},
		{"a HEAD is no poll", "HEAD", eio + "polling&sid=x", 405, ""},
		{"WebSocket without Upgrade", "GET", eio + "websocket", 400, `{"code":3,"message":"Bad request"}`},

		{"other numbers", "GET", "/socket.io/2/", 500, "Protocol version not supported."},
		{"other numbers, JSON-P", "GET", "/socket.io/2/?jsonp=0", 500, "Protocol version not supported."},
		{"HEAD is no handshake", "HEAD", "/socket.io/1/", 405, ""},
		{"PUT", "PUT", "/socket.io/1/", 405, "method not allowed"},
		{"DELETE on a session", "DELETE", "/socket.io/1/xhr-polling/x", 405, "method not allowed"},
		{"unknown transport", "GET", "/socket.io/1/nosuch/x", 400, "-"},
		{"Engine.IO's transport", "GET", "/socket.io/1/polling/x", 400, "-"},
		{"unknown session, GET", "GET", "/socket.io/1/xhr-polling/x", 200, "7:::1+0"}, // [T xhr-polling-bad-session]
		{"unknown session, POST", "POST", "/socket.io/1/xhr-polling/x", 200, "1"},
		{"unknown session, disconnect", "GET", "/socket.io/1/xhr-polling/x?disconnect=1", 200, ""}, // [T disconnect-by-client]
		{"disconnect without value", "GET", "/socket.io/1//x/?disconnect", 200, ""},
		{"no sid", "GET", "/socket.io/1/xhr-polling/", 404, "-"},
		{"nothing", "GET", "/socket.io/", 404, "-"},
		{"something", "GET", "/index.html", 404, "-"},
		{"OPTIONS spends no session", "OPTIONS", eio + "polling", 204, ""},
		{"OPTIONS spends no session", "OPTIONS", "/socket.io/1/", 200, ""},
		{"OPTIONS on a transport", "OPTIONS", "/socket.io/1/xhr-polling/x", 200, ""},
	}
	for _, tt := range tests {
		r := st.do(tt.method, tt.path, "")
		if r.status != tt.status || tt.body != "-" && r.body != tt.body {
			t.Errorf("%s: %s %s: %d %q, want %d %q", tt.why, tt.method, tt.path, r.status, r.body, tt.status, tt.body)
		}
		if tt.status == 400 && strings.HasPrefix(tt.body, "{") && r.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: content type %q", tt.why, r.header.Get("Content-Type"))
		}
	}
	if n := st.Sessions(); n != 0 {
		t.Errorf("%d sessions were spent", n)
	}
}

func TestHandshakeRev1(t *testing.T) {
	st := start(t, nil)
	for _, method := range []string{"GET", "POST"} {
		r := st.do(method, "/socket.io/1/?t=1312877027739", "")
		sid, rest, _ := strings.Cut(r.body, ":")
		if r.status != 200 || rest != "60:60:websocket,flashsocket,htmlfile,xhr-polling,jsonp-polling" || r.header.Get("Content-Type") != "text/plain" {
			t.Errorf("%s: %+v", method, r)
		}
		if strings.ContainsAny(sid, ":/?#%") || len(sid) < 22 {
			t.Errorf("session id %q", sid)
		}
	}
	only := start(t, func(c *Config) {
		c.Transports = []string{"xhr-polling"}
		c.Sessions[1].Timers.Timeout = 0 // no heartbeats, and yet no client may give up
		c.Sessions[1].Timers.Close = 1500 * time.Millisecond
	})
	if _, rest, _ := strings.Cut(only.do("GET", "/socket.io/1/", "").body, ":"); rest != "2147483:2:xhr-polling" {
		t.Errorf("handshake: %q", rest)
	}
	if r := only.do("GET", eio+"polling", ""); r.body != `{"code":0,"message":"Transport unknown"}` {
		t.Errorf("a transport that is switched off: %+v", r)
	}
}

func TestDisconnectRev1(t *testing.T) {
	st := start(t, nil)
	for _, path := range []string{"/socket.io/1/xhr-polling/%s?disconnect=1", "/socket.io/1//%s/?disconnect=1", "/socket.io/1/%s?disconnect"} {
		sid, other := st.openRev1(), st.openRev1()
		poll := st.poll("/socket.io/1/xhr-polling/" + sid)
		st.polls(1)
		if r := st.do("GET", fmt.Sprintf(path, sid), ""); r.status != 200 || r.body != "" {
			t.Errorf("%s: %+v", path, r)
		}
		if r := get(t, poll, "the poll"); r.body != "0::" { // [T disconnect-by-client]
			t.Errorf("%s: poll %+v", path, r)
		}
		until(t, "the session is gone", func() bool { return st.find(sid) == nil })
		if r := st.do("GET", "/socket.io/1/xhr-polling/"+sid, ""); r.body != "7:::1+0" {
			t.Errorf("%s: next poll %+v", path, r)
		}
		st.session(other) // lives
	}
}

func TestAdmit(t *testing.T) {
	var verdict error
	var seen *Peer
	boom := false
	st := start(t, func(c *Config) {
		c.Admit = func(_ context.Context, p *Peer) error {
			seen = p
			if boom {
				panic("boom")
			}
			return verdict
		}
	})
	ws := func() reply {
		w := st.dial()
		w.send("GET " + eio + "websocket HTTP/1.1\r\n" + upgradeFields)
		return w.answer()
	}
	tests := []struct {
		why           string
		verdict       error
		boom          bool
		eio           int
		eioBody, rev1 string
		rev1Status    int
	}{
		{"refused", &Refusal{"not you"}, false, 403, `{"code":4,"message":"not you"}`, "handshake unauthorized", 403}, // [T handshake-refused]
		{"refused, wrapped, without a text", fmt.Errorf("x: %w", &Refusal{}), false, 403, `{"code":4,"message":"Forbidden"}`, "handshake unauthorized", 403},
		{"error", errors.New("secret reason"), false, 403, `{"code":4,"message":"Forbidden"}`, "handshake error", 500}, // [T handshake-auth-error]
		{"panic", nil, true, 403, `{"code":4,"message":"Forbidden"}`, "handshake error", 500},
	}
	for _, tt := range tests {
		verdict, boom = tt.verdict, tt.boom
		for _, r := range []reply{st.do("GET", eio+"polling", ""), ws()} {
			if r.status != tt.eio || r.body != tt.eioBody {
				t.Errorf("%s: Engine.IO: %+v", tt.why, r)
			}
		}
		if r := st.do("GET", "/socket.io/1/", ""); r.status != tt.rev1Status || r.body != tt.rev1 {
			t.Errorf("%s: revision 1: %+v", tt.why, r)
		}
	}
	verdict, boom = nil, false
	st.do("GET", "/socket.io/1/?token=a+b", "", "X-Test: 1", "X-Test: 2", "Host: example.com")
	if seen.Query().Get("token") != "a b" || seen.Host() != "example.com" || seen.Secure() || seen.XDomain() ||
		fmt.Sprint(seen.Header()["X-Test"]) != "[1 2]" || seen.Generation() != "revision 1" || seen.URL() != "/socket.io/1/?token=a+b" ||
		!seen.Address().Addr().IsLoopback() || time.Since(seen.Time()) > time.Minute {
		t.Errorf("peer %+v", seen)
	}
}

func TestLimits(t *testing.T) {
	st := start(t, func(c *Config) {
		c.MaxFields = 20
		c.MaxUnopened = 3
		c.HandshakeRate, c.HandshakeBurst = 0.001, 8
	})
	var many []string
	for i := range 21 {
		many = append(many, fmt.Sprintf("X-%d: x", i%3))
	}
	if r := st.do("GET", "/socket.io/1/", "", many...); r.status != 431 {
		t.Errorf("many fields: %+v", r)
	}
	var sids []string
	for range 4 {
		sids = append(sids, st.handshakeRev1())
	}
	// The oldest that nobody opened is unknown now; an opened one does not count.
	if r := st.do("GET", "/socket.io/1/xhr-polling/"+sids[0], ""); r.body != "7:::1+0" {
		t.Errorf("the oldest: %+v", r)
	}
	if r := st.do("GET", "/socket.io/1/xhr-polling/"+sids[1], ""); r.body != "1::" {
		t.Errorf("the second: %+v", r)
	}
	for range 4 {
		st.handshakeRev1()
	}
	if st.find(sids[1]) == nil || st.find(sids[2]) != nil || st.Sessions() != 4 {
		t.Errorf("%d sessions", st.Sessions())
	}
	if r := st.do("GET", "/socket.io/1/", ""); r.status != 429 {
		t.Errorf("ninth handshake: %+v", r)
	}
	if r := st.do("GET", eio+"polling", ""); r.status != 429 {
		t.Errorf("tenth: %+v", r)
	}
}

func TestTrustedProxies(t *testing.T) {
	rules := proxyRules{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
	tests := []struct {
		why    string
		remote string
		header http.Header
		want   string
	}{
		{"nothing said", "127.0.0.1:5", nil, "127.0.0.1:5 false h"},
		{"not trusted", "192.0.2.1:5", http.Header{"X-Forwarded-For": {"1.2.3.4"}, "X-Forwarded-Proto": {"https"}}, "192.0.2.1:5 false h"},
		{"X-Forwarded", "127.0.0.1:5", http.Header{"X-Forwarded-For": {"1.2.3.4"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"a.example"}}, "1.2.3.4:0 true a.example"},
		{"what the client made up", "127.0.0.1:5", http.Header{"X-Forwarded-For": {"9.9.9.9, 1.2.3.4"}}, "1.2.3.4:0 false h"},
		{"two proxies of ours", "127.0.0.1:5", http.Header{"X-Forwarded-For": {"9.9.9.9, 1.2.3.4", "10.1.1.1"}}, "1.2.3.4:0 false h"},
		{"Forwarded", "127.0.0.1:5", http.Header{"Forwarded": {`for=9.9.9.9;host=evil, for="[2001:db8::1]:99";proto=https;host=a.example`}}, "[2001:db8::1]:99 true a.example"},
		{"Forwarded goes first", "127.0.0.1:5", http.Header{"Forwarded": {"for=1.2.3.4"}, "X-Forwarded-For": {"9.9.9.9"}}, "1.2.3.4:0 false h"},
		{"nonsense", "127.0.0.1:5", http.Header{"X-Forwarded-For": {"1.2.3.4, unknown"}, "X-Forwarded-Proto": {"https"}}, "127.0.0.1:5 true h"},
		{"how, and not by whom", "127.0.0.1:5", http.Header{"X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"a.example"}}, "127.0.0.1:5 true a.example"},
		{"Forwarded, likewise", "127.0.0.1:5", http.Header{"Forwarded": {"for=unknown;proto=https"}}, "127.0.0.1:5 true h"},
		{"no address", "@", http.Header{"X-Forwarded-For": {"1.2.3.4"}}, "invalid AddrPort false h"},
	}
	for _, tt := range tests {
		f := rules.locate(&http.Request{RemoteAddr: tt.remote, Host: "h", Header: tt.header})
		if got := fmt.Sprintf("%v %v %v", f.address, f.secure, f.host); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.why, got, tt.want)
		}
	}
}

// plainWriter hides everything but the three methods; wrapped shows what is behind it.
type plainWriter struct{ http.ResponseWriter }
type wrapped struct{ http.ResponseWriter }

func (w wrapped) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func TestMiddleware(t *testing.T) {
	var log bytes.Buffer
	edit := func(c *Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) }
	good := start(t, nil, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(wrapped{w}, r) })
	})
	good.open()
	w, _ := good.openWS()
	w.text("4x")
	w.frame()

	bad := start(t, edit, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(plainWriter{w}, r) })
	})
	for range 2 {
		if r := bad.do("GET", eio+"polling", ""); r.status != 500 {
			t.Errorf("poll: %+v", r)
		}
		b := bad.dial()
		b.send("GET " + eio + "websocket HTTP/1.1\r\n" + upgradeFields)
		if r := b.answer(); r.status != 500 {
			t.Errorf("WebSocket: %+v", r)
		}
	}
	if n := strings.Count(log.String(), "transport.plainWriter"); n != 1 {
		t.Errorf("logged %d times: %s", n, log.String())
	}
	if n := bad.Sessions(); n != 0 {
		t.Errorf("%d sessions were spent", n)
	}
}

func TestMounts(t *testing.T) {
	mux := func(pattern string) func(http.Handler) http.Handler {
		return func(h http.Handler) http.Handler {
			m := http.NewServeMux()
			m.Handle(pattern, h)
			return m
		}
	}
	for _, tt := range []struct {
		path string
		wrap []func(http.Handler) http.Handler
	}{
		{"/socket.io/", nil},
		{"/", nil},
		{"/deep/down/", nil},
		{"/socket.io/", []func(http.Handler) http.Handler{mux("/socket.io/")}},
		{"/a/", []func(http.Handler) http.Handler{func(h http.Handler) http.Handler { return http.StripPrefix("/a", h) }, mux("/a/")}},
	} {
		st := start(t, nil, tt.wrap...)
		if r := st.do("GET", tt.path+"?EIO=4&transport=polling", ""); r.status != 200 {
			t.Errorf("%s: %+v", tt.path, r)
		}
		sid, _, _ := strings.Cut(st.do("GET", tt.path+"1/", "").body, ":")
		if r := st.do("GET", tt.path+"1/xhr-polling/"+sid, ""); r.body != "1::" {
			t.Errorf("%s: %+v", tt.path, r)
		}
		before := st.Sessions()
		// http.ServeMux redirects this one; the client follows.
		if r := st.do("GET", tt.path+"1//"+sid+"/?disconnect=1", ""); r.status != 200 || r.body != "" {
			t.Errorf("%s: disconnect: %+v", tt.path, r)
		}
		if st.Sessions() > before {
			t.Errorf("%s: the disconnect made a session", tt.path)
		}
		if r := st.do("GET", tt.path+"1/xhr-polling/"+sid, ""); r.body != "0::" {
			t.Errorf("%s: poll after disconnect: %+v", tt.path, r)
		}
	}
}

func TestShutdown(t *testing.T) {
	st := start(t, nil)
	w, _ := st.openWS()
	rev1 := st.openRev1()
	ws1 := st.ws("/socket.io/1/websocket/" + st.handshakeRev1())
	ws1.want(1, "1::")
	eioPoll, rev1Poll := st.poll(eio+"polling&sid="+st.open()), st.poll("/socket.io/1/xhr-polling/"+rev1)
	st.polls(2)
	st.handshakeRev1() // unopened

	done := make(chan error, 1)
	go func() { done <- st.Shutdown(context.Background(), session.ServerShutdown) }()
	// No 0:: and no close of a namespace, which would make clients stay away.
	if r := get(t, eioPoll, "a poll"); r.body != "1" {
		t.Errorf("Engine.IO poll: %+v", r)
	}
	if r := get(t, rev1Poll, "a poll"); r.body != "7:::1+0" {
		t.Errorf("revision 1 poll: %+v", r)
	}
	w.want(8, closePayload(1001, ""))
	w.eof()
	w.Close()
	ws1.eof()
	ws1.Close()
	if err := get(t, done, "Shutdown"); err != nil {
		t.Error(err)
	}
	for path, body := range map[string]string{eio + "polling": "Service Unavailable", "/socket.io/1/": "handshake error"} {
		if r := st.do("GET", path, ""); r.status != 503 || r.body != body {
			t.Errorf("%s: %+v", path, r)
		}
	}
	if n := st.Sessions(); n != 0 {
		t.Errorf("%d sessions left", n)
	}
}

func TestShutdownIsBounded(t *testing.T) {
	st := start(t, nil)
	path := "/socket.io/1/xhr-polling/" + st.openRev1()
	st.do("POST", path, "3:::x") // the echo waits for a poll
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- st.Shutdown(ctx, session.ServerShutdown) }()
	until(t, "new sessions are refused", func() bool { return st.do("GET", "/socket.io/1/", "").status == 503 })
	cancel()
	if err := get(t, done, "Shutdown"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if n := st.Sessions(); n != 0 {
		t.Errorf("%d sessions left", n)
	}
}

// TestShutdownAlone: who is owed nothing, and is not there, is waited for as long as a
// poll may be on its way.
func TestShutdownAlone(t *testing.T) {
	bubble(t, nil, func(t *testing.T, st *site, dial func() *wire) {
		w := dial()
		sid, _, _ := strings.Cut(w.get("/socket.io/1/").body, ":")
		path := "/socket.io/1/xhr-polling/" + sid
		w.get(path) // 1::
		took(t, time.Second, func() {
			if err := st.Shutdown(t.Context(), session.ServerShutdown); err != nil {
				t.Error(err)
			}
		})
		if r := w.get(path); r.body != "7:::1+0" { // and may come back
			t.Errorf("poll: %+v", r)
		}
	})
}
