package hub

import (
	"context"
	"iter"

	"github.com/sockeye-io/socketio/adapter"
	"github.com/sockeye-io/socketio/internal/session"
	"github.com/sockeye-io/socketio/packet"
)

// ID implements adapter.Node.
func (h *Hub) ID() string { return h.cfg.NodeID }

// Deliver implements adapter.Node. Messages of other nodes are input: what this
// node does not know, or must not be told to send, is ignored (THREATS.md,
// "Between nodes").
func (h *Hub) Deliver(m *adapter.Message, _ string) {
	if m.From == h.cfg.NodeID {
		return
	}
	ns := h.Lookup(m.Target.Namespace)
	if ns == nil {
		return
	}
	b := Broadcast{Rooms: m.Target.Rooms, Except: m.Target.Except, Volatile: m.Volatile}
	if m.Op != adapter.Send {
		ns.obey(&b, m)
		return
	}
	switch m.Packet.Type {
	case packet.Event, packet.Text, packet.JSON:
	default:
		return
	}
	if m.Packet.Namespace != ns.name || m.Packet.ID != "" || m.Packet.Type == packet.Event && Reserved(m.Packet.Name) {
		return
	}
	ns.fanOut(session.NewCast(m.Packet, m.Volatile), &b)
}

// Answer implements adapter.Node.
func (h *Hub) Answer(ctx context.Context, q *adapter.Query, reply func(*adapter.Reply), done func()) {
	defer done()
	ns := h.Lookup(q.Target.Namespace)
	if ns == nil {
		return
	}
	for _, s := range ns.Find(&Broadcast{Rooms: q.Target.Rooms, Except: q.Target.Except}) {
		if ctx.Err() != nil {
			return
		}
		reply(s.describe(h.cfg.NodeID))
	}
}

func (s *Socket) describe(node string) *adapter.Reply {
	return &adapter.Reply{Node: node, ID: s.ID(), Rooms: s.Rooms()}
}

// Fetch yields a description of every socket that b names, on all nodes. An error,
// such as that of ctx, is the last pair: what came before is a partial result.
func (ns *Namespace) Fetch(ctx context.Context, b Broadcast) iter.Seq2[*adapter.Reply, error] {
	return func(yield func(*adapter.Reply, error) bool) {
		for _, s := range ns.Find(&b) {
			if !yield(s.describe(ns.hub.cfg.NodeID), nil) {
				return
			}
		}
		bus := ns.hub.bus()
		if bus == nil || b.Local {
			return
		}
		q := &adapter.Query{From: ns.hub.cfg.NodeID, Target: b.target(ns.name)}
		for r, err := range bus.Ask(ctx, q) {
			if !yield(r, err) {
				return
			}
		}
	}
}
