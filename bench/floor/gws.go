package main

import (
	"net/http"
	"slices"
	"sync"

	"github.com/lxzan/gws"
)

// sockets is the WebSocket half: every connection, and the rooms.
type sockets struct {
	current, old *gws.Upgrader
	buffers      sync.Pool // of *[]byte: answers under construction

	mu    sync.Mutex
	conns map[*gws.Conn]string // the room each is in, or ""
	rooms map[string][]*gws.Conn
}

func newSockets() *sockets {
	s := &sockets{
		conns: make(map[*gws.Conn]string),
		rooms: make(map[string][]*gws.Conn),
	}
	s.buffers.New = func() any { return new([]byte) }
	// Compression and UTF-8 checks stay off, as gws has them by default.
	s.current = gws.NewUpgrader(&events{sockets: s}, nil)
	s.old = gws.NewUpgrader(&events{sockets: s, old: true}, nil)
	return s
}

func (s *sockets) upgrade(w http.ResponseWriter, r *http.Request, old bool) {
	u := s.current
	if old {
		u = s.old
	}
	conn, err := u.Upgrade(w, r)
	if err != nil {
		return
	}
	// On a goroutine of its own, as gws advises, so that net/http's memory for
	// the request can go. It ends with the connection.
	go conn.ReadLoop()
}

// events are the callbacks of the connections of one protocol.
type events struct {
	gws.BuiltinEventHandler
	*sockets
	old bool
}

func (e *events) OnOpen(c *gws.Conn) {
	e.mu.Lock()
	e.conns[c] = ""
	e.mu.Unlock()
	if e.old {
		c.WriteMessage(gws.OpcodeText, oldConnectPacket)
		c.WriteMessage(gws.OpcodeText, oldAuthEvent)
		return
	}
	c.WriteMessage(gws.OpcodeText, openPacket)
}

func (e *events) OnClose(c *gws.Conn, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	name := e.conns[c]
	delete(e.conns, c)
	if name == "" {
		return
	}
	members := e.rooms[name]
	if i := slices.Index(members, c); i >= 0 {
		e.rooms[name] = slices.Delete(members, i, i+1)
	}
}

func (e *events) OnMessage(c *gws.Conn, message *gws.Message) {
	defer message.Close()
	buf := e.buffers.Get().(*[]byte)
	k, out := answer((*buf)[:0], message.Bytes())
	switch k {
	case connect:
		c.WriteMessage(gws.OpcodeText, connectPacket)
		c.WriteMessage(gws.OpcodeText, authEvent)
	case reply:
		c.WriteMessage(gws.OpcodeText, out)
	case join:
		e.join(c, room(message.Bytes()))
		c.WriteMessage(gws.OpcodeText, out)
	case toRoom:
		e.deliverRoom(c, out)
	case broadcast:
		e.deliverAll(out)
	}
	*buf = out
	e.buffers.Put(buf)
}

func (s *sockets) join(c *gws.Conn, name string) {
	s.mu.Lock()
	s.conns[c] = name
	s.rooms[name] = append(s.rooms[name], c)
	s.mu.Unlock()
}

// deliverAll sends one frame, built once, to every connection: what the gws
// documentation recommends for this.
func (s *sockets) deliverAll(msg []byte) {
	b := gws.NewBroadcaster(gws.OpcodeText, slices.Clone(msg))
	defer b.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		b.Broadcast(c)
	}
}

// deliverRoom is deliverAll for everyone in the sender's room but the sender.
func (s *sockets) deliverRoom(sender *gws.Conn, msg []byte) {
	b := gws.NewBroadcaster(gws.OpcodeText, slices.Clone(msg))
	defer b.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.rooms[s.conns[sender]] {
		if c != sender {
			b.Broadcast(c)
		}
	}
}
