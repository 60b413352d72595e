package socketio

import (
	"context"
	"iter"

	"github.com/sockeye-io/socketio/internal/hub"
)

// A Namespace is a set of sockets and the handlers for what they send. Its methods
// may be called concurrently; handlers are best registered before clients come.
type Namespace hub.Namespace

func (ns *Namespace) hub() *hub.Namespace { return (*hub.Namespace)(ns) }

// Name returns the namespace's name, such as "/" or "/chat".
func (ns *Namespace) Name() string { return ns.hub().Name() }

// On registers the handler of an event, in place of an earlier one. See the
// functions On and Reply for handlers with typed arguments.
func (ns *Namespace) On(event string, h Handler) {
	ns.hub().HandleEvent(event, func(e *hub.Event) { h((*Socket)(e.Socket()), (*Event)(e)) })
}

// OnMessage registers the handler of revision 1's unnamed messages, in place of an
// earlier one. Without one they arrive as the event "message".
func (ns *Namespace) OnMessage(h func(s *Socket, m *Message)) {
	ns.hub().HandleMessage(func(e *hub.Event) { h((*Socket)(e.Socket()), (*Message)(e)) })
}

// OnAny adds a handler that sees every event before its own handler does, also
// those that have none.
func (ns *Namespace) OnAny(h Handler) {
	ns.hub().HandleAny(func(e *hub.Event) { h((*Socket)(e.Socket()), (*Event)(e)) })
}

// OnConnect adds a handler of sockets that joined. It is called before any event of
// the socket is handled; broadcasts may reach the socket before. An error
// disconnects the socket, which OnDisconnect hears of.
func (ns *Namespace) OnConnect(h func(s *Socket) error) {
	ns.hub().HandleConnect(func(s *hub.Socket) error { return h((*Socket)(s)) })
}

// OnDisconnect adds a handler of sockets that left. It is called after the socket's
// last event was handled; reason is a word of Node's server, such as "transport
// close", "client namespace disconnect" or "ping timeout".
func (ns *Namespace) OnDisconnect(h func(s *Socket, reason string)) {
	ns.hub().HandleDisconnect(func(s *hub.Socket, reason string) { h((*Socket)(s), reason) })
}

// Use adds a gate that a socket passes before it joins, in the order of the calls.
// An error refuses it: its text is the client's connect_error (revision 1:
// "unauthorized", and on the main socket the end of the session). ctx ends when the
// client leaves, and after Options.ConnectTimeout. The socket is not connected yet:
// rooms that it joins here it is in once it is let in.
func (ns *Namespace) Use(gate func(ctx context.Context, s *Socket) error) {
	ns.hub().HandleUse(func(ctx context.Context, s *hub.Socket) error {
		if err := gate(ctx, (*Socket)(s)); err != nil {
			return forClient(err)
		}
		return nil
	})
}

// Socket returns this node's socket called id, or nil.
func (ns *Namespace) Socket(id string) *Socket { return (*Socket)(ns.hub().Socket(id)) }

// Sockets returns this node's sockets, in no order.
func (ns *Namespace) Sockets() iter.Seq[*Socket] {
	return func(yield func(*Socket) bool) {
		for _, s := range ns.hub().Sockets() {
			if !yield((*Socket)(s)) {
				return
			}
		}
	}
}

// Len returns the number of this node's sockets.
func (ns *Namespace) Len() int { return ns.hub().Count() }

func (ns *Namespace) everybody() Broadcast { return Broadcast{ns: ns.hub()} }

// Emit sends an event to all sockets of the namespace; see Broadcast.Emit.
func (ns *Namespace) Emit(event string, args ...any) error {
	return ns.everybody().Emit(event, args...)
}

// Send sends a text message to all sockets of the namespace; see Socket.Send.
func (ns *Namespace) Send(text string) error { return ns.everybody().Send(text) }

// SendJSON sends a value to all sockets of the namespace; see Socket.SendJSON.
func (ns *Namespace) SendJSON(v any) error { return ns.everybody().SendJSON(v) }

// To returns a broadcast to the sockets in any of the rooms.
func (ns *Namespace) To(rooms ...string) Broadcast { return ns.everybody().To(rooms...) }

// In is To.
func (ns *Namespace) In(rooms ...string) Broadcast { return ns.To(rooms...) }

// Except returns a broadcast to the sockets in none of the rooms.
func (ns *Namespace) Except(rooms ...string) Broadcast { return ns.everybody().Except(rooms...) }

// Volatile returns a broadcast to all sockets whose messages may be dropped.
func (ns *Namespace) Volatile() Broadcast { return ns.everybody().Volatile() }

// Local returns a broadcast to all sockets of this node.
func (ns *Namespace) Local() Broadcast { return ns.everybody().Local() }

// FetchSockets yields all sockets of the namespace; see Broadcast.FetchSockets.
func (ns *Namespace) FetchSockets(ctx context.Context) iter.Seq2[RemoteSocket, error] {
	return ns.everybody().FetchSockets(ctx)
}

// SocketsJoin puts all sockets of the namespace into rooms.
func (ns *Namespace) SocketsJoin(rooms ...string) { ns.everybody().SocketsJoin(rooms...) }

// SocketsLeave takes all sockets of the namespace out of rooms.
func (ns *Namespace) SocketsLeave(rooms ...string) { ns.everybody().SocketsLeave(rooms...) }

// DisconnectSockets does to all sockets of the namespace what Socket.Disconnect does.
func (ns *Namespace) DisconnectSockets(wholly bool) { ns.everybody().DisconnectSockets(wholly) }
