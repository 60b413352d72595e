package engineio_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/socketio/engineio"
	"github.com/sockeye-io/socketio/internal/websocket"
	"github.com/sockeye-io/socketio/internal/websocket/wstest"
)

// An ending is a way in which a session ends.
type ending struct {
	name   string
	modes  []string // nil: all
	end    func(c *client, s *engineio.Socket)
	reason string
	drops  bool              // what no handler has seen is dropped
	told   map[string]string // what the client got, by mode; "": not looked at
}

var (
	streams = []string{"websocket", "upgrade"}
	polling = []string{"polling"}
)

func told(poll, stream string) map[string]string {
	return map[string]string{"polling": poll, "websocket": stream, "upgrade": stream}
}

var endings = []ending{
	{name: "close packet", reason: "transport close", told: told("end 400", "end close frame 1000"),
		end: func(c *client, _ *engineio.Socket) { c.send("1") }},
	{name: "close frame", modes: streams, reason: "transport close", told: told("", "end close frame 1000"),
		end: func(c *client, _ *engineio.Socket) { _ = c.ws.WriteClose(1000, "") }},
	{name: "connection cut", modes: streams, reason: "transport close",
		end: func(c *client, _ *engineio.Socket) { c.ws.Close() }},
	{name: "poll cut", modes: polling, reason: "transport close",
		end: func(c *client, _ *engineio.Socket) {
			ctx, cancel := context.WithCancel(context.Background())
			c.pollOnce(ctx, cancel)
		}},
	{name: "silence", reason: "ping timeout", told: told("end close packet", "end close frame 1001"),
		end: func(c *client, _ *engineio.Socket) {
			c.mu.Lock()
			c.deaf = true
			c.mu.Unlock()
		}},
	{name: "unknown packet", reason: "parse error", drops: true, told: told("end close packet", "end close frame 1002"),
		end: func(c *client, _ *engineio.Socket) { c.send("9") }},
	{name: "unmasked frame", modes: streams, reason: "transport error", told: told("", "end close frame 1002"),
		end: func(c *client, _ *engineio.Socket) {
			_ = c.ws.Send(wstest.Frame{Op: websocket.Text, Payload: []byte("4"), Unmasked: true})
		}},
	{name: "two polls", modes: polling, reason: "transport error", told: told("end close packet", ""),
		end: func(c *client, _ *engineio.Socket) { c.do("GET", "", nil) }},
	{name: "body too large", modes: polling, reason: "transport error", told: told("end close packet", ""),
		end: func(c *client, _ *engineio.Socket) { c.do("POST", "4"+strings.Repeat("x", 1_000_000), nil) }},
	{name: "message too large", modes: streams, reason: "transport error", told: told("", "end close frame 1009"),
		end: func(c *client, _ *engineio.Socket) { c.send("4" + strings.Repeat("x", 1_000_000)) }},
	{name: "Close", reason: "forced close", drops: true, told: told("end close packet", "end close frame 1000"),
		end: func(_ *client, s *engineio.Socket) { s.Close(); s.Close() }},
}

// pollOnce takes the place of a poll loop that has stopped, and cancels its poll.
func (c *client) pollOnce(ctx context.Context, cancel func()) {
	c.mu.Lock()
	c.stop = true
	c.mu.Unlock()
	c.send("4answer") // ends the loop
	synctest.Wait()
	go func() { // ends with cancel
		req, _ := http.NewRequestWithContext(ctx, "GET", "http://example.com"+page+"polling&sid="+c.sid, nil)
		if res, err := c.http.Do(req); err == nil {
			res.Body.Close()
		}
	}()
	synctest.Wait()
	cancel()
}

// TestEndings: OnClose comes once and last, and says why.
func TestEndings(t *testing.T) {
	for _, e := range endings {
		t.Run(e.name, func(t *testing.T) {
			each(t, func(t *testing.T, mode string) {
				if e.modes != nil && !strings.Contains(strings.Join(e.modes, " "), mode) {
					return
				}
				e.run(t, mode)
			})
		})
	}
}

func (e *ending) run(t *testing.T, mode string) {
	srv, j := echo(nil)
	sockets := make(chan *engineio.Socket, 1)
	srv.OnConnect(func(s *engineio.Socket) { j.add("connect"); sockets <- s })
	c := serve(t, srv).connect(mode)
	s := <-sockets
	synctest.Wait() // a poll waits
	e.end(c, s)
	j.want(t, "connect", "close: "+e.reason)
	if how := e.told[mode]; how != "" {
		c.want(how)
	}
	if err := s.Send(engineio.Message{}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Send: %v", err)
	}
	s.Close()
	j.silence(t)
}

// TestEndingsBehindMessages: what a client sent before it left is still handled; what
// it sent before it was thrown out is not.
func TestEndingsBehindMessages(t *testing.T) {
	for _, e := range endings {
		if e.name == "poll cut" || e.name == "silence" {
			continue // needs the handler; is the same as the others
		}
		t.Run(e.name, func(t *testing.T) {
			each(t, func(t *testing.T, mode string) {
				if e.modes != nil && !strings.Contains(strings.Join(e.modes, " "), mode) {
					return
				}
				e.behind(t, mode)
			})
		})
	}
}

func (e *ending) behind(t *testing.T, mode string) {
	srv, j := echo(nil)
	release := make(chan struct{})
	sockets := make(chan *engineio.Socket, 1)
	srv.OnConnect(func(s *engineio.Socket) { sockets <- s })
	srv.OnMessage(func(s *engineio.Socket, m engineio.Message) { j.add("%s", m.Data); <-release })
	c := serve(t, srv).connect(mode)
	c.send("4a", "4b", "4c")
	j.want(t, "a")
	synctest.Wait()
	e.end(c, <-sockets)
	j.silence(t)
	close(release)
	if !e.drops {
		j.want(t, "b", "c")
	}
	j.want(t, "close: "+e.reason)
	j.silence(t)
}

// TestCloseDelivers: what was sent before Close arrives before the end.
func TestCloseDelivers(t *testing.T) {
	each(t, func(t *testing.T, mode string) {
		srv, j := echo(nil)
		srv.OnMessage(func(s *engineio.Socket, m engineio.Message) {
			for range 100 {
				_ = s.Send(m)
			}
			s.Close()
		})
		c := serve(t, srv).connect(mode)
		c.send("4bye", "4not handled")
		for range 100 {
			c.want("text bye")
		}
		c.want(map[bool]string{true: "end close packet", false: "end close frame 1000"}[mode == "polling"])
		j.want(t, "connect", "close: forced close")
		j.silence(t)
	})
}

// TestOutbox: a client that does not read costs 1,000 messages or 4 MiB, and its end.
func TestOutbox(t *testing.T) {
	for _, bound := range []struct {
		name       string
		size, want int
	}{
		{"messages", 1, 1000},
		{"bytes", 1 << 20, 3}, // each takes a little more
	} {
		t.Run(bound.name, func(t *testing.T) {
			each(t, func(t *testing.T, mode string) {
				if mode == "upgrade" {
					return // the client reads by itself
				}
				outbox(t, mode, bound.size, bound.want)
			})
		})
	}
}

func outbox(t *testing.T, mode string, size, want int) {
	srv, j := echo(nil)
	sockets := make(chan *engineio.Socket, 1)
	srv.OnConnect(func(s *engineio.Socket) { sockets <- s })
	site := serve(t, srv)
	if mode == "polling" {
		tr := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return site.dial(), nil }}
		defer tr.CloseIdleConnections()
		(&client{http: &http.Client{Transport: tr}}).do("GET", "", nil) // and no poll
	} else if _, err := site.webSocket("").NextText(); err != nil {
		t.Fatal(err)
	}
	s := <-sockets
	m := engineio.Message{Data: make([]byte, size)}
	if mode != "polling" {
		_ = s.Send(m) // is being written, and counts no more
		synctest.Wait()
	}
	n := 0
	for ; n <= want && s.Send(m) == nil; n++ {
	}
	if n != want {
		t.Errorf("%d messages were kept, want %d", n, want)
	}
	if err := s.Send(m); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Send: %v", err)
	}
	j.want(t, "close: outbox full")
	j.silence(t)
}

// TestShutdown: what was accepted is handled and answered, OnClose has returned, and
// nobody new comes in.
func TestShutdown(t *testing.T) {
	each(t, func(t *testing.T, mode string) {
		srv, j := echo(nil)
		release := make(chan struct{})
		srv.OnMessage(func(s *engineio.Socket, m engineio.Message) {
			<-release
			_ = s.Send(m)
		})
		site := serve(t, srv)
		c, idle := site.connect(mode), site.connect(mode)
		j.want(t, "connect", "connect")
		for range 50 {
			c.send("4a", "4b")
		}
		synctest.Wait()
		done := make(chan error)
		go func() { done <- srv.Shutdown(context.Background()) }()
		synctest.Wait()
		tr := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return site.dial(), nil }}
		defer tr.CloseIdleConnections()
		if status, _ := (&client{http: &http.Client{Transport: tr}}).do("GET", "", nil); status != http.StatusServiceUnavailable {
			t.Errorf("a new client: %d", status)
		}
		j.silence(t)
		close(release)
		if err := <-done; err != nil {
			t.Error(err)
		}
		j.want(t, "close: server shutting down", "close: server shutting down") // before it returned
		for range 50 {
			c.want("text a", "text b")
		}
		end := map[bool]string{true: "end close packet", false: "end close frame 1001"}[mode == "polling"]
		c.want(end)
		idle.want(end)
	})
}

// TestShutdownTimeout: a handler that does not return, and clients that neither read
// nor leave, keep Shutdown no longer than its context.
func TestShutdownTimeout(t *testing.T) {
	each(t, func(t *testing.T, mode string) {
		srv, j := echo(nil)
		entered, release := make(chan struct{}), make(chan struct{})
		srv.OnMessage(func(*engineio.Socket, engineio.Message) { close(entered); <-release })
		site := serve(t, srv)
		c := site.connect(mode)
		c.send("4a")
		<-entered
		for range 3 {
			if _, err := site.webSocket("").NextText(); err != nil { // and reads no more
				t.Fatal(err)
			}
		}
		j.want(t, "connect", "connect", "connect", "connect")
		ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
		defer cancel()
		begin := time.Now()
		if err := srv.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if d := time.Since(begin); d > 10*time.Second {
			t.Errorf("Shutdown took %v", d)
		}
		close(release)
		for range 4 {
			j.want(t, "close: server shutting down")
		}
	})
}
