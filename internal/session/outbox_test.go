package session

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/sockeye-io/socketio/internal/generation"
	"github.com/sockeye-io/socketio/packet"
)

// pushed pushes a text and returns what Push says, having woken nobody.
func (b *rig) pushed(text string, volatile bool) (Transport, error) {
	return b.Push(text2cast(b.cfg.Generation, text, volatile))
}

// THREATS.md, "unsent per client": a bound on casts and bytes, the lease not counted;
// a cast that finds nothing queued is always taken.
func TestOutboxBounds(t *testing.T) {
	big := strings.Repeat("x", 1000)
	for _, tt := range []struct {
		name   string
		limits Limits
		push   []string
		lease  int // casts that are taken, and not settled, after the first of push
		fits   int // how many of push do
	}{
		{"casts", Limits{OutboxCasts: 2}, []string{"1", "2", "3"}, 0, 2},
		{"casts, and a lease", Limits{OutboxCasts: 2}, []string{"1", "2", "3", "4"}, 1, 3},
		{"bytes", Limits{OutboxBytes: 3 * 34}, []string{"1", "2", "3", "4"}, 0, 3}, // of 34 each
		{"bytes, and a lease", Limits{OutboxBytes: 100}, []string{"1", "2", "3", "4"}, 1, 3},
		{"one beyond all bounds", Limits{OutboxBytes: 100}, []string{big, "2"}, 0, 1},
		{"one beyond all bounds, behind a lease", Limits{OutboxBytes: 100}, []string{"1", big, "3"}, 1, 2},
		{"no bounds", Limits{}, []string{big, big, big, big, big}, 0, 5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b, ws := streaming(t, &generation.EngineIO4, func(c *Config) {
				c.Limits = tt.limits
			})
			for i, text := range tt.push {
				wake, err := b.pushed(text, false)
				if ok := i < tt.fits; ok != (err == nil) || !ok && wake == nil {
					t.Fatalf("push %d: %v, %v", i, wake, err)
				}
				if i == 0 && tt.lease > 0 {
					b.take(ws)
				}
			}
		})
	}
}

// A cast that does not fit ends the session, by waking what Push returns; until
// then nothing follows the cast that is missing.
func TestOutboxFull(t *testing.T) {
	b, ws := streaming(t, &generation.EngineIO4, func(c *Config) { c.Limits.OutboxCasts = 1 })
	b.push("1")
	wake, err := b.pushed("2", false)
	b.check(err, ErrClosed)
	b.answer(ws, "41") // there would be room again
	again, err := b.pushed("3", false)
	b.check(err, ErrClosed)
	if again == nil {
		t.Fatal("the session lives on if the first forgets to wake")
	}
	b.alive()
	wake.Wake()
	again.Wake()
	b.ended(OutboxFull)
	if !slices.Equal(ws.closed, []Reason{OutboxFull}) {
		t.Fatalf("closed: %q", ws.closed)
	}
	wake, err = b.pushed("4", false)
	if wake != nil || err != ErrClosed {
		t.Fatalf("%v, %v", wake, err)
	}
}

// Decision 2: a volatile cast is queued only if the outbox is empty, no lease is out,
// and a poll waits or a stream is open.
func TestVolatile(t *testing.T) {
	for _, tt := range []struct {
		name  string
		state func(t *testing.T) *rig
		taken bool
	}{
		{"a poll waits", func(t *testing.T) *rig { b := newPolling(t, &generation.Revision1); b.get(); return b }, true},
		{"a stream is open", func(t *testing.T) *rig { b, _ := streaming(t, &generation.Revision1); return b }, true},
		{"unopened", func(t *testing.T) *rig { return newRig(t, &generation.Revision1) }, false},
		{"between polls", func(t *testing.T) *rig { return newPolling(t, &generation.Revision1) }, false},
		{"behind a cast", func(t *testing.T) *rig { b, _ := streaming(t, &generation.Revision1); b.push("a"); return b }, false},
		{"behind a lease", func(t *testing.T) *rig {
			b, ws := streaming(t, &generation.Revision1)
			b.push("a")
			b.take(ws)
			return b
		}, false},
		{"behind a noop on its way", func(t *testing.T) *rig {
			b := newPolling(t, &generation.Revision1)
			first := b.get()
			b.at(20 * sec)
			b.take(first)
			b.get()
			return b
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := tt.state(t)
			before := len(b.out.casts())
			_, err := b.pushed("v", true)
			b.check(err, nil)
			if taken := len(b.out.casts()) > before; taken != tt.taken {
				t.Fatalf("taken: %t", taken)
			}
		})
	}
}

// A lease has at least one cast, and no more than fit; casts are never split, and
// what the caller's slice holds is left alone.
func TestLeaseSize(t *testing.T) {
	b, ws := streaming(t, &generation.Revision5)
	for range 3 {
		_, err := b.Push(NewSingle(packet.Packet{
			Type: packet.Event, Namespace: "/", Name: "e",
			Args: packet.Args{JSON: []byte("null"), Attachments: []packet.Attachment{{Data: []byte("x")}}},
		}, false))
		b.check(err, nil)
	}
	size := b.out.casts()[0].size
	before := []*Cast{b.cfg.noop}
	for _, tt := range []struct{ max, want int }{{0, 1}, {2*size - 1, 1}, {2 * size, 2}, {1 << 20, 3}} {
		got, status := b.TakeStream(ws, before, tt.max)
		if len(got) != 1+tt.want || status != Send || got[0] != b.cfg.noop || b.out.waiting() != 3-tt.want {
			t.Fatalf("max %d: took %d casts, %d wait", tt.max, len(got)-1, b.out.waiting())
		}
		if msgs := b.texts(got[1:]); len(msgs) != 2*tt.want {
			t.Fatalf("messages %q", msgs)
		}
		b.mu.Lock()
		b.out.settle(false)
		b.mu.Unlock()
	}
}

// A wake that no take has followed is not repeated; no lease, no wake.
func TestWakes(t *testing.T) {
	b, ws := streaming(t, &generation.EngineIO4)
	woken := ws.woken
	b.push("a")
	b.push("b")
	if ws.woken != woken+1 {
		t.Fatalf("woken %d times", ws.woken-woken)
	}
	b.take(ws)
	b.push("c")
	if ws.woken != woken+1 {
		t.Fatal("woken while it has the lease")
	}
	b.Done(b.now, ws, true)
	b.answer(ws, "4c") // it takes again by itself
	b.wait(ws)
	b.push("d")
	if ws.woken != woken+2 {
		t.Fatal("not woken")
	}
}

// clients.md 10: python-engineio drops polling payloads of more than 16 packets; a
// single cast with more goes alone.
func TestPollPackets(t *testing.T) {
	b := newPolling(t, &generation.Revision5, func(c *Config) { c.Limits.PollPackets = 4 })
	event := func(attachments int) *Cast {
		a := packet.Args{JSON: bytes.Repeat([]byte("null,"), attachments)[:max(0, 5*attachments-1)]}
		for i := range attachments {
			a.Attachments = append(a.Attachments, packet.Attachment{Pos: 5 * i, Data: []byte{1}})
		}
		return NewSingle(packet.Packet{Type: packet.Event, Namespace: "/", Name: "e", Args: a}, false)
	}
	for _, n := range []int{1, 1, 0, 5, 0} {
		if _, err := b.Push(event(n)); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []int{2, 1, 1, 1} { // casts: 2 + 2 messages, 1, 6, 1
		p := b.get()
		casts, _ := b.TakePoll(p, nil, 1<<20)
		if len(casts) != want {
			t.Fatalf("took %d casts, want %d", len(casts), want)
		}
		b.Done(b.now, p, true)
	}
}
