package hub

import (
	"slices"
	"sync"

	"github.com/sockeye-io/socketio/adapter"
	"github.com/sockeye-io/socketio/internal/session"
	"github.com/sockeye-io/socketio/packet"
)

// A Broadcast says what goes to whom.
type Broadcast struct {
	Rooms    []string // any of them; none: everybody
	Except   []string // in none of them
	Skip     *Socket  // a local socket that gets nothing, such as the sender
	Volatile bool
	Local    bool // this node only
}

// Broadcast sends p to the sockets of the namespace that b names. It never blocks.
func (ns *Namespace) Broadcast(p packet.Packet, b Broadcast) error {
	if p.Type == packet.Event && Reserved(p.Name) {
		return ErrReserved
	}
	p.Namespace = ns.name
	ns.fanOut(session.NewCast(p, b.Volatile), &b)
	if m := ns.hub.bus(); m != nil && !b.Local {
		m.Publish(&adapter.Message{
			From: ns.hub.cfg.NodeID, Op: adapter.Send, Target: b.target(ns.name), Packet: p, Volatile: b.Volatile,
		}, nil)
	}
	return nil
}

// target is b in the words of the cluster.
func (b *Broadcast) target(namespace string) packet.Target {
	t := packet.Target{Namespace: namespace, Rooms: b.Rooms, Except: b.Except}
	if b.Skip != nil {
		t.Except = append(t.Except[:len(t.Except):len(t.Except)], b.Skip.ID())
	}
	return t
}

// wakes are transports to wake once the locks are released.
type wakes struct{ list []session.Transport }

var wakePool = sync.Pool{New: func() any { return new(wakes) }}

func (w *wakes) fire() {
	for _, t := range w.list {
		t.Wake()
	}
	clear(w.list)
	w.list = w.list[:0]
	wakePool.Put(w)
}

// fanOut pushes c to every local socket that b names. All members of a room see
// its casts in one order, as they are pushed under the lock of the room's shard.
func (ns *Namespace) fanOut(c *session.Cast, b *Broadcast) {
	w := wakePool.Get().(*wakes)
	ns.each(b, func(s *Socket) {
		if t, _ := s.client.sess.Push(c); t != nil {
			w.list = append(w.list, t)
		}
	})
	w.fire()
}

// Find returns the local sockets that b names.
func (ns *Namespace) Find(b *Broadcast) (found []*Socket) {
	ns.each(b, func(s *Socket) { found = append(found, s) })
	return found
}

// donePool has the sets of each, which for large rooms are large.
var donePool = sync.Pool{New: func() any { return make(map[*Socket]struct{}) }}

// each calls f once for every local socket that b names, with the locks of the
// rooms held.
func (ns *Namespace) each(b *Broadcast, f func(*Socket)) {
	if len(b.Rooms) == 1 && len(b.Except) == 0 {
		ns.eachOf(b.Rooms[0], b.Skip, f)
		return
	}
	var locked shardSet
	for _, names := range [2][]string{b.Rooms, b.Except} {
		for _, name := range names {
			locked[ns.shardIndex(name)] = true
		}
	}
	ns.lock(&locked)
	defer ns.unlock(&locked)
	// Whom f was called for, or must not be called for.
	var done map[*Socket]struct{}
	if len(b.Rooms) > 0 || len(b.Except) > 0 {
		done = donePool.Get().(map[*Socket]struct{})
		defer func() {
			clear(done)
			donePool.Put(done)
		}()
	}
	for _, name := range b.Except {
		ns.members(name, func(s *Socket) { done[s] = struct{}{} })
	}
	if len(b.Rooms) == 0 {
		ns.all.mu.Lock()
		defer ns.all.mu.Unlock()
		for _, s := range ns.all.sockets {
			if _, ok := done[s]; !ok && s != b.Skip {
				f(s)
			}
		}
		return
	}
	for _, name := range b.Rooms {
		ns.members(name, func(s *Socket) {
			if _, ok := done[s]; !ok && s != b.Skip {
				done[s] = struct{}{}
				f(s)
			}
		})
	}
}

// eachOf is each for one room, the common case.
func (ns *Namespace) eachOf(name string, skip *Socket, f func(*Socket)) {
	sh := ns.shard(name)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	ns.members(name, func(s *Socket) {
		if s != skip {
			f(s)
		}
	})
}

// members calls f for each local member of the room called name, whose shard is
// locked. A socket's id is a room of its own.
func (ns *Namespace) members(name string, f func(*Socket)) {
	sh := ns.shard(name)
	if r := sh.rooms[name]; r != nil {
		for _, m := range r.members {
			f(m.socket)
		}
	}
	if s := sh.socket(name); s != nil {
		f(s)
	}
}

// JoinRooms puts the sockets that b names, on all nodes, into rooms.
func (ns *Namespace) JoinRooms(b Broadcast, rooms []string) {
	ns.command(b, &adapter.Message{Op: adapter.Join, Rooms: slices.Clone(rooms)})
}

// LeaveRooms takes the sockets that b names, on all nodes, out of rooms.
func (ns *Namespace) LeaveRooms(b Broadcast, rooms []string) {
	ns.command(b, &adapter.Message{Op: adapter.Leave, Rooms: slices.Clone(rooms)})
}

// Disconnect throws the sockets that b names, on all nodes, out of the namespace,
// or their clients out of everything if wholly is set.
func (ns *Namespace) Disconnect(b Broadcast, wholly bool) {
	ns.command(b, &adapter.Message{Op: adapter.Disconnect, Close: wholly})
}

func (ns *Namespace) command(b Broadcast, m *adapter.Message) {
	ns.obey(&b, m)
	if bus := ns.hub.bus(); bus != nil && !b.Local {
		m.From, m.Target = ns.hub.cfg.NodeID, b.target(ns.name)
		bus.Publish(m, nil)
	}
}

// obey does to local sockets what m says.
func (ns *Namespace) obey(b *Broadcast, m *adapter.Message) {
	for _, s := range ns.Find(b) {
		switch m.Op {
		case adapter.Join:
			for _, name := range m.Rooms {
				_ = s.Join(name) // the socket may be gone by now
			}
		case adapter.Leave:
			for _, name := range m.Rooms {
				s.Leave(name)
			}
		case adapter.Disconnect:
			s.Disconnect(m.Close)
		}
	}
}
