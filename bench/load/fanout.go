package load

import (
	"bytes"
	"fmt"
	"io"
)

// maxWindow bounds the triggers a group has under way at once.
const maxWindow = 64

// fanout: groups of clients; the first of each sends a trigger, and the next
// when an earlier one has reached every receiver. An operation is one delivery.
type fanout struct {
	proto                *protocol
	groups, size, window int
	rooms                bool // a room for each group; else one broadcast to all

	triggers []*group
	expect   answer
	done     int64
}

// A group is a driver and what it has under way.
type group struct {
	driver    *conn
	trigger   []byte
	receivers int
	sent      int
	missing   [maxWindow]int // receivers that have not got trigger i, modulo maxWindow
}

// newBroadcast makes one group of clients in which everyone gets everything,
// the sender included.
func newBroadcast(p *protocol, clients, window int) *fanout {
	return &fanout{proto: p, groups: 1, size: clients, window: window,
		expect: answer{name: "broadcast-message", args: text(64)}}
}

// newRooms makes rooms with that many members each, of whom one sends to the
// others.
func newRooms(p *protocol, rooms, members int) *fanout {
	return &fanout{proto: p, groups: rooms, size: members, window: 1, rooms: true,
		expect: answer{name: "room-message", args: text(64)}}
}

func (f *fanout) ops() int64 { return f.done }

func (f *fanout) setup(l *loop) error {
	for i := range f.groups {
		g := &group{receivers: f.size}
		name := fmt.Sprintf("room-%03d", i)
		g.trigger = textFrame(f.proto.event("broadcast", f.expect.args))
		if f.rooms {
			g.receivers-- // not the sender
			g.trigger = textFrame(f.proto.event("to", `"`+name+`",`+f.expect.args))
		}
		for j := range f.size {
			c, err := l.join(f.proto)
			if err != nil {
				return fmt.Errorf("client %d of group %d: %w", j, i, err)
			}
			if f.rooms {
				if err := c.enter(name); err != nil {
					return err
				}
			}
			if j == 0 {
				g.driver = c
			}
			c.group = g
			if err := l.add(c); err != nil {
				return err
			}
		}
		f.triggers = append(f.triggers, g)
	}
	return nil
}

// enter joins a room, blocking.
func (c *conn) enter(room string) error {
	if err := c.write(textFrame(c.proto.ackReq(1, "join", `"`+room+`"`))); err != nil {
		return err
	}
	_, err := c.expect(c.proto.ack(1, `"ok"`))
	return err
}

func (f *fanout) start() error {
	for _, g := range f.triggers {
		for range f.window {
			if err := g.send(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (g *group) send() error {
	g.missing[g.sent%maxWindow] = g.receivers
	g.sent++
	return g.driver.write(g.trigger)
}

func (f *fanout) ready(c *conn, data []byte) ([]byte, error) {
	if data == nil {
		return nil, io.ErrUnexpectedEOF
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
		ok, err = f.expect.is(f.proto, msg)
		if err != nil {
			return nil, err
		}
		if !ok {
			if err := c.other(op, bytes.Clone(msg)); err != nil {
				return nil, err
			}
			continue
		}
		f.done++
		// Everyone gets the triggers in the order they were sent, so a
		// receiver's count says which one this is.
		left := &c.group.missing[c.count%maxWindow]
		c.count++
		if *left--; *left == 0 {
			if err := c.group.send(); err != nil {
				return nil, err
			}
		}
	}
}
