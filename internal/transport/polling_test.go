package transport

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/socketio/internal/session"
)

func TestPollingEngineIO(t *testing.T) {
	st := start(t, nil)
	r := st.do("GET", eio+"polling", "")
	sid := st.sid(r.body)
	for _, part := range []string{`"upgrades":["websocket"]`, `"pingInterval":25000`, `"pingTimeout":20000`, `"maxPayload":100000`} {
		if !strings.Contains(r.body, part) {
			t.Errorf("open packet %s lacks %s", r.body, part)
		}
	}
	for name, want := range map[string]string{
		"Content-Type": "text/plain; charset=UTF-8", "Cache-Control": "no-store", "X-Accel-Buffering": "no",
	} {
		if got := r.header.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	path := eio + "polling&sid=" + sid

	// Engine.IO 4 test suite, "sends and receives a payload containing …".
	for _, body := range []string{"4hello", "4test1\x1e4test2\x1e4test3", "4hello\x1ebAQIDBA=="} {
		if r := st.do("POST", path, body); r.status != 200 || r.body != "ok" || r.header.Get("Content-Type") != "text/html" {
			t.Fatalf("POST: %+v", r)
		}
		if r := st.do("GET", path, ""); r.status != 200 || r.body != body {
			t.Fatalf("GET: %+v, want %q", r, body)
		}
	}

	// A poll that waits is answered when there is something.
	answer := st.poll(path)
	st.polls(1)
	st.do("POST", path, "4x")
	if r := get(t, answer, "the poll"); r.body != "4x" {
		t.Errorf("waiting poll: %+v", r)
	}

	// Engine.IO 4 test suite, "forcefully closes the session": the poll gets a noop.
	answer = st.poll(path)
	st.polls(1)
	st.do("POST", path, "1")
	if r := get(t, answer, "the poll"); r.body != "6" {
		t.Errorf("poll of a closed session: %+v", r)
	}
	if r := st.do("GET", path, ""); r.status != 400 || r.body != `{"code":1,"message":"Session ID unknown"}` {
		t.Errorf("after close: %+v", r)
	}
}

func TestPollingRev1(t *testing.T) {
	st := start(t, nil)
	sid := st.openRev1()
	path := "/socket.io/1/xhr-polling/" + sid
	if r := st.do("POST", path+"?t=1", "3:::hello", "Origin: http://a.example", "Host: a.example"); r.status != 200 || r.body != "1" ||
		r.header.Get("Content-Type") != "text/plain; charset=UTF-8" || r.header.Get("X-XSS-Protection") != "0" {
		t.Errorf("POST: %+v", r)
	}
	if r := st.do("GET", path+"/?t=1", ""); r.body != "3:::hello" || r.header.Get("Content-Type") != "text/plain; charset=UTF-8" {
		t.Errorf("GET: %+v", r)
	}
	st.do("POST", path, "\ufffd5\ufffd3:::a\ufffd6\ufffd3:::😀")
	if r := st.do("GET", path, ""); r.body != "\ufffd5\ufffd3:::a\ufffd6\ufffd3:::😀" { // revision-1.md §5.3
		t.Errorf("GET: %+v", r)
	}
	st.do("POST", path, "nonsense") // [T xhr-polling-payload-errors]: "1", and the session lives
	st.do("POST", path, "3:::y")
	if r := st.do("GET", path, ""); r.body != "3:::y" {
		t.Errorf("GET: %+v", r)
	}
	st.do("POST", path, "0::")
	if r := st.do("GET", path, ""); r.body != "0::" { // revision-1.md §7.5
		t.Errorf("GET after 0::: %+v", r)
	}
	until(t, "the session is gone", func() bool { return st.find(sid) == nil })
	if r := st.do("GET", path, ""); r.status != 200 || r.body != "7:::1+0" { // [T xhr-polling-bad-session]
		t.Errorf("GET after the end: %+v", r)
	}
}

func TestTwoPolls(t *testing.T) {
	st := start(t, nil)
	t.Run("Engine.IO", func(t *testing.T) {
		// Engine.IO 4 test suite, "closes the session upon duplicate poll requests".
		sid := st.open()
		path := eio + "polling&sid=" + sid
		first := st.poll(path)
		st.polls(1)
		second := st.do("GET", path, "")
		if r := get(t, first, "the first poll"); r.status != 200 || r.body != "1" {
			t.Errorf("first: %+v", r)
		}
		if second.status != 400 || second.body != `{"code":3,"message":"Bad request"}` {
			t.Errorf("second: %+v", second)
		}
		if r := st.do("GET", path, ""); r.status != 400 {
			t.Errorf("afterwards: %+v", r)
		}
	})
	t.Run("revision 1", func(t *testing.T) {
		// revision-1.md §7.3: the replaced poll is answered, the second one waits.
		sid := st.openRev1()
		path := "/socket.io/1/xhr-polling/" + sid
		first := st.poll(path)
		st.polls(1)
		second := st.poll(path)
		if r := get(t, first, "the first poll"); r.status != 200 || r.body != "8::" {
			t.Errorf("first: %+v", r)
		}
		send(st.session(sid), text("x"))
		if r := get(t, second, "the second poll"); r.body != "3:::x" {
			t.Errorf("second: %+v", r)
		}
	})
}

func TestResetPoll(t *testing.T) {
	st := start(t, nil)
	reset := func(t *testing.T, sid, path string) {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { _, _ = st.tryContext(ctx, "GET", path, ""); close(done) }()
		st.polls(1)
		cancel()
		get(t, done, "the client")
	}
	t.Run("revision 1 loses nothing", func(t *testing.T) {
		sid := st.openRev1()
		s := st.session(sid)
		reset(t, sid, "/socket.io/1/xhr-polling/"+sid)
		st.polls(0)
		send(s, text("kept"))
		if r := st.do("GET", "/socket.io/1/xhr-polling/"+sid, ""); r.body != "3:::kept" {
			t.Errorf("next poll: %+v", r)
		}
	})
	t.Run("Engine.IO ends the session", func(t *testing.T) {
		// engine.io 6.6, transports/polling.js: "poll connection closed prematurely".
		for len(st.h.reasons) > 0 {
			<-st.h.reasons
		}
		sid := st.open()
		reset(t, sid, eio+"polling&sid="+sid)
		if r := get(t, st.h.reasons, "the end"); r != session.TransportClose {
			t.Errorf("reason %q", r)
		}
	})
}

func TestReadTimeoutOfServer(t *testing.T) {
	// A poll outlives the ReadTimeout and WriteTimeout of an http.Server that knows
	// nothing of polls.
	h := newEcho()
	cfg := config(h)
	cfg.Sessions[0].Timers.Interval = 300 * time.Millisecond
	s := New(cfg)
	t.Cleanup(s.Close)
	st := &site{Server: s, t: t, h: h}
	st.http = newServer(s, func(hs *http.Server) {
		hs.ReadTimeout, hs.WriteTimeout = 100*time.Millisecond, 100*time.Millisecond
	})
	t.Cleanup(st.http.Close)
	sid := st.open()
	if r := st.do("GET", eio+"polling&sid="+sid, ""); r.status != 200 || r.body != "2" {
		t.Errorf("poll: %+v", r)
	}
}
