package socketio_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/socketio"
)

// TestAuthorize: the first HTTP request is answered as each generation says.
func TestAuthorize(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		var refuse error
		var seen *socketio.Handshake
		s := serve(t, &socketio.Options{Authorize: func(ctx context.Context, h *socketio.Handshake) error {
			seen = h
			if ctx.Err() != nil {
				t.Error("context has ended")
			}
			return refuse
		}})
		for _, tt := range []struct {
			err        error
			rev1, rev5 string
		}{
			{&socketio.Error{Message: "not you"}, "403 Forbidden: handshake unauthorized", `403 Forbidden: {"code":4,"message":"not you"}`},
			{errors.New("database is down"), "500 Internal Server Error: handshake error", `403 Forbidden: {"code":4,"message":"Forbidden"}`},
		} {
			refuse = tt.err
			want := tt.rev5
			if m.rev1 {
				want = tt.rev1
			}
			_, err := s.tryDial(m)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v: %v, want %s", refuse, err, want)
			}
		}
		if !s.log.has("database is down") {
			t.Error("the internal error is not logged")
		}
		refuse = nil
		s.connect(m, withQuery("token=abc"))
		if got := seen.Query.Get("token"); got != "abc" || seen.Generation != m.generation() {
			t.Errorf("handshake: %+v", seen)
		}
	})
}

func TestHandshake(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, &socketio.Options{Origins: []string{"https://app.example"}})
		begin := time.Now()
		s.connect(m, withQuery("a=1&a=2"), withHeader("X-Color", "red"), withHeader("Cookie", "id=7"),
			withHeader("Origin", "https://app.example"))
		h := only(t, s.Namespace).Handshake()
		if h.Header.Get("X-Color") != "red" || h.Header.Get("Cookie") != "id=7" || len(h.Query["a"]) != 2 {
			t.Errorf("header %v, query %v", h.Header, h.Query)
		}
		transport := "polling"
		switch {
		case m.rev1:
			transport = ""
		case m.websocket:
			transport = "websocket"
		}
		if h.RemoteAddr.String() != "192.0.2.7:4711" || h.Host != "example.com" || h.Secure || !h.CrossOrigin ||
			h.Generation != m.generation() || h.Transport != transport || h.Time.Before(begin) ||
			!strings.HasPrefix(h.URL, "/socket.io/") {
			t.Errorf("handshake: %+v", h)
		}
		if _, err := s.tryDial(m, withHeader("Origin", "https://evil.example")); err == nil {
			t.Error("another origin is let in")
		}
	})
}

// TestHiddenCookies: under "*" a page of any origin may connect, but not in its
// user's name.
func TestHiddenCookies(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, &socketio.Options{Origins: []string{"*"}})
		s.connect(m, withHeader("Cookie", "id=7"), withHeader("Authorization", "Basic x"),
			withHeader("Origin", "https://evil.example"))
		h := only(t, s.Namespace).Handshake().Header
		if h["Cookie"] != nil || h["Authorization"] != nil {
			t.Errorf("header %v", h)
		}
	})
}

// TestUse: gates are passed in order; a refusal tells the client what is meant for it.
func TestUse(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, nil)
		ns := s.Of("/gate")
		j := watch(t, ns)
		var refuse error
		ns.Use(func(_ context.Context, so *socketio.Socket) error {
			j.add("first: connected %v", so.Connected())
			return so.Join("early")
		})
		ns.Use(func(_ context.Context, so *socketio.Socket) error {
			j.add("second: auth %s", so.Auth())
			return refuse
		})
		auth := `{"token":"x"}`
		if m.rev1 {
			auth = "" // it has none
		}
		c := s.connect(m)
		gate := c.on("/gate")
		for _, tt := range []struct {
			err  error
			want string
		}{
			{errors.New("plain"), `{"message":"plain"}`},
			{&socketio.Error{Message: "pay first", Data: map[string]any{"price": 7}}, `{"message":"pay first","data":{"price":7}}`},
		} {
			refuse = tt.err
			gate.join(auth)
			c.want("/gate refused " + m.refusal(tt.want))
			j.want("first: connected false", "second: auth ["+auth+"]")
		}
		ns.To("early").Emit("lost") // a refused socket is in no room
		j.silence()
		c.silence()
		refuse = nil
		gate.join(auth)
		j.want("first: connected false", "second: auth ["+auth+"]", "connect")
		c.want("/gate connect")
		ns.To("early").Emit("hello")
		c.want("/gate hello[]")
		if got := only(t, ns).Rooms(); len(got) != 2 || got[1] != "early" {
			t.Errorf("rooms %q", got)
		}
	})
}

// TestUseOnMain: who is refused on the main namespace stays connected in later
// generations, and is ended in the first, whose client must not come back.
func TestUseOnMain(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, nil)
		s.Use(func(context.Context, *socketio.Socket) error { return errors.New("closed on Mondays") })
		s.Of("/open")
		j := watch(t, s.Namespace)
		c := s.dial(m)
		if m.rev1 {
			c.want("refused 2")
			if got := c.ended(); got != "booted" {
				t.Errorf("ended: %s", got)
			}
		} else {
			c.join("")
			c.want(`refused {"message":"closed on Mondays"}`)
			c.on("/open").join("")
			c.want("/open connect")
		}
		j.silence() // it never was there
	})
}

// TestUseIsCancelled: by the client's leaving, and by ConnectTimeout.
func TestUseIsCancelled(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, &socketio.Options{ConnectTimeout: 7 * time.Second})
		ns := s.Of("/slow")
		j := watch(t, ns)
		ns.Use(func(ctx context.Context, _ *socketio.Socket) error {
			j.add("asked")
			<-ctx.Done()
			j.add("%v", context.Cause(ctx))
			return ctx.Err()
		})
		c := s.connect(m)
		c.on("/slow").join("")
		j.want("asked")
		begin := time.Now()
		j.want("context deadline exceeded")
		if d := time.Since(begin); d != 7*time.Second {
			t.Errorf("after %v", d)
		}
		c.want("/slow refused " + m.refusal(`{"message":"context deadline exceeded"}`))

		c.on("/slow").join("")
		j.want("asked")
		c.on("/slow").leave()
		j.want("context canceled")
		c.on("/slow").join("")
		j.want("asked")
		c.close()
		j.want("context canceled")
		j.silence()
		if ns.Len() != 0 {
			t.Errorf("%d sockets", ns.Len())
		}
	})
}

// TestEarlyEvents: before a namespace is joined, revision 5 sends nothing; the first
// revision does not wait.
func TestEarlyEvents(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, nil)
		ns := s.Of("/slow")
		j := watch(t, ns)
		let := make(chan struct{})
		ns.Use(func(context.Context, *socketio.Socket) error { <-let; return nil })
		socketio.On(ns, "early", func(*socketio.Socket, struct{}) { j.add("early") })
		c := s.connect(m)
		c.on("/slow").join("")
		c.on("/slow").emit("early", ``)
		if !m.rev1 {
			c.ended() // ARCHITECTURE.md, decision 18
			close(let)
			j.silence()
			return
		}
		j.silence()
		close(let)
		c.want("/slow connect")
		j.want("connect", "early")
	})
}

// TestJoinOrder: CONNECT, then broadcasts see the socket, then OnConnect, then the
// first event.
func TestJoinOrder(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, nil)
		ns := s.Of("/chat")
		j := newJournal(t)
		goOn := make(chan struct{})
		ns.OnConnect(func(so *socketio.Socket) error {
			j.add("OnConnect: connected %v, seen %v", so.Connected(), ns.Socket(so.ID()) == so)
			<-goOn
			j.add("second")
			return nil
		})
		ns.OnConnect(func(so *socketio.Socket) error { j.add("third"); return so.Emit("welcome") })
		socketio.On(ns, "first", func(*socketio.Socket, struct{}) { j.add("first") })
		c := s.connect(m)
		c.on("/chat").join("")
		c.want("/chat connect")
		c.on("/chat").emit("first", ``)
		j.want("OnConnect: connected true, seen true")
		ns.Emit("all")
		c.want("/chat all[]")
		j.silence()
		close(goOn)
		j.want("second", "third", "first")
		c.want("/chat welcome[]")
	})
}

// TestOnConnectError: it disconnects the socket; later handlers and events are not
// for it.
func TestOnConnectError(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, nil)
		ns := s.Of("/chat")
		j := newJournal(t)
		ns.OnConnect(func(*socketio.Socket) error { return errors.New("full") })
		ns.OnConnect(func(*socketio.Socket) error { j.add("never"); return nil })
		ns.OnDisconnect(func(_ *socketio.Socket, reason string) { j.add("disconnect: %s", reason) })
		c := s.connect(m)
		c.on("/chat").join("")
		c.want("/chat connect", "/chat disconnect")
		j.want("disconnect: server namespace disconnect")
		j.silence()
		if !s.log.has("OnConnect refused", "error=full") {
			t.Error("not logged")
		}
	})
}

func TestNamespaces(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, nil)
		ns := s.Of("chat") // the slash is added
		if ns.Name() != "/chat" || s.Of("/chat") != ns || s.Of("/") != s.Namespace || s.Of("") != s.Namespace {
			t.Error("names")
		}
		j := watch(t, ns)
		socketio.Reply(ns, "hi", func(so *socketio.Socket, _ struct{}) (string, error) { return so.Namespace().Name(), nil })
		c := s.connect(m)
		c.on("/unknown").join("")
		c.want("/unknown refused " + m.refusal(`{"message":"Invalid namespace"}`))
		chat := c.on("/chat")
		chat.join("")
		c.want("/chat connect")
		j.want("connect")
		if got := chat.ask("hi", ``); got != `["/chat"]` {
			t.Errorf("got %s", got)
		}
		chat.join("") // joining again is one client
		c.want("/chat connect")
		j.silence()
		first := only(t, ns).ID()
		ns.Emit("all")
		c.want("/chat all[]")
		s.Emit("main") // every namespace has its own sockets
		c.want("main[]")

		chat.leave()
		j.want("disconnect: client namespace disconnect")
		c.silence()
		chat.join("")
		c.want("/chat connect")
		j.want("connect")
		if only(t, ns).ID() == first {
			t.Error("a new socket has the old one's id")
		}
		if m.rev1 {
			return // its clients may send to any endpoint
		}
		c.on("/unknown").emit("x", ``)
		c.ended()
		j.want("disconnect: parse error")
	})
}

// TestServerDisconnect: what a client sent before it heard of it is no offence, and
// it may join again.
func TestServerDisconnect(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, nil)
		ns := s.Of("/chat")
		j := watch(t, ns)
		socketio.On(ns, "e", func(*socketio.Socket, struct{}) { j.add("event") })
		c := s.connect(m)
		chat := c.on("/chat")
		chat.join("")
		c.want("/chat connect")
		so := only(t, ns)
		so.Emit("last")
		so.Disconnect(false)
		so.Disconnect(false)
		c.want("/chat last[]", "/chat disconnect")
		if err := so.Emit("more"); !errors.Is(err, socketio.ErrClosed) || so.Connected() {
			t.Errorf("emit: %v", err)
		}
		chat.emit("e", ``)
		chat.answer("1", ``)
		chat.leave()
		j.want("connect", "disconnect: server namespace disconnect")
		chat.join("")
		c.want("/chat connect")
		chat.emit("e", ``)
		j.want("connect", "event")
		c.silence()
	})
}

func TestMaxNamespaces(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, &socketio.Options{MaxNamespaces: 2})
		s.Of("/a")
		s.Of("/b")
		c := s.connect(m)
		c.on("/a").join("")
		c.want("/a connect")
		c.on("/b").join("")
		c.want("/b refused " + m.refusal(`{"message":"too many namespaces"}`))
		c.on("/a").leave()
		settle()
		c.on("/b").join("")
		c.want("/b connect")
	})
}

// TestNothingJoined: a client that joins no namespace is not kept.
func TestNothingJoined(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, &socketio.Options{ConnectTimeout: time.Minute})
		begin := time.Now()
		c := s.dial(m)
		c.ended()
		if d := time.Since(begin); d < time.Minute || d > time.Minute+time.Second {
			t.Errorf("after %v", d)
		}
	}, not("opening a session joins the main namespace", rev1Modes...))
}
