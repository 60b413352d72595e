package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/sockeye-io/socketio"
	"github.com/sockeye-io/socketio/engineio"
)

type config struct {
	addr                      string
	pingInterval, pingTimeout time.Duration
	timersSet                 bool
	maxPayload                int
	engine                    string
	profile                   string // a file
}

// minConnectTimeout leaves a client with short heartbeats time to answer some of them
// before it joins a namespace (Socket.IO 5 test suite, "should send ping/pong packets").
const minConnectTimeout = 2 * time.Second

// options is c in the server's words.
func (c *config) options() *socketio.Options {
	o := &socketio.Options{
		Origins:        []string{"*"},
		PingInterval:   c.pingInterval,
		PingTimeout:    c.pingTimeout,
		ConnectTimeout: max(c.pingInterval+c.pingTimeout, minConnectTimeout),
		MaxPayload:     c.maxPayload,
		Engine:         c.engine,
	}
	if c.timersSet {
		// Whole seconds are all that revision 1 can say; a second of room keeps the
		// heartbeat interval below them.
		timeout := (c.pingInterval + c.pingTimeout + time.Second - 1).Truncate(time.Second)
		o.Revision1 = socketio.Revision1{
			HeartbeatInterval: c.pingInterval,
			PollingDuration:   c.pingInterval * 8 / 10,
			HeartbeatTimeout:  timeout,
			CloseTimeout:      timeout,
		}
	}
	return o
}

// app is the application and its two servers.
type app struct {
	mux http.ServeMux
	sio *socketio.Server
	eio *engineio.Server
}

func newApp(c *config) *app {
	a := &app{
		sio: socketio.NewServer(c.options()),
		eio: engineio.NewServer(&engineio.Options{
			PingInterval: c.pingInterval,
			PingTimeout:  c.pingTimeout,
			MaxPayload:   c.maxPayload,
			Origins:      []string{"*"},
		}),
	}
	for _, ns := range []*socketio.Namespace{a.sio.Of("/"), a.sio.Of("/custom")} {
		register(ns)
	}
	a.eio.OnMessage(func(s *engineio.Socket, m engineio.Message) { _ = s.Send(m) })
	a.mux.Handle("/engine.io/", a.eio)
	return a
}

// ServeHTTP routes around http.ServeMux for Socket.IO: the mux redirects paths with
// two slashes, which revision 1 clients ask for.
func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if len(r.URL.Path) >= len(prefix) && r.URL.Path[:len(prefix)] == prefix {
		a.sio.ServeHTTP(w, r)
		return
	}
	a.mux.ServeHTTP(w, r)
}

const prefix = "/socket.io/"

// shutdown drains both servers at once: they have the same time.
func (a *app) shutdown(ctx context.Context) error {
	ended := make(chan error, 1)
	go func() { ended <- a.eio.Shutdown(ctx) }() // ends with ctx at the latest
	return errors.Join(a.sio.Shutdown(ctx), <-ended)
}

// register sets the handlers that both namespaces have. Emits to a client that has
// gone meanwhile are lost, as they should be.
func register(ns *socketio.Namespace) {
	ns.OnConnect(func(s *socketio.Socket) error {
		if s.Auth().Len() == 0 {
			return s.Emit("auth", struct{}{})
		}
		return s.Emit("auth", s.Auth())
	})
	ns.OnMessage(func(s *socketio.Socket, m *socketio.Message) {
		if m.IsText() {
			_ = s.Send(m.Text())
		} else {
			_ = s.SendJSON(m.Args())
		}
	})
	ns.On("message", func(s *socketio.Socket, e *socketio.Event) { _ = s.Emit("message-back", e.Args()) })
	socketio.Reply(ns, "message-with-ack", func(_ *socketio.Socket, args socketio.Args) (socketio.Args, error) { return args, nil })
	socketio.Reply(ns, "join", func(s *socketio.Socket, room string) (string, error) { return "ok", s.Join(room) })
	socketio.Reply(ns, "leave", func(s *socketio.Socket, room string) (string, error) {
		s.Leave(room)
		return "ok", nil
	})
	socketio.On(ns, "to", func(s *socketio.Socket, m toRoom) { _ = s.To(m.Room).Emit("room-message", m.Payload) })
	socketio.On(ns, "broadcast", func(_ *socketio.Socket, payload first) {
		_ = ns.Emit("broadcast-message", payload.Payload)
	})
	socketio.On(ns, "volatile", func(s *socketio.Socket, payload first) {
		_ = s.Volatile().Emit("volatile-message", payload.Payload)
	})
	socketio.On(ns, "ask", func(s *socketio.Socket, payload first) {
		// In its own goroutine: the client may send other events before it answers.
		go func() {
			answer, err := s.EmitWithAck(s.Context(), "question", payload.Payload)
			if err == nil {
				_ = s.Emit("answered", answer)
			}
		}()
	})
	ns.On("kick", func(s *socketio.Socket, _ *socketio.Event) { s.Disconnect(true) })
}

// toRoom are the arguments of "to", first those of events with one.
type (
	toRoom struct {
		socketio.Tuple
		Room    string
		Payload socketio.Args
	}
	first struct {
		socketio.Tuple
		Payload socketio.Args
	}
)
