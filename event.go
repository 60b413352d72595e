package socketio

import (
	"github.com/sockeye-io/socketio/internal/hub"
	"github.com/sockeye-io/socketio/packet"
)

// An Event is something a client emitted. It belongs to its handler until that
// returns; its Args may be kept.
type Event hub.Event

func (e *Event) hub() *hub.Event { return (*hub.Event)(e) }

// Name returns the event's name.
func (e *Event) Name() string { return e.Packet.Name }

// Args returns the event's arguments.
func (e *Event) Args() Args { return Args(e.Packet.Args) }

// NeedsAck reports whether the client waits for an answer.
func (e *Event) NeedsAck() bool { return e.hub().NeedsAck() }

// Ack answers the event. It fails with ErrNoAck if no answer is owed, with ErrClosed
// if the client has gone, or if args cannot be encoded. It may be called once, by
// the handler or later by another goroutine.
func (e *Event) Ack(args ...any) error {
	a, err := encode(args)
	if err != nil {
		return err
	}
	return e.hub().Ack(a)
}

// fail answers the event with an error.
func (e *Event) fail(err error) { e.hub().Fail(forClient(err)) }

// A Message is an unnamed message of a revision 1 client: what its send sent as
// text, or its json.send as JSON.
type Message hub.Event

func (m *Message) hub() *hub.Event { return (*hub.Event)(m) }

// IsText reports whether the message is text; otherwise it is JSON.
func (m *Message) IsText() bool { return m.Type == packet.Text }

// Text returns the message's text: as it was sent, or the JSON text.
func (m *Message) Text() string {
	if m.IsText() {
		return string(m.Packet.Data)
	}
	return string(m.Packet.Args.JSON)
}

// Args returns the message as one JSON value, whichever it was.
func (m *Message) Args() Args { return Args(m.hub().Value()) }

// NeedsAck reports whether the client waits for an answer of the application's.
// The usual one, that a message has arrived, is given without it.
func (m *Message) NeedsAck() bool { return m.hub().NeedsAck() }

// Ack answers the message, as Event.Ack does.
func (m *Message) Ack(args ...any) error { return (*Event)(m).Ack(args...) }
