package socketio

import (
	"context"
	"errors"
	"fmt"

	"github.com/sockeye-io/socketio/internal/hub"
)

// A Handler handles one event of one socket. Events of a socket are handled one at
// a time, in the order they arrived; those of different sockets at once.
type Handler func(s *Socket, e *Event)

// A Registry is where handlers are registered: a *Server or a *Namespace.
type Registry interface {
	On(event string, h Handler)
}

// On registers a handler of an event whose first argument is a T; see Args.Scan for
// what a T may be. For several arguments let T be Args or embed Tuple; struct{}
// takes none. An event whose arguments do not fit does not reach the handler: it is
// logged, and if the client waits for an answer, it gets an error.
func On[T any](r Registry, event string, f func(s *Socket, arg T)) {
	decode := decoder[T]()
	r.On(event, func(s *Socket, e *Event) {
		var arg T
		if err := decode(e.Packet.Args, &arg); err != nil {
			e.fail(unfit(e, err))
			return
		}
		f(s, arg)
	})
}

// Reply registers a handler of an event as On does, whose result answers it. If
// R is Args, it stands for all values of the answer. An error is answered as Error
// says. If the client wants no answer, the result is dropped.
func Reply[T, R any](r Registry, event string, f func(s *Socket, arg T) (R, error)) {
	decode := decoder[T]()
	r.On(event, func(s *Socket, e *Event) {
		var arg T
		if err := decode(e.Packet.Args, &arg); err != nil {
			e.fail(unfit(e, err))
			return
		}
		result, err := f(s, arg)
		if err == nil && e.NeedsAck() {
			err = e.Ack(result)
		}
		if err != nil && !errors.Is(err, ErrClosed) {
			e.fail(err)
		}
	})
}

// Call emits an event to the client and waits for the first value of its answer, or
// all of it as On says. It fails as EmitWithAck does, or if the answer is no T.
func Call[T any](ctx context.Context, s *Socket, event string, args ...any) (T, error) {
	var result T
	answer, err := s.EmitWithAck(ctx, event, args...)
	if err != nil {
		return result, err
	}
	if err := decoder[T]()(answer.packet(), &result); err != nil {
		return result, fmt.Errorf("socketio: answer to %q: %w", event, err)
	}
	return result, nil
}

// unfit is what a client is told whose arguments do not fit a handler.
func unfit(e *Event, err error) error {
	return &Error{Message: fmt.Sprintf("invalid arguments for %q: %v", e.Name(), err)}
}

// forClient makes an *Error, however deep in err, the hub's.
func forClient(err error) error {
	var e *Error
	if errors.As(err, &e) {
		return e.refusal()
	}
	var r *hub.Refusal
	if errors.As(err, &r) {
		return r
	}
	return err
}
