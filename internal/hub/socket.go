package hub

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"net"
	"sync"

	"github.com/sockeye-io/socketio/internal/session"
	"github.com/sockeye-io/socketio/internal/table"
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

// A Socket is a client's place in one namespace. It is kept small, as Client is.
type Socket struct {
	id     socketID
	state  socketState // guarded by client.mu
	ns     *Namespace
	client *Client
	auth   *packet.Args // nil: none

	// Guarded by client.mu.
	sibling *Socket // the next of the client's
	last    *Event  // of the inbox; its next is the first. Nil: there is none

	place   int32 // in ns.all.sockets, guarded by its lock
	running bool  // a dispatcher runs; guarded by client.mu

	gone bool // guarded by mu, as the rest
	left bool // its client has; events may be to come
	seen bool // broadcasts see it
	mu   sync.Mutex

	rooms *membership // of few rooms, the list
	own   *belongings // nil for most

	byID table.Link[Socket] // guarded by the lock of the id's shard
}

// belongings are what few sockets have for long. Socket.mu guards them.
type belongings struct {
	early  []string               // rooms that the socket joined before broadcasts saw it
	many   map[string]*membership // rooms, when they are too many for a list
	acks   *pendingAcks
	ctx    context.Context
	cancel context.CancelFunc
	data   map[any]any

	ending sync.Once // has its own lock
}

// belongs returns s.own, which exists from now on. mu is held.
func (s *Socket) belongs() *belongings {
	if s.own == nil {
		s.own = new(belongings)
	}
	return s.own
}

// A socketID is the public id of a socket: 120 random bits, which are written as 20
// characters.
type socketID [15]byte

const idLength = 20

func newID() (id socketID) {
	rand.Read(id[:])
	return id
}

func (id *socketID) text() (b [idLength]byte) {
	base64.RawURLEncoding.Encode(b[:], id[:])
	return b
}

// is reports whether the id is written as name.
func (id *socketID) is(name string) bool {
	if len(name) != idLength {
		return false
	}
	b := id.text()
	return string(b[:]) == name
}

// parseID reads an id. Not ok: no socket is called so.
func parseID(name string) (id socketID, ok bool) {
	if len(name) != idLength {
		return id, false
	}
	n, err := base64.RawURLEncoding.Decode(id[:], []byte(name))
	return id, err == nil && n == len(id) // line breaks are skipped
}

// hash is what a Table finds the id by.
func (id *socketID) hash() uint64 { return binary.LittleEndian.Uint64(id[:8]) }

// ID returns the socket's public id, which is also the name of a room of its own.
func (s *Socket) ID() string {
	b := s.id.text()
	return string(b[:])
}

// Namespace returns the namespace the socket is in.
func (s *Socket) Namespace() *Namespace { return s.ns }

// Session returns the session that carries the socket.
func (s *Socket) Session() *session.Session { return s.client.sess }

// Auth returns the payload of the client's Connect.
func (s *Socket) Auth() packet.Args {
	if s.auth == nil {
		return packet.Args{}
	}
	return *s.auth
}

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
	own := s.belongs()
	if own.ctx == nil {
		own.ctx, own.cancel = context.WithCancel(s.ns.hub.cfg.Context)
		if s.gone || s.left {
			own.cancel()
		}
	}
	return own.ctx
}

// leaving ends the socket's context.
func (s *Socket) leaving() {
	s.mu.Lock()
	s.left = true
	var cancel context.CancelFunc
	if s.own != nil {
		cancel = s.own.cancel
	}
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
		if s.own != nil {
			delete(s.own.data, key)
		}
		return
	}
	own := s.belongs()
	if own.data == nil {
		own.data = make(map[any]any)
	}
	own.data[key] = value
}

// Get returns what Set kept, or nil.
func (s *Socket) Get(key any) any {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.own == nil {
		return nil
	}
	return s.own.data[key]
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

// ends prepares for end.
func (s *Socket) ends() {
	s.mu.Lock()
	s.belongs()
	s.mu.Unlock()
}

// end, which ends came before, calls release once, and returns when that is done.
func (s *Socket) end(visible bool) {
	s.mu.Lock()
	own := s.own
	s.mu.Unlock()
	own.ending.Do(func() { s.release(visible) })
}

// release releases what the socket holds, once it is disconnected. visible: it was
// seen by broadcasts.
func (s *Socket) release(visible bool) {
	s.mu.Lock()
	s.gone = true
	acks, cancel := s.own.acks, s.own.cancel
	s.own.acks = nil
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
