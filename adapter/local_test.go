package adapter_test

import (
	"context"
	"errors"
	"testing"

	"go.uber.org/goleak"

	"github.com/sockeye-io/socketio/adapter"
	"github.com/sockeye-io/socketio/adapter/adaptertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestLocal(t *testing.T) {
	adaptertest.Run(t, func(*testing.T) func() adapter.Bus {
		b := new(adapter.Local)
		return func() adapter.Bus { return b }
	})
}

// deaf is a node that takes nothing until it is let.
type deaf struct{ let chan struct{} }

func (deaf) ID() string { return "deaf" }

func (d deaf) Deliver(*adapter.Message, string) { <-d.let }

func (deaf) Answer(_ context.Context, _ *adapter.Query, _ func(*adapter.Reply), done func()) { done() }

// TestLocalQueueIsBounded: what a node does not take costs its bound, and is reported.
func TestLocalQueueIsBounded(t *testing.T) {
	b := new(adapter.Local)
	d := deaf{make(chan struct{})}
	sender, _ := b.Join(t.Context(), deaf{})
	taker, _ := b.Join(t.Context(), d)
	var full bool
	n := 0
	for ; n < 100_000 && !full; n++ {
		sender.Publish(&adapter.Message{Op: adapter.Send}, func(_ string, err error) { full = errors.Is(err, adapter.ErrQueueFull) })
	}
	if !full {
		t.Errorf("%d messages are kept", n)
	}
	close(d.let)
	if err := errors.Join(taker.Leave(), sender.Leave()); err != nil {
		t.Error(err)
	}
	if err := taker.Leave(); !errors.Is(err, adapter.ErrLeft) {
		t.Errorf("again: %v", err)
	}
}

// BenchmarkLocal publishes to three others.
func BenchmarkLocal(b *testing.B) {
	bus := new(adapter.Local)
	let := make(chan struct{})
	close(let)
	var members []adapter.Member
	for range 4 {
		m, _ := bus.Join(b.Context(), deaf{let})
		members = append(members, m)
	}
	m := &adapter.Message{Op: adapter.Send}
	b.ReportAllocs()
	for b.Loop() {
		members[0].Publish(m, nil)
	}
	for _, m := range members {
		_ = m.Leave()
	}
}
