package demo

import (
	"errors"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/sockeye-io/socketio"
)

// What one client may send: so much at once, and so much each second after that. A
// picture counts as many.
const (
	burst       = 30
	perSecond   = 10
	pictureCost = 10
)

// A chat is the rooms and who is in them.
//
// What is told under mu is told to everybody in one order: whoever joins finds in the
// answer all who came before, and hears of all who come after; and all members of a
// room read its lines in one order, their own included. Nothing under mu waits: what
// is sent is queued.
type chat struct {
	sio *socketio.Server

	mu     sync.Mutex
	people map[string]*person // by the socket's id; who has joined a room
	rooms  map[string]*room   // by name; no room is empty
	due    bool               // a timer runs that will tell of the rooms
}

// A visitor is what the chat keeps of a socket from the beginning.
type visitor struct {
	socket  *socketio.Socket
	limiter *rate.Limiter
}

// visitorKey is where a socket keeps its visitor.
type visitorKey struct{}

// A line is what is read in a room.
type line struct {
	ID         string `json:"id"` // the author's
	Name       string `json:"name"`
	Generation string `json:"generation"`
	Text       string `json:"text"`
	Private    bool   `json:"private"`
	At         int64  `json:"at"`             // Unix time in ms
	Type       string `json:"type,omitempty"` // of a picture
}

func newChat(sio *socketio.Server) *chat {
	c := &chat{sio: sio, people: map[string]*person{}, rooms: map[string]*room{}}
	sio.OnConnect(func(s *socketio.Socket) error {
		s.Set(visitorKey{}, &visitor{s, rate.NewLimiter(perSecond, burst)})
		return nil
	})
	sio.OnDisconnect(func(s *socketio.Socket, _ string) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.leave(s.ID())
	})
	handle(c, "join", 1, c.join)
	handle(c, "say", 1, c.say)
	handle(c, "picture", pictureCost, c.picture)
	handle(c, "transport", 1, c.transport)
	return c
}

// handle registers the handler of an event that costs so many tokens. f is called, and
// its result answered, while mu is held.
func handle[T any](c *chat, event string, cost int, f func(v *visitor, arg T) (any, error)) {
	c.sio.On(event, func(s *socketio.Socket, e *socketio.Event) {
		v := s.Get(visitorKey{}).(*visitor)
		if !v.limiter.AllowN(time.Now(), cost) {
			answer(e, nil, errTooMuch)
			return
		}
		arg, err := argument[T](e.Args())
		if err != nil {
			answer(e, nil, &socketio.Error{Message: "invalid arguments for " + event})
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		result, err := f(v, arg)
		answer(e, result, err)
	})
}

// argument returns the first argument as a T, or all of them.
func argument[T any](a socketio.Args) (arg T, err error) {
	if all, ok := any(&arg).(scanner); ok {
		return arg, all.scan(a)
	}
	return arg, a.Scan(&arg)
}

// A scanner takes several arguments.
type scanner interface{ scan(a socketio.Args) error }

var errTooMuch = &socketio.Error{Message: "too much at once: wait a moment"}

// answer answers an event, if its client wants that. An error's text is for the
// client if it was made for it.
func answer(e *socketio.Event, result any, err error) {
	if !e.NeedsAck() {
		return
	}
	if err != nil {
		message := "internal error"
		var told *socketio.Error
		if errors.As(err, &told) {
			message = told.Message
		}
		result = map[string]any{"error": map[string]string{"message": message}}
	}
	_ = e.Ack(result) // whoever has gone needs no answer
}

// An utterance is what "say" comes with.
type utterance struct {
	Text string `json:"text"`
	To   string `json:"to"` // a person's id; empty: the room
}

func (c *chat) say(v *visitor, u utterance) (any, error) {
	if err := checkText(u.Text); err != nil {
		return nil, err
	}
	l, send, err := c.address(v, u.To)
	if err != nil {
		return nil, err
	}
	l.Text = u.Text
	return l, send("said", l)
}

// address begins a line of v's, and returns how it is sent: to one person in v's room,
// or to all others there. mu is held.
func (c *chat) address(v *visitor, to string) (l line, send func(event string, args ...any) error, err error) {
	p := c.people[v.socket.ID()]
	if p == nil {
		return l, nil, &socketio.Error{Message: "join a room first"}
	}
	l = line{ID: p.ID, Name: p.Name, Generation: p.Generation, Private: to != "", At: time.Now().UnixMilli()}
	if to == "" {
		return l, v.socket.To(p.room.channel()).Emit, nil
	}
	other := c.people[to]
	if other == nil || other.room != p.room || other == p {
		return l, nil, errNotHere
	}
	return l, func(event string, args ...any) error {
		err := other.socket.Emit(event, args...)
		if errors.Is(err, socketio.ErrClosed) {
			err = errNotHere
		}
		return err
	}, nil
}

var errNotHere = &socketio.Error{Message: "there is nobody else of that id in this room (any more)"}
