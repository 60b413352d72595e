package session

import (
	"testing"
	"time"

	"github.com/sockeye-io/socketio/internal/generation"
	"github.com/sockeye-io/socketio/packet"
)

// probed returns a polling session and a WebSocket whose probe was answered.
func probed(t *testing.T) (*rig, *fake) {
	t.Helper()
	b := newPolling(t, &generation.EngineIO4)
	ws := new(fake)
	b.check(b.Probe(b.now, ws), nil)
	b.recv(ws, "2probe")
	b.answer(ws, "3probe")
	return b, ws
}

// Engine.IO 4, "Upgrade": probe, its answer, noop for the poll, the upgrade packet,
// and everything goes by the WebSocket.
func TestUpgrade(t *testing.T) {
	b := newPolling(t, &generation.EngineIO4)
	p := b.get()
	b.wait(p)
	ws := new(fake)
	b.check(b.Probe(b.now, ws), nil)
	b.wait(ws)
	b.recv(ws, "2probe")
	if ws.woken != 1 || p.woken != 0 {
		t.Fatalf("woken: WebSocket %d, poll %d times", ws.woken, p.woken)
	}
	b.answer(ws, "3probe")
	if p.woken != 1 {
		t.Fatal("the poll that waits was not woken to take a noop")
	}
	b.answer(p, "6")
	b.recv(ws, "5")
	if !b.Streaming() {
		t.Fatal("no upgrade")
	}
	b.push("a")
	b.answer(ws, "4a")
	b.recv(ws, "4b")
	if got := b.rec.messages(); len(got) != 1 || got[0] != "b" {
		t.Fatalf("got %q", got)
	}
	// Official suite, "should ignore HTTP requests with same sid after upgrade", and
	// "should ignore WebSocket connection with same sid after upgrade".
	b.check(b.Poll(b.now, new(fake), false), ErrTransport)
	_, err := b.BeginPost(b.now)
	b.check(err, ErrTransport)
	b.check(b.Probe(b.now, new(fake)), ErrTransport)
	b.check(b.Bind(b.now, new(fake)), ErrTransport)
	b.alive()
}

// The noop and the answer travel on two connections, so one noop is not enough:
// each poll that comes before the upgrade packet is answered at once.
func TestUpgradeAnswersEachPoll(t *testing.T) {
	b, ws := probed(t)
	for range 3 {
		b.answer(b.get(), "6")
	}
	b.push("a")
	b.answer(b.get(), "4a")
	p := b.get()
	b.recv(ws, "5")
	if p.woken != 1 {
		t.Fatal("the poll was not woken")
	}
	b.push("b")
	b.answer(p, "6") // "b" goes by the WebSocket
	b.answer(ws, "4b")
}

// A client may send "2probe" and "5" before it reads the answer.
func TestUpgradeInOneRead(t *testing.T) {
	b := newPolling(t, &generation.EngineIO4)
	ws := new(fake)
	b.check(b.Probe(b.now, ws), nil)
	b.push("a")
	b.recv(ws, "2probe")
	b.recv(ws, "5")
	b.answer(ws, "3probe", "4a")
}

// On the upgrade packet the old lease is settled first. What the client says on the
// WebSocket meanwhile counts: it knows that its poll was answered before this side
// does.
func TestUpgradeWhileLeaseIsOut(t *testing.T) {
	for _, ok := range []bool{true, false} {
		b, ws := probed(t)
		b.push("a")
		p := b.get()
		if got, _ := b.take(p); got[0] != "4a" {
			t.Fatalf("took %q", got)
		}
		b.push("b")
		b.recv(ws, "5")
		b.wait(ws)
		b.recv(ws, "4from client")
		if got := b.rec.messages(); len(got) != 1 {
			t.Fatalf("got %q", got)
		}
		b.check(b.Poll(b.now, new(fake), false), ErrTransport)
		_, err := b.BeginPost(b.now)
		b.check(err, ErrTransport)
		woken := ws.woken
		b.Done(b.now, p, ok)
		if ws.woken == woken {
			t.Fatal("the WebSocket was not woken")
		}
		if ok {
			b.answer(ws, "4b")
		} else {
			b.answer(ws, "4a", "4b")
		}
	}
}

// A message whose attachment comes by the next transport is one message.
func TestUpgradeBetweenHeadAndAttachment(t *testing.T) {
	b := newPolling(t, &generation.Revision5)
	b.post(`451-["e",{"_placeholder":true,"num":0}]`)
	ws := new(fake)
	b.check(b.Probe(b.now, ws), nil)
	b.recv(ws, "2probe")
	b.answer(ws, "3probe")
	b.recv(ws, "5")
	b.check(b.Receive(b.now, ws, []byte("x"), true), nil)
	if got := b.rec.messages(); len(got) != 1 || got[0] != "null+x" {
		t.Fatalf("got %q", got)
	}
}

// THREATS.md, "Upgrades": no probe, wrong, many, repeated, two sockets racing, a
// reset in any step: the polling session stays whole.
func TestUpgradeFails(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(b *rig, ws *fake)
		lost bool // the connection ended by itself
	}{
		{"upgrade without probe", func(b *rig, ws *fake) { b.recv(ws, "5") }, false},
		{"message before upgrade", func(b *rig, ws *fake) { b.recv(ws, "2probe"); b.recv(ws, "4x") }, false},
		{"no packet", func(b *rig, ws *fake) { b.recv(ws, "") }, false},
		{"unknown packet", func(b *rig, ws *fake) { b.recv(ws, "9") }, false},
		{"wrong probe", func(b *rig, ws *fake) { b.recv(ws, "2prob") }, false},
		{"binary", func(b *rig, ws *fake) { b.check(b.Receive(b.now, ws, []byte("2probe"), true), nil) }, false},
		{"reset", func(b *rig, ws *fake) { b.Lost(ws, TransportClose) }, true},
		{"reset after the probe", func(b *rig, ws *fake) { b.recv(ws, "2probe"); b.Lost(ws, TransportClose) }, true},
		{"reset after the answer", func(b *rig, ws *fake) {
			b.recv(ws, "2probe")
			b.answer(ws, "3probe")
			b.Lost(ws, TransportClose)
		}, true},
		// Engine.IO's upgradeTimeout.
		{"10 s", func(b *rig, ws *fake) { b.recv(ws, "2probe"); b.answer(ws, "3probe"); b.at(10 * sec) }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newPolling(t, &generation.EngineIO4)
			b.push("a")
			ws := new(fake)
			b.check(b.Probe(b.now, ws), nil)
			tt.do(b, ws)
			if len(ws.closed) != 1 != tt.lost {
				t.Fatalf("closed: %q", ws.closed)
			}
			if _, status := b.TakeStream(ws, nil, 100); status != Final {
				t.Fatalf("status %d", status)
			}
			b.alive()
			b.answer(b.get(), "4a")
			p := b.get()
			b.wait(p) // polls wait again
			next := new(fake)
			b.check(b.Probe(b.now, next), nil)
			b.recv(next, "2probe")
			b.answer(next, "3probe")
			b.recv(next, "5")
			if !b.Streaming() {
				t.Fatal("the next attempt fails")
			}
		})
	}
}

// Who may not probe.
func TestProbeRefused(t *testing.T) {
	b := newPolling(t, &generation.EngineIO4)
	b.check(b.Probe(b.now, new(fake)), nil)
	b.check(b.Probe(b.now, new(fake)), ErrOverlap) // of two sockets one wins
	b.End(b.now, Kick, ServerDisconnect)
	b.check(b.Probe(b.now, new(fake)), ErrUnknown)

	ws, _ := streaming(t, &generation.EngineIO4) // THREATS.md: also one born on it
	ws.check(ws.Probe(ws.now, new(fake)), ErrTransport)
	ws.check(ws.Bind(ws.now, new(fake)), ErrTransport)

	old := newPolling(t, &generation.Revision1) // revision 1 knows no upgrade
	old.check(old.Probe(old.now, new(fake)), ErrTransport)
}

// A WebSocket that dies right after its upgrade packet takes the session along,
// though the lease of the last poll is still out: its client has left polling.
func TestUpgradedSocketLost(t *testing.T) {
	b, ws := probed(t)
	b.push("a")
	p := b.get()
	b.take(p)
	b.recv(ws, "5")
	b.Lost(ws, TransportClose)
	b.ended(TransportClose)
	b.Done(b.now, p, true)
	b.check(b.Poll(b.now, new(fake), false), ErrUnknown)
}

// A session that is ended while its upgrade waits for a lease still says goodbye,
// in time.
func TestEndWhileUpgrading(t *testing.T) {
	b, ws := probed(t)
	b.push("a")
	p := b.get()
	b.take(p)
	b.recv(ws, "5")
	b.End(b.now, Drain, ServerShutdown)
	b.ended(ServerShutdown)
	b.Done(b.now, p, true)
	if _, status := b.take(ws); status != Final {
		t.Fatalf("status %d", status)
	}
	b.at(lingerStream) // and never settles
	if b.phase != closed || len(ws.closed) != 1 {
		t.Fatalf("phase %d, closed %q", b.phase, ws.closed)
	}
}

// A handler that throws its client out on the first message after the upgrade.
func TestEndFromMessageWhileUpgrading(t *testing.T) {
	b, ws := probed(t)
	b.rec.onMessage = func(s *Session, _ packet.Packet) error {
		s.End(b.now, Kick, ServerDisconnect)
		return nil
	}
	b.push("a")
	p := b.get()
	b.take(p)
	b.recv(ws, "5")
	b.recv(ws, "4x")
	b.recv(ws, "4y")
	if got := b.rec.messages(); len(got) != 1 {
		t.Fatalf("got %q", got)
	}
	b.ended(ServerDisconnect)
}

// A WebSocket that stopped reading, as the handler was full, is told to go on
// whether it has the session already or not: what it waits for may be "5".
func TestUpgradePaused(t *testing.T) {
	b, ws := probed(t)
	b.Pause()
	b.Resume()
	if ws.resumed != 1 {
		t.Fatal("the probing WebSocket reads no more")
	}
	b.push("a")
	p := b.get()
	b.take(p)
	b.recv(ws, "5")
	b.Pause()
	b.Resume()
	if ws.resumed != 2 {
		t.Fatal("the upgraded WebSocket reads no more")
	}
}

// A WebSocket that may not be read has as long for its upgrade packet as that lasts, and
// once more.
func TestUpgradeWaitsForReading(t *testing.T) {
	b, ws := probed(t)
	b.Pause()
	for n := range time.Duration(3) {
		b.at((n + 1) * (b.cfg.Timers.Upgrade + sec))
	}
	if len(ws.closed) > 0 {
		t.Fatal("the WebSocket was closed though it was not read")
	}
	b.Resume()
	b.recv(ws, "5")
	if !b.Streaming() {
		t.Fatal("no upgrade")
	}
	b.alive()
}

// A POST waits for Resumed, and for the end of the session, too.
func TestResumed(t *testing.T) {
	b := newPolling(t, &generation.EngineIO4)
	if b.Resumed() != nil {
		t.Fatal("nothing to wait for")
	}
	for _, end := range []func(){b.Resume, func() { b.Session.Fail(TransportError) }} {
		b.Pause()
		wait := b.Resumed()
		select {
		case <-wait:
			t.Fatal("too early")
		default:
		}
		end()
		<-wait
	}
	b.Pause()
	if b.Paused() || b.Resumed() != nil {
		t.Fatal("paused after the end")
	}
}

// TestCarrier: a WebSocket carries the session from its upgrade packet on, also while
// a poll's lease is out, and what carried a session last did so for good.
func TestCarrier(t *testing.T) {
	b, ws := probed(t)
	b.push("a")
	p := b.get()
	b.take(p)
	if c := b.Carrier(); c != nil {
		t.Fatalf("before the upgrade packet: %v", c)
	}
	b.recv(ws, "5")
	if b.Carrier() != ws {
		t.Fatal("after the upgrade packet")
	}
	b.Fail(ServerShutdown)
	if b.Carrier() != ws {
		t.Fatal("after the end, with the lease out")
	}
	if len(ws.closed) != 1 {
		t.Fatalf("closed %v", ws.closed)
	}
	b.Done(b.now, p, true)
	if b.Carrier() != ws {
		t.Fatal("after the end")
	}

	b, ws = probed(t)
	b.Lost(ws, TransportClose)
	b.End(b.now, Kick, ServerDisconnect)
	if c := b.Carrier(); c != nil {
		t.Fatalf("after a failed upgrade: %v", c)
	}

	b = newRig(t, &generation.Revision1)
	old := new(fake)
	b.check(b.Bind(b.now, old), nil)
	if b.Carrier() != old {
		t.Fatal("on a stream")
	}
	b.check(b.Poll(b.now, new(fake), false), nil) // revision-1.md §7.3
	if c := b.Carrier(); c != nil {
		t.Fatalf("a poll has taken over from %v", c)
	}
}
