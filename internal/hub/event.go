package hub

import (
	"errors"
	"log/slog"

	"github.com/sockeye-io/socketio/internal/parser"
	"github.com/sockeye-io/socketio/packet"
)

// ErrNoAck: the client did not ask for an answer, or has it already.
var ErrNoAck = errors.New("socketio: no acknowledgement is owed")

// NeedsAck reports whether the client waits for the application's answer.
func (e *Event) NeedsAck() bool {
	return e.Packet.ID != "" && !e.autoAck && !e.answered.Load()
}

// Ack answers the event, once.
func (e *Event) Ack(args packet.Args) error {
	if !e.NeedsAck() || !e.answered.CompareAndSwap(false, true) {
		return ErrNoAck
	}
	return e.socket.Send(packet.Packet{Type: packet.Ack, ID: e.Packet.ID, Args: args}, false)
}

// Fail answers the event with {"error":{"message":…}}: the text of a Refusal, and
// otherwise just "internal error", while the log has the rest (decision 11). If no
// answer is owed, it only logs.
func (e *Event) Fail(err error) {
	var r *Refusal
	if !errors.As(err, &r) {
		e.socket.ns.hub.cfg.Logger.Error("socketio: a handler failed", slog.String("event", e.Packet.Name),
			slog.String("namespace", e.socket.ns.name), slog.String("socket", e.socket.ID()), slog.Any("error", err))
		r = errInternal
	}
	if !e.NeedsAck() {
		return
	}
	object := append([]byte(`{"error":`), r.object()...)
	_ = e.Ack(packet.Args{JSON: append(object, '}')})
}

// name makes an unnamed message the event "message" (decision 14).
func (e *Event) name() {
	e.Packet.Name, e.Packet.Args = "message", e.Value()
}

// Value returns an unnamed message as one JSON value.
func (e *Event) Value() packet.Args {
	if e.Type == packet.Text {
		return packet.Args{JSON: parser.AppendQuote(nil, string(e.Packet.Data))}
	}
	return e.Packet.Args
}
