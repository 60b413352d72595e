package transport

import (
	"bytes"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/socketio/internal/generation"
	"github.com/sockeye-io/socketio/internal/session"
	"github.com/sockeye-io/socketio/internal/websocket"
	"github.com/sockeye-io/socketio/packet"
)

func TestWebSocketEngineIO(t *testing.T) {
	st := start(t, nil)
	w := st.ws(eio + "websocket")
	_, open := w.frame()
	if !strings.Contains(open, `"upgrades":[]`) {
		t.Errorf("open packet: %s", open)
	}
	sid := st.sid(open)
	w.text("4hello")
	w.want(websocket.Text, "4hello")
	w.send(masked(websocket.Binary, "\x01\x02"))
	w.want(websocket.Binary, "\x01\x02")
	w.send(masked(websocket.Ping, "p")) // RFC 6455 §5.5.2
	w.want(websocket.Pong, "p")

	// THREATS.md: a session born on a WebSocket takes no second one, and no poll.
	if r := st.do("GET", eio+"polling&sid="+sid, ""); r.status != 400 || r.body != `{"code":3,"message":"Bad request"}` {
		t.Errorf("poll: %+v", r)
	}
	if r := st.do("POST", eio+"polling&sid="+sid, "4x"); r.status != 400 {
		t.Errorf("POST: %+v", r)
	}
	w2 := st.ws(eio + "websocket&sid=" + sid)
	w2.want(websocket.Close, closePayload(1000, ""))
	w2.eof()

	w.send(masked(websocket.Close, closePayload(1000, "bye")))
	w.want(websocket.Close, closePayload(1000, "")) // RFC 6455 §5.5.1
	w.eof()
	if r := get(t, st.h.reasons, "the end"); r != session.TransportClose {
		t.Errorf("reason %q", r)
	}
}

func TestWebSocketRev1(t *testing.T) {
	st := start(t, nil)
	sid := st.handshakeRev1()
	w := st.ws("/socket.io/1/websocket/" + sid)
	w.want(websocket.Text, "1::")
	w.text("3:::hello")
	w.want(websocket.Text, "3:::hello")

	// The transport may change, and the client is told again (revision-1.md §7.2, §7.3).
	w2 := st.ws("/socket.io/1/websocket/" + sid)
	w2.want(websocket.Text, "1::")
	w.eof() // no close frame: revision-1.md §8.5
	if r := st.do("GET", "/socket.io/1/xhr-polling/"+sid, ""); r.body != "1::" {
		t.Errorf("poll over a WebSocket: %+v", r)
	}
	w2.eof()

	w3 := st.ws("/socket.io/1/websocket/" + sid)
	w3.want(websocket.Text, "1::")
	w3.text("0::")
	w3.want(websocket.Text, "0::") // [T websocket-13]
	w3.eof()

	// [T websocket-13-refused]: unknown by now, so 101, one frame, the end.
	w4 := st.ws("/socket.io/1/websocket/" + sid)
	w4.want(websocket.Text, "7:::1+0")
	w4.eof()
}

// TestEarlyData sends frames in one write with the handshake: they are handled, in order.
func TestEarlyData(t *testing.T) {
	st := start(t, nil)
	w := st.dial()
	w.send("GET " + eio + "websocket HTTP/1.1\r\n" + upgradeFields + masked(websocket.Text, "4a") + masked(websocket.Text, "4b"))
	w.upgraded()
	_, open := w.frame()
	st.sid(open)
	w.want(websocket.Text, "4a")
	w.want(websocket.Text, "4b")
}

func TestUpgrade(t *testing.T) {
	st := start(t, nil)
	sid := st.open()
	path := eio + "polling&sid=" + sid
	waiting := st.poll(path)
	st.polls(1)

	w := st.ws(eio + "websocket&sid=" + sid)
	second := st.ws(eio + "websocket&sid=" + sid) // while another one probes
	second.want(websocket.Close, closePayload(1000, ""))
	second.eof()
	w.text("2probe")
	w.want(websocket.Text, "3probe")
	// Polls in flight are ended by a noop, and those that come too.
	if r := get(t, waiting, "the poll"); r.body != "6" {
		t.Errorf("waiting poll: %+v", r)
	}
	if r := st.do("GET", path, ""); r.body != "6" {
		t.Errorf("later poll: %+v", r)
	}
	st.do("POST", path, "4by POST")
	w.text("5")
	w.want(websocket.Text, "4by POST")
	if r := st.do("GET", path, ""); r.status != 400 || r.body != `{"code":3,"message":"Bad request"}` {
		t.Errorf("poll after the upgrade: %+v", r)
	}
	third := st.ws(eio + "websocket&sid=" + sid)
	third.want(websocket.Close, closePayload(1000, ""))
	third.eof()
	w.text("4x")
	w.want(websocket.Text, "4x")
}

func TestUpgradeFails(t *testing.T) {
	tests := []struct {
		why   string
		wrong func(w *wire)
	}{
		{"not a probe", func(w *wire) { w.text("4x") }},
		{"nonsense", func(w *wire) { w.text("abc") }},
		{"upgrade without probe", func(w *wire) { w.text("5") }},
		{"broken frame", func(w *wire) { w.send("\xF1\x80abcd") }},
		{"close frame", func(w *wire) { w.send(masked(websocket.Close, "")) }},
	}
	st := start(t, nil)
	for _, tt := range tests {
		sid := st.open()
		w := st.ws(eio + "websocket&sid=" + sid)
		tt.wrong(w)
		if op, p, err := w.tryFrame(); err != nil || op != websocket.Close {
			t.Errorf("%s: frame %x %q %v, want a close frame", tt.why, op, p, err)
		}
		w.eof()
		// The polling session stays whole.
		again := st.ws(eio + "websocket&sid=" + sid)
		again.text("2probe")
		again.want(websocket.Text, "3probe")
		again.Close()
		st.do("POST", eio+"polling&sid="+sid, "4still here")
		if r := st.do("GET", eio+"polling&sid="+sid, ""); r.body != "4still here" {
			t.Errorf("%s: poll %+v", tt.why, r)
		}
	}
}

func TestUpgradeRefused(t *testing.T) {
	st := start(t, nil)
	const ok = upgradeFields
	without := func(field string) string {
		var b strings.Builder
		for line := range strings.Lines(ok) {
			if !strings.HasPrefix(line, field) {
				b.WriteString(line)
			}
		}
		return b.String()
	}
	rev1 := st.handshakeRev1()
	tests := []struct {
		why, path, fields string
		status            int
		body              string
	}{
		{"unknown session", eio + "websocket&sid=made-up", ok, 400, `{"code":1,"message":"Session ID unknown"}`},
		{"a session of another generation", eio + "websocket&sid=" + rev1, ok, 400, `{"code":1,"message":"Session ID unknown"}`},
		{"no transport", "/socket.io/?EIO=4", ok, 400, `{"code":0,"message":"Transport unknown"}`},
		{"unknown transport", eio + "abc", ok, 400, `{"code":0,"message":"Transport unknown"}`},
		{"no EIO", "/socket.io/?transport=websocket", ok, 400, `{"code":5,"message":"Unsupported protocol version"}`},
		{"no Upgrade", eio + "websocket", without("Upgrade"), 400, `{"code":3,"message":"Bad request"}`},
		{"no key", eio + "websocket", without("Sec-WebSocket-Key"), 400, `{"code":3,"message":"Bad request"}`},
		{"other version", eio + "websocket", strings.Replace(ok, "13", "14", 1), 426, ""},
		{"revision 1 without Upgrade", "/socket.io/1/websocket/" + rev1, without("Upgrade"), 400, ""},
		{"revision 1, the handshake's URL is a handshake", "/socket.io/1/", ok, 200, ""},
	}
	for _, tt := range tests {
		w := st.dial()
		w.send("GET " + tt.path + " HTTP/1.1\r\n" + tt.fields)
		if r := w.answer(); r.status != tt.status || tt.body != "" && r.body != tt.body {
			t.Errorf("%s: %+v", tt.why, r)
		}
	}
	if n := st.Sessions(); n != 2 { // two handshakes of revision 1
		t.Errorf("%d sessions", n)
	}
}

func TestWebSocketErrors(t *testing.T) {
	st := start(t, nil)
	tests := []struct {
		why, send string
		code      int
	}{
		{"not masked", "\x81\x01x", 1002},
		{"reserved bits", "\xC1\x80abcd", 1002},
		{"too long, announced only", "\x82\xFF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x00\x00\x00\x00", 1009},
		{"not UTF-8", masked(websocket.Text, "4\xFF"), 1007},
		{"half a close code", masked(websocket.Close, "\x03"), 1002},
		{"unknown packet type", masked(websocket.Text, "abc"), 1002},
		{"a packet of the server's", masked(websocket.Text, "2"), 1002},
	}
	for _, tt := range tests {
		w, sid := st.openWS()
		w.send(tt.send)
		op, p := w.frame()
		if op != websocket.Close || len(p) < 2 || int(p[0])<<8|int(p[1]) != tt.code {
			t.Errorf("%s: frame %x %q, want close %d", tt.why, op, p, tt.code)
		}
		w.eof()
		get(t, st.h.reasons, "the end")
		until(t, "the session is unknown", func() bool { return st.find(sid) == nil })
	}
}

func TestKick(t *testing.T) {
	st := start(t, nil)
	w, sid := st.openWS()
	s := st.session(sid)
	send(s, packet.Packet{Type: packet.Text, Data: []byte("last words")})
	s.End(st.Now(), session.Kick, session.ServerDisconnect)
	w.want(websocket.Text, "4last words")
	w.want(websocket.Close, closePayload(1000, ""))
	w.eof()

	rev1 := st.handshakeRev1()
	w = st.ws("/socket.io/1/websocket/" + rev1)
	w.want(websocket.Text, "1::")
	st.session(rev1).End(st.Now(), session.Kick, session.ServerDisconnect)
	w.want(websocket.Text, "0::") // [T websocket-kick]
	w.eof()
}

// TestPongs floods with pings while the writer is stuck: at most 16 pongs wait.
func TestPongs(t *testing.T) {
	s := New(config(newEcho()))
	defer s.Close()
	x := exchange{s: s, route: generation.Route{Generation: s.served[0]}}
	st := x.newStream(websocket.Answer{Dialect: websocket.RFC6455})
	for i := range 100 {
		st.message(0, websocket.Ping, []byte{byte(i)})
	}
	out, last := st.own(nil)
	if last || len(out) != maxPongs*3 || out[2] != 100-maxPongs || out[len(out)-1] != 99 {
		t.Errorf("own = %q, %v", out, last)
	}
}

// TestStuckPeer ends a session whose client does not read: its connection ends too.
func TestStuckPeer(t *testing.T) {
	st := start(t, func(c *Config) {
		c.Linger = 50 * time.Millisecond
		c.Sessions[0].Limits.OutboxBytes = 1 << 20
	})
	w, sid := st.openWS()
	s := st.session(sid)
	big := packet.Packet{Type: packet.Binary, Data: make([]byte, 1<<20)}
	until(t, "the outbox is full", func() bool {
		wake, err := s.Push(session.NewSingle(big, false))
		if wake != nil {
			wake.Wake()
		}
		return err != nil
	})
	if r := get(t, st.h.reasons, "the end"); r != session.OutboxFull {
		t.Errorf("reason %q", r)
	}
	until(t, "the connection is gone", func() bool {
		st.streams.mu.Lock()
		defer st.streams.mu.Unlock()
		return st.streams.n == 0
	})
	_ = w
}

// TestPauseStream stops reading at a full inbox, and goes on at Resume.
func TestPauseStream(t *testing.T) {
	st := start(t, nil)
	w, sid := st.openWS()
	st.h.mu.Lock()
	st.h.pause, st.h.mute = 1, true
	st.h.mu.Unlock()
	w.text("4one")
	get(t, st.h.got, "the first message")
	s := st.session(sid)
	until(t, "the session is paused", s.Paused)
	// More than all buffers between the two hold, so that writing must stop.
	big := masked(websocket.Binary, strings.Repeat("x", 90_000))
	_ = w.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
	written := 0
	for {
		n, err := w.Write([]byte(big)[written%len(big):])
		written += n
		if err != nil {
			if ne, ok := err.(net.Error); !ok || !ne.Timeout() {
				t.Fatal(err)
			}
			break
		}
		if written > 64<<20 {
			t.Fatal("a paused stream is read")
		}
	}
	_ = w.SetWriteDeadline(time.Now().Add(patience))
	s.Resume()
	if part := written % len(big); part > 0 {
		w.send(big[part:])
		written += len(big) - part
	}
	for range written / len(big) {
		if p := get(t, st.h.got, "a message"); len(p.Data) != 90_000 || !bytes.HasPrefix(p.Data, []byte("xx")) {
			t.Fatalf("message of %d bytes", len(p.Data))
		}
	}
}
