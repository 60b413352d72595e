package transport

import (
	"cmp"
	"context"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sockeye-io/socketio/internal/conn"
	"github.com/sockeye-io/socketio/internal/generation"
	"github.com/sockeye-io/socketio/internal/session"
	"github.com/sockeye-io/socketio/internal/static"
	"github.com/sockeye-io/socketio/internal/websocket"
)

// A Config says how a Server works. Fields that are zero have the default that their
// comments name.
type Config struct {
	// Sessions has one entry for each generation that is served, the preferred one of
	// a link first. New completes and owns them.
	Sessions []*session.Config

	// Transports are the names of those that are enabled, in the order in which
	// clients are told. Nil: all that there are.
	Transports []string

	// Hixie75 lets in WebSockets of that draft, whose handshake proves nothing.
	Hixie75 bool
	// MatchOrigin says wss in a location (hixie-75 and -76) if the origin is https.
	MatchOrigin bool

	// Origins are the browser origins that may come in besides the server's own, as
	// scheme://host[:port] and compared whole; "*" lets all in.
	Origins []string

	// Headers are the request fields that pages of other origins may set.
	// Nil: Content-Type.
	Headers []string

	// TrustedProxies are whose Forwarded and X-Forwarded-* fields are believed.
	TrustedProxies []netip.Prefix

	// Static are the client's files; nil: there are none.
	Static *static.Files

	MaxFields   int // field values of a request; 100
	MaxUnopened int // sessions that no transport opened yet; 10,000

	// HandshakeRate and HandshakeBurst bound new sessions per second and address.
	// Rate 0: no bound. Burst 0: 100.
	HandshakeRate  float64
	HandshakeBurst int

	BodyTimeout  time.Duration // of a POST, once it may be read; 30 s
	WriteTimeout time.Duration // of an answer; 20 s

	Engine conn.Engine
	Linger time.Duration // of a connection's end; conn.DefaultLinger

	Owner  string // the node's name, part of its session ids
	Secret []byte // what all nodes share; nil: a random one

	Logger *slog.Logger // nil: slog.Default

	// Admit decides on each first request. Its error is a *Refusal, whose text the
	// client is told, or another, which is logged. Nil: all are admitted.
	Admit func(ctx context.Context, p *Peer) error

	// Tick is called when Server.Schedule asked for it, and when it asked itself by
	// what it returned: the time, or 0.
	Tick func(now time.Duration) (next time.Duration)
}

// A Refusal is an Admit's answer to a client that may not come in.
type Refusal struct{ Text string }

func (r *Refusal) Error() string { return cmp.Or(r.Text, "refused") }

// A Server is the HTTP side of sessions. Create it with New.
type Server struct {
	cfg        Config
	log        *slog.Logger
	served     []*generation.Generation
	configs    map[*generation.Generation]*session.Config
	transports []transport
	dialects   []*websocket.Dialect // of revision 1
	advertised string               // to revision 1

	origins originRules
	proxies proxyRules
	rate    *limiter
	strays  *strays

	ids      ids
	sessions *registry
	unopened unopened
	pool     sync.Pool // of *poll
	batches  sync.Pool // of *batch
	streams  streams
	group    conn.Group
	clock    *clock
	hub      *hubTimer

	refusing atomic.Bool
	waiting  atomic.Int64 // polls
	posting  atomic.Int64 // POSTs under way
	skipped  atomic.Int64 // casts that their generation has no form for
	warned   sync.Map     // ResponseWriter types that were complained about
}

// New returns a server. The sessions' configurations are its own from now on.
func New(cfg *Config) *Server {
	s := &Server{cfg: *cfg}
	s.cfg.defaults()
	s.log = s.cfg.Logger
	s.transports = enabled(s.cfg.Transports)
	s.dialects = s.cfg.dialects()
	s.advertised = advertised(s.transports, &revision1)
	s.origins = newOriginRules(s.cfg.Origins, s.cfg.Headers)
	s.proxies = proxyRules(s.cfg.TrustedProxies)
	s.rate = newLimiter(s.cfg.HandshakeRate, s.cfg.HandshakeBurst)
	s.strays = newStrays()
	s.ids = newIDs(s.cfg.Owner, s.cfg.Secret)
	s.sessions = newRegistry()
	s.unopened.max = s.cfg.MaxUnopened
	s.group = conn.Group{Engine: s.cfg.Engine, Linger: s.cfg.Linger}
	s.clock = newClock(resolution(s.cfg.Sessions))
	s.hub = &hubTimer{fire: s.cfg.Tick}
	s.hub.timer.Owner = s.hub
	s.configs = make(map[*generation.Generation]*session.Config)
	for i, sc := range s.cfg.Sessions {
		// A copy, since servers in one process may number generations differently.
		g := *sc.Generation
		g.Index = i
		sc.Generation = &g
		sc.Schedule = func(sess *session.Session) { s.clock.schedule(&peerOf(sess).timer) }
		sc.ID = func(sess *session.Session) string { return s.ids.text(&peerOf(sess).id) }
		sc.Gone = s.gone
		if sc.Upgrades == nil && g.Rules.Upgrades {
			sc.Upgrades = upgrades(s.transports)
		}
		sc.Init()
		s.served = append(s.served, &g)
		s.configs[&g] = sc
	}
	return s
}

func (c *Config) defaults() {
	c.MaxFields = cmp.Or(c.MaxFields, 100)
	c.MaxUnopened = cmp.Or(c.MaxUnopened, 10_000)
	c.HandshakeBurst = cmp.Or(c.HandshakeBurst, 100)
	c.BodyTimeout = cmp.Or(c.BodyTimeout, 30*time.Second)
	c.WriteTimeout = cmp.Or(c.WriteTimeout, 20*time.Second)
	if c.Headers == nil {
		c.Headers = []string{"Content-Type"}
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	c.Origins = slices.Clone(c.Origins)
}

// Now returns the time of the sessions' clock.
func (s *Server) Now() time.Duration { return s.clock.now() }

// Schedule asks for a call of Config.Tick at a time, if none is due earlier.
func (s *Server) Schedule(at time.Duration) {
	if s.hub.fire != nil && s.hub.sooner(at) {
		s.clock.schedule(&s.hub.timer)
	}
}

// Sessions returns how many sessions there are.
func (s *Server) Sessions() int { return int(s.sessions.count.Load()) }

// Skipped returns how many casts were left out for receivers whose generation has no
// form for them.
func (s *Server) Skipped() int64 { return s.skipped.Load() }

// Owner returns which node has the session called id; not ok if no node made the id.
func (s *Server) Owner(id string) (owner string, ok bool) { return s.ids.verify(id) }

// add makes a session for the peer.
func (s *Server) add(p *Peer, g *generation.Generation) *session.Session {
	now := s.Now()
	sess := &p.sess
	sess.Peer = p
	sess.Init(s.configs[g], now)
	p.id = s.ids.make()
	p.timer.Owner = p
	s.sessions.add(p)
	if g.Rules.PathHandshake {
		if old := s.unopened.add(p); old != nil && !old.Opened() {
			old.Fail(session.TransportClose)
		}
		// Nothing has moved its deadline yet that could have told the clock.
		if at := sess.Tick(now); at != 0 {
			s.clock.schedule(&p.timer)
		}
	}
	if s.refusing.Load() {
		// Shutdown may have looked for sessions before this one was there.
		sess.Fail(session.ServerShutdown)
	}
	return sess
}

// find returns the session that a request names, or nil.
func (s *Server) find(id string) *session.Session {
	if id, ok := s.ids.parse(id); ok {
		if p := s.sessions.find(id); p != nil {
			return &p.sess
		}
	}
	return nil
}

// gone forgets a session that has ended.
func (s *Server) gone(sess *session.Session) {
	p := peerOf(sess)
	s.clock.wheel.Stop(&p.timer)
	s.unopened.remove(p)
	p.interrupt()
	if s.sessions.remove(p) {
		s.streams.check(s)
	}
}
