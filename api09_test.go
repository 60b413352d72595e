package socketio_test

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/sockeye-io/socketio"
	"github.com/sockeye-io/socketio/adapter"
)

// TestOldAPI: what docs/revision-1.md says is there in place of the notions of the 0.9
// server is there, and does it. The document's expressions are lines of this file
// (TestOldAPITable).
func TestOldAPI(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		if !m.rev1 {
			return
		}
		srv := serve(t, oldOptions(t))
		chat := srv.Of("/chat")
		oldAuthorization(chat)
		oldHandlers(srv.Server)
		c, other := srv.connect(m, withQuery("name=Ann")), srv.connect(m, withQuery("name=Bob"))
		settle() // OnConnect may be at work yet
		s := oldSocket(t, srv, "Ann")
		oldSession(t, s)
		oldRooms(t, srv.Server, s)
		c.want(`news["in"]`)
		other.want(`news["others"]`, `news["to"]`, `news["in"]`)
		oldSending(t, srv.Server, s)
		c.want(`text hello`, `json {"a":1}`, `news["one"]`, `pos["v"]`, `news["all"]`, `pos["all"]`)
		other.want(`news["all"]`, `pos["all"]`)
		oldAcks(t, c, s)
		c.on("/chat").join("")
		c.want("/chat connect")
		if got := c.ask("where", ``); !strings.Contains(got, m.carrier) {
			t.Errorf("the transport is %s", got)
		}
		s.Disconnect(true)
		if got := c.ended(); got != "booted" {
			t.Errorf("told %q", got)
		}
	})
}

// oldOptions are what io.set, io.enable and io.configure were.
func oldOptions(t *testing.T) *socketio.Options {
	authorize := func(ctx context.Context, h *socketio.Handshake) error {
		if h.Query.Get("name") == "" {
			return &socketio.Error{Message: "who are you?"}
		}
		return nil
	}
	return &socketio.Options{
		Authorize: authorize,
		Bus:       new(adapter.Local),
		Logger:    slog.New(slog.DiscardHandler),
	}
}

// oldAuthorization is io.of(…).authorization(…).
func oldAuthorization(chat *socketio.Namespace) {
	chat.Use(func(ctx context.Context, s *socketio.Socket) error {
		s.Set("name", s.Handshake().Query.Get("name"))
		return nil
	})
}

// oldHandlers are socket.on(…).
func oldHandlers(srv *socketio.Server) {
	srv.OnConnect(func(s *socketio.Socket) error { return s.Join("lobby") })
	srv.OnDisconnect(func(s *socketio.Socket, reason string) {})
	srv.OnMessage(func(s *socketio.Socket, m *socketio.Message) { s.Emit("got", m.Text(), m.IsText()) })
	srv.OnAny(func(s *socketio.Socket, e *socketio.Event) { s.Set("last", e.Name()) })
	socketio.On(srv, "tell", func(s *socketio.Socket, text string) { s.Emit("told", text) })
	socketio.Reply(srv, "sum", func(s *socketio.Socket, n []int) (int, error) { return n[0] + n[1], nil })
	socketio.Reply(srv, "where", func(s *socketio.Socket, _ struct{}) (string, error) { return s.Transport(), nil })
}

func oldSocket(t *testing.T, srv *site, name string) *socketio.Socket {
	for s := range srv.Sockets() {
		if s.Handshake().Query.Get("name") == name {
			return srv.Socket(s.ID())
		}
	}
	t.Fatal("nobody is called", name)
	return nil
}

// oldSession is socket.set, get, has and del, and socket.handshake.
func oldSession(t *testing.T, s *socketio.Socket) {
	s.Set("age", 30)
	age, _ := s.Get("age").(int)
	has := s.Get("age") != nil
	s.Set("age", nil)
	if age != 30 || !has || s.Get("age") != nil {
		t.Errorf("age %d, %t, then %v", age, has, s.Get("age"))
	}
	if h := s.Handshake(); h.Header == nil || !h.RemoteAddr.IsValid() || h.Time.IsZero() || h.Generation != "revision 1" || s.Namespace().Name() != "/" {
		t.Errorf("handshake %+v", h)
	}
}

func oldRooms(t *testing.T, srv *socketio.Server, s *socketio.Socket) {
	ctx := limited(t)
	s.Join("mine")
	s.Broadcast().Emit("news", "others")
	s.To("lobby").Emit("news", "to")
	srv.In("lobby").Except("nobody").Emit("news", "in")
	if rooms := s.Rooms(); !slices.Equal(rooms[1:], []string{"lobby", "mine"}) {
		t.Errorf("rooms %q", rooms)
	}
	s.Leave("mine")
	n := 0
	for _, err := range srv.In("lobby").FetchSockets(ctx) {
		if n++; err != nil {
			t.Error(err)
		}
	}
	if n != 2 || srv.Len() != 2 {
		t.Errorf("%d in the lobby, %d in all", n, srv.Len())
	}
}

func oldSending(t *testing.T, srv *socketio.Server, s *socketio.Socket) {
	settle() // a poll waits, and what is volatile is written
	s.Send("hello")
	settle()
	s.SendJSON(map[string]int{"a": 1})
	settle()
	s.Emit("news", "one")
	settle()
	s.Volatile().Emit("pos", "v")
	settle()
	srv.Emit("news", "all")
	settle()
	srv.Volatile().Emit("pos", "all")
}

// oldAcks are acknowledgements in both directions.
func oldAcks(t *testing.T, c *client, s *socketio.Socket) {
	ctx := limited(t)
	answered := make(chan struct{})
	go func() { // ends with the call
		defer close(answered)
		name, err := socketio.Call[string](ctx, s, "your name?")
		if name != "Ann" || err != nil {
			t.Errorf("name %q, %v", name, err)
		}
	}()
	c.answer(c.wantCall("your name?", `[]`), `"Ann"`)
	<-answered
	if got := c.ask("sum", `[1,2]`); got != `[3]` {
		t.Errorf("sum %s", got)
	}
}

// census counts the sockets of this process by what carries them.
func census(srv *socketio.Server) map[string]int {
	n := make(map[string]int)
	for s := range srv.Sockets() {
		n[s.Handshake().Generation+" by "+s.Transport()]++
	}
	return n
}

// TestCensus: docs/upgrade.md says how to see who still uses what.
func TestCensus(t *testing.T) {
	bubble(t, func(t *testing.T) {
		srv := serve(t, nil)
		want := make(map[string]int)
		for _, m := range append(slices.Clone(rev1Modes), rev5WebSocket, rev5Polling) {
			first, _ := m.transports()
			want[m.generation()+" by "+first]++
			srv.connect(m)
		}
		if got := census(srv.Server); !maps.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}
