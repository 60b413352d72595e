package demo

import (
	"slices"

	"github.com/sockeye-io/socketio"
)

// maxPeople bounds the list of people that a client is sent.
const maxPeople = 100

// A person is somebody in a room.
type person struct {
	ID         string `json:"id"` // the socket's
	Name       string `json:"name"`
	Generation string `json:"generation"`
	Transport  string `json:"transport"`

	socket *socketio.Socket
	room   *room
}

// A wish is what "join" comes with.
type wish struct {
	Name string `json:"name"`
	Room string `json:"room"`
}

// A welcome answers "join".
type welcome struct {
	ID         string   `json:"id"`
	Name       string   `json:"name"`
	Room       string   `json:"room"`
	Generation string   `json:"generation"`
	Transport  string   `json:"transport"`
	People     []person `json:"people"` // in the order in which they came, oneself included
	Total      int      `json:"total"`
	Rooms      []crowd  `json:"rooms"`
}

// An arrival is the event "person": somebody came, or has changed.
type arrival struct {
	person
	Total int `json:"total"` // in the room
}

// join puts v into a room, out of the one it was in, or just gives it another name.
func (c *chat) join(v *visitor, w wish) (any, error) {
	id := v.socket.ID()
	name, err := checkName("name", w.Name, "guest "+id[:min(4, len(id))])
	if err != nil {
		return nil, err
	}
	roomName, err := checkName("room", w.Room, "lobby")
	if err != nil {
		return nil, err
	}
	p := c.people[id]
	if p == nil || p.room.name != roomName {
		if p, err = c.move(v, roomName); err != nil {
			return nil, err
		}
	}
	p.Name, p.Transport = name, v.socket.Transport()
	c.tellOthers(p)
	return welcome{
		ID: id, Name: name, Room: roomName, Generation: p.Generation, Transport: p.Transport,
		People: p.room.list(p), Total: len(p.room.people), Rooms: c.crowds(),
	}, nil
}

// move puts v into a room, and out of the one before. Nobody hears of its coming yet.
func (c *chat) move(v *visitor, roomName string) (*person, error) {
	c.leave(v.socket.ID())
	r := c.rooms[roomName]
	if r == nil {
		r = &room{name: roomName}
	}
	// A client that has gone cannot join: its OnDisconnect is still to come, and then
	// finds nothing.
	if err := v.socket.Join(r.channel()); err != nil {
		return nil, err
	}
	p := &person{
		ID: v.socket.ID(), Generation: v.socket.Handshake().Generation,
		socket: v.socket, room: r,
	}
	r.people = append(r.people, p)
	c.rooms[roomName] = r
	c.people[p.ID] = p
	c.roomsChanged()
	return p, nil
}

// leave takes the socket out of its room, if it is in one.
func (c *chat) leave(id string) {
	p := c.people[id]
	if p == nil {
		return
	}
	delete(c.people, id)
	r := p.room
	r.people = slices.DeleteFunc(r.people, func(q *person) bool { return q == p })
	if len(r.people) == 0 {
		delete(c.rooms, r.name)
	}
	p.socket.Leave(r.channel())
	_ = c.sio.To(r.channel()).Emit("gone", id, len(r.people))
	c.roomsChanged()
}

// tellOthers tells the others in the room of p as it now is.
func (c *chat) tellOthers(p *person) {
	_ = p.socket.To(p.room.channel()).Emit("person", arrival{*p, len(p.room.people)})
}

// transport looks again at the transport that v uses, and tells the room, v included,
// if it is another.
func (c *chat) transport(v *visitor, _ struct{}) (any, error) {
	p := c.people[v.socket.ID()]
	if p == nil {
		return nil, nil // who has not joined is in nobody's list
	}
	if now := v.socket.Transport(); now != p.Transport {
		p.Transport = now
		_ = c.sio.To(p.room.channel()).Emit("person", arrival{*p, len(p.room.people)})
	}
	return p.Transport, nil
}
