package load

import (
	"bytes"
	"fmt"
	"io"

	"golang.org/x/sys/unix"
)

// churn: a number of clients at a time, each of which connects (after a
// handshake on a connection of its own, where the protocol has one), joins, has
// one message echoed, leaves, and is followed by a new one. An operation is one
// such life.
type churn struct {
	proto   *protocol
	clients int
	l       *loop
	ask     []byte // the handshake, or nil
	request []byte
	expect  answer
	join    []byte
	leave   []byte
	done    int64
}

// A life is how far one client has come: the message it waits for.
type life struct{ stage stage }

type stage int

const (
	asking  stage = iota // the answer to the handshake
	opening              // the answer to the upgrade
	greeted              // the server's hello
	joining              // the namespace's CONNECT packet
	joined               // the auth event
	echoing              // the echo
	leaving              // the end of the stream
)

func newChurn(p *protocol, clients int) *churn {
	args := text(64)
	return &churn{
		proto:   p,
		clients: clients,
		request: textFrame(p.event("message", args)),
		expect:  answer{name: "message-back", args: args},
		join:    textFrame(p.join),
		// What clients send on disconnect(): the DISCONNECT packet, then a
		// close frame with status 1000.
		leave: appendFrame(textFrame(p.leave), opClose, []byte{0x03, 0xe8}),
	}
}

func (c *churn) ops() int64 { return c.done }

func (c *churn) setup(l *loop) error {
	c.l = l
	if c.proto.handshake {
		c.ask = getRequest(l.target.Addr, c.proto.session)
	}
	return nil
}

func (c *churn) start() error {
	for range c.clients {
		if err := c.begin(); err != nil {
			return err
		}
	}
	return nil
}

// begin lets a new client begin.
func (c *churn) begin() error {
	if c.ask != nil {
		return c.connect(asking, c.ask)
	}
	return c.open("")
}

// open goes on with the WebSocket, of the session where there is one.
func (c *churn) open(sid string) error {
	return c.connect(opening, upgradeRequest(c.l.target.Addr, c.proto.path+sid))
}

// connect sends a request on a connection of its own. On loopback a connect
// needs no waiting.
func (c *churn) connect(s stage, request []byte) error {
	n, err := c.l.dial(c.proto)
	if err != nil {
		return err
	}
	n.life = &life{s}
	if err := c.l.add(n); err != nil {
		return err
	}
	return n.write(request)
}

// end closes a connection in good order, unlike elsewhere: a server that gets
// a reset for its FIN, or in place of one, has an error to handle, which no
// real client gives it. The port rests in TIME_WAIT on the side that closed
// first.
func (c *churn) end(n *conn) error {
	err := sysSetOption(n.fd, unix.SOL_SOCKET, unix.SO_LINGER, unix.Linger{})
	c.l.drop(n)
	return err
}

func (c *churn) ready(n *conn, data []byte) ([]byte, error) {
	switch {
	case data == nil && n.life.stage == leaving:
		if err := c.end(n); err != nil {
			return nil, err
		}
		c.done++
		return nil, c.begin()
	case data == nil:
		return nil, fmt.Errorf("stage %d: %w", n.life.stage, io.ErrUnexpectedEOF)
	case n.life.stage == asking:
		return c.asked(n, data)
	}
	if n.life.stage == opening {
		n.rest = append(n.rest[:0], data...)
		ok, err := n.upgraded()
		if !ok || err != nil {
			return n.rest, err
		}
		n.life.stage = greeted
		if c.proto.hello == "" {
			n.life.stage = joining
		}
		data = n.rest
	}
	for {
		op, msg, rest, ok, err := nextFrame(data)
		if err != nil {
			return nil, err
		}
		if !ok {
			return data, nil
		}
		data = rest
		if err := c.message(n, op, msg); err != nil {
			return nil, fmt.Errorf("stage %d: %w", n.life.stage, err)
		}
	}
}

// asked takes the answer to the handshake.
func (c *churn) asked(n *conn, data []byte) ([]byte, error) {
	r, _, ok, err := nextResponse(data)
	if !ok || err != nil {
		return data, err
	}
	sid, err := c.proto.sessionID(r)
	if err != nil {
		return nil, err
	}
	if err := c.end(n); err != nil {
		return nil, err
	}
	return nil, c.open(sid)
}

// message takes one message and does what comes next.
func (c *churn) message(n *conn, op byte, msg []byte) error {
	p := c.proto
	switch n.life.stage {
	case greeted:
		if bytes.HasPrefix(msg, []byte(p.hello)) {
			n.life.stage = joining
			return n.write(c.join)
		}
	case joining:
		if bytes.HasPrefix(msg, []byte(p.joined)) {
			n.life.stage = joined
			return nil
		}
	case joined:
		if bytes.HasPrefix(msg, []byte(p.auth)) {
			n.life.stage = echoing
			return n.write(c.request)
		}
	case echoing:
		ok, err := c.expect.is(p, msg)
		if err != nil {
			return err
		}
		if ok {
			n.life.stage = leaving
			return n.write(c.leave)
		}
	case leaving:
		return nil // the server's close frame
	}
	return n.other(op, msg)
}
