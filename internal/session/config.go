package session

import (
	"time"

	"github.com/sockeye-io/socketio/internal/framing"
	"github.com/sockeye-io/socketio/internal/generation"
	"github.com/sockeye-io/socketio/internal/parser"
	"github.com/sockeye-io/socketio/packet"
)

// A Config is what all sessions of one generation on one server share. It must not
// be changed once a session uses it. Times are the server's monotonic clock: the
// duration since the server began.
type Config struct {
	Generation *generation.Generation
	Handler    Handler

	// Schedule tells the owner of the clock that Tick is wanted at s.Deadline(),
	// earlier than it was told before. Called as a Transport's methods are. The
	// deadline may move again meanwhile: what counts is s.Deadline(), asked under the
	// owner's own lock or until it stands still, not what a Tick returned.
	Schedule func(s *Session)

	// ID returns the secret by which requests name the session. Engine.IO's open packet
	// tells the client.
	ID func(s *Session) string

	// Gone tells the owner that requests may not find s any more. Called once, as a
	// Transport's methods are.
	Gone func(s *Session)

	Limits   Limits
	Decoding parser.Limits
	Timers   Timers

	// Upgrades are the transports that a polling session may upgrade to.
	Upgrades []string

	ping, noop, probePong *Cast
	kick, left, drain     farewell
}

// Limits bound what one session holds. Zero means no bound.
type Limits struct {
	MaxPayload     int // bytes of a message or polling body
	PayloadPackets int // frames of one polling body
	PollPackets    int // of one answer to a poll; a cast that has more goes alone
	OutboxBytes    int // unsent bytes, the lease not counted
	OutboxCasts    int // unsent casts, the lease not counted
}

// Timers are the deadlines of a session.
type Timers struct {
	Interval time.Duration // from the opening or an answer to the next heartbeat
	Timeout  time.Duration // from a heartbeat to its answer; attachments are due as soon
	Poll     time.Duration // a poll that nothing comes for is ended (Beat.OnPolls false)
	Close    time.Duration // without a poll the session ends (Beat.OnPolls false); also how long a session that was ended waits for a poll to say so
	Unopened time.Duration // a session of a handshake of its own waits for a transport
	Join     time.Duration // a client joins its first namespace; 0: no such deadline
	Upgrade  time.Duration // from the probe's connection to the upgrade packet
}

// A farewell is a generation's Bye, ready to send.
type farewell struct{ poll, stream *Cast }

// Init prepares what sessions share. It must be called once before New.
func (c *Config) Init() {
	g := c.Generation
	c.ping = linkCast(g, framing.Ping, nil)
	c.noop = linkCast(g, framing.Noop, nil)
	c.probePong = linkCast(g, framing.Pong, []byte("probe"))
	c.kick = newFarewell(g.Bye.Kick)
	c.left = newFarewell(g.Bye.Left)
	c.drain = newFarewell(g.Bye.Drain)
}

func newFarewell(b generation.Bye) (f farewell) {
	if b.Poll != "" {
		f.poll = rawCast([]byte(b.Poll))
	}
	if b.Stream != "" {
		f.stream = rawCast([]byte(b.Stream))
	}
	return f
}

// A Handler is told what happens to sessions. Its methods are called with no lock
// held that Push takes. For one session Opened comes first, Message calls follow
// one at a time in the order of arrival, and Closed comes once; a Message that is
// under way when the session ends may overlap with Closed or follow it.
type Handler interface {
	// Opened: the session's first transport is there.
	Opened(s *Session)
	// Message: a whole packet arrived. It must not block. An error ends the session.
	Message(s *Session, p packet.Packet) error
	// Taken: a whole stream message or body was handed over, and Message has been
	// called for all that was in it. It follows Message as Message follows Opened.
	Taken(s *Session)
	// Leaving: the peer has gone, or has nothing more to say, while reading is paused;
	// what it sent before is still to be read. At most once.
	Leaving(s *Session)
	// Closed: the session ended. Nothing can be pushed any more.
	Closed(s *Session, reason Reason)
}

// A Transport carries a session's casts. Its methods must not block, and may be
// called from any goroutine and more often than needed. They are called with mu not
// held, but also while a message is handled: they may take, settle, push and end, and
// must leave Receive, ReceivePayload, Bind and Poll to another goroutine.
type Transport interface {
	// Wake: there is something to take.
	Wake()
	// Resume: reading, which had to pause, may go on.
	Resume()
	// Go runs job soon, when the message that is being handled has been, on the
	// goroutine that serves the transport; the job may block. If there is no goroutine
	// for that, Go does nothing and returns false.
	Go(job Job) bool
	// Yield says that the caller, who may be such a job, is about to block.
	Yield()
	// Close: the transport is not wanted any more. A stream that may say so says
	// goodbye in its own way; a poll takes what it is to be answered.
	Close(reason Reason)
}

// A Job is work that may block, such as calling the application's handlers.
type Job = interface{ Run() }

// A Reason says why a session or a socket ended, in the words of Node's server.
type Reason string

const (
	TransportClose   Reason = "transport close"
	TransportError   Reason = "transport error"
	PingTimeout      Reason = "ping timeout"
	ParseError       Reason = "parse error"
	ClientDisconnect Reason = "client namespace disconnect"
	ServerDisconnect Reason = "server namespace disconnect"
	ServerShutdown   Reason = "server shutting down"
	ForcedClose      Reason = "forced close"    // an Engine.IO client said "close"
	ConnectTimeout   Reason = "connect timeout" // no namespace was joined in time
	OutboxFull       Reason = "outbox full"     // the client does not read what it is sent
	InboxFull        Reason = "inbox full"      // a handler waits for an ack behind more events than fit
	Replaced         Reason = "replaced"        // another transport took its place
	ProbeFailed      Reason = "probe failed"
)
