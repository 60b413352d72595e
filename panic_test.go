package socketio_test

import (
	"context"
	"strings"
	"testing"

	"github.com/sockeye-io/socketio"
)

// TestPanicsElsewhere: in the other kinds of handlers.
func TestPanicsElsewhere(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, nil)
		j := newJournal(t)
		s.OnAny(func(_ *socketio.Socket, e *socketio.Event) {
			if e.Name() == "any" {
				panic("in OnAny")
			}
		})
		s.OnMessage(func(*socketio.Socket, *socketio.Message) { panic("in OnMessage") })
		socketio.On(s, "any", func(*socketio.Socket, struct{}) { j.add("handled in spite of OnAny") })
		socketio.On(s, "typed", func(*socketio.Socket, []int) { panic("in On") })
		socketio.Reply(s, "reply", func(_ *socketio.Socket, n []int) (int, error) { return n[7], nil })
		c := s.connect(m)
		const internal = `[{"error":{"message":"internal error"}}]`
		for _, name := range []string{"any", "typed", "reply"} {
			if got := c.ask(name, `[1]`); got != internal {
				t.Errorf("%s: answer %s", name, got)
			}
		}
		if m.rev1 {
			c.raw("3:77+::x")
			c.want("ack 77" + internal)
		}
		j.silence()
		if !only(t, s.Namespace).Connected() {
			t.Error("the socket is gone")
		}
	})
}

// TestAuthorizePanics: as any other internal error, it lets nobody in.
func TestAuthorizePanics(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, &socketio.Options{Authorize: func(context.Context, *socketio.Handshake) error { panic("oh no") }})
		status := "403"
		if m.rev1 {
			status = "500"
		}
		if _, err := s.tryDial(m); err == nil || !strings.Contains(err.Error(), status) {
			t.Errorf("err = %v", err)
		}
		if !s.log.has("oh no", "panic_test.go") {
			t.Error("no stack in the log")
		}
	})
}
