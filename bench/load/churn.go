package load

import (
	"bytes"
	"fmt"
	"io"

	"golang.org/x/sys/unix"
)

// churn: a number of clients at a time, each of which connects, joins, has one
// message echoed, leaves, and is followed by a new one. An operation is one
// such life.
type churn struct {
	clients int
	l       *loop
	upgrade []byte
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
	opening stage = iota // the answer to the upgrade
	greeted              // the server's hello
	joining              // the answer to the CONNECT packet
	joined               // the auth event
	echoing              // the echo
	leaving              // the end of the stream
)

func newChurn(clients int) *churn {
	args := text(64)
	p := revision5
	return &churn{
		clients: clients,
		request: textFrame(p.event("message", args)),
		expect:  answer{name: "message-back", args: args},
		join:    textFrame(p.join),
		// What Node's client sends on disconnect(): the namespace's
		// DISCONNECT, then a close frame with status 1000.
		leave: appendFrame(textFrame(p.leave), opClose, []byte{0x03, 0xe8}),
	}
}

func (c *churn) ops() int64 { return c.done }

func (c *churn) setup(l *loop) error {
	c.l = l
	c.upgrade = upgradeRequest(l.target.Addr, revision5.path)
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

// begin connects a new client. On loopback a connect needs no waiting.
func (c *churn) begin() error {
	c.l.seq++
	fd, err := dial(c.l.target.Addr, c.l.seq)
	if err != nil {
		return err
	}
	n := &conn{fd: fd, proto: revision5, life: new(life)}
	if err := c.l.add(n); err != nil {
		return err
	}
	return n.write(c.upgrade)
}

func (c *churn) ready(n *conn, data []byte) ([]byte, error) {
	if data == nil {
		if n.life.stage != leaving {
			return nil, fmt.Errorf("stage %d: %w", n.life.stage, io.ErrUnexpectedEOF)
		}
		// Closed in good order, unlike elsewhere: a server that gets a reset
		// for its FIN has an error to handle, which no real client gives it.
		// The port rests in TIME_WAIT on the server's side.
		err := sysSetOption(n.fd, unix.SOL_SOCKET, unix.SO_LINGER, unix.Linger{})
		if err != nil {
			return nil, err
		}
		c.l.drop(n)
		c.done++
		return nil, c.begin()
	}
	if n.life.stage == opening {
		n.rest = append(n.rest[:0], data...)
		ok, err := n.upgraded()
		if !ok || err != nil {
			return n.rest, err
		}
		n.life.stage = greeted
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

// message takes one message and does what comes next.
func (c *churn) message(n *conn, op byte, msg []byte) error {
	p := revision5
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
