package engineio

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/sockeye-io/socketio/internal/generation"
	"github.com/sockeye-io/socketio/internal/session"
	"github.com/sockeye-io/socketio/internal/transport"
	"github.com/sockeye-io/socketio/internal/worker"
	"github.com/sockeye-io/socketio/packet"
)

// Options say how a Server works. Zero means the default that is named; negative
// values are refused.
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
	http     *transport.Server
	log      *slog.Logger
	connect  func(*Socket)
	message  func(*Socket, Message)
	close    func(*Socket, string)
	draining atomic.Bool

	dispatchers *worker.Pool[*Socket] // they wait for work while there are sockets

	mu      sync.Mutex
	sockets map[*Socket]struct{} // connected, or with something to handle
}

// maxDispatchers is how many dispatchers wait for work, for each core.
const maxDispatchers = 32

// NewServer returns a server that works as o says; nil: with all defaults. It panics
// if a value is negative.
func NewServer(o *Options) *Server {
	d := Options{}
	if o != nil {
		d = *o
	}
	if d.PingInterval < 0 || d.PingTimeout < 0 || d.MaxPayload < 0 {
		panic("engineio: an option is negative")
	}
	d.PingInterval = cmp.Or(d.PingInterval, 25*time.Second)
	d.PingTimeout = cmp.Or(d.PingTimeout, 20*time.Second)
	d.MaxPayload = cmp.Or(d.MaxPayload, 1_000_000)
	if d.Logger == nil {
		d.Logger = slog.Default()
	}
	s := &Server{log: d.Logger, sockets: make(map[*Socket]struct{})}
	s.dispatchers = worker.New(maxDispatchers*runtime.GOMAXPROCS(0), (*Socket).dispatch)
	s.http = transport.New(&transport.Config{
		Origins: d.Origins,
		Logger:  d.Logger,
		Sessions: []*session.Config{{
			Generation: &generation.EngineIO4,
			Handler:    (*handler)(s),
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

// OnConnect sets the handler of new sockets. It is called before any message of the
// socket is handled. If it panics, the socket is closed.
func (s *Server) OnConnect(f func(*Socket)) { s.connect = f }

// OnMessage sets the handler of messages.
func (s *Server) OnMessage(f func(*Socket, Message)) { s.message = f }

// OnClose sets the handler of sockets that have gone. It is called once, when all that
// the client sent is handled. The reasons are
//
//	"transport close"       the client left, or its connection ended
//	"transport error"       its connection failed, or was used against the rules
//	"ping timeout"          it has not been heard of
//	"server shutting down"  Shutdown was called
//
// and those for which what is not handled yet is dropped:
//
//	"forced close"          Socket.Close was called
//	"parse error"           the client sent what is no Engine.IO
//	"outbox full"           it does not read what it is sent
func (s *Server) OnClose(f func(s *Socket, reason string)) { s.close = f }

// ServeHTTP serves the requests of clients. It relies on no mount path; clients expect
// "/engine.io/".
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.http.ServeHTTP(w, r) }

// Shutdown ends the server without losing anything: it takes no new sockets (503) and
// reads no more messages, waits until those that it has read are handled, sends what
// is queued, ends the connections, and waits for OnClose. If ctx ends before, the rest
// is cut off at once and ctx's error is returned; handlers that still run are left to
// themselves.
//
// http.Server.Shutdown knows nothing of WebSockets and waits for polls, so call this
// one first.
func (s *Server) Shutdown(ctx context.Context) error {
	s.http.Refuse()
	drained := s.drain(ctx)
	ended := s.http.Shutdown(ctx, session.ServerShutdown)
	closed := s.drain(ctx) // OnClose runs now
	return cmp.Or(drained, ended, closed)
}

// drain stops reading from every socket, and waits until what was read is handled.
func (s *Server) drain(ctx context.Context) error {
	s.draining.Store(true)
	s.mu.Lock()
	all := make([]*Socket, 0, len(s.sockets))
	for so := range s.sockets {
		all = append(all, so)
	}
	s.mu.Unlock()
	for _, so := range all {
		so.pause()
	}
	for _, so := range all {
		select {
		case <-so.rest():
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// A handler is a Server as its sessions see it.
type handler Server

// Opened implements session.Handler.
func (h *handler) Opened(sess *session.Session) {
	s := (*Server)(h)
	so := &Socket{srv: s, sess: sess}
	sess.User = so
	s.mu.Lock()
	s.sockets[so] = struct{}{}
	if len(s.sockets) == 1 {
		s.dispatchers.Open()
	}
	s.mu.Unlock()
	so.enqueue(entry{kind: connected})
	if s.draining.Load() {
		so.pause()
	}
}

// Message implements session.Handler.
func (h *handler) Message(sess *session.Session, p packet.Packet) error {
	kind := text
	if p.Type == packet.Binary {
		kind = binary
	}
	sess.User.(*Socket).enqueue(entry{p.Data, kind})
	return nil
}

// Taken implements session.Handler.
func (h *handler) Taken(sess *session.Session) { sess.User.(*Socket).taken() }

// Leaving implements session.Handler. A socket has no context that could end; OnClose
// is called when all that the client sent is handled.
func (h *handler) Leaving(*session.Session) {}

// Closed implements session.Handler.
func (h *handler) Closed(sess *session.Session, reason session.Reason) {
	sess.User.(*Socket).closed(reason)
}

// forget lets go of a socket that has closed.
func (s *Server) forget(so *Socket) {
	s.mu.Lock()
	if delete(s.sockets, so); len(s.sockets) == 0 {
		s.dispatchers.Release()
	}
	s.mu.Unlock()
}

// A Socket is one client. Its methods may be called concurrently.
type Socket struct {
	srv  *Server
	sess *session.Session
	inbox
}

var (
	errUTF8      = errors.New("engineio: text is not UTF-8")
	errSeparator = errors.New("engineio: text with U+001E does not fit polling")
)

// Send sends a message. It never blocks; what the client has not read is kept up to
// 4 MiB or 1,000 messages, and a client that lets that fill is disconnected. It fails
// with an error that is net.ErrClosed if the client has gone.
//
// Text must be UTF-8. In polling U+001E stands between messages, so text that has one
// is sent by WebSocket only: it fails while the client polls.
func (s *Socket) Send(m Message) error {
	p := packet.Packet{Type: packet.Binary, Data: m.Data}
	if !m.Binary {
		p.Type = packet.Text
		switch {
		case !utf8.Valid(m.Data):
			return errUTF8
		case bytes.IndexByte(m.Data, 0x1e) >= 0 && !s.sess.Streaming():
			return errSeparator // it could forge packets (Engine.IO 4, "Payload encoding")
		}
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

// Close ends the client's connection, once what was sent has left. What the client
// sent and OnMessage has not seen yet is dropped.
func (s *Socket) Close() {
	s.sess.End(s.srv.http.Now(), session.Kick, session.ForcedClose)
}
