// Command nbio is what bench/floor is, built on nbio: its event loops, its HTTP
// server and its WebSocket. With -taken, requests come from a net/http server
// and the WebSockets are handed over to nbio's loops afterwards, which is how a
// library that is an http.Handler would have to use it.
package main

import (
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"

	"github.com/lesismal/nbio/logging"
	"github.com/lesismal/nbio/nbhttp"
	"github.com/lesismal/nbio/nbhttp/websocket"

	"github.com/sockeye-io/socketio/bench/app"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:0", "`address` to listen on")
	taken := flag.Bool("taken", false, "take WebSockets over from net/http")
	flag.Parse()

	logging.SetLevel(logging.LevelError)
	l, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	s := &sockets{dialect: &app.Revision5, conns: make(map[*websocket.Conn]string), rooms: make(map[string][]*websocket.Conn)}
	s.buffers.New = func() any { return new([]byte) }
	mux := http.NewServeMux()
	mux.HandleFunc("/socket.io/", s.upgrade)
	conf := nbhttp.Config{
		Network:                 "tcp",
		Handler:                 mux,
		ReleaseWebsocketPayload: true,
		MaxLoad:                 1 << 20,
		Listen:                  func(string, string) (net.Listener, error) { return l, nil },
	}
	if !*taken {
		conf.Addrs = []string{*addr}
	}
	engine := nbhttp.NewEngine(conf)
	s.upgrader = s.newUpgrader(engine, *taken)
	if err := engine.Start(); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on http://%s\n", l.Addr())
	if *taken {
		go func() { log.Fatal(http.Serve(l, mux)) }()
	}

	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, os.Interrupt)
	<-stop
}

// sockets is every connection, and the rooms.
type sockets struct {
	upgrader *websocket.Upgrader
	dialect  *app.Dialect
	buffers  sync.Pool // of *[]byte: answers under construction

	mu    sync.Mutex
	conns map[*websocket.Conn]string // the room each is in, or ""
	rooms map[string][]*websocket.Conn
}

// newUpgrader sets the callbacks. Deadlines are off, as they are in the floor.
func (s *sockets) newUpgrader(engine *nbhttp.Engine, taken bool) *websocket.Upgrader {
	u := websocket.NewUpgrader()
	u.Engine = engine
	u.KeepaliveTime = 0
	u.BlockingModTrasferConnToPoller = taken
	u.OnOpen(s.opened)
	u.OnMessage(s.message)
	u.OnClose(s.closed)
	return u
}

func (s *sockets) upgrade(w http.ResponseWriter, r *http.Request) {
	// The upgrader answers requests that it refuses.
	s.upgrader.Upgrade(w, r, nil)
}

func (s *sockets) opened(c *websocket.Conn) {
	s.mu.Lock()
	s.conns[c] = ""
	s.mu.Unlock()
	writeAll(c, s.dialect.Hello)
}

func (s *sockets) closed(c *websocket.Conn, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := s.conns[c]
	delete(s.conns, c)
	if name == "" {
		return
	}
	members := s.rooms[name]
	if i := slices.Index(members, c); i >= 0 {
		s.rooms[name] = slices.Delete(members, i, i+1)
	}
}

func writeAll(c *websocket.Conn, messages [][]byte) {
	for _, m := range messages {
		c.WriteMessage(websocket.TextMessage, m)
	}
}

// message answers a message; it runs on nbio's pool of goroutines.
func (s *sockets) message(c *websocket.Conn, _ websocket.MessageType, msg []byte) {
	buf := s.buffers.Get().(*[]byte)
	k, out := s.dialect.Answer((*buf)[:0], msg)
	switch k {
	case app.Connect:
		writeAll(c, s.dialect.Joined)
	case app.Reply:
		c.WriteMessage(websocket.TextMessage, out)
	case app.Join:
		s.join(c, app.Room(msg))
		c.WriteMessage(websocket.TextMessage, out)
	case app.ToRoom:
		s.deliverRoom(c, out)
	case app.Broadcast:
		s.deliverAll(out)
	case app.Leave:
		c.WriteMessage(websocket.TextMessage, out)
		c.Close()
	}
	*buf = out
	s.buffers.Put(buf)
}

func (s *sockets) join(c *websocket.Conn, name string) {
	s.mu.Lock()
	s.conns[c] = name
	s.rooms[name] = append(s.rooms[name], c)
	s.mu.Unlock()
}

func (s *sockets) deliverAll(msg []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.WriteMessage(websocket.TextMessage, msg)
	}
}

// deliverRoom is deliverAll for everyone in the sender's room but the sender.
func (s *sockets) deliverRoom(sender *websocket.Conn, msg []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.rooms[s.conns[sender]] {
		if c != sender {
			c.WriteMessage(websocket.TextMessage, msg)
		}
	}
}
