package main

import (
	"net/http"
	"slices"
	"sync"

	"github.com/lxzan/gws"

	"github.com/sockeye-io/socketio/bench/app"
)

// sockets is the WebSocket half: every connection, and the rooms.
type sockets struct {
	buffers sync.Pool // of *[]byte: answers under construction

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
	return s
}

// upgrade returns the handler of one dialect's connections.
func (s *sockets) upgrade(d *app.Dialect) http.HandlerFunc {
	// Compression and UTF-8 checks stay off, as gws has them by default.
	u := gws.NewUpgrader(&events{sockets: s, dialect: d}, nil)
	return func(w http.ResponseWriter, r *http.Request) {
		conn, err := u.Upgrade(w, r)
		if err != nil {
			return
		}
		// On a goroutine of its own, as gws advises, so that net/http's memory
		// for the request can go. It ends with the connection.
		go conn.ReadLoop()
	}
}

// events are the callbacks of the connections of one dialect.
type events struct {
	gws.BuiltinEventHandler
	*sockets
	dialect *app.Dialect
}

func (e *events) OnOpen(c *gws.Conn) {
	e.mu.Lock()
	e.conns[c] = ""
	e.mu.Unlock()
	writeAll(c, e.dialect.Hello)
}

func writeAll(c *gws.Conn, messages [][]byte) {
	for _, m := range messages {
		c.WriteMessage(gws.OpcodeText, m)
	}
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
	k, out := e.dialect.Answer((*buf)[:0], message.Bytes())
	switch k {
	case app.Connect:
		writeAll(c, e.dialect.Joined)
	case app.Reply:
		c.WriteMessage(gws.OpcodeText, out)
	case app.Join:
		e.join(c, app.Room(message.Bytes()))
		c.WriteMessage(gws.OpcodeText, out)
	case app.ToRoom:
		e.deliverRoom(c, out)
	case app.Broadcast:
		e.deliverAll(out)
	case app.Leave:
		c.WriteMessage(gws.OpcodeText, out)
		c.NetConn().Close()
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
