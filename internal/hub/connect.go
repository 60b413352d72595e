package hub

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"

	"github.com/sockeye-io/socketio/internal/session"
	"github.com/sockeye-io/socketio/packet"
)

// A Refusal is an error whose text, and data, are made for the client.
type Refusal struct {
	Message string
	Data    json.RawMessage // any JSON value, or nil
}

func (r *Refusal) Error() string { return r.Message }

var (
	errInternal  = &Refusal{Message: "internal error"}
	errNamespace = &Refusal{Message: "Invalid namespace"} // Node's words
	errTooMany   = &Refusal{Message: "too many namespaces"}
)

// connect handles a Connect of the client: it is the first work of a new socket's
// inbox, so that nothing here runs the application's code.
func (c *Client) connect(p packet.Packet) {
	ns := c.hub.Lookup(p.Namespace)
	if ns == nil && c.sess.Generation().Rules.IgnoresUnknown {
		return
	}
	if ns == nil {
		c.refuse(p.Namespace, errNamespace)
		return
	}
	c.mu.Lock()
	if s := c.socket(p.Namespace); s != nil || c.gone {
		greet := s != nil && s.state == connected &&
			!(c.sess.Generation().Rules.JoinsMain && p.Namespace == "/")
		c.mu.Unlock()
		if greet {
			// Joining again is one client; it may have missed the first answer. A
			// revision 1 client repeats 1:: for the main socket by itself
			// (revision-1.md §5.2), and that must not be answered.
			_ = s.pushCast(s.greeting())
		}
		return
	}
	if max := c.hub.cfg.MaxNamespaces; max > 0 && c.count() >= max {
		c.mu.Unlock()
		c.refuse(p.Namespace, errTooMany)
		return
	}
	s := &Socket{id: newID(), ns: ns, client: c}
	if p.Args.JSON != nil {
		// A copy, since the message may share memory with others that nobody keeps.
		s.auth = &packet.Args{JSON: bytes.Clone(p.Args.JSON), Attachments: p.Args.Attachments}
	}
	c.add(s)
	if c.rare != nil {
		c.rare.left = slices.DeleteFunc(c.rare.left, func(n string) bool { return n == p.Namespace })
	}
	c.enqueue(s, &Event{kind: joins, socket: s})
	c.mu.Unlock()
}

// refuse answers a Connect with a refusal; nothing is kept of it.
func (c *Client) refuse(namespace string, r *Refusal) {
	wake, _ := c.sess.Push(session.NewSingle(refusal(namespace, r), false))
	if wake != nil {
		wake.Wake()
	}
}

func refusal(namespace string, r *Refusal) packet.Packet {
	return packet.Packet{
		Type: packet.ConnectError, Namespace: namespace,
		Args: packet.Args{JSON: r.object()}, Reason: "unauthorized",
	}
}

// object is the refusal as Socket.IO 5 sends it ("Connection to a namespace").
func (r *Refusal) object() []byte {
	data, err := json.Marshal(struct {
		Message string          `json:"message"`
		Data    json.RawMessage `json:"data,omitempty"`
	}{r.Message, r.Data})
	if err != nil { // Data is no JSON: the application's fault, not the client's
		data, _ = json.Marshal(struct {
			Message string `json:"message"`
		}{r.Message})
	}
	return data
}

// join runs the namespace's middleware and makes the socket a member. It runs on
// the socket's own goroutine.
func (s *Socket) join(h *handlers) {
	var err error = errInternal // a gate may not return
	defer func() {
		if err != nil {
			s.refused(err)
		}
	}()
	if err = s.admit(h.use); err == nil {
		s.enter(h)
	}
}

// enter makes a socket that the middleware let in a member.
func (s *Socket) enter(h *handlers) {
	c := s.client
	c.mu.Lock()
	if s.state != connecting {
		c.mu.Unlock()
		return
	}
	s.state = connected
	wake := s.appear(s.greeting()) // then OnConnect (decision 18)
	c.mu.Unlock()
	if wake != nil {
		wake.Wake()
	}
	c.sess.Joined()
	welcome := false // a handler may not return
	defer func() {
		if !welcome {
			c.disconnect(s)
		}
	}()
	for _, f := range h.connect {
		var err error = errInternal
		s.guard("OnConnect", func() { err = f(s) })
		if errors.Is(err, ErrClosed) {
			return // the client has gone again
		}
		if err != nil {
			s.ns.hub.cfg.Logger.Info("socketio: OnConnect refused a socket",
				slog.String("namespace", s.ns.name), slog.String("socket", s.ID()), slog.Any("error", err))
			return
		}
	}
	welcome = true
}

// greeting is the answer to a Connect.
func (s *Socket) greeting() *session.Cast {
	return session.NewSingle(packet.Packet{
		Type: packet.Connect, Namespace: s.ns.name,
		Args: packet.Args{JSON: []byte(`{"sid":"` + s.ID() + `"}`)},
	}, false)
}

// admit asks the middleware, in order, for at most the configured time.
func (s *Socket) admit(use []UseFunc) error {
	if len(use) == 0 {
		return nil
	}
	ctx := s.Context()
	if d := s.ns.hub.cfg.ConnectTimeout; d > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d)
		defer cancel()
	}
	for _, f := range use {
		var err error = errInternal
		s.guard("Use", func() { err = f(ctx, s) })
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// refused ends a socket that the middleware did not let in.
func (s *Socket) refused(err error) {
	c := s.client
	var r *Refusal
	if !errors.As(err, &r) {
		r = &Refusal{Message: err.Error()}
	}
	c.mu.Lock()
	if s.state != connecting {
		c.mu.Unlock()
		return
	}
	c.remove(s)
	c.leave(s, session.ServerDisconnect, false)
	c.refuse(s.ns.name, r)
	if c.sess.Generation().Rules.JoinsMain && s.ns.name == "/" {
		// Not in the way that makes it come back, only to be refused again.
		c.sess.End(c.hub.cfg.Now(), session.Kick, session.ServerDisconnect)
	}
}
