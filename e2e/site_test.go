package e2e

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sockeye-io/socketio"
)

// A site is a server in the test's own process, for tests that look at it from inside:
// the events of cmd/conformance that they need, "whoami", and files beside it.
type site struct {
	url   string
	files http.ServeMux // what is not Socket.IO's

	left chan string // the ids of clients that are gone, in the order of their going
}

// rev1Beat has old clients notice within seconds that the line is cut.
var rev1Beat = socketio.Revision1{
	HeartbeatInterval: 2 * time.Second,
	HeartbeatTimeout:  8 * time.Second,
	CloseTimeout:      8 * time.Second,
	PollingDuration:   2 * time.Second,
}

// listen returns a listener on a port of its own.
func listen(t *testing.T) (_ net.Listener, url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l, "http://" + l.Addr().String()
}

// openSite serves with options on l until the test ends.
func openSite(t *testing.T, l net.Listener, o *socketio.Options) *site {
	t.Helper()
	s := &site{url: "http://" + l.Addr().String(), left: make(chan string, 1000)}
	sio := socketio.NewServer(o)
	s.register(sio.Of("/"))
	server := &http.Server{
		// Not a mux, which would redirect paths with two slashes.
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/socket.io/") {
				sio.ServeHTTP(w, r)
				return
			}
			s.files.ServeHTTP(w, r)
		}),
		ReadHeaderTimeout: patience,
	}
	go server.Serve(l) // ends with Close
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := sio.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		server.Close()
	})
	return s
}

func (s *site) register(ns *socketio.Namespace) {
	ns.OnConnect(func(c *socketio.Socket) error { return c.Emit("auth", struct{}{}) })
	ns.OnDisconnect(func(c *socketio.Socket, _ string) {
		select {
		case s.left <- c.ID():
		default:
		}
	})
	ns.OnMessage(func(c *socketio.Socket, m *socketio.Message) {
		if m.IsText() {
			_ = c.Send(m.Text())
		} else {
			_ = c.SendJSON(m.Args())
		}
	})
	ns.On("message", func(c *socketio.Socket, e *socketio.Event) { _ = c.Emit("message-back", e.Args()) })
	socketio.Reply(ns, "message-with-ack", func(_ *socketio.Socket, args socketio.Args) (socketio.Args, error) { return args, nil })
	socketio.Reply(ns, "whoami", func(c *socketio.Socket, _ socketio.Args) (identity, error) {
		h := c.Handshake()
		return identity{h.RemoteAddr.String(), h.Secure, c.ID()}, nil
	})
	ns.On("ask", func(c *socketio.Socket, e *socketio.Event) {
		go func() { // ends with the answer, or with the client
			if answer, err := c.EmitWithAck(c.Context(), "question", e.Args()); err == nil {
				_ = c.Emit("answered", answer)
			}
		}()
	})
	ns.On("burst", func(c *socketio.Socket, _ *socketio.Event) {
		for i := range 100 {
			_ = c.Emit("burst", i, "é😀")
		}
	})
	ns.On("kick", func(c *socketio.Socket, _ *socketio.Event) { c.Disconnect(true) })
}

// An identity is what the server knows of a client.
type identity struct {
	Address string `json:"address"`
	Secure  bool   `json:"secure"`
	ID      string `json:"id"`
}

// cuttable is a listener whose line can be cut. Its connections are not plain TCP's to
// the server, which would take those for itself.
type cuttable struct {
	net.Listener
	mu    sync.Mutex
	down  bool
	conns map[net.Conn]struct{}
}

func (l *cuttable) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		nc.Close()
	} else {
		l.conns[nc] = struct{}{}
	}
	return struct{ net.Conn }{nc}, nil
}

// turn ends all connections, and those to come as long as the line is down. A browser
// asks once more when a connection ends on which nothing came.
func (l *cuttable) turn(down bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = down
	for nc := range l.conns {
		nc.Close()
	}
	clear(l.conns)
}
