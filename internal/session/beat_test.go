package session

import (
	"testing"
	"time"

	"github.com/sockeye-io/socketio/internal/generation"
)

// revision-1.md §7.1: 2:: goes out 25 s after opening and after each answer, on
// streams; the answer is due 60 s after it.
func TestBeatRevision1(t *testing.T) {
	b, ws := streaming(t, &generation.Revision1)
	b.at(25*sec - 1)
	b.wait(ws)
	b.at(25 * sec)
	b.answer(ws, "2::")
	b.at(30 * sec)
	b.recv(ws, "2::")
	b.at(55 * sec)
	b.answer(ws, "2::")
	b.at(115*sec - 1)
	b.recv(ws, "3:::x") // no other packet stops it: [T websocket-heartbeat]
	b.alive()
	b.at(115 * sec)
	b.ended(PingTimeout)
	if len(ws.closed) != 1 {
		t.Fatal("not closed")
	}
}

// An answer that nobody asked for is accepted (revision-1.md §7.1).
func TestBeatUnasked(t *testing.T) {
	b, ws := streaming(t, &generation.Revision1)
	b.at(20 * sec)
	b.recv(ws, "2::")
	b.at(45*sec - 1)
	b.wait(ws)
	b.at(45 * sec)
	b.answer(ws, "2::")
}

// Engine.IO 4, "Heartbeat": the server pings, on every transport; every frame of the
// client proves that it lives.
func TestBeatEngineIO4(t *testing.T) {
	b := newPolling(t, &generation.EngineIO4)
	p := b.get()
	b.wait(p)
	b.at(25 * sec)
	if p.woken != 1 {
		t.Fatal("the poll was not woken")
	}
	b.answer(p, "2")
	b.at(26 * sec)
	b.post("3")
	b.at(51 * sec)
	b.answer(b.get(), "2")
	b.at(71*sec - 1)
	b.post("4x") // any traffic
	b.at(91*sec - 2)
	b.alive()
	b.at(91*sec - 1)
	b.ended(PingTimeout)
}

// What was heard before the ping proves nothing after it.
func TestBeatOldTraffic(t *testing.T) {
	b, ws := streaming(t, &generation.EngineIO4)
	b.at(25*sec - 1)
	b.recv(ws, "4x")
	b.at(25 * sec)
	b.at(45 * sec)
	b.ended(PingTimeout)
}

// Engine.IO 4: a ping from the client has the wrong direction.
func TestBeatDirection(t *testing.T) {
	b, ws := streaming(t, &generation.EngineIO4)
	if b.Receive(b.now, ws, []byte("2"), false) == nil {
		t.Fatal("no error")
	}
	b.ended(ParseError)
}

// A clock that comes late takes nothing from the client's time to answer, unless it
// would leave none: a process that was frozen sends its ping first.
func TestBeatLateClock(t *testing.T) {
	b, _ := streaming(t, &generation.EngineIO4)
	if b.Tick(sec+30*sec) != sec+45*sec {
		t.Fatalf("from when it was due, not %v", b.Deadline())
	}
	b, _ = streaming(t, &generation.EngineIO4)
	if b.Tick(sec+50*sec) != sec+70*sec {
		t.Fatalf("the client has no time: %v", b.Deadline())
	}
	b.alive()
}

// Decision 17: while nothing is read, silence is no offence, nor right after, when
// what was said is still to be read.
func TestBeatPaused(t *testing.T) {
	b, ws := streaming(t, &generation.EngineIO4)
	b.at(25 * sec)
	b.answer(ws, "2")
	b.Pause()
	b.at(100 * sec)
	b.alive()
	b.at(120*sec - 1)
	b.Resume()
	if ws.resumed != 1 {
		t.Fatal("the stream was not told")
	}
	b.at(120 * sec)
	b.alive()
	b.at(140 * sec)
	b.ended(PingTimeout)
}

// revision-1.md §7.1, polling duration and close timeout: 8:: after 20 s, the end
// 60 s after a poll was answered.
func TestPollingRevision1(t *testing.T) {
	b := newPolling(t, &generation.Revision1)
	b.at(10 * sec)
	p := b.get()
	b.wait(p)
	b.at(30*sec - 1)
	b.wait(p)
	b.at(30 * sec)
	if p.woken != 1 {
		t.Fatal("not woken")
	}
	b.answer(p, "8::")
	b.at(90*sec - 1)
	b.alive()
	b.at(90 * sec)
	b.ended(TransportClose)

	b = newPolling(t, &generation.Revision1) // a poll in time goes on
	b.at(59 * sec)
	p = b.get()
	b.at(70 * sec)
	b.alive()
	b.Leave(b.now, p) // and a client that went away has the same time
	b.at(130*sec - 1)
	b.alive()
	b.at(130 * sec)
	b.ended(TransportClose)
}

// On polling revision 1 has no heartbeats; the one that was due on a stream goes
// with it.
func TestNoBeatOnPolls(t *testing.T) {
	b, ws := streaming(t, &generation.Revision1)
	b.at(25 * sec)
	b.answer(ws, "2::")
	for i := range 10 {
		p := b.get()
		b.at(25*sec + 19*sec*time.Duration(i))
		b.push("a")
		b.answer(p, "3:::a")
	}
	b.alive()
}

// Each request is checked against the very time it comes at, whether the clock's
// owner came by or not.
func TestExpiryAtRequests(t *testing.T) {
	requests := map[string]func(*rig) error{
		"poll": func(b *rig) error { return b.Poll(b.now, new(fake), false) },
		"post": func(b *rig) error { _, err := b.BeginPost(b.now); return err },
		"bind": func(b *rig) error { return b.Bind(b.now, new(fake)) },
	}
	for name, request := range requests {
		t.Run(name, func(t *testing.T) {
			// revision-1.md §4.6: unused sessions are kept 60 s.
			b := newRig(t, &generation.Revision1)
			b.now = sec + 60*sec - 1
			b.check(request(b), nil)
			b = newRig(t, &generation.Revision1)
			b.now = sec + 60*sec
			b.check(request(b), ErrUnknown)
			if len(b.rec.log) != 0 {
				t.Fatalf("handler: %q", b.rec.log)
			}
			b = newPolling(t, &generation.Revision1)
			b.now = sec + 60*sec
			b.check(request(b), ErrUnknown)
			b.ended(TransportClose)
		})
	}
}

// THREATS.md, "sessions without a transport or a follow-up": 60 s unopened for
// revision 1, and 45 s to join a namespace.
func TestUnopenedAndJoin(t *testing.T) {
	b := newRig(t, &generation.Revision1)
	b.at(60*sec - 1)
	if b.phase != unopened {
		t.Fatal("too early")
	}
	b.at(60 * sec)
	if b.phase != closed {
		t.Fatal("too late")
	}
	for _, joins := range []bool{true, false} {
		b := newRig(t, &generation.Revision5, func(c *Config) { c.Timers.Join = 45 * sec })
		ws := new(fake)
		b.check(b.Bind(b.now, ws), nil)
		if joins {
			b.Joined()
		}
		b.at(30 * sec)
		b.recv(ws, "3")
		b.at(45 * sec)
		if joins {
			b.alive()
		} else {
			b.ended(ConnectTimeout)
		}
	}
}

// THREATS.md, "attachments": the rest is due within the ping timeout, and each
// packet's has its own.
func TestAttachmentsDue(t *testing.T) {
	const head = `451-["e",{"_placeholder":true,"num":0}]`
	b, ws := streaming(t, &generation.Revision5)
	b.recv(ws, head)
	b.at(20*sec - 1)
	b.check(b.Receive(b.now, ws, []byte("x"), true), nil)
	b.recv(ws, head)
	b.at(30 * sec)
	b.alive()
	b.at(40*sec - 1)
	b.ended(ParseError)

	b = newPolling(t, &generation.Revision5)
	b.post(head)
	b.at(19 * sec)
	b.post("bYQ==\x1e" + head) // one is whole, the next begins, in one body
	b.at(38 * sec)
	b.alive()
	b.at(39 * sec)
	b.ended(ParseError)
}

// The owner of the clock is told of every deadline that is earlier than those it
// knows, and of no other.
func TestSchedule(t *testing.T) {
	told := 0
	b := newRig(t, &generation.EngineIO4, func(c *Config) { c.Schedule = func(*Session) { told++ } })
	if b.Deadline() != 0 {
		t.Fatal("a deadline")
	}
	b.answer(b.get())
	if told != 1 || b.Deadline() != sec+25*sec {
		t.Fatalf("told %d times, %v", told, b.Deadline())
	}
	b.at(20 * sec)
	b.check(b.Probe(b.now, new(fake)), nil) // 30 s: later
	b.post("3")                             // 45 s: later
	if told != 1 {
		t.Fatalf("told %d times", told)
	}
	b.at(25 * sec) // nothing is due
	if told != 1 || b.Deadline() != sec+30*sec {
		t.Fatalf("told %d times, %v", told, b.Deadline())
	}
	b.End(b.now, Kick, ServerDisconnect) // its end in 45 s
	b.at(31 * sec)
	if told != 1 || b.Deadline() != sec+70*sec {
		t.Fatalf("told %d times, %v", told, b.Deadline())
	}
}
