package transport

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sockeye-io/socketio/internal/conn/conntest"
	"github.com/sockeye-io/socketio/internal/session"
	"github.com/sockeye-io/socketio/internal/websocket"
)

// greet opens the client's session, and joins the main namespace. Messages of some sizes
// it sends together with its request.
func (c *client) greet(kind string, early []int) {
	var frames []byte
	if kind == onUpgraded {
		c.poll.begin()
		for _, size := range early {
			c.send(size, false, false)
		}
		c.r.settle()
		return
	}
	for _, size := range early {
		_, f := c.message(size, false, false)
		frames = append(frames, f...)
	}
	if kind == onV5 {
		c.moved = true
		c.open(fmt.Sprintf("%swebsocket&c=%d", eio, c.id), append([]byte(masked(websocket.Text, "40")), frames...))
		return
	}
	w := c.r.web()
	_, body, err := w.do("GET", fmt.Sprintf("/socket.io/1/?c=%d", c.id), "")
	if err != nil {
		c.r.mistake(err.Error())
	}
	_ = w.nc.Close()
	sid, _, _ := strings.Cut(body, ":")
	c.moved = true
	name := "websocket"
	if c.hixie {
		name = "flashsocket"
	}
	c.open(fmt.Sprintf("/socket.io/1/%s/%s?c=%d", name, sid, c.id), frames)
}

// leave notes that the client says goodbye. c.mu is held.
func (c *client) leave(r session.Reason) {
	c.gone = true
	c.lossy = true
	c.may[r] = true
	c.cut = c.cut || len(c.pend) > 0
	c.pend = nil
	if !c.moved {
		c.unsure()
	}
}

// unsure notes that nobody can say whether the session is on the WebSocket. c.mu is held.
func (c *client) unsure() {
	c.lossy, c.cut = true, true
	c.may[session.PingTimeout] = true
	c.may[session.TransportError], c.may[session.TransportClose] = true, true
}

// probing says whether the WebSocket has not taken over. While the session is paused it
// will not, as it is not read; and no poll comes any more. c.mu is held.
func (c *client) probing() bool { return c.nc != nil && !c.moved }

// kill notes that the WebSocket's connection breaks. c.mu is held.
func (c *client) kill() {
	c.may[session.TransportError] = true
	c.lossy, c.cut, c.torn = true, true, true
	c.killed = c.killed || c.moved
	if !c.moved {
		c.unsure()
	}
}

// prefix says whether a is the beginning of b.
func prefix(a, b []int) bool { return len(a) <= len(b) && slices.Equal(a, b[:len(a)]) }

// check holds everything against what must be true whenever it has come to rest.
func (m *model) check() {
	m.Helper()
	m.healthy()
	for _, c := range m.clients {
		v := m.visitor(c.id)
		m.checkClient(c, v.has())
		v.mu.Lock()
		v.lately = v.paused
		v.mu.Unlock()
	}
}

func (m *model) checkClient(c *client, v visit) {
	m.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.moved = c.moved || v.closed == 0 && v.s.Streaming()
	if v.full {
		c.may[session.OutboxFull] = true
		c.lossy, c.cut, c.ended = true, true, true
	}
	if v.closed > 0 && v.reason != session.TransportClose {
		c.cut = true
	}
	switch {
	case !prefix(c.pushes, c.pushed):
		m.Fatalf("client %d received %v of %v", c.id, c.pushes, c.pushed)
	case !prefix(c.echoes, v.echoed):
		m.Fatalf("client %d received the answers %v of %v", c.id, c.echoes, v.echoed)
	case !prefix(v.got, c.sent):
		m.Fatalf("the handler received %v of client %d's %v", v.got, c.id, c.sent)
	case v.closed > 0 && !c.may[v.reason]:
		m.Fatalf("client %d: %q ended the session, may be %s", c.id, v.reason, c.reasons())
	case v.closed == 0 && m.overdue(c, v) != "":
		m.Fatalf("client %d: %s, and the session goes on", c.id, m.overdue(c, v))
	case c.dead && c.partial && !c.torn:
		m.Fatalf("client %d: the last frame is torn", c.id)
	}
	m.checkComplete(c, v)
}

// checkComplete: what nothing stands in the way of has arrived. c.mu is held.
func (m *model) checkComplete(c *client, v visit) {
	m.Helper()
	if m.plan.held > 0 {
		return
	}
	arrives := c.quiet() && !v.paused && !c.cut && !c.poll.over
	if arrives && !slices.Equal(v.got, c.sent) {
		m.Fatalf("the handler received only %v of client %d's %v", v.got, c.id, c.sent)
	}
	if c.credit >= 0 || c.lossy || v.paused && c.probing() {
		return
	}
	if !slices.Equal(c.pushes, c.pushed) || !slices.Equal(c.echoes, v.echoed) {
		m.Fatalf("client %d received only %v of %v, and %v of %v", c.id, c.pushes, c.pushed, c.echoes, v.echoed)
	}
	if arrives && c.pings > 0 && !c.flooded && v.closed == 0 {
		m.Fatalf("client %d: %d pings are unanswered", c.id, c.pings)
	}
}

// overdue says what must have ended the session, or "". c.mu is held.
func (m *model) overdue(c *client, v visit) string {
	switch {
	case c.ended:
		return "the server ended it"
	case m.plan.held > 0 || !c.moved:
	case c.killed:
		return "the connection broke"
	case c.late:
		return "the client has finished long ago"
	case len(c.out) > 0 || c.writing || c.credit >= 0:
	case c.said && !v.paused:
		return "a close frame came"
	case c.fin && !v.paused:
		return "the client has finished"
	case c.fin && v.leaving == 0 && m.receive == conntest.DefaultBuffer && c.total < m.receive/2:
		return "the client has finished, nobody was told"
	}
	return ""
}

// checkEnd: the session has ended, and nothing can be said to it.
func (m *model) checkEnd(c *client) {
	m.Helper()
	v := m.visitor(c.id).has()
	if v.closed != 1 {
		m.Fatalf("client %d: Closed comes %d times", c.id, v.closed)
	}
	m.checkClient(c, v)
	if m.single(v.s, event("p", len(c.pushed), 10, false)) == nil {
		m.Fatalf("client %d: a push after the end", c.id)
	}
}
