package transport

import (
	"fmt"
	"slices"
	"sync"
	"weak"

	"github.com/sockeye-io/socketio/internal/session"
	"github.com/sockeye-io/socketio/packet"
)

// A visitor is a session as its handler sees it. As the hub does, it takes what comes
// and answers on a dispatcher that exists while there is something to answer.
type visitor struct {
	r *rig

	mu sync.Mutex
	visit
	lately  bool // paused since the last look
	pauseIn int  // pause after so many messages; 0: not

	stuck  bool          // the next answer waits for gate
	yields bool          // and says so
	gate   chan struct{} // nil: no answer waits
}

// A visit is what a visitor has seen.
type visit struct {
	s       *session.Session
	opened  int
	closed  int
	leaving int
	reason  session.Reason
	full    bool  // its outbox
	got     []int // of the messages
	echoed  []int // of the answers that were taken in
	echoes  bool

	paused  bool
	inbox   []int // what is to be answered
	running bool
}

// has returns a copy of what v has seen.
func (v *visitor) has() visit {
	v.mu.Lock()
	defer v.mu.Unlock()
	seen := v.visit
	seen.got, seen.echoed = slices.Clone(seen.got), slices.Clone(seen.echoed)
	return seen
}

// visitor returns that of a client, which may not have come yet.
func (r *rig) visitor(client int) *visitor {
	r.mu.Lock()
	defer r.mu.Unlock()
	v := r.visitors[client]
	if v == nil {
		v = &visitor{r: r}
		r.visitors[client] = v
	}
	return v
}

// wrong notes what must not happen. v.mu is held.
func (v *visitor) wrong(format string, args ...any) { v.r.mistake(fmt.Sprintf(format, args...)) }

// single pushes a cast with one receiver.
func (r *rig) single(s *session.Session, p packet.Packet) error {
	r.note(p)
	return r.pushed(s, session.NewSingle(p, false))
}

// pushed pushes a cast.
func (r *rig) pushed(s *session.Session, c *session.Cast) error {
	t, err := r.queue(s, c)
	if t != nil {
		t.Wake()
	}
	return err
}

// queue pushes a cast, and leaves it to the caller to wake who is to be woken.
func (r *rig) queue(s *session.Session, c *session.Cast) (session.Transport, error) {
	r.mu.Lock()
	r.singles++
	r.mu.Unlock()
	t, err := s.Push(c)
	if err != nil && t != nil {
		v := r.visitor(whose(s))
		v.mu.Lock()
		v.full = true
		v.mu.Unlock()
	}
	return t, err
}

// note remembers the memory of a packet's arguments.
func (r *rig) note(p packet.Packet) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(p.Args.JSON) > 0 {
		r.payloads = append(r.payloads, weak.Make(&p.Args.JSON[0]))
	}
}

// Opened implements session.Handler.
func (r *rig) Opened(s *session.Session) {
	v := r.visitor(whose(s))
	v.mu.Lock()
	if v.opened++; v.opened > 1 || v.closed > 0 {
		v.wrong("Opened comes %d times, after %d ends", v.opened, v.closed)
	}
	v.s = s
	v.mu.Unlock()
	if s.Generation().Rules.JoinsMain {
		v.join(s)
	}
}

func (v *visitor) join(s *session.Session) {
	p := packet.Packet{Type: packet.Connect, Namespace: "/"}
	if !s.Generation().Rules.JoinsMain {
		p.Args.JSON = append(make([]byte, 0, 32), `{"sid":"x"}`...)
	}
	if v.r.single(s, p) == nil {
		s.Joined()
	}
}

// Message implements session.Handler.
func (r *rig) Message(s *session.Session, p packet.Packet) error {
	v := r.visitor(whose(s))
	if p.Type == packet.Connect {
		v.join(s)
		return nil
	}
	id, err := number(&p)
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.opened == 0 {
		v.wrong("a message before Opened")
	}
	if err != nil {
		v.wrong("%v", err)
	}
	v.got = append(v.got, id)
	if v.pauseIn > 0 {
		if v.pauseIn--; v.pauseIn == 0 {
			v.paused, v.lately = true, true
			s.Pause()
		}
	}
	if !v.echoes {
		return nil
	}
	v.inbox = append(v.inbox, id)
	if !v.running {
		v.running = true
		if !s.Go(v) {
			go v.Run() // ends when the inbox is empty
		}
	}
	return nil
}

// Run is the dispatcher.
func (v *visitor) Run() {
	for {
		if flows := v.s.Flows(); flows != nil {
			v.s.Yield()
			<-flows
		}
		v.mu.Lock()
		if len(v.inbox) == 0 {
			v.running = false
			v.mu.Unlock()
			return
		}
		id := v.inbox[0]
		v.inbox = v.inbox[1:]
		var gate chan struct{}
		if v.stuck {
			v.stuck, v.gate = false, make(chan struct{})
			gate = v.gate
		}
		yields := v.yields
		v.mu.Unlock()
		if gate != nil {
			if yields {
				v.s.Yield()
			}
			<-gate
		}
		err := v.r.single(v.s, event("e", id, 32, false))
		v.mu.Lock()
		if err == nil {
			v.echoed = append(v.echoed, id)
		}
		v.mu.Unlock()
	}
}

// letGo ends what an answer waits for.
func (v *visitor) letGo() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.stuck = false
	if v.gate != nil {
		close(v.gate)
		v.gate = nil
	}
}

// pause stops reading, as a handler may that is full by other means.
func (v *visitor) pause() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.paused, v.lately = true, true
	v.s.Pause()
}

func (v *visitor) resume() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.s.Resume()
	v.paused, v.pauseIn = false, 0
}

// Taken implements session.Handler.
func (r *rig) Taken(*session.Session) {}

// Leaving implements session.Handler.
func (r *rig) Leaving(s *session.Session) {
	v := r.visitor(whose(s))
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.leaving++; v.leaving > 1 || !v.lately {
		v.wrong("Leaving comes %d times, paused %t", v.leaving, v.lately)
	}
}

// Closed implements session.Handler.
func (r *rig) Closed(s *session.Session, reason session.Reason) {
	v := r.visitor(whose(s))
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed++; v.closed > 1 || v.opened == 0 {
		v.wrong("Closed comes %d times, Opened %d", v.closed, v.opened)
	}
	v.reason = reason
	v.paused = false
}
