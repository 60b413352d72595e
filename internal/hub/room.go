package hub

import (
	"errors"
	"hash/maphash"
	"slices"
	"sync"
)

// A shard holds the rooms and sockets whose names hash to it. A socket is in a room
// by its own id without anything being kept for it.
type shard struct {
	mu      sync.Mutex
	rooms   map[string]*room
	sockets map[string]*Socket
}

// A room is a list of memberships. Empty rooms do not exist.
type room struct {
	name    string
	members []*membership
}

// A membership is a socket's place in a room.
type membership struct {
	socket *Socket
	room   *room
	index  int // in room.members
}

// everybody is the list of all sockets of a namespace. Each socket knows its place.
type everybody struct {
	mu      sync.Mutex
	sockets []*Socket
}

func (a *everybody) add(s *Socket) {
	a.mu.Lock()
	s.place = len(a.sockets)
	a.sockets = append(a.sockets, s)
	a.mu.Unlock()
}

func (a *everybody) remove(s *Socket) {
	a.mu.Lock()
	last := len(a.sockets) - 1
	moved := a.sockets[last]
	a.sockets[s.place], moved.place = moved, s.place
	a.sockets[last] = nil
	a.sockets = a.sockets[:last]
	a.mu.Unlock()
}

func (ns *Namespace) shardIndex(name string) int {
	return int(maphash.String(ns.seed, name) % shardCount)
}

func (ns *Namespace) shard(name string) *shard { return &ns.shards[ns.shardIndex(name)] }

// ErrTooManyRooms: the socket is in as many rooms as it may be.
var ErrTooManyRooms = errors.New("socketio: too many rooms")

// MaxRoomName is the longest name of a room in bytes (THREATS.md).
const MaxRoomName = 1024

// ErrRoomName: the name is longer than MaxRoomName.
var ErrRoomName = errors.New("socketio: room name is too long")

// Join puts the socket into the room called name. Joining again, or one's own id,
// changes nothing. It fails if the socket has left its namespace. What its middleware
// lets it join, it joins when it is let in.
func (s *Socket) Join(name string) error {
	if name == s.id {
		return nil
	}
	if len(name) > MaxRoomName {
		return ErrRoomName
	}
	sh := s.ns.shard(name)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		return ErrClosed
	}
	if s.rooms.get(name) != nil || slices.Contains(s.early, name) {
		return nil
	}
	if max := s.ns.hub.cfg.MaxRooms; max > 0 && s.rooms.len()+len(s.early) >= max {
		return ErrTooManyRooms
	}
	if !s.seen {
		s.early = append(s.early, name)
		return nil
	}
	r := sh.rooms[name]
	if r == nil {
		r = &room{name: name}
		sh.rooms[name] = r
	}
	m := &membership{socket: s, room: r, index: len(r.members)}
	r.members = append(r.members, m)
	s.rooms.add(m)
	return nil
}

// Leave takes the socket out of the room called name, if it is in it.
func (s *Socket) Leave(name string) {
	sh := s.ns.shard(name)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.rooms.get(name); m != nil {
		sh.remove(m)
		s.rooms.remove(name)
		return
	}
	s.early = slices.DeleteFunc(s.early, func(n string) bool { return n == name })
}

// remove takes m out of its room. mu is held.
func (sh *shard) remove(m *membership) {
	r := m.room
	last := len(r.members) - 1
	moved := r.members[last]
	r.members[m.index], moved.index = moved, m.index
	r.members[last] = nil
	r.members = r.members[:last]
	if last == 0 {
		delete(sh.rooms, r.name)
	} else if cap(r.members) > 64 && last < cap(r.members)/4 {
		r.members = slices.Clone(r.members)
	}
}

// A roomSet is the rooms of one socket: a list while they are few, then a map.
type roomSet struct {
	few  []*membership
	many map[string]*membership
}

// fewRooms is how many memberships are faster searched than hashed.
const fewRooms = 12

func (r *roomSet) len() int { return len(r.few) + len(r.many) }

func (r *roomSet) get(name string) *membership {
	if r.many != nil {
		return r.many[name]
	}
	for _, m := range r.few {
		if m.room.name == name {
			return m
		}
	}
	return nil
}

func (r *roomSet) add(m *membership) {
	if r.many == nil && len(r.few) < fewRooms {
		r.few = append(r.few, m)
		return
	}
	if r.many == nil {
		r.many = make(map[string]*membership, 2*fewRooms)
		for _, old := range r.few {
			r.many[old.room.name] = old
		}
		r.few = nil
	}
	r.many[m.room.name] = m
}

func (r *roomSet) remove(name string) {
	if r.many != nil {
		delete(r.many, name)
		return
	}
	r.few = slices.DeleteFunc(r.few, func(m *membership) bool { return m.room.name == name })
}

func (r *roomSet) each(f func(*membership)) {
	for _, m := range r.few {
		f(m)
	}
	for _, m := range r.many {
		f(m)
	}
}

// Rooms returns the names of the rooms the socket is in, its own id first.
func (s *Socket) Rooms() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := make([]string, 1, 1+s.rooms.len()+len(s.early))
	names[0] = s.id
	names = append(names, s.early...)
	s.rooms.each(func(m *membership) { names = append(names, m.room.name) })
	return names
}

// appear makes the socket visible to broadcasts.
func (s *Socket) appear() {
	sh := s.ns.shard(s.id)
	sh.mu.Lock()
	sh.sockets[s.id] = s
	sh.mu.Unlock()
	s.ns.all.add(s)
	s.mu.Lock()
	early := s.early
	s.seen, s.early = true, nil
	s.mu.Unlock()
	for _, name := range early {
		_ = s.Join(name) // it could before
	}
}

// vanish takes the socket out of all rooms. gone is set, so that it joins no more.
func (s *Socket) vanish() {
	s.mu.Lock()
	rooms := s.rooms
	s.rooms = roomSet{}
	s.mu.Unlock()
	rooms.each(func(m *membership) {
		sh := s.ns.shard(m.room.name)
		sh.mu.Lock()
		sh.remove(m)
		sh.mu.Unlock()
	})
	sh := s.ns.shard(s.id)
	sh.mu.Lock()
	delete(sh.sockets, s.id)
	sh.mu.Unlock()
	s.ns.all.remove(s)
}
