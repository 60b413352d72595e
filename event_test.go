package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/sockeye-io/socketio"
)

type point struct {
	X, Y int
}

type move struct {
	socketio.Tuple
	Piece string
	To    point
	Rest  socketio.Args
}

// TestOnTypes: what a handler's argument may be, and what happens to arguments that
// do not fit.
func TestOnTypes(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, nil)
		j := newJournal(t)
		socketio.On(s, "string", func(_ *socketio.Socket, v string) { j.add("string %s", v) })
		socketio.On(s, "point", func(_ *socketio.Socket, v point) { j.add("point %d", v) })
		socketio.On(s, "pointer", func(_ *socketio.Socket, v *point) { j.add("pointer %v", v) })
		socketio.On(s, "move", func(_ *socketio.Socket, v move) { j.add("move %s %d %s", v.Piece, v.To, v.Rest) })
		socketio.On(s, "args", func(_ *socketio.Socket, v socketio.Args) { j.add("args %d %s", v.Len(), v) })
		socketio.On(s, "none", func(*socketio.Socket, struct{}) { j.add("none") })
		socketio.On(s, "any", func(_ *socketio.Socket, v any) { j.add("any %v", v) })
		s.On("raw", func(_ *socketio.Socket, e *socketio.Event) {
			var a string
			var b int
			err := e.Args().Scan(&a, &b)
			j.add("raw %s %s %d %v", e.Name(), a, b, err)
		})
		c := s.connect(m)
		for _, tt := range []struct{ name, args, want string }{
			{"string", `"x"`, "string x"},
			{"string", `"x",2,3`, "string x"}, // superfluous ones are ignored
			{"string", ``, "string "},         // what is missing is undefined in JavaScript
			{"string", `null`, "string "},
			{"point", `{"x":1,"y":2}`, "point {1 2}"},
			{"pointer", `null`, "pointer <nil>"},
			{"move", `"pawn",{"x":1,"y":2},[3]`, "move pawn {1 2} [[3]]"},
			{"args", `1,"b",[null]`, `args 3 [1,"b",[null]]`},
			{"args", ``, `args 0 []`},
			{"none", `1,2`, "none"},
			{"any", `{"a":[1]}`, "any map[a:[1]]"},
			{"raw", `"a",7`, "raw raw a 7 <nil>"},
		} {
			c.emit(tt.name, tt.args)
			j.want(tt.want)
		}
		c.emit("string", `7`) // does not fit: logged, not handled
		if got := c.ask("string", `7`); !strings.HasPrefix(got, `[{"error":{"message":"invalid arguments for \"string\": `) {
			t.Errorf("answer: %s", got)
		}
		j.silence()
	})
}

// TestReply: the result is the answer, and only what is made for the client is told.
func TestReply(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, nil)
		j := newJournal(t)
		socketio.Reply(s, "value", func(_ *socketio.Socket, p point) (point, error) { return point{p.Y, p.X}, nil })
		socketio.Reply(s, "values", func(_ *socketio.Socket, a socketio.Args) (socketio.Args, error) { return a, nil })
		socketio.Reply(s, "nothing", func(*socketio.Socket, struct{}) (struct{}, error) { j.add("nothing"); return struct{}{}, nil })
		socketio.Reply(s, "mine", func(*socketio.Socket, string) (string, error) {
			return "", fmt.Errorf("wrapped: %w", &socketio.Error{Message: "no such room", Data: 4})
		})
		socketio.Reply(s, "other", func(*socketio.Socket, string) (string, error) { return "", errors.New("password is hunter2") })
		socketio.Reply(s, "broken", func(*socketio.Socket, string) (any, error) { return func() {}, nil })
		c := s.connect(m)
		for _, tt := range []struct{ name, args, want string }{
			{"value", `{"x":1,"y":2}`, `[{"X":2,"Y":1}]`},
			{"values", `1,"two",[3]`, `[1,"two",[3]]`},
			{"values", ``, `[]`},
			{"mine", `""`, `[{"error":{"message":"no such room","data":4}}]`},
			{"other", `""`, `[{"error":{"message":"internal error"}}]`},
			{"broken", `""`, `[{"error":{"message":"internal error"}}]`},
		} {
			if got := c.ask(tt.name, tt.args); got != tt.want {
				t.Errorf("%s: answer %s, want %s", tt.name, got, tt.want)
			}
		}
		if !s.log.has("hunter2", "event=other") {
			t.Error("the error is not logged")
		}
		c.emit("nothing", ``) // no answer is wanted
		j.want("nothing")
		c.silence()
	})
}

// TestAck: an answer is given once, by whoever.
func TestAck(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, nil)
		j := newJournal(t)
		later := make(chan *socketio.Event, 1)
		s.On("now", func(_ *socketio.Socket, e *socketio.Event) {
			j.add("needs %v", e.NeedsAck())
			j.add("%v", e.Ack("a", 1))
			j.add("%v, needs %v", e.Ack("again"), e.NeedsAck())
		})
		s.On("later", func(_ *socketio.Socket, e *socketio.Event) { later <- e })
		c := s.connect(m)
		if got := c.ask("now", ``); got != `["a",1]` {
			t.Errorf("answer: %s", got)
		}
		j.want("needs true", "<nil>", "socketio: no acknowledgement is owed, needs false")
		c.emit("now", ``)
		j.want("needs false", "socketio: no acknowledgement is owed", "socketio: no acknowledgement is owed, needs false")
		id := c.call("later", ``)
		e := <-later
		if err := e.Ack(func() {}); err == nil || !e.NeedsAck() {
			t.Errorf("what cannot be encoded: %v", err)
		}
		go e.Ack("done")
		c.want("ack " + id + `["done"]`)
		c.call("later", ``)
		e = <-later
		c.close()
		c.ended()
		settle()
		if err := e.Ack("late"); !errors.Is(err, socketio.ErrClosed) {
			t.Errorf("late: %v", err)
		}
	})
}

// TestUnknownEvent: OnAny sees what nobody handles, and no answer comes.
func TestUnknownEvent(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, nil)
		j := newJournal(t)
		s.OnAny(func(_ *socketio.Socket, e *socketio.Event) { j.add("any %s%s", e.Name(), e.Args()) })
		s.OnAny(func(*socketio.Socket, *socketio.Event) { j.add("any too") })
		socketio.On(s, "known", func(*socketio.Socket, struct{}) { j.add("known") })
		c := s.connect(m)
		c.call("unknown", `1`)
		j.want("any unknown[1]", "any too")
		c.emit("known", ``)
		j.want("any known[]", "any too", "known")
		// THREATS.md, "Names that mean something to a language".
		for _, name := range []string{"__proto__", "constructor", "error", "", "toString", "\x00"} {
			c.emit(name, ``)
			j.want("any "+name+"[]", "any too")
		}
		socketio.On(s, "known", func(*socketio.Socket, struct{}) { j.add("replaced") })
		c.emit("known", ``)
		j.want("any known[]", "any too", "replaced")
		c.silence()
	})
}

// TestReserved: the protocol's own names are nobody's events.
func TestReserved(t *testing.T) {
	names := []string{"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"}
	run(t, func(t *testing.T, m mode) {
		s := serve(t, nil)
		j := newJournal(t)
		s.OnAny(func(_ *socketio.Socket, e *socketio.Event) { j.add("any %s", e.Name()) })
		s.OnDisconnect(func(_ *socketio.Socket, reason string) { j.add("disconnect: %s", reason) })
		c := s.connect(m)
		so := only(t, s.Namespace)
		for _, name := range names {
			_, err := so.EmitWithAck(t.Context(), name)
			for _, err := range []error{err, so.Emit(name), so.Volatile().Emit(name), s.Emit(name), so.To("a").Emit(name)} {
				if !errors.Is(err, socketio.ErrReserved) {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
		c.silence()
		for _, name := range names {
			c.emit(name, ``)
			if !m.rev1 { // THREATS.md, "Packets": revision 5 ends the connection
				j.want("disconnect: parse error")
				c.ended()
				c = s.connect(m)
			}
		}
		c.emit("other", ``)
		j.want("any other")
	})
}

// TestPanics: a handler that panics ends its event, and nothing else.
func TestPanics(t *testing.T) {
	for _, how := range []struct {
		name, log string
		do        func()
	}{
		{"panic", "panic in a handler", func() { panic("oh no") }},
		{"panic nil", "panic in a handler", func() { panic(nil) }},
		{"goexit", "ended its goroutine", runtime.Goexit},
	} {
		t.Run(how.name, func(t *testing.T) {
			run(t, func(t *testing.T, m mode) {
				s := serve(t, nil)
				j := newJournal(t)
				s.On("bad", func(*socketio.Socket, *socketio.Event) { how.do() })
				s.On("answered", func(_ *socketio.Socket, e *socketio.Event) { e.Ack("fine"); how.do() })
				socketio.On(s, "good", func(_ *socketio.Socket, n int) { j.add("good %d", n) })
				s.OnDisconnect(func(*socketio.Socket, string) { j.add("first"); how.do() })
				s.OnDisconnect(func(*socketio.Socket, string) { j.add("second") })
				c := s.connect(m)
				c.emit("bad", ``)
				c.emit("good", `1`)
				j.want("good 1")
				if got := c.ask("bad", ``); got != `[{"error":{"message":"internal error"}}]` {
					t.Errorf("answer: %s", got)
				}
				if got := c.ask("answered", ``); got != `["fine"]` {
					t.Errorf("answer: %s", got)
				}
				if !s.log.has(how.log, "handler=bad", "event_test.go") {
					t.Error("no stack in the log")
				}
				c.emit("good", `2`)
				j.want("good 2")
				c.close()
				j.want("first", "second")
			})
		})
	}
}

// TestBadJoin: who cannot be let in in good order is not let in.
func TestBadJoin(t *testing.T) {
	for name, do := range map[string]func(){"panic": func() { panic("oh no") }, "goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			run(t, func(t *testing.T, m mode) {
				s := serve(t, nil)
				use, connect := s.Of("/use"), s.Of("/connect")
				use.Use(func(context.Context, *socketio.Socket) error { do(); return nil })
				connect.OnConnect(func(*socketio.Socket) error { do(); return nil })
				j := newJournal(t)
				connect.OnConnect(func(*socketio.Socket) error { j.add("next"); return nil })
				connect.OnDisconnect(func(_ *socketio.Socket, reason string) { j.add("disconnect: %s", reason) })
				c := s.connect(m)
				c.on("/use").join("")
				c.want("/use refused " + m.refusal(`{"message":"internal error"}`))
				c.on("/connect").join("")
				c.want("/connect connect", "/connect disconnect")
				j.want("disconnect: server namespace disconnect")
				if use.Len() != 0 || connect.Len() != 0 || s.Len() != 1 {
					t.Error("sockets are left")
				}
			})
		})
	}
}

// refusal is how a client is told.
func (m mode) refusal(object string) string {
	if m.rev1 {
		return "2" // unauthorized: revision-1.md §5.1
	}
	return object
}
