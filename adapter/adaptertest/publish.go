package adaptertest

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/sockeye-io/socketio/adapter"
	"github.com/sockeye-io/socketio/packet"
)

// messages returns one of every kind.
func messages(from string) []*adapter.Message {
	target := packet.Target{Namespace: "/chat", Rooms: []string{"a", "b,c", "", "ü\x00"}, Except: []string{"id-1"}}
	send := func(p packet.Packet) *adapter.Message {
		p.Namespace = "/chat"
		return &adapter.Message{From: from, Op: adapter.Send, Target: target, Packet: p}
	}
	volatile := send(packet.Packet{Type: packet.Event, Name: "v"})
	volatile.Volatile = true
	return []*adapter.Message{
		send(packet.Packet{Type: packet.Event, Name: "e", Args: packet.Args{JSON: []byte(`1,{"a":"\u2028"}`)}}),
		send(packet.Packet{Type: packet.Event, Name: "__proto__", Args: packet.Args{
			JSON:        []byte(`"x",null,[null]`),
			Attachments: []packet.Attachment{{Pos: 4, Data: []byte{0, 0xff}}, {Pos: 10, Data: []byte{}}},
		}}),
		send(packet.Packet{Type: packet.Text, Data: []byte("hello")}),
		send(packet.Packet{Type: packet.JSON, Args: packet.Args{JSON: []byte(`null`)}}),
		volatile,
		{From: from, Op: adapter.Send, Target: packet.Target{Namespace: "/"},
			Packet: packet.Packet{Type: packet.Event, Namespace: "/", Name: "all"}},
		{From: from, Op: adapter.Join, Target: target, Rooms: []string{"x", "y"}},
		{From: from, Op: adapter.Leave, Target: target, Rooms: []string{"x"}},
		{From: from, Op: adapter.Disconnect, Target: target},
		{From: from, Op: adapter.Disconnect, Target: packet.Target{Namespace: "/"}, Close: true},
	}
}

// testMessages: every message arrives at all other nodes as it was, once, and never
// at its own.
func testMessages(t *testing.T, f *fixture) {
	nodes := []*node{f.join(), f.join(), f.join()}
	var want []string
	var offsets []string
	for _, n := range nodes {
		for _, m := range messages(n.id) {
			before := text(m)
			offset, err := n.publish(m)
			if err != nil {
				t.Fatal(err)
			}
			if text(m) != before {
				t.Errorf("the bus changed %s", before)
			}
			want, offsets = append(want, before), append(offsets, offset)
		}
		n.publishAll(nodes) // the next node's come later than these
	}
	for i, n := range nodes {
		per := len(want) / len(nodes)
		got := n.wait(2*per + 2)
		k := 0
		for j, w := range want {
			if j/per == i {
				continue // its own
			}
			if j%per == 0 && k > 0 {
				k++ // the marker
			}
			if text(got[k].m) != w {
				t.Fatalf("%s got %s, want %s", n.id, text(got[k].m), w)
			}
			if got[k].offset != offsets[j] {
				t.Errorf("%s: %s: offset %q, published %q", n.id, w, got[k].offset, offsets[j])
			}
			k++
		}
	}
}

// publishAll publishes a marker and waits until all others have it.
func (n *node) publishAll(nodes []*node) {
	n.t.Helper()
	marker := n.event("marker of " + n.id)
	if _, err := n.publish(marker); err != nil {
		n.t.Fatal(err)
	}
	for _, o := range nodes {
		for k := 1; o != n; k++ {
			if got := o.wait(k)[k-1].m; got.Packet.Name == marker.Packet.Name {
				break
			}
		}
	}
}

// testOrder: what one goroutine publishes arrives in its order, each once, while
// others publish too.
func testOrder(t *testing.T, f *fixture) {
	const goroutines, each = 4, 200
	nodes := []*node{f.join(), f.join(), f.join()}
	together(2*goroutines, func(i int) {
		n := nodes[i%2]
		for k := range each {
			n.Publish(n.event(fmt.Sprintf("%d %d", i, k)), nil)
		}
	})
	for i, n := range nodes {
		total := 2 * goroutines * each
		if i < 2 {
			total /= 2 // without its own
		}
		var next [2 * goroutines]int
		for _, d := range n.wait(total) {
			var g, k int
			if _, err := fmt.Sscanf(d.m.Packet.Name, "%d %d", &g, &k); err != nil || k != next[g] {
				t.Fatalf("%s got %q, want number %d", n.id, d.m.Packet.Name, next[g])
			}
			next[g]++
		}
	}
	// Nothing came twice: what comes next is next.
	nodes[2].publishAll(nodes)
	if got := nodes[0].count(); got != goroutines*each+1 {
		t.Errorf("%d messages, want %d", got, goroutines*each+1)
	}
}

// testNeverBlocks: a node that does not take its messages blocks neither Publish nor
// other nodes. Each call hears whether the bus took it, once, and what it took arrives.
func testNeverBlocks(t *testing.T, f *fixture) {
	const n = 20_000
	blocked := make(chan struct{})
	a, c := f.join(), f.join()
	b := f.join(func(n *node) { n.deliver = func(*adapter.Message) { <-blocked } })
	release := sync.OnceFunc(func() { close(blocked) })
	t.Cleanup(release)

	var mu sync.Mutex
	var full int
	var reports sync.WaitGroup
	reports.Add(n)
	for i := range n {
		m := a.event(fmt.Sprint(i))
		m.Target.Rooms = []string{c.id}
		a.Publish(m, func(_ string, err error) {
			defer reports.Done()
			if err != nil && !errors.Is(err, adapter.ErrQueueFull) {
				t.Errorf("published: %v", err)
			}
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				full++
			}
		})
	}
	reports.Wait()
	c.wait(n - full) // at least: it may have got what another could not take
	release()
	last := -1
	for _, d := range b.wait(n - full) {
		var i int
		if _, err := fmt.Sscan(d.m.Packet.Name, &i); err != nil || i <= last {
			t.Fatalf("got %q after %d", d.m.Packet.Name, last)
		}
		last = i
	}
}
