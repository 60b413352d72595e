package load

import (
	"fmt"
	"io"
)

// echo: every client keeps window requests unanswered, and sends one more for
// each answer. Answers that come in one read are followed by one write.
type echo struct {
	proto   *protocol
	clients int
	window  int
	frames  [][]byte // the requests, taken in turn
	answers []answer // the answer to each

	conns []*conn
	out   []byte
	done  int64
}

// newEcho makes clients that send the event message with args and want it
// back.
func newEcho(p *protocol, clients, window int, args string) *echo {
	return &echo{
		proto: p, clients: clients, window: window,
		frames:  [][]byte{textFrame(p.event("message", args))},
		answers: []answer{{name: "message-back", args: args}},
	}
}

// newAck is newEcho with acknowledgements, whose ids differ.
func newAck(p *protocol, clients, window int, args string) *echo {
	e := &echo{proto: p, clients: clients, window: window}
	for id := 1; id <= 100; id++ {
		e.frames = append(e.frames, textFrame(p.ackReq(id, "message-with-ack", args)))
		e.answers = append(e.answers, answer{name: fmt.Sprint("ack", id), args: args})
	}
	return e
}

func (e *echo) ops() int64 { return e.done }

func (e *echo) setup(l *loop) (err error) {
	e.conns, err = l.joinMany(e.proto, e.clients)
	return err
}

func (e *echo) start() error {
	for _, c := range e.conns {
		if err := e.send(c, e.window); err != nil {
			return err
		}
	}
	return nil
}

// send sends c's next n requests.
func (e *echo) send(c *conn, n int) error {
	e.out = e.out[:0]
	for range n {
		e.out = append(e.out, e.frames[c.seq]...)
		c.seq = (c.seq + 1) % len(e.frames)
	}
	return c.write(e.out)
}

func (e *echo) ready(c *conn, data []byte) ([]byte, error) {
	if data == nil {
		return nil, io.ErrUnexpectedEOF
	}
	answered := 0
	for {
		op, msg, rest, ok, err := nextFrame(data)
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		data = rest
		ok, err = e.answers[c.due].is(e.proto, msg)
		if err != nil {
			return nil, err
		}
		if !ok {
			if err := c.other(op, msg); err != nil {
				return nil, err
			}
			continue
		}
		c.due = (c.due + 1) % len(e.frames)
		answered++
	}
	e.done += int64(answered)
	if answered == 0 {
		return data, nil
	}
	return data, e.send(c, answered)
}

// joinMany connects n clients and hands them over to the loop.
func (l *loop) joinMany(p *protocol, n int) ([]*conn, error) {
	conns := make([]*conn, n)
	for i := range conns {
		c, err := l.join(p)
		if err != nil {
			return nil, fmt.Errorf("client %d: %w", i, err)
		}
		if err := l.add(c); err != nil {
			return nil, err
		}
		conns[i] = c
	}
	return conns, nil
}
