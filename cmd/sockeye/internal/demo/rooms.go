package demo

import (
	"cmp"
	"slices"
	"time"
)

const (
	// maxRooms bounds the list of rooms that a client is sent: those with most people.
	maxRooms = 50
	// roomsDelay is how long changes of the rooms are collected before all are told.
	roomsDelay = 500 * time.Millisecond
)

// A room has at least one person.
type room struct {
	name   string
	people []*person // in the order in which they came
}

// A crowd is a room from outside.
type crowd struct {
	Name   string `json:"name"`
	People int    `json:"people"`
}

// channel is the room's name for the library, where each socket's id is a room, too:
// with the prefix nobody can join that of another.
func (r *room) channel() string { return "room:" + r.name }

// list returns the people in the room, or the first of them; p is always there.
func (r *room) list(p *person) []person {
	list := make([]person, 0, min(len(r.people), maxPeople))
	for _, q := range r.people {
		if len(list) == cap(list) {
			break
		}
		list = append(list, *q)
	}
	if !slices.ContainsFunc(list, func(q person) bool { return q.ID == p.ID }) {
		list[len(list)-1] = *p
	}
	return list
}

// crowds returns the fullest rooms, in the order of their people and then their names.
func (c *chat) crowds() []crowd {
	list := make([]crowd, 0, len(c.rooms))
	for _, r := range c.rooms {
		list = append(list, crowd{r.name, len(r.people)})
	}
	slices.SortFunc(list, func(a, b crowd) int {
		return cmp.Or(cmp.Compare(b.People, a.People), cmp.Compare(a.Name, b.Name))
	})
	return list[:min(len(list), maxRooms)]
}

// roomsChanged has everybody told of the rooms in a while. The first change sets a
// timer; what changes until it fires is told with it. mu is held.
func (c *chat) roomsChanged() {
	if c.due {
		return
	}
	c.due = true
	time.AfterFunc(roomsDelay, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.due = false
		_ = c.sio.Emit("rooms", c.crowds())
	})
}
