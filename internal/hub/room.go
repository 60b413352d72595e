package hub

import (
	"errors"
	"hash/maphash"
	"slices"
	"sync"

	"github.com/sockeye-io/socketio/internal/session"
	"github.com/sockeye-io/socketio/internal/table"
)

// A shard holds the rooms and sockets whose names hash to it. A socket is in a room
// by its own id without anything being kept for it.
type shard struct {
	mu      sync.Mutex
	rooms   map[string]*room
	sockets table.Table[Socket]
}

func (sh *shard) init() {
	sh.rooms = make(map[string]*room)
	sh.sockets = table.New((*Socket).hash, func(s *Socket) *table.Link[Socket] { return &s.byID })
}

func (s *Socket) hash() uint64 { return s.id.hash() }

// socket returns the socket whose id is called name, or nil. mu is held.
func (sh *shard) socket(name string) *Socket {
	id, ok := parseID(name)
	if !ok {
		return nil
	}
	return sh.sockets.Find(id.hash(), func(s *Socket) bool { return s.id == id })
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
	index  int         // in room.members
	next   *membership // of the socket's few
}

// everybody is the list of all sockets of a namespace. Each socket knows its place.
type everybody struct {
	mu      sync.Mutex
	sockets []*Socket
}

// add adds s. mu is held.
func (a *everybody) add(s *Socket) {
	s.place = int32(len(a.sockets))
	a.sockets = append(a.sockets, s)
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

// shardIndexOf returns the index of an id's shard.
func (ns *Namespace) shardIndexOf(id *socketID) int {
	b := id.text()
	return int(maphash.Bytes(ns.seed, b[:]) % shardCount)
}

// shardOf returns the shard of an id.
func (ns *Namespace) shardOf(id *socketID) *shard { return &ns.shards[ns.shardIndexOf(id)] }

// A shardSet says which shards are locked together.
type shardSet [shardCount]bool

// lock locks in ascending order, as everybody does.
func (ns *Namespace) lock(set *shardSet) {
	for i, locked := range set {
		if locked {
			ns.shards[i].mu.Lock()
		}
	}
}

func (ns *Namespace) unlock(set *shardSet) {
	for i, locked := range set {
		if locked {
			ns.shards[i].mu.Unlock()
		}
	}
}

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
	if s.id.is(name) {
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
	if s.membership(name) != nil || s.own != nil && slices.Contains(s.own.early, name) {
		return nil
	}
	if max := s.ns.hub.cfg.MaxRooms; max > 0 && s.countRooms() >= max {
		return ErrTooManyRooms
	}
	if !s.seen {
		own := s.belongs()
		own.early = append(own.early, name)
		return nil
	}
	s.addRoom(sh.add(s, name))
	return nil
}

// add makes s a member of the room called name. mu is held.
func (sh *shard) add(s *Socket, name string) *membership {
	r := sh.rooms[name]
	if r == nil {
		r = &room{name: name}
		sh.rooms[name] = r
	}
	m := &membership{socket: s, room: r, index: len(r.members)}
	r.members = append(r.members, m)
	return m
}

// Leave takes the socket out of the room called name, if it is in it.
func (s *Socket) Leave(name string) {
	sh := s.ns.shard(name)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.membership(name); m != nil {
		sh.remove(m)
		s.removeRoom(m)
	} else if s.own != nil {
		s.own.early = slices.DeleteFunc(s.own.early, func(n string) bool { return n == name })
	}
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

// A socket's rooms are a list while they are few, then a map; never both.

// fewRooms is how many memberships are faster searched than hashed.
const fewRooms = 12

// many returns the map of the socket's rooms, or nil. mu is held, as for those below.
func (s *Socket) many() map[string]*membership {
	if s.own == nil {
		return nil
	}
	return s.own.many
}

// countRooms returns how many rooms the socket is in, or will be once it is seen.
func (s *Socket) countRooms() int {
	n := len(s.many())
	if s.own != nil {
		n += len(s.own.early)
	}
	return n + s.countFew()
}

func (s *Socket) countFew() (n int) {
	for m := s.rooms; m != nil; m = m.next {
		n++
	}
	return n
}

func (s *Socket) membership(name string) *membership {
	if many := s.many(); many != nil {
		return many[name]
	}
	for m := s.rooms; m != nil; m = m.next {
		if m.room.name == name {
			return m
		}
	}
	return nil
}

// addRoom adds a new membership.
func (s *Socket) addRoom(m *membership) {
	if s.many() == nil {
		if s.countFew() < fewRooms {
			at := &s.rooms
			for *at != nil {
				at = &(*at).next
			}
			*at = m
			return
		}
		many := make(map[string]*membership, 2*fewRooms)
		for old := s.rooms; old != nil; old = s.rooms {
			many[old.room.name] = old
			s.rooms, old.next = old.next, nil
		}
		s.belongs().many = many
	}
	s.own.many[m.room.name] = m
}

// removeRoom takes out a membership.
func (s *Socket) removeRoom(m *membership) {
	if many := s.many(); many != nil {
		delete(many, m.room.name)
		return
	}
	at := &s.rooms
	for *at != m {
		at = &(*at).next
	}
	*at = m.next
}

func (s *Socket) eachRoom(f func(*membership)) {
	for m := s.rooms; m != nil; m = m.next {
		f(m)
	}
	for _, m := range s.many() {
		f(m)
	}
}

// Rooms returns the names of the rooms the socket is in, its own id first.
func (s *Socket) Rooms() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := append(make([]string, 0, 1+s.countRooms()), s.ID())
	if s.own != nil {
		names = append(names, s.own.early...)
	}
	s.eachRoom(func(m *membership) { names = append(names, m.room.name) })
	return names
}

// appear queues the answer to the Connect and makes the socket visible to broadcasts,
// as one: none comes before the answer, and none that is sent because of the answer
// misses the socket. It returns the transport to wake. Client.mu is held.
func (s *Socket) appear(answer *session.Cast) (wake session.Transport) {
	ns := s.ns
	var locked shardSet
	own := ns.shardIndexOf(&s.id)
	locked[own] = true
	s.lookUpEarly(&locked)
	ns.lock(&locked)
	ns.all.mu.Lock()
	wake, _ = s.client.sess.Push(answer)
	ns.shards[own].sockets.Add(s)
	ns.all.add(s)
	late := s.joinAll(&locked)
	ns.all.mu.Unlock()
	ns.unlock(&locked)
	for _, name := range late {
		_ = s.Join(name) // it could before
	}
	return wake
}

// lookUpEarly adds the shards of the rooms that the socket joined before broadcasts see
// it.
func (s *Socket) lookUpEarly(set *shardSet) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.own == nil {
		return
	}
	for _, name := range s.own.early {
		set[s.ns.shardIndex(name)] = true
	}
}

// joinAll makes the socket a member of the rooms that it joined early, whose shards are
// locked, and returns those that came since.
func (s *Socket) joinAll(locked *shardSet) (late []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = true
	if s.own == nil {
		return nil
	}
	early := s.own.early
	s.own.early = nil
	for _, name := range early {
		if i := s.ns.shardIndex(name); locked[i] {
			s.addRoom(s.ns.shards[i].add(s, name))
		} else {
			late = append(late, name)
		}
	}
	return late
}

// vanish takes the socket out of all rooms. gone is set, so that it joins no more.
func (s *Socket) vanish() {
	var rooms []*membership
	s.mu.Lock()
	s.eachRoom(func(m *membership) { rooms = append(rooms, m) })
	s.rooms = nil
	if s.own != nil {
		s.own.many = nil
	}
	s.mu.Unlock()
	for _, m := range rooms {
		sh := s.ns.shard(m.room.name)
		sh.mu.Lock()
		sh.remove(m)
		sh.mu.Unlock()
	}
	sh := s.ns.shardOf(&s.id)
	sh.mu.Lock()
	sh.sockets.Remove(s)
	sh.mu.Unlock()
	s.ns.all.remove(s)
}
