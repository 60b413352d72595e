package engineio

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/sockeye-io/socketio/internal/generation"
	"github.com/sockeye-io/socketio/internal/session"
	"github.com/sockeye-io/socketio/internal/transport"
	"github.com/sockeye-io/socketio/packet"
)

// Options say how a Server works. Zero means the default that is named.
type Options struct {
	// PingInterval (25 s) and PingTimeout (20 s) are the heartbeat's.
	PingInterval, PingTimeout time.Duration
	// MaxPayload bounds a message and the body of a polling request (1,000,000 bytes).
	MaxPayload int
	// Origins are the web origins whose pages may connect, compared whole; "*" allows
	// all. Nil: only pages of the server's own origin.
	Origins []string
	// Logger gets what goes wrong. Nil: slog.Default().
	Logger *slog.Logger
}

// A Message is what one side sends to the other.
type Message struct {
	Data   []byte // must not be changed
	Binary bool   // otherwise text
}

// A Server is an http.Handler that serves Engine.IO clients. Register its handlers
// before clients come. Create one with NewServer.
type Server struct {
	http    *transport.Server
	log     *slog.Logger
	connect func(*Socket)
	message func(*Socket, Message)
	close   func(*Socket, string)
}

// NewServer returns a server that works as o says; nil: with all defaults.
func NewServer(o *Options) *Server {
	d := Options{}
	if o != nil {
		d = *o
	}
	d.PingInterval = or(d.PingInterval, 25*time.Second)
	d.PingTimeout = or(d.PingTimeout, 20*time.Second)
	d.MaxPayload = or(d.MaxPayload, 1_000_000)
	if d.Logger == nil {
		d.Logger = slog.Default()
	}
	s := &Server{
		log:     d.Logger,
		connect: func(*Socket) {},
		message: func(*Socket, Message) {},
		close:   func(*Socket, string) {},
	}
	s.http = transport.New(&transport.Config{
		Origins: d.Origins,
		Logger:  d.Logger,
		Sessions: []*session.Config{{
			Generation: &generation.EngineIO4,
			Handler:    s,
			Timers: session.Timers{
				Interval: d.PingInterval, Timeout: d.PingTimeout,
				Close: d.PingTimeout, Upgrade: 10 * time.Second,
			},
			Limits: session.Limits{
				MaxPayload: d.MaxPayload, PayloadPackets: 10_000, PollPackets: 16,
				OutboxBytes: 4 << 20, OutboxCasts: 1000,
			},
		}},
	})
	return s
}

func or[T comparable](v, d T) T {
	var zero T
	if v == zero {
		return d
	}
	return v
}

// OnConnect sets the handler of new sockets. It is called before any message of the
// socket is handled.
func (s *Server) OnConnect(f func(*Socket)) { s.connect = f }

// OnMessage sets the handler of messages.
func (s *Server) OnMessage(f func(*Socket, Message)) { s.message = f }

// OnClose sets the handler of sockets that have gone. It is called after the
// socket's last message was handled.
func (s *Server) OnClose(f func(s *Socket, reason string)) { s.close = f }

// ServeHTTP serves the requests of clients.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.http.ServeHTTP(w, r) }

// Shutdown takes no new sockets, sends what is queued and ends all connections. If
// ctx ends before, the rest is cut off and ctx's error is returned.
func (s *Server) Shutdown(ctx context.Context) error {
	return s.http.Shutdown(ctx, session.ServerShutdown)
}

// Opened implements the sessions' handler.
func (s *Server) Opened(sess *session.Session) {
	so := &Socket{srv: s, sess: sess}
	sess.User = so
	so.enqueue(func() { s.connect(so) }, 0)
}

// Message implements the sessions' handler.
func (s *Server) Message(sess *session.Session, p packet.Packet) error {
	so := sess.User.(*Socket)
	m := Message{Data: p.Data, Binary: p.Type == packet.Binary}
	so.enqueue(func() { s.message(so, m) }, len(m.Data))
	return nil
}

// Taken implements the sessions' handler.
func (s *Server) Taken(sess *session.Session) { sess.User.(*Socket).taken() }

// Closed implements the sessions' handler.
func (s *Server) Closed(sess *session.Session, reason session.Reason) {
	so := sess.User.(*Socket)
	so.enqueue(func() { s.close(so, string(reason)) }, 0)
}

// A Socket is one client. Its methods may be called concurrently.
type Socket struct {
	srv  *Server
	sess *session.Session
	inbox
}

// Send sends a message. It never blocks; what the client has not read is kept up to
// 4 MiB or 1,000 messages, and a client that lets that fill is disconnected. It
// fails with an error that is net.ErrClosed if the client has gone.
func (s *Socket) Send(m Message) error {
	p := packet.Packet{Type: packet.Text, Data: m.Data}
	if m.Binary {
		p = packet.Packet{Type: packet.Binary, Args: packet.Args{Attachments: []packet.Attachment{{Data: m.Data}}}, Data: m.Data}
	}
	wake, err := s.sess.Push(session.NewSingle(p, false))
	if wake != nil {
		wake.Wake()
	}
	if err != nil {
		return net.ErrClosed
	}
	return nil
}

// Close ends the client's connection, once what was sent has left.
func (s *Socket) Close() {
	s.sess.End(s.srv.http.Now(), session.Kick, session.ForcedClose)
}
