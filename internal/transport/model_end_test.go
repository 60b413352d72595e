package transport

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/sockeye-io/socketio/internal/session"
)

// finale ends everything in one of the ways there are.
func (m *model) finale() {
	again := rapid.Bool().Draw(m.T, "recover")
	if again {
		m.recover()
	}
	switch how := rapid.SampledFrom([]string{"shutdown", "close", "leave"}).Draw(m.T, "finale"); {
	case how == "leave" && again:
		m.allLeave()
	case how == "close":
		m.stopped()
		m.Close()
	default:
		fit := again && !slices.ContainsFunc(m.clients, func(c *client) bool { return c.lossy })
		m.stopped()
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		err := m.Shutdown(ctx, session.ServerShutdown)
		cancel()
		if err != nil && fit {
			m.Fatalf("shutdown: %v", err)
		}
	}
	m.release()
	for _, c := range m.clients {
		m.visitor(c.id).letGo()
		c.reads(-1)
	}
	m.settle()
	for _, c := range m.clients {
		m.checkEnd(c)
	}
	m.over()
}

// stopped notes that the server ends everything.
func (m *model) stopped() {
	for _, c := range m.clients {
		c.mu.Lock()
		c.may[session.ServerShutdown] = true
		c.lossy, c.cut, c.torn, c.ended = true, true, true, true
		c.mu.Unlock()
	}
}

// recover lets everything go on that stood still, and then everything must be there.
func (m *model) recover() {
	m.release()
	for range 2 { // a handler may be stuck behind another one
		for _, c := range m.clients {
			m.visitor(c.id).letGo()
			m.visitor(c.id).resume()
			if !c.gone {
				c.flush(-1)
			}
			c.reads(-1)
		}
		m.settle()
	}
	m.check()
	for _, c := range m.clients {
		v := m.visitor(c.id).has()
		if v.closed == 0 && (len(v.inbox) > 0 || v.running || v.echoes && !slices.Equal(v.echoed, v.got)) && !v.full {
			m.Fatalf("client %d: the handler answered %v of %v", c.id, v.echoed, v.got)
		}
	}
}

// allLeave has the clients leave, each in its way, and the server notice.
func (m *model) allLeave() {
	for _, c := range m.clients {
		c.mu.Lock()
		c.may[session.TransportClose], c.may[session.TransportError], c.may[session.PingTimeout] = true, true, true
		c.lossy, c.cut, c.torn = true, true, true
		c.answers = false
		c.mu.Unlock()
		if rapid.Bool().Draw(m.T, "silently") {
			continue
		}
		c.quit()
	}
	time.Sleep(3 * time.Minute)
	m.settle()
	if n, s, p := m.Sessions(), m.rig.Server.streams.n, m.k.Pollers(); n != 0 || s != 0 || p != 0 {
		m.Fatalf("all have left: %d sessions, %d streams, %d pollers", n, s, p)
	}
}

// reasons returns what may have ended the session, for messages.
func (c *client) reasons() string {
	var out []string
	for r, ok := range c.may {
		if ok {
			out = append(out, string(r))
		}
	}
	slices.Sort(out)
	return fmt.Sprintf("[%s]", strings.Join(out, ", "))
}
