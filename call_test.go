package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/sockeye-io/socketio"
)

type result[T any] struct {
	v   T
	err error
}

// ask calls the client from a goroutine of its own.
func ask[T any](ctx context.Context, s *socketio.Socket, event string, args ...any) <-chan result[T] {
	ch := make(chan result[T], 1)
	go func() {
		v, err := socketio.Call[T](ctx, s, event, args...)
		ch <- result[T]{v, err}
	}()
	return ch
}

func TestCall(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, nil)
		c := s.connect(m)
		so := only(t, s.Namespace)

		r := ask[string](t.Context(), so, "name", "a", 1)
		id := c.wantCall("name", `["a",1]`)
		c.answer(id, `"Ann",2`)
		if got := <-r; got.v != "Ann" || got.err != nil {
			t.Errorf("got %v", got)
		}
		c.answer(id, `"twice"`)    // an answer counts once
		c.answer("4711", `"mine"`) // nobody asked
		c.answer("007", `"odd"`)

		type pair struct {
			socketio.Tuple
			A string
			B int
		}
		p := ask[pair](t.Context(), so, "pair")
		c.answer(c.wantCall("pair", `[]`), `"x",2`)
		if got := <-p; got.v.A != "x" || got.v.B != 2 || got.err != nil {
			t.Errorf("got %v", got)
		}
		none := ask[struct{}](t.Context(), so, "none")
		c.answer(c.wantCall("none", `[]`), ``)
		if got := <-none; got.err != nil {
			t.Errorf("got %v", got)
		}
		n := ask[int](t.Context(), so, "number")
		c.answer(c.wantCall("number", `[]`), `"no number"`)
		if got := <-n; got.err == nil {
			t.Errorf("got %v", got)
		}
		all := make(chan socketio.Args, 1)
		go func() {
			a, _ := so.EmitWithAck(t.Context(), "all")
			all <- a
		}()
		c.answer(c.wantCall("all", `[]`), `1,2,{"a":3}`)
		if got := <-all; got.String() != `[1,2,{"a":3}]` {
			t.Errorf("got %v", got)
		}
	})
}

// TestCallEnds: every way in which no answer comes.
func TestCallEnds(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, nil)
		c := s.connect(m)
		so := only(t, s.Namespace)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r := ask[int](ctx, so, "slow")
		id := c.wantCall("slow", `[]`)
		if got := <-r; !errors.Is(got.err, context.DeadlineExceeded) {
			t.Errorf("got %v", got)
		}
		c.answer(id, `1`) // too late, and no offence
		r = ask[int](t.Context(), so, "leave")
		c.wantCall("leave", `[]`)
		c.close()
		if got := <-r; !errors.Is(got.err, socketio.ErrClosed) || !errors.Is(got.err, net.ErrClosed) {
			t.Errorf("got %v", got)
		}
		if got := <-ask[int](t.Context(), so, "left"); !errors.Is(got.err, socketio.ErrClosed) {
			t.Errorf("got %v", got)
		}
		if got := <-ask[int](t.Context(), so, "bad", func() {}); got.err == nil || errors.Is(got.err, socketio.ErrClosed) {
			t.Errorf("got %v", got)
		}
	})
}

// TestCallInHandler: a handler may wait for an answer of its own client, though its
// next events wait meanwhile.
func TestCallInHandler(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, nil)
		j := newJournal(t)
		socketio.On(s, "ask", func(so *socketio.Socket, _ struct{}) {
			v, err := socketio.Call[int](limited(t), so, "question")
			j.add("answer %d %v", v, err)
		})
		socketio.On(s, "next", func(*socketio.Socket, struct{}) { j.add("next") })
		c := s.connect(m)
		c.emit("ask", ``)
		id := c.wantCall("question", `[]`)
		c.emit("next", ``)
		j.silence()
		c.answer(id, `7`)
		j.want("answer 7 <nil>", "next")
	})
}

// TestAcksAreAPlacesOwn: an answer counts for the namespace and the client that were
// asked, and for no other.
func TestAcksAreAPlacesOwn(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, nil)
		s.Of("/chat")
		c, other := s.connect(m), s.connect(m)
		c.on("/chat").join("")
		c.want("/chat connect")
		r := ask[string](t.Context(), only(t, s.Of("/chat")), "q")
		id := c.on("/chat").wantCall("q", `[]`)
		other.answer(id, `"another client"`)
		c.answer(id, `"another namespace"`)
		settle()
		c.on("/chat").answer(id, `"right"`)
		if got := <-r; got.v != "right" {
			t.Errorf("got %v", got)
		}
	})
}

// TestMaxPendingAcks: the oldest call fails, whatever was answered in between.
func TestMaxPendingAcks(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, &socketio.Options{MaxPendingAcks: 2})
		c := s.connect(m)
		so := only(t, s.Namespace)
		var calls []<-chan result[int]
		var ids []string
		for i := range 3 {
			calls = append(calls, ask[int](t.Context(), so, "q", i))
			ids = append(ids, c.wantCall("q", fmt.Sprintf("[%d]", i)))
			if i == 1 {
				c.answer(ids[1], `1`)
				if got := <-calls[1]; got.v != 1 {
					t.Errorf("got %v", got)
				}
			}
		}
		fourth := ask[int](t.Context(), so, "q", 3)
		c.wantCall("q", "[3]")
		if got := <-calls[0]; !errors.Is(got.err, socketio.ErrTooManyAcks) {
			t.Errorf("the oldest: %v", got)
		}
		c.answer(ids[2], `2`)
		if got := <-calls[2]; got.v != 2 {
			t.Errorf("got %v", got)
		}
		c.cut()
		if got := <-fourth; !errors.Is(got.err, socketio.ErrClosed) {
			t.Errorf("got %v", got)
		}
	})
}
