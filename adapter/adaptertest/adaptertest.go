// Package adaptertest holds the test that every bus must pass. A package with a bus
// calls Run in one of its own tests, and checks for forgotten goroutines by itself.
package adaptertest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/sockeye-io/socketio/adapter"
	"github.com/sockeye-io/socketio/packet"
)

// Run tests a bus. It calls cluster for each of its tests, which returns a function
// that gives one node its way to the cluster; it is called once for each node, and may
// return the same Bus each time.
func Run(t *testing.T, cluster func(t *testing.T) (newBus func() adapter.Bus)) {
	for _, tt := range []struct {
		name string
		f    func(*testing.T, *fixture)
	}{
		{"Messages", testMessages},
		{"Order", testOrder},
		{"NeverBlocks", testNeverBlocks},
		{"Ask", testAsk},
		{"AskPartly", testAskPartly},
		{"AskBreak", testAskBreak},
		{"AskLeaving", testAskLeaving},
		{"AskAtOnce", testAskAtOnce},
		{"Leave", testLeave},
		{"LeaveWaits", testLeaveWaits},
		{"JoinWhilePublishing", testJoinWhilePublishing},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.f(t, &fixture{t: t, newBus: cluster(t)}) })
	}
}

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

// A fixture makes the nodes of one test.
type fixture struct {
	t      *testing.T
	newBus func() adapter.Bus
	nodes  int
}

// A node is a server that only notes what it is told.
type node struct {
	adapter.Member
	t  *testing.T
	id string

	deliver func(m *adapter.Message) // before it is noted; nil: nothing
	answer  func(ctx context.Context, q *adapter.Query, reply func(*adapter.Reply), done func())

	mu      sync.Mutex
	arrived sync.Cond
	got     []delivery
}

// A delivery is a message that arrived.
type delivery struct {
	m      *adapter.Message
	offset string
}

// join makes a node that leaves with the test.
func (f *fixture) join(set ...func(*node)) *node {
	f.t.Helper()
	f.nodes++
	n := &node{t: f.t, id: fmt.Sprintf("node-%d", f.nodes)}
	n.arrived.L = &n.mu
	for _, s := range set {
		s(n)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	m, err := f.newBus().Join(ctx, n)
	if err != nil {
		f.t.Fatal(err)
	}
	n.Member = m
	f.t.Cleanup(func() { _ = m.Leave() }) // it may have left
	return n
}

func (n *node) ID() string { return n.id }

func (n *node) Deliver(m *adapter.Message, offset string) {
	if n.deliver != nil {
		n.deliver(m)
	}
	n.mu.Lock()
	n.got = append(n.got, delivery{m, offset})
	n.mu.Unlock()
	n.arrived.Broadcast()
}

func (n *node) Answer(ctx context.Context, q *adapter.Query, reply func(*adapter.Reply), done func()) {
	if n.answer == nil {
		done()
		return
	}
	n.answer(ctx, q, reply, done)
}

// wait returns the first count messages that arrived, once they have.
func (n *node) wait(count int) []delivery {
	n.t.Helper()
	late := false
	timer := time.AfterFunc(patience, func() {
		n.mu.Lock()
		late = true
		n.mu.Unlock()
		n.arrived.Broadcast()
	})
	defer timer.Stop()
	n.mu.Lock()
	defer n.mu.Unlock()
	for len(n.got) < count && !late {
		n.arrived.Wait()
	}
	if len(n.got) < count {
		n.t.Fatalf("%s got %d messages, want %d", n.id, len(n.got), count)
	}
	return n.got[:count:count]
}

func (n *node) count() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.got)
}

// publish publishes an event and waits until the bus has it.
func (n *node) publish(m *adapter.Message) (offset string, err error) {
	n.t.Helper()
	type result struct {
		offset string
		err    error
	}
	ch := make(chan result, 2)
	n.Publish(m, func(offset string, err error) { ch <- result{offset, err} })
	r := await(n.t, ch, "published")
	return r.offset, r.err
}

// event returns a message whose event is called name.
func (n *node) event(name string) *adapter.Message {
	return &adapter.Message{
		From: n.id, Op: adapter.Send, Target: packet.Target{Namespace: "/"},
		Packet: packet.Packet{Type: packet.Event, Namespace: "/", Name: name},
	}
}

func await[T any](t *testing.T, ch <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatalf("waiting for %s", what)
		panic("unreachable")
	}
}

// text is a message in a form that can be compared: a bus may turn nil into empty.
func text(m *adapter.Message) string {
	p := &m.Packet
	s := fmt.Sprintf("%s %d %q %q %q | %d %q %q %q %v %q %q %q | %v %q %v", m.From, m.Op, m.Target.Namespace,
		m.Target.Rooms, m.Target.Except, p.Type, p.Namespace, p.Name, p.ID, p.AutoAck, p.Args.JSON, p.Data, p.Query,
		m.Volatile, m.Rooms, m.Close)
	for _, a := range p.Args.Attachments {
		s += fmt.Sprintf(" %d:%x", a.Pos, a.Data)
	}
	return s
}

// together runs n functions at once and waits for them.
func together(n int, f func(i int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { f(i) })
	}
	all.Wait()
}
