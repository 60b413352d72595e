package hub

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net"
	"sync"

	"github.com/sockeye-io/socketio/internal/session"
	"github.com/sockeye-io/socketio/packet"
)

// closedError is ErrClosed: it also is net.ErrClosed.
type closedError struct{}

func (closedError) Error() string        { return "socketio: the socket is closed" }
func (closedError) Is(target error) bool { return target == net.ErrClosed }

// ErrClosed: the socket has left its namespace, or its connection has ended.
var ErrClosed error = closedError{}

// ErrReserved: the event's name belongs to the protocol.
var ErrReserved = errors.New("socketio: reserved event name")

// socketState is a socket's place in its life. Client.mu guards it.
type socketState uint8

const (
	connecting socketState = iota // its middleware decides
	connected
	disconnected
)

// A Socket is a client's place in one namespace.
type Socket struct {
	id     string
	ns     *Namespace
	client *Client
	auth   packet.Args
	place  int // in ns.all.sockets, guarded by its lock

	// Guarded by client.mu.
	state      socketState
	running    bool // a dispatcher runs
	head, tail *Event
	reason     session.Reason

	ending sync.Once

	mu     sync.Mutex
	gone   bool
	left   bool     // its client has; events may be to come
	seen   bool     // broadcasts see it
	early  []string // rooms that it joined before
	rooms  roomSet
	acks   *pendingAcks
	ctx    context.Context
	cancel context.CancelFunc
	data   map[any]any
}

// newID returns a public id of a socket: 120 random bits as 20 characters.
func newID() string {
	var b [15]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// ID returns the socket's public id, which is also the name of a room of its own.
func (s *Socket) ID() string { return s.id }

// Namespace returns the namespace the socket is in.
func (s *Socket) Namespace() *Namespace { return s.ns }

// Session returns the session that carries the socket.
func (s *Socket) Session() *session.Session { return s.client.sess }

// Auth returns the payload of the client's Connect.
func (s *Socket) Auth() packet.Args { return s.auth }

// Connected reports whether the socket is in its namespace.
func (s *Socket) Connected() bool {
	s.client.mu.Lock()
	defer s.client.mu.Unlock()
	return s.state == connected
}

// Context returns a context that ends when the socket leaves its namespace, with
// the server's as its parent.
func (s *Socket) Context() context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx == nil {
		s.ctx, s.cancel = context.WithCancel(s.ns.hub.cfg.Context)
		if s.gone || s.left {
			s.cancel()
		}
	}
	return s.ctx
}

// leaving ends the socket's context.
func (s *Socket) leaving() {
	s.mu.Lock()
	s.left = true
	cancel := s.cancel
	s.mu.Unlock()
	if cancel != nil {
		cancel()
	}
}

// Set keeps a value with the socket; nil forgets it.
func (s *Socket) Set(key, value any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if value == nil {
		delete(s.data, key)
		return
	}
	if s.data == nil {
		s.data = make(map[any]any)
	}
	s.data[key] = value
}

// Get returns what Set kept, or nil.
func (s *Socket) Get(key any) any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.data[key]
}

// push sends p to the client.
func (s *Socket) pushCast(c *session.Cast) error {
	wake, err := s.client.sess.Push(c)
	if wake != nil {
		wake.Wake()
	}
	if err != nil {
		return ErrClosed
	}
	return nil
}

// Emit sends an event to the client. It never blocks.
func (s *Socket) Emit(name string, args packet.Args, volatile bool) error {
	if Reserved(name) {
		return ErrReserved
	}
	return s.Send(packet.Packet{Type: packet.Event, Name: name, Args: args}, volatile)
}

// Send sends a packet of any type to the client, in the socket's namespace.
func (s *Socket) Send(p packet.Packet, volatile bool) error {
	if !s.open() {
		return ErrClosed
	}
	p.Namespace = s.ns.name
	return s.pushCast(session.NewSingle(p, volatile))
}

func (s *Socket) open() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.gone
}

// Disconnect throws the socket out of its namespace, or its client out of
// everything if wholly is set.
func (s *Socket) Disconnect(wholly bool) {
	if wholly {
		s.client.kick(session.ServerDisconnect)
		return
	}
	s.client.disconnect(s)
}

// end calls release once, and returns when that is done.
func (s *Socket) end(visible bool) {
	s.ending.Do(func() { s.release(visible) })
}

// release releases what the socket holds, once it is disconnected. visible: it was
// seen by broadcasts.
func (s *Socket) release(visible bool) {
	s.mu.Lock()
	s.gone = true
	acks, cancel := s.acks, s.cancel
	s.acks = nil
	s.mu.Unlock()
	if cancel != nil {
		cancel()
	}
	acks.fail()
	if visible {
		s.vanish()
	}
}

// Reserved reports whether no event may have this name (Socket.IO 5, "Reserved
// event names", and Node's list).
func Reserved(name string) bool {
	switch name {
	case "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener":
		return true
	}
	return false
}
