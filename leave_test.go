package socketio_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sockeye-io/socketio"
)

// TestReasons: every way of leaving has its word, and its farewell.
func TestReasons(t *testing.T) {
	type how struct {
		leave           func(s *site, c *client)
		reason, reason1 string    // of revision 1, if it differs
		told            [3]string // how: revision 1, revision 5 stream, revision 5 poll
	}
	for name, h := range map[string]how{
		"client closes": {func(_ *site, c *client) { c.close() }, "transport close", "client namespace disconnect",
			[3]string{"booted", "code 1000", "lost"}},
		"client leaves": {func(_ *site, c *client) { c.leave() }, "client namespace disconnect", "",
			[3]string{"booted", "", ""}},
		"cut": {func(_ *site, c *client) { c.cut() }, "transport close", "", [3]string{"lost", "lost", "lost"}},
		"kick": {func(s *site, _ *client) { s.DisconnectSockets(true) }, "server namespace disconnect", "",
			[3]string{"booted", "code 1000", "close"}},
		"kick from the namespace": {func(s *site, _ *client) { s.DisconnectSockets(false) }, "server namespace disconnect", "",
			[3]string{"booted", "", ""}},
		"close": {func(s *site, _ *client) { s.Close() }, "server shutting down", "", [3]string{"", "", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(t *testing.T, m mode) {
				s := serve(t, nil)
				j := watch(t, s.Namespace)
				c := s.connect(m)
				j.want("connect")
				so := only(t, s.Namespace)
				ctx := so.Context()
				settle() // or it is an answer that fails
				h.leave(s, c)
				if m.rev1 && h.reason1 != "" {
					j.want("disconnect: " + h.reason1)
				} else {
					j.want("disconnect: " + h.reason)
				}
				if ctx.Err() == nil || so.Context().Err() == nil || so.Connected() || s.Len() != 0 || s.Socket(so.ID()) != nil {
					t.Error("something is left of the socket")
				}
				if err := so.Join("room"); !errors.Is(err, socketio.ErrClosed) {
					t.Errorf("join: %v", err)
				}
				if told := h.told[m.kind()]; told != "" {
					if got := c.ended(); got != told && !(told == "lost" && got != "") {
						t.Errorf("told %q, want %q", got, told)
					}
				}
				j.silence()
			})
		})
	}
}

// kind is an index: revision 1, a stream of revision 5, polling of revision 5.
func (m mode) kind() int {
	switch {
	case m.rev1:
		return 0
	case m.streaming():
		return 1
	}
	return 2
}

// TestPingTimeout: a client that is silent is gone.
func TestPingTimeout(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, nil)
		j := watch(t, s.Namespace)
		c := s.connect(m)
		j.want("connect")
		settle()
		c.mute()
		begin := time.Now()
		reason := "ping timeout"
		if m.rev1 && !m.streaming() {
			reason = "transport close" // "close timeout" in that revision: no poll comes
		} else if m.flows {
			reason = "transport error" // the network in memory does not take a heartbeat that nobody reads
		}
		j.want("disconnect: " + reason)
		if d := time.Since(begin); d < 20*time.Second || d > 2*time.Minute {
			t.Errorf("after %v", d)
		}
	})
}

// TestQueuedEvents: what a client sent before it left is handled, though its context
// has ended; what one sent that is thrown out is not.
func TestQueuedEvents(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, nil)
		j := watch(t, s.Namespace)
		goOn := make(chan struct{})
		socketio.On(s, "wait", func(so *socketio.Socket, _ struct{}) {
			j.add("waits")
			<-so.Context().Done()
			j.add("cancelled")
			<-goOn
			if err := context.WithoutCancel(so.Context()).Err(); err != nil {
				t.Error(err)
			}
		})
		socketio.On(s, "n", func(_ *socketio.Socket, n int) { j.add("n %d", n) })
		c := s.connect(m)
		j.want("connect")
		c.emit("wait", ``)
		j.want("waits")
		c.emit("n", `1`)
		c.emit("n", `2`)
		settle()
		c.close()
		j.want("cancelled")
		j.silence()
		close(goOn)
		j.want("n 1", "n 2")
		if m.rev1 {
			j.want("disconnect: client namespace disconnect")
		} else {
			j.want("disconnect: transport close")
		}

		goOn = make(chan struct{})
		c = s.connect(m)
		j.want("connect")
		c.emit("wait", ``)
		j.want("waits")
		c.emit("n", `3`)
		settle()
		only(t, s.Namespace).Disconnect(true)
		j.want("cancelled")
		close(goOn)
		j.want("disconnect: server namespace disconnect")
		j.silence()
	})
}

// TestKickIsAnEnd: what follows from a client that is thrown out is ignored, in the
// same body too (THREATS.md, "A kick is an end").
func TestKickIsAnEnd(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, nil)
		j := watch(t, s.Namespace)
		socketio.On(s, "quit", func(so *socketio.Socket, _ struct{}) {
			so.Emit("bye")
			so.Disconnect(true)
			j.add("quit")
		})
		socketio.On(s, "n", func(*socketio.Socket, int) { j.add("n") })
		c := s.connect(m)
		g := m.codec
		c.raw(g.event("/", "", "quit", ``), g.event("/", "", "n", `1`), g.event("/", "", "n", `2`))
		j.want("connect", "quit", "disconnect: server namespace disconnect")
		c.want("bye[]") // what was emitted before still arrives
		c.ended()
		j.silence()
	})
}

// TestLeaveWhileJoining: a namespace that a client left in the same breath was never
// joined, or was left.
func TestLeaveWhileJoining(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, nil)
		ns := s.Of("/x")
		c := s.connect(m)
		for range 20 {
			c.raw(m.codec.join("/x", ""), m.codec.leave("/x"))
		}
		settle()
		if ns.Len() != 0 {
			t.Errorf("%d sockets", ns.Len())
		}
		for len(c.got) > 0 {
			if m := c.next(); m.String() != "/x connect" {
				t.Errorf("got %s", m)
			}
		}
	})
}

// TestSetGet: values live as long as somebody has the socket.
func TestSetGet(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		type key struct{}
		s := serve(t, nil)
		left := make(chan any, 1)
		s.OnDisconnect(func(so *socketio.Socket, _ string) { left <- so.Get(key{}) })
		c := s.connect(m)
		so := only(t, s.Namespace)
		if so.Get("a") != nil {
			t.Error("something is there")
		}
		so.Set("a", 1)
		so.Set(key{}, "private")
		so.Set("a", nil)
		if so.Get("a") != nil || so.Get(key{}) != "private" {
			t.Error("Get")
		}
		c.close()
		if got := <-left; got != "private" {
			t.Errorf("got %v", got)
		}
	})
}

// TestContext: it derives from Options.Context.
func TestContext(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		type key struct{}
		s := serve(t, &socketio.Options{Context: context.WithValue(t.Context(), key{}, "app")})
		c := s.connect(m)
		so := only(t, s.Namespace)
		ctx := so.Context()
		if ctx.Value(key{}) != "app" || ctx.Err() != nil || so.Context() != ctx {
			t.Error("context")
		}
		c.cut()
		<-ctx.Done()
	})
}
