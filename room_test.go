package socketio_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sockeye-io/socketio"
)

// crowd connects n clients and returns them with their sockets.
func crowd(t *testing.T, s *site, m mode, n int) (clients []*client, sockets []*socketio.Socket) {
	seen := make(map[*socketio.Socket]bool)
	for range n {
		c := s.connect(m)
		clients = append(clients, c)
		settle()
		for so := range s.Sockets() {
			if !seen[so] {
				seen[so] = true
				sockets = append(sockets, so)
				so.Emit("here") // the first after CONNECT may be held back (session.HoldTime)
				c.want("here[]")
			}
		}
	}
	return clients, sockets
}

// TestBroadcasts: who gets what. Clients 0 and 1 are in room a, 1 and 2 in room b.
func TestBroadcasts(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, nil)
		c, so := crowd(t, s, m, 4)
		for _, err := range []error{so[0].Join("a"), so[1].Join("a", "b"), so[2].Join("b", "b")} {
			if err != nil {
				t.Fatal(err)
			}
		}
		id := so[3].ID()
		for name, tt := range map[string]struct {
			b    interface{ Emit(string, ...any) error }
			want string
		}{
			"all":                  {s, "0123"},
			"to a":                 {s.To("a"), "01"},
			"in a":                 {s.In("a"), "01"},
			"several rooms once":   {s.To("a", "b"), "012"},
			"chained":              {s.To("a").To("b").In("none"), "012"},
			"no such room":         {s.To("none"), ""},
			"own id":               {s.To(id), "3"},
			"except":               {s.Except("a"), "23"},
			"to and except":        {s.To("b").Except("a"), "2"},
			"except an id":         {s.To("a", "b").Except(so[1].ID()), "02"},
			"except nobody":        {s.Except("none"), "0123"},
			"a socket's":           {so[0].Broadcast(), "123"},
			"a socket's rooms":     {so[1].To("a", "b"), "02"},
			"a socket's in":        {so[1].In("b"), "2"},
			"a socket's except":    {so[0].Except("b"), "3"},
			"a stranger's":         {so[3].To("a"), "01"},
			"local":                {s.Local(), "0123"},
			"local, to":            {s.To("a").Local(), "01"},
			"volatile":             {s.Volatile(), "0123"},
			"a socket's to itself": {so[0].To(so[0].ID()), ""},
		} {
			settle() // all polls wait, so volatile ones arrive
			if err := tt.b.Emit("e", name, 1); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			settle()
			for i := range c {
				if strings.Contains(tt.want, fmt.Sprint(i)) {
					c[i].want(`e["` + name + `",1]`)
				}
				c[i].silence()
			}
		}
		if err := s.Emit("e", func() {}); err == nil {
			t.Error("what cannot be encoded is sent")
		}
	})
}

// TestBroadcastIsAValue: it may be kept, and branches do not see each other.
func TestBroadcastIsAValue(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, nil)
		c, so := crowd(t, s, m, 3)
		for i, name := range []string{"a", "b", "c"} {
			so[i].Join(name)
		}
		base := s.To("a", "x", "y")
		b, cc := base.To("b"), base.To("c")
		b.Emit("b")
		cc.Emit("c")
		base.Except("b").Emit("a")
		c[0].want("b[]", "c[]", "a[]")
		c[1].want("b[]")
		c[2].want("c[]")
		for _, x := range c {
			x.silence()
		}
	})
}

func TestRooms(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, &socketio.Options{MaxRooms: 20})
		ns := s.Of("/other")
		c := s.connect(m)
		so := only(t, s.Namespace)
		check := func(want ...string) {
			t.Helper()
			rooms := so.Rooms()
			if rooms[0] != so.ID() {
				t.Errorf("rooms %q", rooms)
			}
			rooms = rooms[1:]
			slices.Sort(rooms)
			if !slices.Equal(rooms, want) {
				t.Errorf("rooms %q, want %q", rooms, want)
			}
		}
		check()
		so.Join("a", "b", "a", so.ID(), "__proto__", "")
		check("", "__proto__", "a", "b")
		so.Leave("b", "none", so.ID(), "")
		check("__proto__", "a")
		s.To("b").Emit("lost")
		ns.To("a").Emit("lost") // rooms are a namespace's own
		s.To(so.ID()).Emit("mine")
		c.want("mine[]")
		var many []string
		for i := range 18 { // enough to be kept in another way
			many = append(many, fmt.Sprintf("r%02d", i))
		}
		if err := so.Join(many...); err != nil {
			t.Fatal(err)
		}
		if err := so.Join("z"); !errors.Is(err, socketio.ErrTooManyRooms) {
			t.Errorf("too many: %v", err)
		}
		if err := so.Join("r07"); err != nil {
			t.Errorf("joined already: %v", err)
		}
		s.To("r17").Emit("far")
		c.want("far[]")
		so.Leave(many...)
		check("__proto__", "a")
		if err := so.Join(strings.Repeat("x", 1025)); !errors.Is(err, socketio.ErrRoomName) {
			t.Errorf("long name: %v", err)
		}
		if err := so.Join(strings.Repeat("x", 1024)); err != nil {
			t.Errorf("long enough: %v", err)
		}
		c.cut()
		<-so.Context().Done()
		settle()
		check()
	})
}

// TestCommands: what broadcasts do besides sending.
func TestCommands(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, nil)
		c, so := crowd(t, s, m, 3)
		s.SocketsJoin("all", "every")
		so[0].Broadcast().SocketsJoin("others")
		s.To("others").Except(so[2].ID()).SocketsLeave("every")
		for i, want := range []string{"all every", "all others", "all every others"} {
			rooms := so[i].Rooms()[1:]
			slices.Sort(rooms)
			if got := strings.Join(rooms, " "); got != want {
				t.Errorf("%d: rooms %s, want %s", i, got, want)
			}
		}
		n := 0
		for r, err := range s.In("others").FetchSockets(t.Context()) {
			if err != nil || r.ID != r.Rooms[0] || len(r.Rooms) < 3 || r.Node == "" || r.ID == so[0].ID() {
				t.Errorf("fetched %+v, %v", r, err)
			}
			n++
		}
		if n != 2 {
			t.Errorf("fetched %d", n)
		}
		for range s.FetchSockets(t.Context()) {
			break // early
		}
		s.To("others").DisconnectSockets(false)
		c[0].silence()
		for _, x := range c[1:] {
			if m.rev1 { // leaving the main namespace ends the connection
				if got := x.ended(); got != "booted" {
					t.Errorf("ended: %s", got)
				}
			} else {
				x.want("disconnect")
			}
		}
		if s.Len() != 1 || s.Socket(so[0].ID()) != so[0] || s.Socket(so[1].ID()) != nil {
			t.Error("sockets")
		}
		s.DisconnectSockets(true)
		c[0].ended()
	})
}

// TestVolatile: what cannot be written at once is dropped, for each receiver by itself.
func TestVolatile(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, nil)
		c, so := crowd(t, s, m, 2)
		settle()
		so[0].Volatile().Emit("now", 1)
		c[0].want("now[1]")
		settle()
		c[0].mute()
		fill := strings.Repeat("x", 2000)
		so[0].Emit("fill", fill) // takes what still waits to be read
		settle()
		so[0].Emit("fill", fill) // more than the connection holds
		settle()
		s.Volatile().Emit("lost", 1)
		so[0].Volatile().Emit("lost", 2)
		so[0].Emit("kept")
		settle()
		c[1].want("lost[1]")
		c[0].unmute()
		c[0].want(`fill["`+fill+`"]`, `fill["`+fill+`"]`, "kept[]")
		c[0].silence()
	})
}
