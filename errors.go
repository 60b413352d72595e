package socketio

import (
	"github.com/sockeye-io/socketio/internal/hub"
	"github.com/sockeye-io/socketio/packet"
)

// Errors that calls return. ErrClosed also is net.ErrClosed.
var (
	// ErrClosed: the socket has left its namespace, or its connection has ended.
	ErrClosed = hub.ErrClosed
	// ErrReserved: the event's name belongs to the protocol, such as "connect".
	ErrReserved = hub.ErrReserved
	// ErrNoAck: the client wants no answer, or has one already.
	ErrNoAck = hub.ErrNoAck
	// ErrTooManyAcks: the client owes more answers than Options.MaxPendingAcks, and
	// this call was the oldest.
	ErrTooManyAcks = hub.ErrTooManyAcks
	// ErrTooManyRooms: the socket is in Options.MaxRooms rooms.
	ErrTooManyRooms = hub.ErrTooManyRooms
	// ErrRoomName: a room's name has more than 1,024 bytes.
	ErrRoomName = hub.ErrRoomName
)

// A ProtocolError says which rule of which generation a packet breaks, and which
// side is at fault.
type ProtocolError = packet.ProtocolError

// An Error is an error whose text is made for the client. Returned by a handler
// that replies, it is the answer {"error":{"message":…}}; returned by Use, it is the
// client's connect_error. Of all other errors the client learns only "internal
// error" from a reply; the log has the rest.
type Error struct {
	// Message is what the client reads.
	Message string
	// Data is what a refused client of revision 5 finds in the error's data; nil: nothing.
	Data any
}

func (e *Error) Error() string { return e.Message }

// refusal is e in the hub's words.
func (e *Error) refusal() *hub.Refusal {
	r := &hub.Refusal{Message: e.Message}
	if e.Data != nil {
		if args, err := encode([]any{e.Data}); err == nil {
			r.Data = args.JSON
		}
	}
	return r
}
