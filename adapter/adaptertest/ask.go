package adaptertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/sockeye-io/socketio/adapter"
	"github.com/sockeye-io/socketio/packet"
)

// replies makes a node answer with n sockets, the last half later and from another
// goroutine.
func replies(n int) func(*node) {
	return func(nd *node) {
		nd.answer = func(_ context.Context, _ *adapter.Query, reply func(*adapter.Reply), done func()) {
			for i := range n / 2 {
				reply(nd.reply(i))
			}
			var rest sync.WaitGroup
			rest.Go(func() {
				for i := n / 2; i < n; i++ {
					reply(nd.reply(i))
				}
				done()
			})
			rest.Wait()
		}
	}
}

func (n *node) reply(i int) *adapter.Reply {
	id := fmt.Sprintf("%s socket %d", n.id, i)
	return &adapter.Reply{Node: n.id, ID: id, Rooms: []string{id, "a", "ü"}}
}

// silent makes a node say one thing and never that it is done, until nobody listens.
func silent(heard chan<- struct{}) func(*node) {
	return func(n *node) {
		n.answer = func(ctx context.Context, _ *adapter.Query, reply func(*adapter.Reply), done func()) {
			reply(n.reply(0))
			<-ctx.Done()
			done()
			heard <- struct{}{}
		}
	}
}

// testAsk: the replies of all other nodes come, whole, and then the end.
func testAsk(t *testing.T, f *fixture) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	asker := f.join(replies(5)) // it does not ask itself
	q := &adapter.Query{From: asker.id, Target: packet.Target{Namespace: "/x", Rooms: []string{"a"}, Except: []string{"b"}}}
	for r, err := range asker.Ask(ctx, q) { // alone
		t.Errorf("got %v, %v", r, err)
	}
	seen := make(chan *adapter.Query, 100)
	nodes := []*node{f.join(replies(4)), f.join(replies(0)), f.join(replies(7)), f.join(func(n *node) {
		n.answer = func(_ context.Context, q *adapter.Query, _ func(*adapter.Reply), done func()) {
			seen <- q
			done()
		}
	})}
	for range 3 {
		var got, want []string
		for r, err := range asker.Ask(ctx, q) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprintf("%s %s %q", r.Node, r.ID, r.Rooms))
		}
		for i, n := range []int{4, 0, 7} {
			for k := range n {
				r := nodes[i].reply(k)
				want = append(want, fmt.Sprintf("%s %s %q", r.Node, r.ID, r.Rooms))
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		s := await(t, seen, "the query")
		if s.From != q.From || s.Target.Namespace != "/x" || !slices.Equal(s.Target.Rooms, q.Target.Rooms) ||
			!slices.Equal(s.Target.Except, q.Target.Except) {
			t.Errorf("query %+v", s)
		}
	}
}

// testAskPartly: when the context ends, what came stays, and the last pair says so.
func testAskPartly(t *testing.T, f *fixture) {
	heard := make(chan struct{}, 100)
	asker := f.join()
	f.join(replies(3))
	f.join(silent(heard))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	var last error
	for r, err := range asker.Ask(ctx, &adapter.Query{From: asker.id, Target: packet.Target{Namespace: "/"}}) {
		if last != nil {
			t.Fatalf("%v, %v after the end", r, err)
		}
		if last = err; err != nil {
			continue
		}
		if n++; n == 4 {
			cancel()
		}
	}
	if n != 4 || !errors.Is(last, context.Canceled) {
		t.Errorf("%d replies, then %v", n, last)
	}
	await(t, heard, "the end of the node's context")

	// A context that has ended already never leaves a result that looks whole.
	for range 20 {
		last = nil
		for _, err := range asker.Ask(ctx, &adapter.Query{From: asker.id, Target: packet.Target{Namespace: "/"}}) {
			last = err
		}
		if !errors.Is(last, context.Canceled) {
			t.Fatalf("ends with %v", last)
		}
	}
}

// testAskBreak: whoever has heard enough stops, and nobody waits for him.
func testAskBreak(t *testing.T, f *fixture) {
	heard := make(chan struct{}, 100)
	asker := f.join()
	f.join(replies(1000))
	f.join(silent(heard))
	for _, err := range asker.Ask(t.Context(), &adapter.Query{From: asker.id, Target: packet.Target{Namespace: "/"}}) {
		if err != nil {
			t.Error(err)
		}
		break
	}
	await(t, heard, "the end of the node's context")
}

// testAskLeaving: a node that leaves is waited for no longer than it takes to leave.
func testAskLeaving(t *testing.T, f *fixture) {
	asker := f.join()
	asked := make(chan struct{})
	let := make(chan struct{})
	n := f.join(func(n *node) {
		n.answer = func(_ context.Context, _ *adapter.Query, reply func(*adapter.Reply), done func()) {
			close(asked)
			<-let
			done()
		}
	})
	left := make(chan error, 1)
	go func() { // ends with Leave
		<-asked
		close(let)
		left <- n.Leave()
	}()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for r, err := range asker.Ask(ctx, &adapter.Query{From: asker.id, Target: packet.Target{Namespace: "/"}}) {
		t.Errorf("got %v, %v", r, err)
	}
	if err := await(t, left, "Leave"); err != nil {
		t.Error(err)
	}
}

// testAskAtOnce: many ask, and publish, at once.
func testAskAtOnce(t *testing.T, f *fixture) {
	nodes := []*node{f.join(replies(2)), f.join(replies(2)), f.join(replies(2))}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	together(9, func(i int) {
		n := nodes[i%3]
		for range 20 {
			count := 0
			for _, err := range n.Ask(ctx, &adapter.Query{From: n.id, Target: packet.Target{Namespace: "/"}}) {
				if err != nil {
					t.Error(err)
					return
				}
				count++
			}
			if count != 4 {
				t.Errorf("%d replies", count)
			}
			n.Publish(n.event("e"), nil)
		}
	})
	nodes[0].wait(6 * 20)
}
