package conn

import (
	"net"
	"testing"
)

// Memory makes a connection of a kernel in memory, which only the tests outside of this
// package can import; they set it.
var Memory func(t testing.TB) (server, client net.Conn)

// A Tap is a tap for those tests.
type Tap = tap

// NewTap returns a tap whose hooks are called by the methods of the same name.
func NewTap(t *testing.T, receive func(*Tap, []byte) error) *Tap {
	h := newTap(t)
	if receive != nil {
		h.onReceive = func(p []byte) error { return receive(h, p) }
	}
	return h
}

// Out queues p and wakes the connection.
func (h *tap) Out(p []byte, last bool) { h.send(p, last) }

// Owned has Outgoing return memory of its own.
func (h *tap) Owned() { h.own = true }

// Done returns where the reason of the end is to be had.
func (h *tap) Done() <-chan error { return h.closed }

// Got returns what was received.
func (h *tap) Got() string { return h.received() }

// Counts returns how often Sent was called, and with which errors.
func (h *tap) Counts() (sent int, failed []error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.sent, h.fails
}

// Left says whether Leaving was called.
func (h *tap) Left() bool { return h.left.Load() }

// OnSent sets a hook.
func (h *tap) OnSent(f func(error)) { h.onSent = f }
