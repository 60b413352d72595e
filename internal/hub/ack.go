package hub

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/sockeye-io/socketio/packet"
)

// ErrTooManyAcks: newer calls took the place of this one; the client owes more
// acknowledgements than may be pending.
var ErrTooManyAcks = errors.New("socketio: too many acknowledgements are pending")

// pendingAcks are the answers that a client owes one socket. Socket.mu guards it.
type pendingAcks struct {
	calls map[uint64]*call
	order []uint64 // in which they were asked; answered ones stay until they are first
}

// A call waits for one answer.
type call struct {
	answer chan answer // buffered; gets exactly one
}

type answer struct {
	args packet.Args
	err  error
}

// add notes a call, and returns the one that must give way, if any.
func (p *pendingAcks) add(id uint64, c *call, max int) (evicted *call) {
	for len(p.order) > 0 && (p.calls[p.order[0]] == nil || max > 0 && len(p.calls) >= max) {
		if oldest := p.calls[p.order[0]]; oldest != nil {
			evicted = oldest
			delete(p.calls, p.order[0])
		}
		p.order = p.order[1:]
	}
	if len(p.order) > 2*len(p.calls)+16 {
		// Answered ones behind one that waits long.
		p.order = slices.DeleteFunc(p.order, func(id uint64) bool { return p.calls[id] == nil })
	}
	p.calls[id] = c
	p.order = append(p.order, id)
	return evicted
}

func (p *pendingAcks) take(id uint64) *call {
	c := p.calls[id]
	delete(p.calls, id)
	if len(p.calls) == 0 {
		p.order = nil
	}
	return c
}

// fail ends all calls, as the socket has gone.
func (p *pendingAcks) fail() {
	if p == nil {
		return
	}
	for _, c := range p.calls {
		c.answer <- answer{err: ErrClosed}
	}
}

// EmitWithAck sends an event and waits for the client's answer, or until ctx ends.
func (s *Socket) EmitWithAck(ctx context.Context, name string, args packet.Args) (packet.Args, error) {
	if Reserved(name) {
		return packet.Args{}, ErrReserved
	}
	id, c, err := s.expect()
	if err != nil {
		return packet.Args{}, err
	}
	err = s.Send(packet.Packet{Type: packet.Event, ID: strconv.FormatUint(id, 10), Name: name, Args: args}, false)
	if err != nil {
		s.forget(id)
		return packet.Args{}, err
	}
	s.client.waiting(+1)
	s.client.sess.Yield() // this may be a handler's goroutine
	defer s.client.waiting(-1)
	select {
	case a := <-c.answer:
		return a.args, a.err
	case <-ctx.Done():
		s.forget(id)
		return packet.Args{}, ctx.Err()
	}
}

// expect notes that an answer will be waited for.
func (s *Socket) expect() (uint64, *call, error) {
	id := s.ns.ackID.Add(1)
	c := &call{answer: make(chan answer, 1)}
	s.mu.Lock()
	if s.gone {
		s.mu.Unlock()
		return 0, nil, ErrClosed
	}
	own := s.belongs()
	if own.acks == nil {
		own.acks = &pendingAcks{calls: make(map[uint64]*call)}
	}
	evicted := own.acks.add(id, c, s.ns.hub.cfg.MaxPendingAcks)
	s.mu.Unlock()
	if evicted != nil {
		evicted.answer <- answer{err: ErrTooManyAcks}
	}
	return id, c, nil
}

// takeAck returns the call that waits for an answer, which it does no more, or nil. mu
// is held.
func (s *Socket) takeAck(id uint64) *call {
	if s.own == nil || s.own.acks == nil {
		return nil
	}
	return s.own.acks.take(id)
}

func (s *Socket) forget(id uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.takeAck(id)
}

// settle hands an answer of the client to whoever waits. An answer to an id that
// nobody waits for is ignored, so a repeated one counts once.
func (s *Socket) settle(p *packet.Packet) {
	id, err := strconv.ParseUint(p.ID, 10, 64)
	if err != nil || strconv.FormatUint(id, 10) != p.ID {
		return
	}
	s.mu.Lock()
	c := s.takeAck(id)
	s.mu.Unlock()
	if c != nil {
		c.answer <- answer{args: p.Args}
	}
}
