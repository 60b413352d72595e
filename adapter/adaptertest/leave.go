package adaptertest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sockeye-io/socketio/adapter"
	"github.com/sockeye-io/socketio/packet"
)

// testLeave: who has left hears nothing, says nothing, and is told so.
func testLeave(t *testing.T, f *fixture) {
	nodes := []*node{f.join(), f.join(), f.join(func(n *node) {
		replies(1)(n)
	})}
	gone := nodes[2]
	nodes[0].publishAll(nodes)
	if err := gone.Leave(); err != nil {
		t.Fatal(err)
	}
	before := gone.count()
	nodes[0].publishAll(nodes[:2])
	nodes[1].publishAll(nodes[:2])
	for r, err := range nodes[0].Ask(t.Context(), &adapter.Query{From: nodes[0].id, Target: packet.Target{Namespace: "/"}}) {
		t.Errorf("got %v, %v", r, err)
	}
	if n := gone.count(); n != before {
		t.Errorf("%d messages after Leave", n-before)
	}
	if _, err := gone.publish(gone.event("late")); !errors.Is(err, adapter.ErrLeft) {
		t.Errorf("Publish: %v", err)
	}
	gone.Publish(gone.event("late"), nil)
	n := 0
	for _, err := range gone.Ask(t.Context(), &adapter.Query{From: gone.id, Target: packet.Target{Namespace: "/"}}) {
		if n++; !errors.Is(err, adapter.ErrLeft) {
			t.Errorf("Ask: %v", err)
		}
	}
	if n != 1 {
		t.Errorf("Ask yields %d pairs", n)
	}
	count := nodes[0].count()
	nodes[1].publishAll(nodes[:2])
	if got := nodes[0].wait(count + 1)[count].m; got.From == gone.id {
		t.Errorf("%s was published after Leave", text(got))
	}
}

// testLeaveWaits: when Leave has returned, none of the node's methods is running.
func testLeaveWaits(t *testing.T, f *fixture) {
	for range 20 {
		var inside atomic.Int32
		var first sync.Once
		entered, let := make(chan struct{}), make(chan struct{})
		a := f.join()
		b := f.join(func(n *node) {
			n.deliver = func(*adapter.Message) {
				inside.Add(1)
				defer inside.Add(-1)
				first.Do(func() { close(entered); <-let })
			}
		})
		for range 10 {
			a.Publish(a.event("e"), nil)
		}
		await(t, entered, "Deliver")
		left := make(chan error, 1)
		go func() { // ends with Leave
			err := b.Leave()
			if n := inside.Load(); n != 0 {
				err = fmt.Errorf("%d calls run after Leave", n)
			}
			left <- err
		}()
		close(let)
		if err := await(t, left, "Leave"); err != nil {
			t.Fatal(err)
		}
		count := b.count()
		_ = a.Leave()
		if b.count() != count {
			t.Fatal("Deliver was called after Leave")
		}
	}
}

// testJoinWhilePublishing: who joins gets everything from some message of each
// goroutine on, in order.
func testJoinWhilePublishing(t *testing.T, f *fixture) {
	const goroutines, joiners = 3, 10
	a := f.join()
	var stop atomic.Bool
	var publishers sync.WaitGroup
	var took [goroutines]atomic.Int64 // numbers that the bus has taken
	for g := range goroutines {
		publishers.Go(func() {
			// At most what no queue is too short for.
			for i := int64(1); i <= 2000 && !stop.Load(); i++ {
				if _, err := a.publish(a.event(fmt.Sprintf("%d %d", g, i))); err != nil {
					t.Error(err)
					return
				}
				took[g].Store(i)
			}
		})
	}
	var all []*node
	var joined [joiners][goroutines]int64
	for k := range joiners {
		all = append(all, f.join())
		for g := range goroutines {
			joined[k][g] = took[g].Load() + 2 // later than one that may be on its way
		}
	}
	stop.Store(true)
	publishers.Wait()
	a.publishAll(append(all, a))
	for k, n := range all {
		var next [goroutines]int64
		for _, d := range n.wait(n.count()) {
			var g int
			var i int64
			if _, err := fmt.Sscanf(d.m.Packet.Name, "%d %d", &g, &i); err != nil {
				continue // the marker
			}
			if next[g] == 0 && i > joined[k][g] || next[g] != 0 && i != next[g] {
				t.Fatalf("%s got %d of goroutine %d, want %d; joined at %d", n.id, i, g, next[g], joined[k][g])
			}
			next[g] = i + 1
		}
		for g := range goroutines {
			if last := took[g].Load(); last >= joined[k][g] && next[g] != last+1 {
				t.Errorf("%s: the last of goroutine %d is %d, want %d", n.id, g, next[g]-1, last)
			}
		}
	}
}
