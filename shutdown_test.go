package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/socketio"
)

// shutdown starts a Shutdown and returns its result later.
func (s *site) shutdown(ctx context.Context) <-chan error {
	done := make(chan error, 1)
	go func() { done <- s.Shutdown(ctx) }()
	return done
}

// TestShutdown loses nothing that was accepted, and makes clients come back.
func TestShutdown(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, nil)
		j := newJournal(t)
		let := make(chan struct{})
		s.On("n", func(so *socketio.Socket, e *socketio.Event) {
			<-let
			so.Emit("back", e.Args())
			e.Ack("ok")
		})
		s.OnDisconnect(func(_ *socketio.Socket, reason string) { j.add("%s", reason) })
		c, so := crowd(t, s, m, 1)
		const n = 30
		for i := range n {
			c[0].call("n", fmt.Sprint(i))
		}
		settle()
		done := s.shutdown(t.Context())
		settle()
		if _, err := s.tryDial(m); err == nil || !strings.Contains(err.Error(), "503") {
			t.Errorf("a new session: %v", err)
		}
		select {
		case err := <-done:
			t.Fatalf("Shutdown does not wait for handlers: %v", err)
		default:
		}
		if !so[0].Connected() {
			t.Error("the socket is gone already")
		}
		close(let)
		for i := range n {
			c[0].want(fmt.Sprintf("back[%d]", i), fmt.Sprintf(`ack %d["ok"]`, i+1))
		}
		want := map[[2]bool]string{ // revision 1, on a WebSocket
			{true, true}: "lost", {true, false}: "reconnect", {false, true}: "code 1001", {false, false}: "close",
		}[[2]bool{m.rev1, m.websocket || m.upgrades}]
		if m := c[0].next(); m.kind != "end" || m.data != want { // no DISCONNECT before
			t.Errorf("told %s %s, want %s", m, m.data, want)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		j.want("server shutting down")
		j.silence()
		if err := s.Shutdown(t.Context()); err != nil {
			t.Errorf("again: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		if err := so[0].Emit("late"); !errors.Is(err, socketio.ErrClosed) {
			t.Errorf("late: %v", err)
		}
	})
}

// TestShutdownIsBounded: by its context, whatever a handler or a client does.
func TestShutdownIsBounded(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, nil)
		never := make(chan struct{})
		defer close(never)
		socketio.On(s, "hang", func(*socketio.Socket, struct{}) { <-never })
		c, _ := crowd(t, s, m, 2)
		c[0].emit("hang", ``)
		c[1].mute()
		settle()
		s.Emit("unread")
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		begin := time.Now()
		if err := s.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("err = %v", err)
		}
		if d := time.Since(begin); d > 12*time.Second {
			t.Errorf("took %v", d)
		}
		c[0].ended()
	})
}

// TestShutdownDuringCall: a handler that waits for an answer while the server shuts
// down still gets it.
func TestShutdownDuringCall(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, nil)
		j := newJournal(t)
		socketio.On(s, "ask", func(so *socketio.Socket, _ struct{}) {
			for i := range 2 {
				n, err := socketio.Call[int](t.Context(), so, "question", i)
				j.add("answer %d %v", n, err)
			}
		})
		c := s.connect(m)
		c.emit("ask", ``)
		id := c.wantCall("question", `[0]`)
		settle()
		done := s.shutdown(t.Context())
		settle()
		c.answer(id, `7`)
		j.want("answer 7 <nil>")
		c.answer(c.wantCall("question", `[1]`), `8`)
		j.want("answer 8 <nil>")
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestClose does not wait for anybody.
func TestClose(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, nil)
		j := newJournal(t)
		let := numbers(s, j)
		c := s.connect(m)
		c.emit("n", `1`)
		settle()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		c.ended()
		j.silence()
		close(let)
		j.want("n 1")
		if _, err := s.tryDial(m); err == nil {
			t.Error("a closed server takes new sessions")
		}
	})
}

// TestRejoin: after a shutdown a client finds its place at another server, as it does
// at this one after a kick or a cut.
func TestRejoin(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		for range 2 {
			s := serve(t, nil)
			s.Of("/chat")
			c := s.connect(m)
			c.on("/chat").join("")
			c.want("/chat connect")
			s.Of("/chat").Emit("hello")
			c.want("/chat hello[]")
			c.cut()
			c = s.connect(m)
			c.emit("x", ``)
			if err := s.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
			c.ended()
		}
	})
}
