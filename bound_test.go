package socketio_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/socketio"
)

// numbers registers a handler of "n" that waits for each number to be let through.
func numbers(s *site, j *journal) (let chan struct{}) {
	let = make(chan struct{})
	socketio.On(s, "n", func(_ *socketio.Socket, a socketio.Args) {
		var n int
		a.Scan(&n)
		<-let
		j.add("n %d", n)
	})
	return let
}

// TestInboxBound: beyond it nothing more is read, for as long as it takes; nothing is
// lost and nobody is taken for dead.
func TestInboxBound(t *testing.T) {
	pad := strings.Repeat("x", 900) // connections hold little
	for _, tt := range []struct {
		name string
		opts socketio.Options
		most int64 // batches that are taken
	}{
		{"events", socketio.Options{MaxInboxEvents: 4}, 4 + 3},
		{"bytes", socketio.Options{MaxInboxBytes: 3000}, 4 + 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			run(t, func(t *testing.T, m mode) {
				s := serve(t, &tt.opts)
				j := newJournal(t)
				let := numbers(s, j)
				s.OnDisconnect(func(_ *socketio.Socket, reason string) { j.add("%s", reason) })
				c := s.connect(m)
				settle()
				before := c.sent.Load()
				const n = 50
				for i := range n {
					c.emit("n", fmt.Sprint(i)+`,"`+pad+`"`)
				}
				time.Sleep(5 * time.Minute) // more than any timeout
				settle()
				if sent := c.sent.Load() - before; sent > tt.most {
					t.Errorf("%d of %d batches are read", sent, n)
				}
				j.silence()
				close(let)
				for i := range n {
					j.want(fmt.Sprintf("n %d", i))
				}
				c.emit("n", `-1`)
				j.want("n -1")
				j.silence()
			})
		})
	}
}

// TestBodyIsTakenWhole: what begins below the bound is taken whole, and answered.
func TestBodyIsTakenWhole(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, &socketio.Options{MaxInboxEvents: 4})
		j := newJournal(t)
		let := numbers(s, j)
		c := s.connect(m)
		settle()
		before := c.sent.Load()
		var body []string
		for i := range 20 {
			body = append(body, m.codec.event("/", "", "n", fmt.Sprint(i)))
		}
		c.raw(body...)
		settle()
		if sent := c.sent.Load() - before; sent != 1 {
			t.Errorf("%d bodies are taken", sent)
		}
		c.raw(body...)
		settle()
		if sent := c.sent.Load() - before; sent != 1 {
			t.Errorf("%d bodies are taken", sent)
		}
		close(let)
		for i := range 40 {
			j.want(fmt.Sprintf("n %d", i%20))
		}
	}, not("a stream has no bodies", socketModes...))
}

// TestInboxBehindAnAck: a handler that waits for an answer gets it from behind a full
// inbox, up to twice the bound; then the client is ended.
func TestInboxBehindAnAck(t *testing.T) {
	for _, tt := range []struct {
		events int
		want   []string
	}{
		{6, []string{"answer <nil>", "e", "e", "e", "e", "e", "e"}},
		{20, []string{"answer " + socketio.ErrClosed.Error(), "disconnect: inbox full"}},
	} {
		t.Run(fmt.Sprint(tt.events), func(t *testing.T) {
			run(t, func(t *testing.T, m mode) {
				s := serve(t, &socketio.Options{MaxInboxEvents: 4})
				j := newJournal(t)
				s.OnDisconnect(func(_ *socketio.Socket, reason string) { j.add("disconnect: %s", reason) })
				begin := make(chan struct{})
				socketio.On(s, "ask", func(so *socketio.Socket, _ struct{}) {
					<-begin
					_, err := so.EmitWithAck(t.Context(), "question")
					j.add("answer %v", err)
				})
				socketio.On(s, "e", func(*socketio.Socket, struct{}) { j.add("e") })
				c := s.connect(m)
				c.emit("ask", ``)
				for range 4 { // as many as fit before the question
					c.emit("e", ``)
				}
				settle()
				close(begin)
				id := c.wantCall("question", `[]`)
				for range tt.events - 4 {
					c.emit("e", ``)
				}
				c.answer(id, ``)
				j.want(tt.want...)
				j.silence()
			})
		})
	}
}

// TestAskingBehindAFullInbox: the question comes when the inbox is full beyond twice
// the bound already, so that no answer can be read.
func TestAskingBehindAFullInbox(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, &socketio.Options{MaxInboxEvents: 2})
		j := newJournal(t)
		s.OnDisconnect(func(_ *socketio.Socket, reason string) { j.add("disconnect: %s", reason) })
		begin := make(chan struct{})
		socketio.On(s, "ask", func(so *socketio.Socket, _ struct{}) {
			<-begin
			_, err := so.EmitWithAck(t.Context(), "question")
			j.add("%v", errors.Is(err, socketio.ErrClosed))
		})
		c := s.connect(m)
		c.emit("ask", ``)
		settle()
		e := m.codec.event("/", "", "e", ``)
		c.raw(e, e, e, e, e, e)
		settle()
		close(begin)
		j.want("true", "disconnect: inbox full")
	}, not("a stream has no bodies", socketModes...))
}

// TestOutboxBound: a client that does not read is ended at its bound; the others get
// everything.
func TestOutboxBound(t *testing.T) {
	for name, opts := range map[string]socketio.Options{
		"casts": {MaxOutboxCasts: 10}, "bytes": {MaxOutboxBytes: 2000},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(t *testing.T, m mode) {
				s := serve(t, &opts)
				j := newJournal(t)
				c, so := crowd(t, s, m, 2)
				s.OnDisconnect(func(left *socketio.Socket, reason string) { j.add("%v %s", left == so[0], reason) })
				c[0].mute()
				pad := strings.Repeat("x", 150)
				const n = 100
				for i := range n {
					s.Emit("n", i, pad)
					settle()
				}
				j.want("true outbox full")
				j.silence()
				for i := range n {
					c[1].want(fmt.Sprintf(`n[%d,"%s"]`, i, pad))
				}
				if err := so[0].Emit("late"); !errors.Is(err, socketio.ErrClosed) {
					t.Errorf("late: %v", err)
				}
			})
		})
	}
}

// TestOutboxTakesOne: what finds nothing queued is taken, however large it is.
func TestOutboxTakesOne(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, &socketio.Options{MaxOutboxBytes: 100})
		c, so := crowd(t, s, m, 1)
		pad := strings.Repeat("x", 10_000)
		for range 3 {
			settle()
			so[0].Emit("large", pad)
			c[0].want(`large["` + pad + `"]`)
		}
	})
}
