package engineio_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/sockeye-io/socketio/engineio"
	"github.com/sockeye-io/socketio/internal/websocket/wstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo returns a server that sends everything back, and what happens on it.
func echo(o *engineio.Options) (*engineio.Server, *journal) {
	srv, j := engineio.NewServer(o), &journal{make(chan string, 1<<16)}
	srv.OnConnect(func(*engineio.Socket) { j.add("connect") })
	srv.OnMessage(func(s *engineio.Socket, m engineio.Message) {
		if err := s.Send(m); err != nil {
			j.add("%v", err)
		}
	})
	srv.OnClose(func(_ *engineio.Socket, reason string) { j.add("close: %s", reason) })
	return srv, j
}

// A journal has what happened on the server, in order.
type journal struct{ entries chan string }

func (j *journal) add(format string, args ...any) { j.entries <- fmt.Sprintf(format, args...) }

func (j *journal) want(t *testing.T, texts ...string) {
	t.Helper()
	for _, want := range texts {
		if got := <-j.entries; got != want {
			t.Fatalf("%q happened, want %q", got, want)
		}
	}
}

// silence checks that nothing else happened.
func (j *journal) silence(t *testing.T) {
	t.Helper()
	synctest.Wait()
	if len(j.entries) > 0 {
		t.Fatalf("%q happened, want nothing", <-j.entries)
	}
}

func TestEcho(t *testing.T) {
	each(t, func(t *testing.T, mode string) {
		srv, j := echo(nil)
		c := serve(t, srv).connect(mode)
		j.want(t, "connect")
		c.send("4", "4hé\u2028\U0001F600", "bAQIDBA==", "4b", "4\x00", "bAA==")
		c.want("text ", "text hé\u2028\U0001F600", "binary \x01\x02\x03\x04", "text b", "text \x00", "binary \x00")
		big := strings.Repeat("x", 900_000)
		c.send("4" + big)
		c.want("text " + big)
		time.Sleep(10 * time.Minute) // of heartbeats
		c.send("4still here")
		c.want("text still here")
		j.silence(t)
	})
}

// TestOrder: messages that come as fast as the client can send are handled, and
// answered, in order, while others send, too.
func TestOrder(t *testing.T) {
	each(t, func(t *testing.T, mode string) {
		const messages, batch = 5000, 100 // far more than the outbox holds
		srv, _ := echo(nil)
		s := serve(t, srv)
		clients := []*client{s.connect(mode), s.connect(mode), s.connect(mode)}
		for _, c := range clients {
			go func() { // ends when all is sent
				for i := 0; i < messages; i += batch {
					var packets []string
					for k := i; k < i+batch; k++ {
						packets = append(packets, fmt.Sprint("4", k))
					}
					c.send(packets...)
				}
			}()
		}
		for _, c := range clients {
			for i := range messages {
				c.want(fmt.Sprint("text ", i))
			}
		}
	})
}

// TestConnectFirst: a client may send before OnConnect returns.
func TestConnectFirst(t *testing.T) {
	each(t, func(t *testing.T, mode string) {
		srv, j := echo(nil)
		release := make(chan struct{})
		srv.OnConnect(func(*engineio.Socket) {
			<-release
			j.add("connect")
		})
		srv.OnMessage(func(_ *engineio.Socket, m engineio.Message) { j.add("%s", m.Data) })
		c := serve(t, srv).connect(mode)
		c.send("4a", "4b")
		j.silence(t)
		close(release)
		j.want(t, "connect", "a", "b")
	})
}

// TestNoHandlers: all handlers are optional.
func TestNoHandlers(t *testing.T) {
	each(t, func(t *testing.T, mode string) {
		s := serve(t, engineio.NewServer(nil))
		c := s.connect(mode)
		if !c.send("4hello") {
			t.Error("not accepted")
		}
		if err := s.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestBrokenHandlers(t *testing.T) {
	for name, fail := range map[string]func(){
		"panic":  func() { panic("broken") },
		"nil":    func() { panic(any(nil)) },
		"Goexit": runtime.Goexit,
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, mode string) { brokenHandlers(t, mode, name, fail) })
		})
	}
}

func brokenHandlers(t *testing.T, mode, name string, fail func()) {
	var log bytes.Buffer
	srv, j := echo(&engineio.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	srv.OnMessage(func(s *engineio.Socket, m engineio.Message) {
		if string(m.Data) == "fail" {
			fail()
		}
		_ = s.Send(m)
	})
	s := serve(t, srv)
	c := s.connect(mode)
	j.want(t, "connect")
	c.send("4a", "4fail", "4b", "4fail", "4fail", "4c")
	c.want("text a", "text b", "text c")
	synctest.Wait()
	if n := strings.Count(log.String(), "handler=OnMessage"); n != 3 || !strings.Contains(log.String(), "brokenHandlers") {
		t.Errorf("logged %d times:\n%s", n, log.String())
	}

	srv.OnConnect(func(*engineio.Socket) { fail() })
	other := s.connect(modes[1])
	other.want("end close frame 1000")
	j.want(t, "close: forced close")

	srv.OnClose(func(*engineio.Socket, string) { j.add("close"); fail() })
	c.send("1")
	j.want(t, "close")
	j.silence(t)
	if err := srv.Shutdown(t.Context()); err != nil {
		t.Errorf("%s in OnClose: %v", name, err)
	}
}

// TestSend: what cannot be said to the client is an error of its own, and costs nothing.
func TestSend(t *testing.T) {
	each(t, func(t *testing.T, mode string) {
		srv, j := echo(nil)
		sockets := make(chan *engineio.Socket, 1)
		srv.OnConnect(func(s *engineio.Socket) { sockets <- s })
		c := serve(t, srv).connect(mode)
		s := <-sockets
		if err := s.Send(engineio.Message{Data: []byte("\xff")}); err == nil || errors.Is(err, net.ErrClosed) {
			t.Errorf("text that is not UTF-8: %v", err)
		}
		// In polling it would be three packets, the last one an end.
		err := s.Send(engineio.Message{Data: []byte("a\x1e4b\x1e1")})
		if fails := mode == "polling"; (err != nil) != fails || errors.Is(err, net.ErrClosed) {
			t.Errorf("text with a separator: %v", err)
		}
		if err == nil {
			c.want("text a\x1e4b\x1e1")
		}
		if err := s.Send(engineio.Message{Data: []byte("\xff\x1e"), Binary: true}); err != nil {
			t.Error(err)
		}
		c.want("binary \xff\x1e")
		s.Close()
		if err := s.Send(engineio.Message{}); !errors.Is(err, net.ErrClosed) {
			t.Errorf("after the end: %v", err)
		}
		j.want(t, "close: forced close")
	})
}

func TestOrigins(t *testing.T) {
	for _, c := range []struct {
		origins []string
		origin  string
		status  int
	}{
		{nil, "", 200}, // not a browser
		{nil, "http://example.com", 200},
		{nil, "http://evil.example", 403},
		{nil, "null", 403},
		{[]string{"http://friend.example"}, "http://friend.example", 200},
		{[]string{"http://friend.example"}, "http://friend.example.evil.example", 403},
		{[]string{"*"}, "http://evil.example", 200},
	} {
		synctest.Test(t, func(t *testing.T) {
			srv, j := echo(&engineio.Options{Origins: c.origins, Logger: slog.New(slog.DiscardHandler)})
			s := serve(t, srv)
			header := http.Header{}
			if c.origin != "" {
				header.Set("Origin", c.origin)
			}
			tr := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return s.dial(), nil }}
			defer tr.CloseIdleConnections()
			if got, body := (&client{http: &http.Client{Transport: tr}}).do("GET", "", header); got != c.status {
				t.Errorf("%q with %q: %d %q", c.origin, c.origins, got, body)
			}
			ws, err := wstest.Handshake(s.dial(), "example.com", page+"websocket", header)
			if refused := (*wstest.RefusedError)(nil); errors.As(err, &refused) {
				if refused.Response.StatusCode != c.status {
					t.Errorf("%q with %q: %v", c.origin, c.origins, err)
				}
			} else if err != nil || c.status != 200 {
				t.Errorf("%q with %q: %v", c.origin, c.origins, err)
			} else {
				ws.Close()
			}
			if c.status != 200 {
				j.silence(t) // no session was made
			}
		})
	}
}

func TestOptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, _ := echo(&engineio.Options{PingInterval: time.Minute, PingTimeout: 1500 * time.Millisecond, MaxPayload: 500})
		s := serve(t, srv)
		ws := s.webSocket("")
		p, err := ws.NextText()
		if err != nil || !strings.HasSuffix(p, `"pingInterval":60000,"pingTimeout":1500,"maxPayload":500}`) {
			t.Errorf("open packet: %q, %v", p, err)
		}
		c := s.connect("polling")
		if status, _ := c.do("POST", "4"+strings.Repeat("x", 500), nil); status != http.StatusRequestEntityTooLarge {
			t.Errorf("a body that is too large: %d", status)
		}
	})
	for _, o := range []engineio.Options{{PingInterval: -1}, {PingTimeout: -1}, {MaxPayload: -1}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%+v is taken", o)
				}
			}()
			engineio.NewServer(&o)
		}()
	}
}
