package session

import (
	"sync"
	"sync/atomic"

	"github.com/sockeye-io/socketio/internal/framing"
	"github.com/sockeye-io/socketio/internal/generation"
	"github.com/sockeye-io/socketio/internal/websocket"
	"github.com/sockeye-io/socketio/packet"
)

// MaxGenerations bounds generation.Generation.Index.
const MaxGenerations = 6

// A Cast is a packet on its way to any number of clients, with its encodings: for
// each generation the messages and their WebSocket frames, built once, by the
// first transport that asks. A Cast that was pushed is not changed any more.
type Cast struct {
	packet   packet.Packet
	volatile bool
	single   bool // one receiver: goes back to the pool when it was sent
	size     int

	mu      sync.Mutex // held by whoever encodes
	encoded [MaxGenerations]atomic.Pointer[Encoded]
	raw     *Encoded // a link message of its own, the same in its generation only

	own Encoded // the encoding of a cast with one receiver, whose memory is used again
}

// Encoded is a cast in the form of one generation.
type Encoded struct {
	// Err says why the generation has no form for the packet: skip it.
	Err error
	// Frames are the RFC 6455 frames of all messages, as a server sends them.
	Frames []byte
	// Messages are the head and its attachments, for payloads.
	Messages []framing.Encoded

	buf []byte
	one [1]framing.Encoded
}

var singles = sync.Pool{New: func() any { return &Cast{single: true} }}

// NewCast returns a cast for any number of receivers.
func NewCast(p packet.Packet, volatile bool) *Cast {
	return &Cast{packet: p, volatile: volatile, size: sizeOf(&p)}
}

// NewSingle returns a cast that is pushed to one session at most. It belongs to
// that session then, whatever Push returns.
func NewSingle(p packet.Packet, volatile bool) *Cast {
	c := singles.Get().(*Cast)
	c.packet, c.volatile, c.size = p, volatile, sizeOf(&p)
	return c
}

// sizeOf estimates the bytes that p takes in an outbox: its content, and what any
// grammar adds.
func sizeOf(p *packet.Packet) int {
	n := 32 + len(p.Namespace) + len(p.ID) + len(p.Name) + len(p.Args.JSON) + len(p.Data)
	for i := range p.Args.Attachments {
		n += 32 + len(p.Args.Attachments[i].Data)
	}
	return n
}

// linkCast is a frame of the link itself, such as a heartbeat.
func linkCast(g *generation.Generation, kind framing.Kind, data []byte) *Cast {
	return rawCast(g.Framing.AppendText(nil, kind, data))
}

// rawCast is a whole link message.
func rawCast(message []byte) *Cast {
	e := new(Encoded)
	e.begin()
	e.buf = append(e.buf, message...)
	e.endHead()
	return &Cast{raw: e, size: len(message)}
}

// For returns the cast in the form of g.
func (c *Cast) For(g *generation.Generation) *Encoded {
	if c.raw != nil {
		return c.raw
	}
	if c.single {
		// Only the lease's holder asks, and only it has the cast.
		if c.own.Frames == nil && c.own.Err == nil {
			c.own.encode(g, &c.packet)
		}
		return &c.own
	}
	if e := c.encoded[g.Index].Load(); e != nil {
		return e
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.encoded[g.Index].Load(); e != nil {
		return e
	}
	e := new(Encoded)
	e.encode(g, &c.packet)
	c.encoded[g.Index].Store(e)
	return e
}

// maxKept is the largest buffer that goes back to the pool with its cast.
const maxKept = 4 << 10

// released, which only tests set, gets the casts that would go to the pool.
var released func(*Cast)

// release gives a cast with one receiver back to the pool. Nobody may hold it any
// more: it was settled, or nobody ever leased it.
func (c *Cast) release() {
	if !c.single {
		return
	}
	if released != nil {
		released(c)
		return
	}
	buf := c.own.buf
	if cap(buf) > maxKept {
		buf = nil
	}
	c.packet = packet.Packet{}
	c.own = Encoded{buf: buf[:0]}
	singles.Put(c)
}

func (e *Encoded) begin() {
	e.buf = append(e.buf[:0], make([]byte, websocket.Headroom)...)
}

// endHead closes the head that was appended since begin, and puts its frame's
// header right before it.
func (e *Encoded) endHead() {
	start := websocket.PutHeader(e.buf[:websocket.Headroom], websocket.Text, len(e.buf)-websocket.Headroom)
	e.Frames = e.buf[start:]
	e.one[0] = framing.Encoded{Data: e.buf[websocket.Headroom:]}
	e.Messages = e.one[:]
}

func (e *Encoded) encode(g *generation.Generation, p *packet.Packet) {
	e.begin()
	attachments := g.Codec.Attachments(p)
	bare := p.Type == packet.Binary
	if !bare {
		e.buf = g.Framing.AppendText(e.buf, framing.Message, nil)
		e.buf, e.Err = g.Codec.AppendHead(e.buf, p)
		if e.Err != nil {
			return
		}
		e.endHead()
	}
	if len(attachments) == 0 {
		return
	}
	e.attach(attachments, bare)
}

// attach appends the frames of the attachments behind the head's.
func (e *Encoded) attach(attachments []packet.Attachment, bare bool) {
	start := websocket.Headroom
	headLen := 0
	if !bare {
		start = len(e.buf) - len(e.Frames)
		headLen = len(e.one[0].Data)
	}
	n := len(e.buf)
	for i := range attachments {
		n += websocket.Headroom + len(attachments[i].Data)
	}
	if cap(e.buf) < n {
		e.buf = append(make([]byte, 0, n), e.buf...)
	}
	msgs := make([]framing.Encoded, 0, 1+len(attachments))
	if !bare {
		msgs = append(msgs, framing.Encoded{Data: e.buf[websocket.Headroom : websocket.Headroom+headLen]})
	}
	for i := range attachments {
		data := attachments[i].Data
		e.buf = websocket.AppendHeader(e.buf, websocket.Binary, len(data))
		e.buf = append(e.buf, data...)
		msgs = append(msgs, framing.Encoded{Data: e.buf[len(e.buf)-len(data):], Binary: true})
	}
	e.Frames, e.Messages = e.buf[start:], msgs
}
