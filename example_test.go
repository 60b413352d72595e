package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os/signal"
	"syscall"
	"time"

	"github.com/sockeye-io/socketio"
	"github.com/sockeye-io/socketio/adapter"
)

// A chat: what one client says, all others hear, whichever generation they speak.
func Example() {
	srv := socketio.NewServer(nil)
	socketio.On(srv, "chat", func(s *socketio.Socket, text string) {
		s.Broadcast().Emit("chat", text)
	})
	http.Handle("/socket.io/", srv)

	old, young, stop := visit(srv)
	defer stop()
	young.emit("chat", `"hello from 2026"`)
	fmt.Println("old client:", old.next())
	old.emit("chat", `"hello from 2011"`)
	fmt.Println("young client:", young.next())
	// Output:
	// old client: chat["hello from 2026"]
	// young client: chat["hello from 2011"]
}

// Several arguments are decoded into a struct that embeds Tuple.
func ExampleOn() {
	type move struct {
		socketio.Tuple
		Piece string
		To    [2]int
	}
	srv := socketio.NewServer(nil)
	socketio.On(srv, "move", func(s *socketio.Socket, m move) {
		s.Emit("moved", fmt.Sprintf("%s to %d, %d", m.Piece, m.To[0], m.To[1]))
	})

	_, young, stop := visit(srv)
	defer stop()
	young.emit("move", `"pawn", [4, 4]`) // socket.emit("move", "pawn", [4, 4])
	fmt.Println(young.next())
	// Output: moved["pawn to 4, 4"]
}

// A handler's result is the client's acknowledgement. Of errors it learns only what
// is made for it.
func ExampleReply() {
	srv := socketio.NewServer(nil)
	socketio.Reply(srv, "divide", func(s *socketio.Socket, n [2]int) (int, error) {
		if n[1] == 0 {
			return 0, &socketio.Error{Message: "division by zero"}
		}
		return n[0] / n[1], nil
	})

	_, young, stop := visit(srv)
	defer stop()
	fmt.Println(young.ask("divide", `[42, 6]`))
	fmt.Println(young.ask("divide", `[42, 0]`))
	// Output:
	// [7]
	// [{"error":{"message":"division by zero"}}]
}

// The server asks, and the client answers. Not all do, so the wait has an end.
func ExampleCall() {
	srv := socketio.NewServer(nil)
	done := make(chan struct{})
	srv.OnConnect(func(s *socketio.Socket) error {
		go func() {
			ctx, cancel := context.WithTimeout(s.Context(), 10*time.Second)
			defer cancel()
			if name, err := socketio.Call[string](ctx, s, "what is your name?"); err == nil {
				fmt.Println("hello,", name)
				close(done)
			}
		}()
		return nil
	})

	c, stop := visitor(srv, rev5WebSocket)
	defer stop()
	c.answer(c.next().id, `"Ann"`)
	<-done
	// Output: hello, Ann
}

// A Broadcast says who is meant. It is a value and may be kept.
func ExampleBroadcast() {
	srv := socketio.NewServer(nil)
	socketio.Reply(srv, "join", func(s *socketio.Socket, room string) (string, error) {
		return "joined", s.Join(room)
	})

	old, young, stop := visit(srv)
	defer stop()
	fmt.Println(old.ask("join", `"blue"`), young.ask("join", `"red"`))

	players := srv.To("blue", "red")
	players.Emit("start")
	players.Except("red").Emit("your turn")
	fmt.Println("old client:", old.next(), old.next())
	fmt.Println("young client:", young.next())
	// Output:
	// ["joined"] ["joined"]
	// old client: start[] your turn[]
	// young client: start[]
}

// A gate decides who joins a namespace.
func ExampleNamespace_Use() {
	srv := socketio.NewServer(nil)
	srv.Of("/admin").Use(func(ctx context.Context, s *socketio.Socket) error {
		var auth struct{ Token string }
		if err := s.Auth().Scan(&auth); err != nil || auth.Token != "secret" {
			return &socketio.Error{Message: "wrong token", Data: map[string]int{"code": 17}}
		}
		s.Set("role", "admin")
		return nil
	})

	c, stop := visitor(srv, rev5WebSocket)
	defer stop()
	c.on("/admin").join(`{"token":"guess"}`)
	fmt.Println(c.next())
	c.on("/admin").join(`{"token":"secret"}`)
	fmt.Println(c.next())
	// Output:
	// /admin refused {"message":"wrong token","data":{"code":17}}
	// /admin connect
}

// Authorize decides in the first HTTP request, in which browsers send their cookies.
func ExampleOptions_authorize() {
	srv := socketio.NewServer(&socketio.Options{
		Authorize: func(ctx context.Context, h *socketio.Handshake) error {
			if h.Query.Get("token") != "secret" {
				return &socketio.Error{Message: "who are you?"}
			}
			return nil
		},
	})
	defer srv.Close()

	for _, url := range []string{
		"/socket.io/?EIO=4&transport=polling", // 3.x and 4.x
		"/socket.io/1/?t=1",                   // 0.9
	} {
		w := httptest.NewRecorder()
		srv.ServeHTTP(w, httptest.NewRequest("GET", url, nil))
		fmt.Println(w.Code, w.Body)
	}
	// Output:
	// 403 {"code":4,"message":"who are you?"}
	// 403 handshake unauthorized
}

// Clients come back to another server, or to this one when it has started again.
func ExampleServer_Shutdown() {
	srv := socketio.NewServer(nil)
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", srv)
	server := &http.Server{
		Addr: ":3000", Handler: mux,
		ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 30 * time.Second, MaxHeaderBytes: 12 << 10,
	}

	stopped, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	go func() {
		if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
			log.Fatal(err)
		}
	}()
	<-stopped.Done()

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	// First the sessions, since http.Server waits for polls and knows no WebSockets.
	if err := srv.Shutdown(ctx); err != nil {
		log.Print(err)
	}
	if err := server.Shutdown(ctx); err != nil {
		log.Print(err)
	}
}

// Servers on one bus share rooms.
func ExampleOptions_bus() {
	bus := new(adapter.Local)
	a := socketio.NewServer(&socketio.Options{Bus: bus, NodeID: "a"})
	b := socketio.NewServer(&socketio.Options{Bus: bus, NodeID: "b"})
	defer a.Close()

	c, stop := visitor(b, rev5WebSocket)
	defer stop()
	a.Emit("news", "from a")
	fmt.Println(c.next())
	for s, err := range a.FetchSockets(context.Background()) {
		fmt.Println("a socket of node", s.Node, err)
	}
	// Output:
	// news["from a"]
	// a socket of node b <nil>
}
