package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/socketio"
	"github.com/sockeye-io/socketio/adapter"
	"github.com/sockeye-io/socketio/packet"
)

// pair runs two servers of one cluster, with a client each: of the mode on the first,
// of another generation on the second.
func pair(t *testing.T, m mode) (sites [2]*site, clients [2]*client, sockets [2]*socketio.Socket) {
	other := rev5WebSocket
	if !m.rev1 {
		other = rev1WebSocket
	}
	bus := new(adapter.Local)
	for i, m := range []mode{m, other} {
		sites[i] = serve(t, &socketio.Options{Bus: bus, NodeID: fmt.Sprint("node-", i)})
		clients[i] = sites[i].connect(m)
		sockets[i] = only(t, sites[i].Namespace)
	}
	return sites, clients, sockets
}

// TestCluster: who gets what across two servers.
func TestCluster(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s, c, so := pair(t, m)
		for i := range so {
			so[i].Join("both", fmt.Sprint("only-", i))
		}
		for i := range s {
			mine, others := fmt.Sprint(i), fmt.Sprint(1-i)
			for name, tt := range map[string]struct {
				b    interface{ Emit(string, ...any) error }
				want string
			}{
				"all":              {s[i], "01"},
				"local":            {s[i].Local(), mine},
				"to both":          {s[i].To("both"), "01"},
				"to the other":     {s[i].To("only-" + others), others},
				"local to other":   {s[i].To("only-" + others).Local(), ""},
				"except the other": {s[i].Except("only-" + others), mine},
				"except me":        {s[i].To("both").Except("only-" + mine), others},
				"to an id":         {s[i].To(so[1-i].ID()), others},
				"except an id":     {s[i].Except(so[1-i].ID()), mine},
				"a socket's":       {so[i].Broadcast(), others},
				"a socket's to":    {so[i].To("both"), others},
			} {
				if err := tt.b.Emit("e", name); err != nil {
					t.Error(err)
				}
				settle()
				for k := range c {
					if strings.Contains(tt.want, fmt.Sprint(k)) {
						c[k].want(`e["` + name + `"]`)
					}
					c[k].silence()
				}
			}
		}
		s[0].Emit("bin", []byte{1})
		s[1].Send("text")
		for k := range c {
			got := []string{c[k].next().String(), c[k].next().String()}
			slices.Sort(got) // there is no order between nodes
			want := []string{"bin[<\x01>]", `message["text"]`}
			if c[k].m.rev1 {
				want = []string{`bin[{"base64":true,"data":"AQ=="}]`, "text text"}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%d: got %q", k, got)
			}
		}
	})
}

// TestClusterCommands: rooms and ends of other servers' sockets.
func TestClusterCommands(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s, c, so := pair(t, m)
		rooms := func(i int) string {
			settle()
			r := so[i].Rooms()[1:]
			slices.Sort(r)
			return strings.Join(r, " ")
		}
		s[0].SocketsJoin("a", "b")
		s[1].Except(so[1].ID()).SocketsLeave("b")
		s[0].Local().SocketsJoin("c")
		so[0].Broadcast().SocketsJoin("d")
		if a, b := rooms(0), rooms(1); a != "a c" || b != "a b d" {
			t.Errorf("rooms %s; %s", a, b)
		}
		var got []string
		for r, err := range s[1].In("a").FetchSockets(t.Context()) {
			if err != nil {
				t.Error(err)
			}
			got = append(got, r.Node+" "+r.ID)
		}
		if want := []string{"node-1 " + so[1].ID(), "node-0 " + so[0].ID()}; !slices.Equal(got, want) {
			t.Errorf("fetched %q, want %q", got, want)
		}
		for r, err := range s[1].Local().FetchSockets(t.Context()) {
			if err != nil || r.ID != so[1].ID() {
				t.Errorf("fetched %v, %v", r, err)
			}
		}
		s[1].To("c").DisconnectSockets(true)
		c[0].ended()
		c[1].silence()
		if s[0].Len() != 0 || s[1].Len() != 1 {
			t.Error("sockets")
		}
	})
}

// slowNode is a member of the cluster that never answers.
type slowNode struct{}

func (slowNode) ID() string                       { return "slow" }
func (slowNode) Deliver(*adapter.Message, string) {}
func (slowNode) Answer(ctx context.Context, _ *adapter.Query, _ func(*adapter.Reply), done func()) {
	<-ctx.Done()
	done()
}

// TestFetchSocketsPartly: a node that does not answer costs its own part.
func TestFetchSocketsPartly(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		bus := new(adapter.Local)
		s := serve(t, &socketio.Options{Bus: bus})
		s.connect(m)
		settle()
		slow, err := bus.Join(t.Context(), slowNode{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var found int
		var last error
		for r, err := range s.FetchSockets(ctx) {
			if last = err; err == nil {
				found++
			} else if r.ID != "" {
				t.Errorf("%+v with an error", r)
			}
		}
		if found != 1 || !errors.Is(last, context.DeadlineExceeded) {
			t.Errorf("%d sockets, then %v", found, last)
		}
		slow.Leave()
	})
}

// TestClusterInput: messages of other nodes are input. What they must not have a
// client told, it is not told.
func TestClusterInput(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		bus := new(adapter.Local)
		s := serve(t, &socketio.Options{Bus: bus, NodeID: "me"})
		c := s.connect(m)
		settle()
		evil, _ := bus.Join(t.Context(), slowNode{})
		msg := func(change func(*adapter.Message)) *adapter.Message {
			m := &adapter.Message{From: "slow", Op: adapter.Send}
			m.Target.Namespace = "/"
			m.Packet = packet.Packet{Type: packet.Event, Namespace: "/", Name: "e"}
			change(m)
			return m
		}
		for _, bad := range []*adapter.Message{
			msg(func(m *adapter.Message) { m.From = "me" }), // an echo
			msg(func(m *adapter.Message) { m.Target.Namespace = "/unknown" }),
			msg(func(m *adapter.Message) { m.Packet.Namespace = "/other" }),
			msg(func(m *adapter.Message) { m.Packet.ID = "1" }),
			msg(func(m *adapter.Message) { m.Packet.Name = "disconnect" }),
			msg(func(m *adapter.Message) { m.Packet.Type = packet.Ack }),
			msg(func(m *adapter.Message) { m.Packet.Type = packet.Connect }),
			msg(func(m *adapter.Message) { m.Op = 0 }),
			msg(func(m *adapter.Message) { m.Op = 200 }),
			msg(func(m *adapter.Message) { m.Op = adapter.Join; m.Rooms = []string{strings.Repeat("x", 2000)} }),
		} {
			evil.Publish(bad, nil)
		}
		c.silence()
		evil.Publish(msg(func(*adapter.Message) {}), nil)
		c.want("e[]")
		if got := only(t, s.Namespace).Rooms(); len(got) != 1 {
			t.Errorf("rooms %q", got)
		}
		evil.Leave()
	})
}

// TestClusterShutdown: a server that has left hears nothing of the others, and its
// clients' last words still reach them.
func TestClusterShutdown(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s, c, _ := pair(t, m)
		s[0].OnDisconnect(func(so *socketio.Socket, reason string) { so.Broadcast().Emit("left", reason) })
		if err := s[0].Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		c[0].ended()
		c[1].want(`left["server shutting down"]`)
		s[1].Emit("e")
		c[1].want("e[]")
		if err := s[0].Emit("nobody"); err != nil {
			t.Error(err)
		}
		c[1].silence()
	})
}
