package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/socketio/internal/websocket"
	"github.com/sockeye-io/socketio/internal/websocket/wstest"
)

// The timers of the official suites.
const (
	pingInterval = 300 * time.Millisecond
	pingTimeout  = 200 * time.Millisecond
)

// A site is the conformance app in a synctest bubble, so that no test waits and a
// slow machine breaks none.
type site struct {
	*testing.T
	net    *memNet
	client *http.Client
	path   string // "/engine.io/" or "/socket.io/"
}

// A suiteCase is a case of an official test suite: its path of titles, and a test of
// our own of what it says.
type suiteCase struct {
	title string
	test  func(*site)
}

func runSuite(t *testing.T, path string, cases []suiteCase) {
	for _, c := range cases {
		t.Run(c.title, func(t *testing.T) {
			onEngines(t, func(t *testing.T, loop bool) {
				gone, cancel := context.WithCancel(t.Context())
				cancel() // shut down at once
				a := newApp(&config{pingInterval: pingInterval, pingTimeout: pingTimeout, timersSet: true, maxPayload: 1_000_000})
				n := newMemNet(t, a, loop)
				tr := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return n.pipe(), nil }}
				defer func() {
					tr.CloseIdleConnections()
					a.sio.Close()
					_ = a.eio.Shutdown(gone)
					n.Close()
					synctest.Wait()
				}()
				c.test(&site{t, n, &http.Client{Transport: tr}, path})
			})
		})
	}
}

// url returns the path with EIO=4 and more of a query.
func (s *site) url(query string) string { return s.path + "?EIO=4&" + query }

// do makes a request and returns the answer's status and body.
func (s *site) do(method, target, body string) (int, string) {
	s.Helper()
	req, err := http.NewRequest(method, "http://app"+target, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	res, err := s.client.Do(req)
	if err != nil {
		s.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		s.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// answered checks an answer; an empty body is any.
func (s *site) answered(method, target, send string, status int, body string) {
	s.Helper()
	gotStatus, got := s.do(method, target, send)
	if gotStatus != status || body != "" && got != body {
		s.Errorf("%s %s: %d %q, want %d %q", method, target, gotStatus, got, status, body)
	}
}

// poll opens a session by polling and returns its URL.
func (s *site) poll() string {
	s.Helper()
	status, body := s.do("GET", s.url("transport=polling"), "")
	if status != 200 {
		s.Fatalf("handshake: %d %q", status, body)
	}
	return s.url("transport=polling&sid=" + s.opened(body, []string{"websocket"}))
}

// opened checks an open packet and returns the session id.
func (s *site) opened(p string, upgrades []string) string {
	s.Helper()
	var fields map[string]any
	open := struct {
		SID                                   string
		Upgrades                              []string
		PingInterval, PingTimeout, MaxPayload int
	}{}
	if p == "" || p[0] != '0' || json.Unmarshal([]byte(p[1:]), &fields) != nil || json.Unmarshal([]byte(p[1:]), &open) != nil {
		s.Fatalf("open packet %q", p)
	}
	if len(fields) != 5 || open.SID == "" || !slices.Equal(open.Upgrades, upgrades) ||
		open.PingInterval != 300 || open.PingTimeout != 200 || open.MaxPayload != 1_000_000 {
		s.Errorf("open packet %s", p)
	}
	return open.SID
}

// A ws is a client's WebSocket.
type ws struct {
	*wstest.Conn
	s *site
}

// dial makes a WebSocket handshake that must succeed.
func (s *site) dial(query string) ws {
	s.Helper()
	c, err := wstest.Handshake(s.net.pipe(), "app", s.url(query), nil)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { c.Close() })
	return ws{c, s}
}

// open opens a session by WebSocket.
func (s *site) open() ws {
	s.Helper()
	w := s.dial("transport=websocket")
	s.opened(w.text(), nil)
	return w
}

// refused checks that a WebSocket handshake is refused.
func (s *site) refused(target string) {
	s.Helper()
	c, err := wstest.Handshake(s.net.pipe(), "app", target, nil)
	var refused *wstest.RefusedError
	if !errors.As(err, &refused) {
		s.Errorf("%s: %v, %v", target, c, err)
	} else if refused.Response.StatusCode != 400 {
		s.Errorf("%s: %d", target, refused.Response.StatusCode)
	}
}

func (w ws) send(packets ...string) {
	w.s.Helper()
	for _, p := range packets {
		if err := w.WriteText(p); err != nil {
			w.s.Fatal(err)
		}
	}
}

// text returns the next message.
func (w ws) text() string {
	w.s.Helper()
	p, err := w.NextText()
	if err != nil {
		w.s.Fatal(err)
	}
	return p
}

func (w ws) expect(packets ...string) {
	w.s.Helper()
	for _, want := range packets {
		if got := w.text(); got != want {
			w.s.Errorf("got %q, want %q", got, want)
		}
	}
}

// ended waits for the end of the connection.
func (w ws) ended() {
	w.s.Helper()
	for {
		op, _, err := w.Next()
		if errors.Is(err, io.EOF) || op == websocket.Close {
			return
		}
		if err != nil {
			w.s.Errorf("instead of an end: %v", err)
			return
		}
	}
}

// The cases that both suites have.

func handshakePolling(s *site) { s.poll() }

func handshakePollingEIO(s *site) {
	s.answered("GET", s.path+"?transport=polling", "", 400, "")
	s.answered("GET", s.path+"?EIO=abc&transport=polling", "", 400, `{"code":5,"message":"Unsupported protocol version"}`)
}

func handshakePollingTransport(s *site) {
	s.answered("GET", s.path+"?EIO=4", "", 400, `{"code":0,"message":"Transport unknown"}`)
	s.answered("GET", s.path+"?EIO=4&transport=abc", "", 400, `{"code":0,"message":"Transport unknown"}`)
}

func handshakePollingMethod(s *site) {
	s.answered("POST", s.url("transport=polling"), "", 400, `{"code":2,"message":"Bad handshake method"}`)
	s.answered("PUT", s.url("transport=polling"), "", 400, `{"code":2,"message":"Bad handshake method"}`)
}

func handshakeWebSocket(s *site) { s.open() }

func handshakeWebSocketEIO(s *site) {
	s.refused(s.path + "?transport=websocket")
	s.refused(s.path + "?EIO=abc&transport=websocket")
}

func handshakeWebSocketTransport(s *site) {
	s.refused(s.path + "?EIO=4")
	s.refused(s.path + "?EIO=4&transport=abc")
}

func heartbeatPolling(s *site) {
	sid := s.poll()
	for range 3 {
		s.answered("GET", sid, "", 200, "2")
		s.answered("POST", sid, "3", 200, "ok")
	}
}

func heartbeatPollingTimeout(s *site) {
	sid := s.poll()
	time.Sleep(pingInterval + pingTimeout + 50*time.Millisecond)
	s.answered("GET", sid, "", 400, `{"code":1,"message":"Session ID unknown"}`)
}

func heartbeatWebSocket(s *site) {
	w := s.open()
	for range 3 {
		w.expect("2")
		w.send("3")
	}
}

func heartbeatWebSocketTimeout(s *site) {
	begin := time.Now()
	s.open().ended()
	if d := time.Since(begin); d < pingInterval+pingTimeout || d > pingInterval+pingTimeout+100*time.Millisecond {
		s.Errorf("it ended after %v", d)
	}
}

func closePolling(s *site) {
	sid := s.poll()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.answered("GET", sid, "", 200, "6")
	}()
	synctest.Wait()
	s.answered("POST", sid, "1", 200, "ok")
	<-done
	s.answered("GET", sid, "", 400, "")
}

func closeWebSocket(s *site) {
	w := s.open()
	w.send("1")
	w.ended()
}

// upgraded returns a session that moved from polling to a WebSocket, by the shortest
// way: the upgrade does not wait for the probe's answer.
func (s *site) upgraded() (sid string, w ws) {
	sid = s.poll()
	w = s.dial(strings.Replace(strings.TrimPrefix(sid, s.path+"?EIO=4&"), "polling", "websocket", 1))
	w.send("2probe", "5")
	w.expect("3probe")
	synctest.Wait()
	return sid, w
}

func upgradeThenHTTP(s *site) {
	sid, w := s.upgraded()
	s.answered("GET", sid, "", 400, `{"code":3,"message":"Bad request"}`)
	s.answered("POST", sid, "4hello", 400, `{"code":3,"message":"Bad request"}`)
	s.alive(w)
}

func upgradeThenWebSocket(s *site) {
	sid, w := s.upgraded()
	second, err := wstest.Handshake(s.net.pipe(), "app", strings.Replace(sid, "polling", "websocket", 1), nil)
	if err == nil {
		ws{second, s}.ended()
		second.Close()
	}
	s.alive(w)
}

// alive checks that a session is served.
func (s *site) alive(w ws) {
	s.Helper()
	if s.path == "/engine.io/" {
		w.send("4hello")
		w.expect("4hello")
	} else {
		w.send("40")
		if p := w.text(); !strings.HasPrefix(p, `40{"sid":"`) {
			s.Errorf("connect: %q", p)
		}
	}
}
