package session

import (
	"slices"
	"testing"

	"github.com/sockeye-io/socketio/internal/generation"
	"github.com/sockeye-io/socketio/packet"
)

// What a poll that waits, one that comes later, and a stream are told at the end.
func TestByes(t *testing.T) {
	rev1, engine := &generation.Revision1, &generation.EngineIO4
	kick := func(b *rig) { b.End(b.now, Kick, ServerDisconnect) }
	drain := func(b *rig) { b.End(b.now, Drain, ServerShutdown) }
	for _, tt := range []byeTest{
		// [T websocket-kick], [T disconnect-by-server]: 0:: keeps the client away.
		{"kick, revision 1", rev1, kick, []string{"0::"}, []string{"0::"}},
		// revision-1.md §7.5: to drain, drop the transport or answer 7:::1+0.
		{"drain, revision 1", rev1, drain, []string{"7:::1+0"}, nil},
		// [T disconnect-by-client]: 0:: is answered in kind.
		{"client leaves, revision 1", rev1, nil, []string{"0::"}, []string{"0::"}},
		{"kick, Engine.IO", engine, kick, []string{"1"}, nil},
		{"drain, Engine.IO", engine, drain, []string{"1"}, nil},
		// Engine.IO 4 test suite, "forcefully closes the session": "6" for the poll.
		{"client leaves, Engine.IO", engine, nil, []string{"6"}, nil},
	} {
		t.Run(tt.name, tt.run)
	}
}

type byeTest struct {
	name         string
	g            *generation.Generation
	do           func(*rig) // nil: the client leaves
	poll, stream []string
}

func (tt *byeTest) run(t *testing.T) {
	bye := map[*generation.Generation]string{&generation.Revision1: "0::", &generation.EngineIO4: "1"}[tt.g]
	end := func(b *rig, leave func()) {
		if tt.do == nil {
			leave()
		} else {
			tt.do(b)
		}
		if len(b.rec.ends()) != 1 { // at once
			t.Fatalf("ends: %q", b.rec.ends())
		}
	}
	b := newPolling(t, tt.g)
	p := b.get()
	b.wait(p)
	end(b, func() { b.post(bye) })
	if p.woken == 0 {
		t.Fatal("the poll hangs")
	}
	b.answer(p, tt.poll...)
	b.check(b.Poll(b.now, new(fake), false), ErrUnknown)

	b, ws := streaming(t, tt.g)
	end(b, func() { b.recv(ws, bye) })
	got, status := b.take(ws)
	if status != Final || !slices.Equal(got, tt.stream) {
		t.Fatalf("stream took %q (status %d)", got, status)
	}
	b.Done(b.now, ws, true)
	if b.phase != closed {
		t.Fatal("the session goes on")
	}
	b.Lost(ws, TransportClose)
	if len(b.rec.ends()) != 1 {
		t.Fatalf("ends: %q", b.rec.ends())
	}
}

// What is queued when the session is ended still leaves, the goodbye behind it.
func TestEndFlushes(t *testing.T) {
	b := newPolling(t, &generation.Revision1)
	b.push("a")
	b.End(b.now, Kick, ServerDisconnect)
	_, err := b.Push(text2cast(b.cfg.Generation, "b", false))
	b.check(err, ErrClosed)
	_, err = b.BeginPost(b.now)
	b.check(err, ErrUnknown)
	// revision-1.md §7.5: "on a kick keep the session for the close timeout with 0::
	// queued".
	b.at(59 * sec)
	p := b.get()
	b.take(p)
	b.Done(b.now, p, false) // and once more, if that is lost
	b.answer(b.get(), "3:::a")
	b.answer(b.get(), "0::") // by itself
	b.ended(ServerDisconnect)
	b.check(b.Poll(b.now, new(fake), false), ErrUnknown)

	b = newPolling(t, &generation.Revision1)
	b.End(b.now, Kick, ServerDisconnect)
	b.at(59 * sec)
	p = b.get()
	b.take(p)
	b.Done(b.now, p, false) // which wins no time
	b.at(60 * sec)
	b.check(b.Poll(b.now, new(fake), false), ErrUnknown)
	b.ended(ServerDisconnect)

	b, ws := streaming(t, &generation.EngineIO4)
	b.push("a")
	b.End(b.now, Drain, ServerShutdown)
	b.answer(ws, "4a")
	if _, status := b.take(ws); status != Final {
		t.Fatalf("status %d", status)
	}
}

// A session that drains with nothing to say and nobody to be told waits for a poll that
// is on its way, and no longer.
func TestDrainDeserted(t *testing.T) {
	b := newPolling(t, &generation.Revision1)
	b.End(b.now, Drain, ServerShutdown)
	b.at(sec - 1)
	b.answer(b.get(), "7:::1+0")
	b.ended(ServerShutdown)

	b = newPolling(t, &generation.Revision1)
	b.End(b.now, Drain, ServerShutdown)
	b.at(sec)
	b.check(b.Poll(b.now, new(fake), false), ErrUnknown)
	b.ended(ServerShutdown)

	b = newPolling(t, &generation.Revision1)
	b.push("a")
	p := b.get()
	b.take(p)
	b.End(b.now, Drain, ServerShutdown) // while the answer is on its way
	b.at(10 * sec)
	b.Done(b.now, p, true)
	b.at(11 * sec)
	b.check(b.Poll(b.now, new(fake), false), ErrUnknown)
	b.ended(ServerShutdown)

	b = newPolling(t, &generation.Revision1)
	b.push("a") // is owed, so there is more time
	b.End(b.now, Drain, ServerShutdown)
	b.at(59 * sec)
	b.answer(b.get(), "3:::a")
	b.answer(b.get(), "7:::1+0")
	b.ended(ServerShutdown)
}

// THREATS.md, "close handshake": a stream that does not take what it is owed is
// closed after 5 s.
func TestEndIsBounded(t *testing.T) {
	b, ws := streaming(t, &generation.Revision1)
	b.push("a")
	b.take(ws) // and writes for ever
	b.End(b.now, Kick, ServerDisconnect)
	b.check(b.Poll(b.now, new(fake), false), ErrUnknown) // the stream says goodbye
	b.at(5*sec - 1)
	if len(ws.closed) != 0 {
		t.Fatal("closed too early")
	}
	b.at(5 * sec)
	if !slices.Equal(ws.closed, []Reason{ServerDisconnect}) || b.phase != closed {
		t.Fatalf("closed %q", ws.closed)
	}
	b.Done(b.now, ws, false)
	b.ended(ServerDisconnect)
	if len(b.out.casts()) != 0 {
		t.Fatal("casts are kept")
	}
}

// An ended session never opened is heard of by nobody.
func TestEndUnopened(t *testing.T) {
	gone := 0
	b := newRig(t, &generation.Revision1, func(c *Config) { c.Gone = func(*Session) { gone++ } })
	b.End(b.now, Kick, ServerDisconnect)
	b.End(b.now, Drain, ServerDisconnect)
	b.Session.Fail(TransportError)
	b.check(b.Poll(b.now, new(fake), false), ErrUnknown)
	if len(b.rec.log) != 0 || gone != 1 {
		t.Fatalf("handler: %q; gone %d times", b.rec.log, gone)
	}
}

// THREATS.md, "A kick is an end, with what follows from that client ignored": also
// what stands behind it in the same body.
func TestNothingAfterTheEnd(t *testing.T) {
	b := newPolling(t, &generation.EngineIO4)
	b.rec.onMessage = func(s *Session, _ packet.Packet) error {
		s.End(b.now, Kick, ServerDisconnect)
		return nil
	}
	b.post("4a\x1e4b\x1e3\x1e4c")
	if got := b.rec.messages(); !slices.Equal(got, []string{"a"}) {
		t.Fatalf("got %q", got)
	}
	b = newPolling(t, &generation.EngineIO4)
	b.post("4a\x1e1\x1e4b")
	if got := b.rec.messages(); !slices.Equal(got, []string{"a"}) {
		t.Fatalf("got %q", got)
	}
	b.ended(TransportClose)
}

// A handler that ends the session while it is told of its opening hears of the end
// afterwards, and of nothing else.
func TestEndWhileOpening(t *testing.T) {
	b := newRig(t, &generation.EngineIO4)
	b.rec.onOpened = func(s *Session) { s.End(b.now, Kick, ServerDisconnect) }
	b.answer(b.get())
	if !slices.Equal(b.rec.log, []string{"opened", "closed: server namespace disconnect"}) {
		t.Fatalf("handler: %q", b.rec.log)
	}
}

// revision-1.md §7.5: a lost stream ends the session at once, and so does a failed
// write, whose casts must go nowhere.
func TestLost(t *testing.T) {
	for _, g := range []*generation.Generation{&generation.Revision1, &generation.EngineIO4} {
		b, ws := streaming(t, g)
		b.Lost(new(fake), TransportClose) // somebody else's
		b.Lost(nil, TransportClose)
		b.alive()
		b.Lost(ws, TransportClose)
		b.ended(TransportClose)
		if len(ws.closed) != 0 {
			t.Fatal("it has closed by itself")
		}

		b, ws = streaming(t, g)
		b.push("a")
		b.take(ws)
		b.Done(b.now, ws, false)
		b.ended(TransportError)
	}
	b := newPolling(t, &generation.Revision1)
	b.Lost(nil, TransportClose)
	b.alive()
}
