package socketio_test

import (
	"testing"

	"github.com/sockeye-io/socketio"
)

// transports returns what a client of m begins with, and what it uses later.
func (m mode) transports() (first, later string) {
	switch {
	case m.rev1:
		return m.carrier, m.carrier
	case m.websocket:
		return "websocket", "websocket"
	case m.upgrades:
		return "polling", "websocket"
	}
	return "polling", "polling"
}

// TestTransport: handlers learn which transport the client uses now, from the first
// event to after the last; the handshake tells the first.
func TestTransport(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		first, later := m.transports()
		s := serve(t, nil)
		j := newJournal(t)
		s.OnConnect(func(so *socketio.Socket) error {
			j.add("connect by %s", so.Transport())
			return nil
		})
		s.OnDisconnect(func(so *socketio.Socket, _ string) { j.add("disconnect from %s", so.Transport()) })
		socketio.Reply(s, "by", func(so *socketio.Socket, _ struct{}) (string, error) { return so.Transport(), nil })
		before := m
		before.upgrades = false
		c := s.connect(before)
		j.want("connect by " + first) // before the upgrade, which need not wait for it
		if m.upgrades {
			c.upgrade()
		}
		// The first event after an upgrade may come while the last poll's answer is not
		// settled yet.
		if got := c.ask("by", ``); got != `["`+later+`"]` {
			t.Errorf("an event: %s", got)
		}
		so := only(t, s.Namespace)
		if got := so.Transport(); got != later {
			t.Errorf("the socket: %s", got)
		}
		if h := so.Handshake(); m.rev1 != (h.Transport == "") || !m.rev1 && h.Transport != first {
			t.Errorf("the handshake: %q", h.Transport)
		}
		c.cut()
		s.Close()
		j.want("disconnect from " + later)
		if got := so.Transport(); got != later {
			t.Errorf("after the end: %s", got)
		}
	})
}

// TestTransportChanges: an upgrade changes the answer, nothing else does.
func TestTransportChanges(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := serve(t, nil)
		c := s.connect(rev5Polling)
		so := only(t, s.Namespace)
		asking := make(chan bool)
		go func() { // ends with asking
			for {
				select {
				case <-asking:
					return
				default:
					if got := so.Transport(); got != "polling" && got != "websocket" {
						t.Errorf("during the upgrade: %q", got)
					}
				}
			}
		}()
		if got := so.Transport(); got != "polling" {
			t.Errorf("before: %q", got)
		}
		c.upgrade()
		close(asking)
		settle()
		if got := so.Transport(); got != "websocket" {
			t.Errorf("after: %q", got)
		}
	})
}
