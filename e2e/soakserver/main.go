// Command soakserver is what the soak (../soak_test.go) runs against: rooms in which
// everybody numbers what they say, so that whoever listens can tell that nothing is
// lost, doubled or reordered, from the moment they enter to the moment they leave.
//
// Events, of clients of every generation:
//
//	enter ROOM, with an answer: where each speaker of the room has got to
//	say N, TEXT, with an answer: the room hears "said" SPEAKER, N, TEXT; N counts from
//	1. Then one of the room is called, "question" N, and when it has answered "answer",
//	N, the speaker is answered: so nobody speaks much faster than others listen
//	exit, with an answer: where each speaker has got to; the room hears "gone" SPEAKER, N
//	echo …, with an answer: the same
//	slow N: keeps the client's handlers busy for N milliseconds
//
// GET /stats says what the process has in use. When it accepts connections it prints
// "listening on http://HOST:PORT"; SIGTERM drains it.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/sockeye-io/socketio"
	"github.com/sockeye-io/socketio/internal/serve"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:3000", "`HOST:PORT` to listen on")
	engine := flag.String("engine", "", "socketio.Options.Engine")
	flag.Parse()
	if err := run(*addr, *engine); err != nil {
		fmt.Fprintln(os.Stderr, "soakserver:", err)
		os.Exit(1)
	}
}

func run(addr, engine string) error {
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	house := &house{rooms: make(map[string]*room), reasons: make(map[string]int)}
	srv := newServer(engine, house)
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", srv)
	mux.HandleFunc("GET /stats", func(w http.ResponseWriter, _ *http.Request) { house.stats(w, srv) })
	program := serve.Program{Addr: addr, Handler: mux, Drain: srv.Shutdown}
	return program.Run()
}

// newServer makes a server that pings often, and has patience with a busy machine.
func newServer(engine string, h *house) *socketio.Server {
	const beat, patience = 5 * time.Second, 40 * time.Second
	srv := socketio.NewServer(&socketio.Options{
		Engine:       engine,
		Origins:      []string{"*"},
		PingInterval: beat,
		PingTimeout:  patience,
		// engine.io-client, whose upgrade ends when it has paused its polling, never
		// polls again (6.6, socket.js, _probe).
		UpgradeTimeout: 4 * patience,
		Revision1: socketio.Revision1{
			HeartbeatInterval: beat, HeartbeatTimeout: patience, CloseTimeout: patience, PollingDuration: beat,
		},
	})
	srv.On("enter", h.enter)
	srv.On("say", h.say)
	srv.On("exit", h.exit)
	srv.OnDisconnect(func(s *socketio.Socket, reason string) {
		h.gone(s, nil)
		h.left(s, reason)
	})
	srv.On("echo", func(_ *socketio.Socket, e *socketio.Event) { _ = e.Ack(e.Args()) })
	socketio.On(srv, "slow", func(_ *socketio.Socket, ms int) { time.Sleep(time.Duration(ms) * time.Millisecond) })
	return srv
}

// A house has rooms.
type house struct {
	mu      sync.Mutex
	rooms   map[string]*room
	reasons map[string]int // how often clients left for it
}

// A room's lock makes joining it and speaking in it one after the other, so that what
// somebody is told when entering is exactly what was said before.
type room struct {
	name string
	mu   sync.Mutex
	said map[string]int // by socket: the last number

	members map[*socketio.Socket]bool
}

// A speaker is a socket's place in a room.
type speaker struct {
	room *room
	n    int
}

func (h *house) room(name string) *room {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.rooms[name]
	if r == nil {
		r = &room{name: name, said: make(map[string]int), members: make(map[*socketio.Socket]bool)}
		h.rooms[name] = r
	}
	return r
}

// left counts why clients leave.
func (h *house) left(s *socketio.Socket, reason string) {
	hs := s.Handshake()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reasons[hs.Generation+", "+hs.Transport+": "+reason]++
}

type placeKey struct{}

func (h *house) enter(s *socketio.Socket, e *socketio.Event) {
	var name string
	if e.Args().Scan(&name) != nil || s.Get(placeKey{}) != nil {
		s.Disconnect(true)
		return
	}
	r := h.room(name)
	r.mu.Lock()
	defer r.mu.Unlock()
	if s.Join(name) != nil {
		return
	}
	s.Set(placeKey{}, &speaker{room: r})
	r.members[s] = true
	_ = e.Ack(r.said) // before anything that is said from now on
}

// say says something, if it is what follows what the speaker said before.
func (h *house) say(s *socketio.Socket, e *socketio.Event) {
	var n int
	var text string
	p, _ := s.Get(placeKey{}).(*speaker)
	if err := e.Args().Scan(&n, &text); err != nil || p == nil || n != p.n+1 {
		fault(s, fmt.Sprintf("said %v after %v (%v)", n, p, err))
		return
	}
	r := p.room
	r.mu.Lock()
	defer r.mu.Unlock()
	p.n = n
	r.said[s.ID()] = n
	_ = s.Namespace().To(r.name).Emit("said", s.ID(), n, text)
	for listener := range r.members { // in no order
		go question(listener, e, n) // ends with the answer, or the listener
		return
	}
}

// question answers a speaker when a listener has answered.
func question(listener *socketio.Socket, e *socketio.Event, n int) {
	answer, err := listener.EmitWithAck(listener.Context(), "question", n)
	if want := fmt.Sprintf(`["answer",%d]`, n); err == nil && answer.String() != want {
		fault(listener, fmt.Sprintf("answered %v, want %s", answer, want))
	}
	_ = e.Ack(n) // whoever was asked may have gone
}

func (h *house) exit(s *socketio.Socket, e *socketio.Event) { h.gone(s, e) }

// gone takes a socket out of its room; e, if any, wants to know what was said.
func (h *house) gone(s *socketio.Socket, e *socketio.Event) {
	p, _ := s.Get(placeKey{}).(*speaker)
	if p == nil {
		return
	}
	s.Set(placeKey{}, nil)
	r := p.room
	r.mu.Lock()
	defer r.mu.Unlock()
	s.Leave(r.name)
	delete(r.members, s)
	if e != nil {
		_ = e.Ack(r.said)
	}
	delete(r.said, s.ID())
	_ = s.Namespace().To(r.name).Emit("gone", s.ID(), p.n)
}

// fault ends a client whose events do not come as they were sent, and says so.
func fault(s *socketio.Socket, what string) {
	slog.Error("soakserver: out of order", "what", what, "generation", s.Handshake().Generation)
	_ = s.Emit("fault", what)
}

// stats is what the process has in use; ../soak_test.go reads it.
func (h *house) stats(w http.ResponseWriter, srv *socketio.Server) {
	for range 3 { // pools keep theirs for two rounds
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	files, _ := os.ReadDir("/proc/self/fd")
	h.mu.Lock()
	defer h.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"sockets": srv.Len(), "files": len(files), "goroutines": runtime.NumGoroutine(), "heap": m.HeapAlloc,
		"reasons": h.reasons,
	})
}
