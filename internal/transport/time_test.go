package transport

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/socketio/internal/session"
	"github.com/sockeye-io/socketio/internal/websocket"
)

// pipes is a listener of connections in memory, which synctest can wait for.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// bubble runs f with a server in a synctest bubble. dial makes a connection.
func bubble(t *testing.T, edit func(*Config), f func(t *testing.T, st *site, dial func() *wire)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := newEcho()
		cfg := config(h)
		if edit != nil {
			edit(cfg)
		}
		s := New(cfg)
		l := &pipes{make(chan net.Conn), make(chan struct{})}
		hs := &http.Server{Handler: s}
		go hs.Serve(l) // ends with Close
		var clients []net.Conn
		defer func() {
			s.Close()
			for _, c := range clients {
				c.Close()
			}
			hs.Close()
			synctest.Wait()
		}()
		f(t, &site{Server: s, t: t, h: h}, func() *wire {
			client, server := net.Pipe()
			l.conns <- server
			clients = append(clients, client)
			w := newWire(t, client)
			_ = client.SetDeadline(time.Time{}) // the bubble finds what hangs
			return w
		})
	})
}

func (w *wire) get(path string) reply {
	w.t.Helper()
	w.send("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n")
	return w.answer()
}

// took runs f and checks how long it took, within the wheel's resolution.
func took(t *testing.T, want time.Duration, f func()) {
	t.Helper()
	begin := time.Now()
	f()
	if d := time.Since(begin); d < want || d > want+300*time.Millisecond {
		t.Errorf("took %v, want %v", d, want)
	}
}

func TestHeartbeatTimes(t *testing.T) {
	bubble(t, nil, func(t *testing.T, st *site, dial func() *wire) {
		w := dial()
		sid := st.sid(w.get(eio + "polling").body)
		path := eio + "polling&sid=" + sid
		took(t, 25*time.Second, func() {
			if r := w.get(path); r.body != "2" {
				t.Errorf("poll: %+v", r)
			}
		})
		// THREATS.md: "a poll at the ping timeout is ended, not left".
		took(t, 20*time.Second, func() {
			if r := w.get(path); r.body != "1" {
				t.Errorf("poll: %+v", r)
			}
		})
		if r := <-st.h.reasons; r != session.PingTimeout {
			t.Errorf("reason %q", r)
		}
	})
}

func TestTimesRev1(t *testing.T) {
	bubble(t, nil, func(t *testing.T, st *site, dial func() *wire) {
		w := dial()
		handshake := func() string {
			sid, _, _ := strings.Cut(w.get("/socket.io/1/").body, ":")
			return "/socket.io/1/xhr-polling/" + sid
		}
		path, unused := handshake(), handshake()
		w.get(path) // 1::
		took(t, 20*time.Second, func() {
			if r := w.get(path); r.body != "8::" { // [T xhr-polling-noop]
				t.Errorf("poll: %+v", r)
			}
		})
		// Unused for 20 of its 60 seconds, and still known after 59 (revision-1.md §4.6).
		time.Sleep(39 * time.Second)
		if r := w.get(unused); r.body != "1::" {
			t.Errorf("opened late: %+v", r)
		}
		time.Sleep(22 * time.Second)
		if r := w.get(path); r.body != "7:::1+0" { // [T close-timeout]
			t.Errorf("poll after the close timeout: %+v", r)
		}
		late := handshake()
		time.Sleep(61 * time.Second)
		if r := w.get(late); r.body != "7:::1+0" {
			t.Errorf("opened too late: %+v", r)
		}
		if n := st.Sessions(); n != 0 {
			t.Errorf("%d sessions", n)
		}
	})
}

func TestSlowBody(t *testing.T) {
	bubble(t, nil, func(t *testing.T, st *site, dial func() *wire) {
		w := dial()
		path := eio + "polling&sid=" + st.sid(w.get(eio+"polling").body)
		took(t, 30*time.Second, func() {
			w.send(post(path, "Content-Length: 10\r\n", "4x"))
			if r := w.answer(); r.status != 408 {
				t.Errorf("slow body: %+v", r)
			}
		})
		took(t, dropTime, w.eof)
	})
}

// TestBodyEndsWithSession: a body that trickles does not keep its session.
func TestBodyEndsWithSession(t *testing.T) {
	edit := func(c *Config) { c.BodyTimeout = time.Hour }
	bubble(t, edit, func(t *testing.T, st *site, dial func() *wire) {
		w := dial()
		path := eio + "polling&sid=" + st.sid(w.get(eio+"polling").body)
		took(t, 45*time.Second, func() { // ping interval and timeout
			w.send(post(path, "Content-Length: 10\r\n", "4x"))
			if r := w.answer(); r.status != 400 && r.status != 408 {
				t.Errorf("answer: %+v", r)
			}
		})
		took(t, dropTime, w.eof)
	})
}

// TestUnreadBody: a request that is refused does not wait for its body for long.
func TestUnreadBody(t *testing.T) {
	bubble(t, nil, func(t *testing.T, st *site, dial func() *wire) {
		w := dial()
		took(t, dropTime, func() {
			w.send(post(eio+"polling&sid=x", "Content-Length: 10\r\n", "4x"))
			if r := w.answer(); r.status != 400 {
				t.Errorf("answer: %+v", r)
			}
			w.eof()
		})
	})
}

// TestCloseOvertakesPoll: a close packet that comes a moment before the poll that was
// sent with it.
func TestCloseOvertakesPoll(t *testing.T) {
	bubble(t, nil, func(t *testing.T, st *site, dial func() *wire) {
		path := eio + "polling&sid=" + st.sid(dial().get(eio+"polling").body)
		w, p := dial(), dial()
		w.send(post(path, length("1"), "1"))
		synctest.Wait()
		if r := p.get(path); r.body != "6" {
			t.Errorf("poll: %+v", r)
		}
		if r := w.answer(); r.body != "ok" {
			t.Errorf("POST: %+v", r)
		}
		// Without one it is not waited for long, and what comes later is refused.
		path = eio + "polling&sid=" + st.sid(dial().get(eio+"polling").body)
		begin := time.Now()
		w.send(post(path, length("1"), "1"))
		if r := w.answer(); r.body != "ok" || time.Since(begin) != pollDelay {
			t.Errorf("POST: %+v after %v", r, time.Since(begin))
		}
		if r := p.get(path); r.status != 400 {
			t.Errorf("poll: %+v", r)
		}
	})
}

func TestProbeTimes(t *testing.T) {
	bubble(t, nil, func(t *testing.T, st *site, dial func() *wire) {
		sid := st.sid(dial().get(eio + "polling").body)
		w := dial()
		took(t, 10*time.Second, func() {
			w.send("GET " + eio + "websocket&sid=" + sid + " HTTP/1.1\r\n" + upgradeFields)
			w.upgraded()
			w.want(websocket.Close, closePayload(1000, ""))
			w.Close()
		})
		w2 := dial()
		w2.send(post(eio+"polling&sid="+sid, length("4x"), "4x"))
		if r := w2.answer(); r.body != "ok" {
			t.Errorf("POST: %+v", r)
		}
	})
}

// TestSilentGoodbye: a client that says nothing to a close frame is cut off.
func TestSilentGoodbye(t *testing.T) {
	bubble(t, nil, func(t *testing.T, st *site, dial func() *wire) {
		w := dial()
		w.send("GET " + eio + "websocket HTTP/1.1\r\n" + upgradeFields)
		w.upgraded()
		_, open := w.frame()
		st.session(st.sid(open)).End(st.Now(), session.Kick, session.ServerDisconnect)
		w.want(websocket.Close, closePayload(1000, ""))
		took(t, 5*time.Second, w.eof)
	})
}

// TestShutdownOfSilentPeers: what peers owe is not waited for.
func TestShutdownOfSilentPeers(t *testing.T) {
	bubble(t, nil, func(t *testing.T, st *site, dial func() *wire) {
		w := dial()
		w.send("GET " + eio + "websocket HTTP/1.1\r\n" + upgradeFields)
		w.upgraded()
		w.frame()
		go func() { _, _, _ = w.tryFrame() }() // the close frame, and no more
		took(t, lastGoodbye, func() {
			if err := st.Shutdown(context.Background(), session.ServerShutdown); err != nil {
				t.Error(err)
			}
		})
	})
}

func TestTickHook(t *testing.T) {
	var ticks atomic.Int32
	var s *Server
	edit := func(c *Config) {
		c.Tick = func(now time.Duration) time.Duration {
			if ticks.Add(1) < 3 {
				return now + time.Second
			}
			return 0
		}
	}
	bubble(t, edit, func(t *testing.T, st *site, _ func() *wire) {
		s = st.Server
		s.Schedule(s.Now() + time.Minute)
		s.Schedule(s.Now() + time.Second)
		s.Schedule(s.Now() + time.Hour)
		time.Sleep(1300 * time.Millisecond)
		if n := ticks.Load(); n != 1 {
			t.Errorf("%d ticks after a second", n)
		}
		time.Sleep(time.Minute)
		if n := ticks.Load(); n != 3 {
			t.Errorf("%d ticks after a minute", n)
		}
	})
}

// TestUnreadAnswers: who does not read what it is answered, whatever that is, loses its
// connection, and not sooner than it has to.
func TestUnreadAnswers(t *testing.T) {
	bubble(t, nil, func(t *testing.T, st *site, dial func() *wire) {
		sid := st.sid(dial().get(eio + "polling").body)
		for name, request := range map[string]string{
			"poll":      "GET " + eio + "polling HTTP/1.1\r\nHost: x\r\n\r\n",
			"POST":      "POST " + eio + "polling&sid=" + sid + " HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\n4hello",
			"refusal":   "GET " + eio + "polling&sid=nosuch HTTP/1.1\r\nHost: x\r\n\r\n",
			"handshake": "GET /socket.io/1/ HTTP/1.1\r\nHost: x\r\n\r\n",
			"preflight": "OPTIONS /socket.io/1/ HTTP/1.1\r\nHost: x\r\n\r\n",
		} {
			for _, patient := range []bool{true, false} {
				w := dial() // an unbuffered pipe
				w.send(request)
				wait := st.cfg.WriteTimeout - time.Second
				if !patient {
					wait += 2 * time.Second
				}
				time.Sleep(wait)
				if _, err := w.r.ReadByte(); (err == nil) != patient {
					t.Errorf("%s after %v: %v", name, wait, err)
				}
				w.Close()
			}
		}
	})
}
