package socketio

import (
	"context"
	"errors"

	"github.com/sockeye-io/socketio/internal/hub"
	"github.com/sockeye-io/socketio/packet"
)

// A Socket is a client's place in one namespace. All its methods may be called
// concurrently. Once the socket has left, what sends fails with ErrClosed.
type Socket hub.Socket

func (s *Socket) hub() *hub.Socket { return (*hub.Socket)(s) }

// ID returns the socket's id: public, unique, and the name of a room that only this
// socket is in. It is not the id of the session, which is the client's secret.
func (s *Socket) ID() string { return s.hub().ID() }

// Namespace returns the namespace that the socket is in.
func (s *Socket) Namespace() *Namespace { return (*Namespace)(s.hub().Namespace()) }

// Handshake returns what the client said when it connected, parsed anew by each call.
func (s *Socket) Handshake() *Handshake { return handshakeOf(s) }

// Transport returns the name of the transport that the client uses now, such as
// "polling", which an upgrade changes to "websocket"; revision 1 has names of its own,
// such as "xhr-polling". Once the socket has left, it is the last.
func (s *Socket) Transport() string { return s.peer().Current() }

// Auth returns the payload with which the client joined the namespace: one value,
// or none. Revision 1 has no such thing; see Handshake.Query.
func (s *Socket) Auth() Args { return Args(s.hub().Auth()) }

// Connected reports whether the socket is in its namespace.
func (s *Socket) Connected() bool { return s.hub().Connected() }

// Context returns a context that is cancelled when the socket leaves. It derives
// from Options.Context, not from an HTTP request.
func (s *Socket) Context() context.Context { return s.hub().Context() }

// Emit sends an event to the client. It never blocks: what the client has not read
// is kept up to Options.MaxOutboxBytes, and a client that lets that fill is
// disconnected. It fails with ErrClosed, with ErrReserved, or if args cannot be
// encoded. A []byte is sent as binary; revision 1 clients get it as
// {"base64":true,"data":"…"}.
func (s *Socket) Emit(event string, args ...any) error {
	a, err := encode(args)
	if err != nil {
		return err
	}
	return s.hub().Emit(event, a, false)
}

// EmitWithAck sends an event and waits for the client's answer. It fails as Emit
// does, with ctx's error when ctx ends first, or with ErrClosed when the client
// leaves; some revision 1 clients never answer, so ctx should have an end. A handler
// may wait for its own client's answer, not for its next event.
func (s *Socket) EmitWithAck(ctx context.Context, event string, args ...any) (Args, error) {
	a, err := encode(args)
	if err != nil {
		return Args{}, err
	}
	answer, err := s.hub().EmitWithAck(ctx, event, a)
	return Args(answer), err
}

// Send sends a text message: revision 1's unnamed one, and the event "message" in
// later generations.
func (s *Socket) Send(text string) error { return s.hub().Send(textPacket(text), false) }

// SendJSON sends a value as revision 1's unnamed JSON message, and as the event
// "message" in later generations.
func (s *Socket) SendJSON(v any) error {
	p, err := jsonPacket(v)
	if err != nil {
		return err
	}
	return s.hub().Send(p, false)
}

func textPacket(text string) packet.Packet {
	return packet.Packet{Type: packet.Text, Data: []byte(text)}
}

var errOneValue = errors.New("socketio: a JSON message is one value")

func jsonPacket(v any) (packet.Packet, error) {
	a, err := encode([]any{v})
	if err == nil && Args(a).Len() != 1 {
		err = errOneValue // v is an Args
	}
	return packet.Packet{Type: packet.JSON, Args: a}, err
}

// Volatile returns a sender to this client whose messages are dropped when they
// cannot be written at once.
func (s *Socket) Volatile() Volatile { return Volatile{s.hub()} }

// Broadcast returns a broadcast to all sockets of the namespace but this one.
func (s *Socket) Broadcast() Broadcast {
	return Broadcast{s.hub().Namespace(), hub.Broadcast{Skip: s.hub()}}
}

// To returns a broadcast to the sockets in any of the rooms but this one.
func (s *Socket) To(rooms ...string) Broadcast { return s.Broadcast().To(rooms...) }

// In is To.
func (s *Socket) In(rooms ...string) Broadcast { return s.To(rooms...) }

// Except returns a broadcast to the sockets in none of the rooms but this one.
func (s *Socket) Except(rooms ...string) Broadcast { return s.Broadcast().Except(rooms...) }

// Join puts the socket into rooms. It stops at the first that fails: ErrClosed,
// ErrTooManyRooms, ErrRoomName.
func (s *Socket) Join(rooms ...string) error {
	for _, r := range rooms {
		if err := s.hub().Join(r); err != nil {
			return err
		}
	}
	return nil
}

// Leave takes the socket out of rooms. It cannot leave that of its own id.
func (s *Socket) Leave(rooms ...string) {
	for _, r := range rooms {
		s.hub().Leave(r)
	}
}

// Rooms returns the names of the rooms that the socket is in, its own id first.
func (s *Socket) Rooms() []string { return s.hub().Rooms() }

// Disconnect takes the socket out of its namespace, or, if wholly is set, ends the
// client's connection with all its sockets. The client is told, and does not come
// back by itself. What was emitted before still arrives. A revision 1 client's
// main socket cannot leave alone: its connection ends.
func (s *Socket) Disconnect(wholly bool) { s.hub().Disconnect(wholly) }

// Set keeps a value with the socket until it leaves; nil forgets it. Keys are
// compared as map keys are.
func (s *Socket) Set(key, value any) { s.hub().Set(key, value) }

// Get returns what Set kept under key, or nil.
func (s *Socket) Get(key any) any { return s.hub().Get(key) }

// Volatile sends to one client what may be lost: a message is dropped unless the
// client's connection could take it now.
type Volatile struct{ s *hub.Socket }

// Emit sends an event, as Socket.Emit does, or drops it.
func (v Volatile) Emit(event string, args ...any) error {
	a, err := encode(args)
	if err != nil {
		return err
	}
	return v.s.Emit(event, a, true)
}

// Send sends a text message, as Socket.Send does, or drops it.
func (v Volatile) Send(text string) error { return v.s.Send(textPacket(text), true) }

// SendJSON sends a value, as Socket.SendJSON does, or drops it.
func (v Volatile) SendJSON(value any) error {
	p, err := jsonPacket(value)
	if err != nil {
		return err
	}
	return v.s.Send(p, true)
}
