package socketio

import (
	"context"
	"iter"

	"github.com/sockeye-io/socketio/internal/hub"
	"github.com/sockeye-io/socketio/packet"
)

// A Broadcast says which sockets of a namespace are meant, on all nodes of the
// cluster. It is a value: its methods return a changed copy, and it may be kept and
// used again, by several goroutines.
type Broadcast struct {
	ns *hub.Namespace
	b  hub.Broadcast
}

// To adds rooms: meant are the members of any of them. With no rooms at all,
// everybody is.
func (b Broadcast) To(rooms ...string) Broadcast {
	b.b.Rooms = append(b.b.Rooms[:len(b.b.Rooms):len(b.b.Rooms)], rooms...)
	return b
}

// In is To.
func (b Broadcast) In(rooms ...string) Broadcast { return b.To(rooms...) }

// Except leaves out the members of rooms. A socket's id is a room, too.
func (b Broadcast) Except(rooms ...string) Broadcast {
	b.b.Except = append(b.b.Except[:len(b.b.Except):len(b.b.Except)], rooms...)
	return b
}

// Volatile makes what is sent droppable, for each receiver by itself.
func (b Broadcast) Volatile() Broadcast {
	b.b.Volatile = true
	return b
}

// Local leaves out the other nodes of the cluster.
func (b Broadcast) Local() Broadcast {
	b.b.Local = true
	return b
}

// Emit sends an event to all sockets that are meant. It never blocks; arguments are
// encoded once for each generation among the receivers. It fails with ErrReserved
// or if args cannot be encoded.
func (b Broadcast) Emit(event string, args ...any) error {
	a, err := encode(args)
	if err != nil {
		return err
	}
	return b.ns.Broadcast(packet.Packet{Type: packet.Event, Name: event, Args: a}, b.b)
}

// Send sends a text message, as Socket.Send does.
func (b Broadcast) Send(text string) error { return b.ns.Broadcast(textPacket(text), b.b) }

// SendJSON sends a value, as Socket.SendJSON does.
func (b Broadcast) SendJSON(v any) error {
	p, err := jsonPacket(v)
	if err != nil {
		return err
	}
	return b.ns.Broadcast(p, b.b)
}

// SocketsJoin puts all sockets that are meant into rooms.
func (b Broadcast) SocketsJoin(rooms ...string) { b.ns.JoinRooms(b.b, rooms) }

// SocketsLeave takes all sockets that are meant out of rooms.
func (b Broadcast) SocketsLeave(rooms ...string) { b.ns.LeaveRooms(b.b, rooms) }

// DisconnectSockets does to all sockets that are meant what Socket.Disconnect does.
func (b Broadcast) DisconnectSockets(wholly bool) { b.ns.Disconnect(b.b, wholly) }

// FetchSockets yields all sockets that are meant, those of this node first. An error
// is the last pair and leaves the result incomplete: ctx ended before all nodes
// had answered.
func (b Broadcast) FetchSockets(ctx context.Context) iter.Seq2[RemoteSocket, error] {
	return func(yield func(RemoteSocket, error) bool) {
		for r, err := range b.ns.Fetch(ctx, b.b) {
			if err != nil {
				yield(RemoteSocket{}, err)
				return
			}
			if !yield(RemoteSocket{ID: r.ID, Rooms: r.Rooms, Node: r.Node}, nil) {
				return
			}
		}
	}
}

// A RemoteSocket describes a socket of any node. To act on it, broadcast to its ID.
type RemoteSocket struct {
	ID    string
	Rooms []string // its own id first
	Node  string   // Options.NodeID of its server
}
