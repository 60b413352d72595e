package session

import (
	"testing"

	"github.com/sockeye-io/socketio/internal/generation"
)

// Engine.IO 4, "Handshake": the first request opens the session, and the open packet
// comes first.
func TestOpenPacket(t *testing.T) {
	const rest = `"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`
	b := newRig(t, &generation.EngineIO4)
	b.answer(b.get(), `0{"sid":"sid","upgrades":["websocket"],`+rest)

	b = newRig(t, &generation.EngineIO4)
	ws := new(fake)
	b.check(b.Bind(b.now, ws), nil)
	if ws.woken == 0 {
		t.Fatal("not woken")
	}
	b.answer(ws, `0{"sid":"sid","upgrades":[],`+rest)
	b.wait(ws)
}

// Engine.IO 4 test suite, "should close the session upon duplicate poll requests":
// the first is answered with "close", the second is an error.
func TestDuplicatePoll(t *testing.T) {
	b := newPolling(t, &generation.EngineIO4)
	first := b.get()
	b.wait(first)
	b.check(b.Poll(b.now, new(fake), false), ErrOverlap)
	if first.woken == 0 {
		t.Fatal("the first poll hangs")
	}
	b.answer(first, "1")
	b.ended(TransportError)
	b.check(b.Poll(b.now, new(fake), false), ErrUnknown)
}

// revision-1.md §7.3: the replaced poll is answered with 8::, the session goes on.
func TestReplacedPoll(t *testing.T) {
	b := newPolling(t, &generation.Revision1)
	first := b.get()
	b.wait(first)
	second := b.get()
	if first.woken == 0 {
		t.Fatal("the first poll hangs")
	}
	b.wait(second)
	b.push("a")
	b.answer(first, "8::")
	b.answer(second, "3:::a")
	b.alive()
}

// A poll whose client went away: revision 1 loses nothing, Engine.IO ends (test
// suite, "should close the session upon cancelled polling request").
func TestCancelledPoll(t *testing.T) {
	b := newPolling(t, &generation.Revision1)
	p := b.get()
	b.Leave(b.now, p)
	b.push("a")
	b.answer(b.get(), "3:::a")
	b.alive()

	b = newPolling(t, &generation.EngineIO4)
	b.Leave(b.now, b.get())
	b.ended(TransportClose)
}

// A poll's failed answer returns to the front of the outbox (revision-1.md §7.4); in
// Engine.IO it ends the session, unless the client polls already.
func TestFailedAnswer(t *testing.T) {
	b := newPolling(t, &generation.Revision1)
	b.push("a")
	p := b.get()
	b.take(p)
	b.push("b")
	b.Done(b.now, p, false)
	b.answer(b.get(), "3:::a", "3:::b")
	b.alive()

	b = newPolling(t, &generation.EngineIO4)
	b.push("a")
	p = b.get()
	b.take(p)
	next := b.get()
	b.wait(next) // a lease is out
	b.Done(b.now, p, false)
	if next.woken != 1 {
		t.Fatal("not woken")
	}
	b.answer(next, "4a")
	b.take(b.get())
	b.push("b")
	p = b.poll().(*fake)
	b.take(p)
	b.Done(b.now, p, false)
	b.ended(TransportClose)
}

// Two GETs of revision 1: the first one's answer is on its way when the second has
// waited for its time. The noop is due once the lease is settled.
func TestNoopBehindLease(t *testing.T) {
	b := newPolling(t, &generation.Revision1)
	b.push("a")
	first := b.get()
	b.take(first)
	second := b.get()
	b.wait(second)
	b.at(20 * sec)
	b.Done(b.now, first, true)
	if second.woken == 0 {
		t.Fatal("the poll was forgotten")
	}
	b.answer(second, "8::")
}

// revision-1.md §7.2: a POST before the first GET opens the session; what was posted
// is not lost, and 1:: comes with the first GET.
func TestPostFirst(t *testing.T) {
	b := newRig(t, &generation.Revision1)
	b.post("3:::x")
	if got := b.rec.log; len(got) != 2 || got[0] != "opened" || got[1] != "m:x" {
		t.Fatalf("handler: %q", got)
	}
	b.at(59 * sec)
	b.alive()
	b.at(60 * sec) // no poll ever came: the close timeout
	b.ended(TransportClose)
}

// A session that ends between a first POST's head and its body tells the handler
// nothing at all.
func TestPostFirstEnded(t *testing.T) {
	b := newRig(t, &generation.Revision1)
	turn, err := b.BeginPost(b.now)
	b.check(err, nil)
	b.Session.Fail(TransportError)
	b.check(b.ReceivePayload(b.now, []byte("3:::x")), ErrUnknown)
	b.EndPost(turn)
	if len(b.rec.log) != 0 {
		t.Fatalf("handler: %q", b.rec.log)
	}
}

// revision-1.md §7.2: 1:: again on another transport, and only after it was joined.
func TestGreetedAgain(t *testing.T) {
	for _, joined := range []bool{false, true} {
		b := newRig(t, &generation.Revision1)
		ws := new(fake)
		b.check(b.Bind(b.now, ws), nil)
		b.push("first")
		b.answer(ws, "3:::first")
		if joined {
			b.Joined()
		}
		p := b.get() // the client falls back
		if len(ws.closed) != 1 || ws.closed[0] != Replaced {
			t.Fatalf("the WebSocket was closed: %q", ws.closed)
		}
		b.push("a")
		if !joined {
			b.answer(p, "3:::a")
			continue
		}
		b.answer(p, "1::", "3:::a")
		b.wait(b.get()) // not on the same transport
		jsonp := new(fake)
		b.check(b.Poll(b.now, jsonp, true), nil)
		b.answer(jsonp, "1::")
		next := new(fake)
		b.check(b.Bind(b.now, next), nil)
		b.answer(next, "1::")
		b.alive()
	}
}

// A client that opens one WebSocket after the other, and reads nothing, is bounded.
func TestGreetedAgainIsBounded(t *testing.T) {
	b := newRig(t, &generation.Revision1, func(c *Config) { c.Limits.OutboxCasts = 10 })
	b.get()
	b.Joined()
	for range 100 {
		b.check(b.Bind(b.now, new(fake)), nil)
	}
	if n := len(b.out.casts()); n != 10 {
		t.Fatalf("%d casts wait", n)
	}
}

// revision-1.md §7.3: a second WebSocket replaces the first, which is closed; what the
// first one could not write goes by the second.
func TestReplacedStream(t *testing.T) {
	b, first := streaming(t, &generation.Revision1)
	b.push("a")
	b.take(first)
	second := new(fake)
	b.check(b.Bind(b.now, second), nil)
	b.wait(second) // the lease is out
	b.Done(b.now, first, false)
	b.Lost(first, TransportClose)
	b.recv(first, "3:::late")
	b.answer(second, "3:::a")
	b.alive()
	if len(b.rec.messages()) != 0 {
		t.Fatal("a replaced WebSocket was heard")
	}
}

// POSTs under way at once: revision-1.md §8.1 wants the order of arrival, also if
// the second gives up before the first is done; Engine.IO's second one is an
// "overlap" that ends the session (test suite, "should prohibit POST overlap").
func TestPosts(t *testing.T) {
	b := newPolling(t, &generation.Revision1)
	var turns [3]Turn
	for i := range turns {
		var err error
		turns[i], err = b.BeginPost(b.now)
		b.check(err, nil)
	}
	come := func(i int) bool {
		select {
		case <-turns[i].Come:
			return true
		default:
			return turns[i].Come == nil
		}
	}
	if !come(0) || come(1) || come(2) {
		t.Fatal("the first is not the first")
	}
	b.EndPost(turns[1])
	if come(2) {
		t.Fatal("the third came before the first")
	}
	b.EndPost(turns[0])
	if !come(2) {
		t.Fatal("the third hangs")
	}
	b.EndPost(turns[2])
	if turn, _ := b.BeginPost(b.now); turn.Come != nil {
		t.Fatal("nobody is before")
	}

	b = newPolling(t, &generation.EngineIO4)
	_, err := b.BeginPost(b.now)
	b.check(err, nil)
	_, err = b.BeginPost(b.now)
	b.check(err, ErrOverlap)
	b.ended(TransportError)
}
