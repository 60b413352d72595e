package hub

import (
	"context"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sockeye-io/socketio/adapter"
	"github.com/sockeye-io/socketio/internal/session"
	"github.com/sockeye-io/socketio/internal/worker"
	"github.com/sockeye-io/socketio/packet"
)

// A Config says how a Hub works. All fields must be set.
type Config struct {
	Context context.Context      // ends with the server; handlers' contexts derive from it
	Now     func() time.Duration // the clock of the sessions; see SetClock
	Logger  *slog.Logger
	NodeID  string

	InboxEvents    int           // events of a connection that no handler has taken
	InboxBytes     int           // their bytes
	MaxNamespaces  int           // per client
	MaxRooms       int           // per socket; 0: no bound
	MaxPendingAcks int           // per socket
	ConnectTimeout time.Duration // bounds the middleware of one socket
}

// A Hub is the set of a server's namespaces. It implements session.Handler and
// adapter.Node.
type Hub struct {
	cfg Config

	mu         sync.RWMutex
	namespaces map[string]*Namespace
	member     adapter.Member // nil without a bus

	clients     clientSet
	dispatchers *worker.Pool[*Socket] // they wait for work while there are clients
	draining    atomic.Bool
}

// maxDispatchers is how many dispatchers wait for work, for each core.
const maxDispatchers = 32

// New returns a hub with no namespace.
func New(cfg Config) *Hub {
	h := &Hub{cfg: cfg, namespaces: make(map[string]*Namespace)}
	h.dispatchers = worker.New(maxDispatchers*runtime.GOMAXPROCS(0), (*Socket).Run)
	h.clients = clientSet{first: h.dispatchers.Open, last: h.dispatchers.Release}
	return h
}

// SetClock sets Config.Now. It must be called before the first session.
func (h *Hub) SetClock(now func() time.Duration) { h.cfg.Now = now }

// Namespace returns the namespace called name, which exists from now on.
func (h *Hub) Namespace(name string) *Namespace {
	h.mu.Lock()
	defer h.mu.Unlock()
	ns := h.namespaces[name]
	if ns == nil {
		ns = newNamespace(h, name)
		h.namespaces[name] = ns
	}
	return ns
}

// Lookup returns the namespace called name, or nil.
func (h *Hub) Lookup(name string) *Namespace {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.namespaces[name]
}

// JoinBus makes the hub a node of a cluster.
func (h *Hub) JoinBus(ctx context.Context, b adapter.Bus) error {
	m, err := b.Join(ctx, h)
	if err != nil {
		return err
	}
	h.mu.Lock()
	h.member = m
	h.mu.Unlock()
	return nil
}

func (h *Hub) bus() adapter.Member {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.member
}

// A clientSet is all clients of a hub that are connected or have events to handle.
type clientSet struct {
	mu          sync.Mutex
	list        []*Client // each knows its place
	first, last func()    // called when the first comes, and when the last has gone
}

func (s *clientSet) add(c *Client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.place = int32(len(s.list))
	s.list = append(s.list, c)
	if len(s.list) == 1 {
		s.first()
	}
}

func (s *clientSet) remove(c *Client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.place < 0 {
		return
	}
	last := len(s.list) - 1
	moved := s.list[last]
	s.list[c.place], moved.place = moved, c.place
	s.list[last] = nil
	s.list, c.place = s.list[:last], -1
	if last == 0 {
		s.list = nil
		s.last()
	}
}

func (s *clientSet) all() []*Client {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.list)
}

// Opened implements session.Handler.
func (h *Hub) Opened(s *session.Session) {
	c := &Client{hub: h, sess: s}
	s.User = c
	h.clients.add(c)
	c.drain()
	if s.Generation().Rules.JoinsMain {
		c.connect(packet.Packet{Type: packet.Connect, Namespace: "/"})
	}
}

// Message implements session.Handler.
func (h *Hub) Message(s *session.Session, p packet.Packet) error {
	return s.User.(*Client).message(&p)
}

// Taken implements session.Handler.
func (h *Hub) Taken(s *session.Session) { s.User.(*Client).taken() }

// Leaving implements session.Handler. Handlers that wait for the client need wait no
// longer; its events are still handled, as if they had been read already.
func (h *Hub) Leaving(s *session.Session) {
	c := s.User.(*Client)
	c.mu.Lock()
	var sockets []*Socket
	for s := c.sockets; s != nil; s = s.sibling {
		sockets = append(sockets, s)
	}
	c.mu.Unlock()
	for _, s := range sockets {
		s.leaving()
	}
}

// Closed implements session.Handler.
func (h *Hub) Closed(s *session.Session, reason session.Reason) {
	s.User.(*Client).closed(reason)
}

// Drain stops reading from every client and waits until all events that were read
// are handled, or ctx ends.
func (h *Hub) Drain(ctx context.Context) error {
	h.draining.Store(true)
	clients := h.clients.all()
	for _, c := range clients {
		c.drain()
	}
	for _, c := range clients {
		select {
		case <-c.idle():
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// drain stops reading from the client if the server is being emptied.
func (c *Client) drain() {
	c.mu.Lock()
	c.pause()
	c.mu.Unlock()
}

// LeaveBus ends the membership in a cluster.
func (h *Hub) LeaveBus() error {
	h.mu.Lock()
	m := h.member
	h.member = nil
	h.mu.Unlock()
	if m == nil {
		return nil
	}
	return m.Leave()
}
