package session

import (
	"testing"

	"github.com/sockeye-io/socketio/internal/generation"
)

// dammed returns a session with more than half of its outbox's bound queued, and the
// gate of its handlers.
func dammed(t *testing.T) (*rig, *fake, <-chan struct{}) {
	b, ws := streaming(t, &generation.Revision1, func(c *Config) { c.Limits = Limits{OutboxCasts: 8} })
	for range 4 {
		b.push("a")
	}
	if b.Flows() != nil {
		t.Fatal("waits at half of the bound")
	}
	b.push("a")
	c := b.Flows()
	if c == nil {
		t.Fatal("does not wait above half of the bound")
	}
	return b, ws, c
}

func isOpen(gate <-chan struct{}) bool {
	select {
	case <-gate:
		return true
	default:
		return false
	}
}

// THREATS.md, "Load and endings": "a client that sends as fast as it can is answered in
// order", so its handlers wait while its answers have not left.
func TestFlows(t *testing.T) {
	t.Run("sent", func(t *testing.T) {
		b, ws, c := dammed(t)
		casts, _ := b.TakeStream(ws, nil, 1) // one of five
		if len(casts) != 1 {
			t.Fatalf("took %d", len(casts))
		}
		b.Done(b.now, ws, true)
		if isOpen(c) || b.Flows() == nil {
			t.Fatal("goes on with half of the bound queued")
		}
		b.take(ws)
		b.Done(b.now, ws, true)
		if !isOpen(c) || b.Flows() != nil {
			t.Fatal("does not go on when all has left")
		}
	})
	t.Run("ended", func(t *testing.T) {
		b, _, c := dammed(t)
		b.Fail(TransportClose)
		if !isOpen(c) || b.Flows() != nil {
			t.Fatal("waits for a session that has ended")
		}
	})
	t.Run("ending", func(t *testing.T) {
		b, _, c := dammed(t)
		b.End(b.now, Kick, ServerDisconnect)
		if !isOpen(c) || b.Flows() != nil {
			t.Fatal("waits for a session that ends")
		}
	})
	t.Run("no bound", func(t *testing.T) {
		b, _ := streaming(t, &generation.Revision1, func(c *Config) { c.Limits = Limits{} })
		for range 2000 {
			b.push("a")
		}
		if b.Flows() != nil {
			t.Fatal("waits without a bound")
		}
	})
}
