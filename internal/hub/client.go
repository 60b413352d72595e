package hub

import (
	"slices"
	"sync"

	"github.com/sockeye-io/socketio/internal/session"
	"github.com/sockeye-io/socketio/packet"
)

// A Client is one connection, with a socket in each namespace it joined. There are
// many, and most are idle, so it is kept small (TestSizes).
type Client struct {
	hub  *Hub
	sess *session.Session

	mu      sync.Mutex
	sockets *Socket // the oldest; the next hangs on it (Socket.sibling)
	inbox   inbox
	rare    *rare // nil for most
	gone    bool
	paused  bool // reading is, since the inbox is full

	crossed bool  // the inbox was full after a message; only message and taken touch it
	place   int32 // in clientSet.list, and guarded by its lock; -1: not there
}

// rare is what few clients ever have.
type rare struct {
	left  []string      // namespaces that the server threw it out of: late events are no offence
	waits int           // calls that wait for this client's acknowledgements
	idle  chan struct{} // closed when no dispatcher runs; nil unless someone waits
}

// seldom returns c.rare, which exists from now on. mu is held.
func (c *Client) seldom() *rare {
	if c.rare == nil {
		c.rare = new(rare)
	}
	return c.rare
}

// maxLeft bounds rare.left.
const maxLeft = 100

// wasThrown reports whether the server threw the client out of a namespace. mu is held.
func (c *Client) wasThrown(namespace string) bool {
	return c.rare != nil && slices.Contains(c.rare.left, namespace)
}

// throw notes that the server throws the client out of a namespace. mu is held.
func (c *Client) throw(namespace string) {
	if r := c.seldom(); len(r.left) < maxLeft && !slices.Contains(r.left, namespace) {
		r.left = append(r.left, namespace)
	}
}

// Session returns the client's session.
func (c *Client) Session() *session.Session { return c.sess }

// socket returns the client's socket in a namespace, or nil. mu is held.
func (c *Client) socket(namespace string) *Socket {
	for s := c.sockets; s != nil; s = s.sibling {
		if s.ns.name == namespace {
			return s
		}
	}
	return nil
}

// add puts s at the end of the client's list. mu is held.
func (c *Client) add(s *Socket) {
	at := &c.sockets
	for *at != nil {
		at = &(*at).sibling
	}
	*at = s
}

// remove takes s out of the client's list. mu is held.
func (c *Client) remove(s *Socket) {
	at := &c.sockets
	for *at != nil && *at != s {
		at = &(*at).sibling
	}
	if *at != nil {
		*at, s.sibling = s.sibling, nil
	}
}

// count returns how many sockets the client has. mu is held.
func (c *Client) count() (n int) {
	for s := c.sockets; s != nil; s = s.sibling {
		n++
	}
	return n
}

var (
	errNotJoined  = &packet.ProtocolError{Rule: "a packet for a namespace that was not joined"}
	errTooEarly   = &packet.ProtocolError{Rule: "an event before the namespace was joined"}
	errConnectErr = &packet.ProtocolError{Rule: "a refusal is the server's to send"}
)

// message handles a packet from the client. It is called for one packet at a time.
func (c *Client) message(p *packet.Packet) error {
	switch p.Type {
	case packet.Connect:
		c.connect(*p)
		return nil
	case packet.ConnectError:
		if c.sess.Generation().Rules.EarlyEvents {
			return nil
		}
		return errConnectErr
	}
	c.mu.Lock()
	s := c.socket(p.Namespace)
	if s == nil || c.gone {
		excused := c.gone || c.sess.Generation().Rules.EarlyEvents || c.wasThrown(p.Namespace)
		c.mu.Unlock()
		if excused {
			return nil
		}
		return errNotJoined
	}
	if s.state == connecting && p.Type != packet.Disconnect && !c.sess.Generation().Rules.EarlyEvents {
		c.mu.Unlock()
		return errTooEarly
	}
	switch p.Type {
	case packet.Disconnect:
		c.remove(s)
		c.leave(s, session.ClientDisconnect, true)
		return nil
	case packet.Ack:
		c.mu.Unlock()
		s.settle(p)
		return nil
	}
	c.enqueue(s, newEvent(s, p))
	if c.full() {
		c.crossed = true
	}
	c.mu.Unlock()
	return nil
}

// leave ends s, which remove took out of the list: what it sent before is still
// handled if keep is set, then it hears of its end. mu is held, and released.
func (c *Client) leave(s *Socket, reason session.Reason, keep bool) {
	was := s.state
	s.state = disconnected
	s.ends()
	if !keep {
		c.inbox.drop(s)
	}
	if was == connected {
		c.enqueue(s, &Event{kind: ended, socket: s, Packet: Content{Name: string(reason)}})
	}
	resume := c.mayResume()
	c.mu.Unlock()
	s.end(was == connected)
	if resume {
		c.sess.Resume()
	}
}

// closed ends all sockets of a client whose session has ended.
func (c *Client) closed(reason session.Reason) {
	keep := keeps(reason)
	for {
		c.mu.Lock()
		c.gone = true
		s := c.sockets
		if s == nil {
			idle := c.inbox.running == 0
			c.mu.Unlock()
			if idle { // otherwise the last dispatcher does it
				c.hub.clients.remove(c)
			}
			return
		}
		for s.sibling != nil { // the newest first
			s = s.sibling
		}
		c.remove(s)
		c.leave(s, reason, keep)
	}
}

// keeps reports whether events that nobody has handled yet still count. A client that
// left or was lost had sent them in good faith, and a server that shuts down loses
// nothing; what a client sent that was thrown out counts no more (decision 17).
func keeps(reason session.Reason) bool {
	switch reason {
	case session.TransportClose, session.TransportError, session.PingTimeout,
		session.ClientDisconnect, session.ForcedClose, session.ServerShutdown:
		return true
	}
	return false
}

// disconnect throws s out of its namespace. The client is told.
func (c *Client) disconnect(s *Socket) {
	if c.sess.Generation().Rules.EndByPacket && s.ns.name == "/" {
		c.kick(session.ServerDisconnect)
		return
	}
	c.mu.Lock()
	if s.state == disconnected {
		c.mu.Unlock()
		return
	}
	c.remove(s)
	c.throw(s.ns.name)
	// Told before it disappears, so that nothing for this socket follows.
	wake, _ := c.sess.Push(session.NewSingle(packet.Packet{Type: packet.Disconnect, Namespace: s.ns.name}, false))
	c.leave(s, session.ServerDisconnect, false)
	if wake != nil {
		wake.Wake()
	}
}

// kick throws the client out of everything.
func (c *Client) kick(reason session.Reason) {
	if !c.sess.Generation().Rules.EndByPacket {
		c.mu.Lock()
		var names []string
		for s := c.sockets; s != nil; s = s.sibling {
			if s.state == connected {
				names = append(names, s.ns.name)
			}
		}
		c.mu.Unlock()
		for _, name := range names {
			wake, _ := c.sess.Push(session.NewSingle(packet.Packet{Type: packet.Disconnect, Namespace: name}, false))
			if wake != nil {
				wake.Wake()
			}
		}
	}
	c.sess.End(c.hub.cfg.Now(), session.Kick, reason)
}
