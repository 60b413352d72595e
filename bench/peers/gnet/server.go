package main

import (
	"bytes"
	"io"
	"iter"
	"maps"
	"slices"

	"github.com/gobwas/ws"
	"github.com/panjf2000/gnet/v2"

	"github.com/sockeye-io/socketio/bench/app"
)

// maxFrame and maxHeader are more than the load sends.
const (
	maxFrame  = 1 << 20
	maxHeader = 8 << 10
)

// A server is every connection and the rooms. All of it belongs to the loop.
type server struct {
	gnet.BuiltinEventEngine
	dialect *app.Dialect
	clients map[*client]bool
	rooms   map[string][]*client

	in     bytes.Reader // over what is being parsed
	header [ws.MaxHeaderSize]byte
	answer []byte       // the answer to a message
	out    bytes.Buffer // frames for the client whose bytes are handled
	cast   bytes.Buffer // a frame for many
}

// A client is one connection.
type client struct {
	conn     gnet.Conn
	upgraded bool
	room     string
}

func (s *server) OnOpen(c gnet.Conn) ([]byte, gnet.Action) {
	c.SetContext(&client{conn: c})
	return nil, gnet.None
}

func (s *server) OnClose(c gnet.Conn, _ error) gnet.Action {
	k := c.Context().(*client)
	delete(s.clients, k)
	if k.room != "" {
		// In a copy: a write that fails comes here while members are walked.
		members := slices.Clone(s.rooms[k.room])
		s.rooms[k.room] = slices.DeleteFunc(members, func(m *client) bool { return m == k })
	}
	return gnet.None
}

// OnTraffic handles what has come, whole messages only; gnet keeps the rest.
// All answers to it leave with one write.
func (s *server) OnTraffic(c gnet.Conn) gnet.Action {
	k := c.Context().(*client)
	data, err := c.Peek(-1)
	if err != nil {
		return gnet.Close
	}
	size := len(data)
	s.out.Reset()
	if !k.upgraded {
		rest, ok := s.upgrade(k, data)
		if !ok {
			return gnet.Close
		}
		data = rest
	}
	action := gnet.None
	for k.upgraded && action == gnet.None {
		h, msg, rest, ok := s.frame(data)
		if !ok {
			action = gnet.Close
		}
		if msg == nil {
			break
		}
		data = rest
		action = s.message(k, h.OpCode, msg)
	}
	if s.out.Len() > 0 {
		if _, err := c.Write(s.out.Bytes()); err != nil {
			return gnet.None // gnet has closed it
		}
	}
	c.Discard(size - len(data))
	return action
}

// upgrade answers the request for a WebSocket, if all of it is there.
func (s *server) upgrade(k *client, data []byte) (rest []byte, ok bool) {
	head, rest, whole := bytes.Cut(data, []byte("\r\n\r\n"))
	if !whole {
		return data, len(data) < maxHeader
	}
	// No more than the request: ws reads ahead.
	s.in.Reset(data[:len(head)+4])
	_, err := ws.Upgrade(struct {
		io.Reader
		io.Writer
	}{&s.in, &s.out})
	if err != nil {
		return nil, false
	}
	k.upgraded = true
	s.clients[k] = true
	for _, m := range s.dialect.Hello {
		appendFrame(&s.out, s.header[:], ws.OpText, m)
	}
	return rest, true
}

// frame cuts a frame off data and unmasks it in place; msg is nil while its end
// is missing, and ok says that it may yet come.
func (s *server) frame(data []byte) (h ws.Header, msg, rest []byte, ok bool) {
	s.in.Reset(data)
	h, err := ws.ReadHeaderBuffer(&s.in, s.header[:])
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return h, nil, data, true
	}
	// The load sends neither fragments nor frames without a mask.
	if err != nil || !h.Masked || !h.Fin || h.Rsv != 0 || h.Length > maxFrame {
		return h, nil, data, false
	}
	data = data[len(data)-s.in.Len():]
	if int64(len(data)) < h.Length {
		return h, nil, data, true
	}
	msg, rest = data[:h.Length:h.Length], data[h.Length:]
	ws.Cipher(msg, h.Mask, 0)
	return h, msg, rest, true
}

// message handles one message.
func (s *server) message(k *client, op ws.OpCode, msg []byte) gnet.Action {
	switch op {
	case ws.OpClose:
		appendFrame(&s.out, s.header[:], ws.OpClose, msg)
		return gnet.Close
	case ws.OpPing:
		appendFrame(&s.out, s.header[:], ws.OpPong, msg)
		return gnet.None
	}
	var kind app.Kind
	kind, s.answer = s.dialect.Answer(s.answer[:0], msg)
	switch kind {
	case app.Connect:
		for _, m := range s.dialect.Joined {
			appendFrame(&s.out, s.header[:], ws.OpText, m)
		}
	case app.Reply:
		appendFrame(&s.out, s.header[:], ws.OpText, s.answer)
	case app.Join:
		k.room = app.Room(msg)
		s.rooms[k.room] = append(s.rooms[k.room], k)
		appendFrame(&s.out, s.header[:], ws.OpText, s.answer)
	case app.ToRoom:
		s.deliver(slices.Values(s.rooms[k.room]), k)
	case app.Broadcast:
		// The sender's own goes with its other answers.
		appendFrame(&s.out, s.header[:], ws.OpText, s.answer)
		s.deliver(maps.Keys(s.clients), k)
	case app.Leave:
		appendFrame(&s.out, s.header[:], ws.OpText, s.answer)
		return gnet.Close
	}
	return gnet.None
}

// deliver sends the answer to all but the sender.
func (s *server) deliver(to iter.Seq[*client], sender *client) {
	s.cast.Reset()
	appendFrame(&s.cast, s.header[:], ws.OpText, s.answer)
	for m := range to {
		if m != sender {
			m.conn.Write(s.cast.Bytes())
		}
	}
}

// appendFrame appends a server's frame; header is room to build it in.
func appendFrame(b *bytes.Buffer, header []byte, op ws.OpCode, payload []byte) {
	// Neither can fail: the header is valid, and a Buffer takes everything.
	ws.WriteHeaderBuffer(b, ws.Header{Fin: true, OpCode: op, Length: int64(len(payload))}, header)
	b.Write(payload)
}
