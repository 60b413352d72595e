package socketio

import (
	"context"
	"io/fs"
	"log/slog"
	"math"
	"net/netip"
	"time"

	"github.com/sockeye-io/socketio/adapter"
)

// Options say how a Server works. For every number and duration zero means the
// default that is named, and a negative value switches the limit or timer off
// unless it says otherwise. A Server copies its Options.
type Options struct {
	// Origins are the web origins whose pages may connect, such as
	// "https://example.com": compared whole. "*" allows all, and hides cookies from
	// the application. Nil: only pages of the server's own origin. Requests without an
	// Origin come from no browser and are allowed.
	Origins []string

	// TrustedProxies are those whose Forwarded and X-Forwarded-* headers are believed.
	TrustedProxies []netip.Prefix

	// Generations are the names of the protocol's generations that are served:
	// "revision 1" (Socket.IO 0.7 to 0.9) and "revision 5" (3.x and 4.x). Nil: all.
	Generations []string

	// Transports are the transports that are served, in the order in which revision 1
	// clients try them: "websocket", then that generation's own "flashsocket",
	// "htmlfile", "xhr-polling" and "jsonp-polling", and Engine.IO's "polling". Nil: all
	// of these, in this order. "xhr-multipart" is served only if it is named here: no
	// client of revision 1 asks for it.
	Transports []string

	// Engine is what serves WebSockets once net/http has handed them over: "goroutine",
	// one for each, or "epoll", a loop for each processor, which takes a sixth of the
	// memory and is cheaper, for plain TCP on Linux; what is encrypted or wrapped is
	// served by goroutines all the same. Empty: "epoll" where there is one.
	Engine string

	// Client has the client's files for browsers: one directory per version, named by
	// it, with the contents of the dist directory of the npm package socket.io-client,
	// such as "4.8.4/socket.io.min.js". They are served under the names that Node's
	// servers give them: "/socket.io/socket.io.js" and the like are those of
	// ClientDefault, "/socket.io/socket.io.v4.8.4.js" and the like those of a version.
	// The directories are read by NewServer, a file when it is first asked for; both
	// are kept. Nil: none are served.
	Client fs.FS
	// ClientDefault is the version that is served where a name says none: "4.8.4", or
	// the newest that begins so up to a dot, as with "4". Old pages and new ones ask for
	// the same name, so this says which pages work. Empty: the newest of all, in which
	// a pre-release counts as older than any release.
	ClientDefault string

	// Authorize decides about a session when its first request comes, before anything
	// is kept of it; it runs on that request's goroutine. An *Error refuses with its
	// text, any other error as an internal one. Nil: everybody may connect.
	Authorize func(ctx context.Context, h *Handshake) error

	// Engine.IO's heartbeat: the server pings each PingInterval (25 s), and a client
	// that is silent for PingTimeout (20 s) after it is gone. Neither can be off.
	PingInterval, PingTimeout time.Duration

	// UpgradeTimeout bounds an upgrade from polling to WebSocket (10 s; cannot be off).
	UpgradeTimeout time.Duration

	// ConnectTimeout bounds the time in which a client joins its first namespace, and
	// that of the gates set by Use (45 s).
	ConnectTimeout time.Duration

	// Revision1 has that generation's own timers and switches.
	Revision1 Revision1

	// MaxPayload bounds a message, and the body of a polling request, in bytes
	// (1,000,000; cannot be off).
	MaxPayload int
	// MaxPayloadPackets bounds the packets of one polling body (10,000).
	MaxPayloadPackets int
	// MaxPollPackets bounds the packets of one answer to a poll (16): python-engineio
	// drops answers with more. A packet with more attachments goes alone.
	MaxPollPackets int
	// MaxAttachments bounds the binary attachments of a packet (10), and
	// MaxAttachmentBytes their bytes together (MaxPayload × 10).
	MaxAttachments, MaxAttachmentBytes int
	// MaxDepth bounds the nesting of JSON (128, which is also the most).
	MaxDepth int
	// MaxArgs bounds the arguments of an event (1,024).
	MaxArgs int
	// MaxEventName and MaxNamespaceName are in bytes (1,024 and 512).
	MaxEventName, MaxNamespaceName int
	// MaxNamespaces bounds the namespaces that one client is in (100).
	MaxNamespaces int
	// MaxRooms bounds the rooms that one socket is in (off).
	MaxRooms int
	// MaxPendingAcks bounds the answers that a client owes one socket (1,000); the
	// oldest call fails.
	MaxPendingAcks int
	// MaxOutboxCasts (1,000) and MaxOutboxBytes (4 MiB) bound what one client has not
	// been sent yet. Beyond either it is disconnected.
	MaxOutboxCasts, MaxOutboxBytes int
	// MaxInboxEvents (256) and MaxInboxBytes (1 MiB) bound what one client has sent
	// and its handlers have not taken. Beyond either nothing more is read from it.
	// Neither can be off.
	MaxInboxEvents, MaxInboxBytes int
	// MaxUnopened bounds the sessions that no transport has opened (10,000).
	MaxUnopened int
	// MaxHeaderFields bounds the fields of a request's header (100).
	MaxHeaderFields int
	// BodyTimeout bounds the reading of a request's body (30 s).
	BodyTimeout time.Duration
	// HandshakesPerSecond bounds the new sessions of one address (off), after a burst
	// of HandshakeBurst (100).
	HandshakesPerSecond float64
	HandshakeBurst      int

	// Bus joins the server to others; nil: it is alone. NodeID is its name among them;
	// empty: a random one.
	Bus    adapter.Bus
	NodeID string

	// Secret authenticates session ids. All nodes of a cluster need the same. Nil: a
	// random one.
	Secret []byte

	// Context is the parent of the contexts of handlers. Nil: context.Background().
	Context context.Context

	// Logger gets refused origins, panics and errors of handlers. Nil: slog.Default().
	Logger *slog.Logger
}

// Revision1 has what is special to Socket.IO 0.7 to 0.9. None of its timers
// (revision-1.md §7.1) can be off. Clients count the two timeouts in whole seconds; they
// are rounded up.
type Revision1 struct {
	// HeartbeatInterval is how often the server sends a heartbeat on a stream (25 s).
	// It must be shorter than both timeouts, or healthy clients fall off.
	HeartbeatInterval time.Duration
	// HeartbeatTimeout is how long either side waits for the other's (60 s).
	HeartbeatTimeout time.Duration
	// CloseTimeout is how long a client may stay without a poll (60 s).
	CloseTimeout time.Duration
	// PollingDuration is how long a poll may wait (20 s). It must be shorter than
	// CloseTimeout.
	PollingDuration time.Duration

	// RefuseBinary leaves a packet with binary values out for these clients, whose
	// protocol has none, instead of writing {"base64":true,"data":"…"}.
	RefuseBinary bool

	// Hixie75 lets in WebSockets of draft-hixie-thewebsocketprotocol-75, which is what
	// Chrome 4 and 5 and Safari 5.0.0 speak; without it those poll. Its handshake has
	// no key that a server must answer, so it proves to no client that this server
	// meant to speak WebSocket, and asks of no client more than a few header lines.
	// All later drafts are served.
	Hixie75 bool

	// MatchOriginProtocol says wss in the location that a hixie-75 or hixie-76
	// handshake is answered with, if the page's origin is https. Browsers compare it
	// with the URL that they asked for. It is for a proxy that ends TLS and, as one for
	// TCP, cannot say so in a header; of TrustedProxies that do, it is known anyway.
	MatchOriginProtocol bool

	// IgnoreUnknownNamespaces leaves a client that wants to join a namespace which is
	// not there without an answer, as servers of 0.7 to 0.9 do, instead of refusing it:
	// for pages in which that event ("connect_failed") does harm.
	IgnoreUnknownNamespaces bool
}

// or returns the default d for zero.
func or[T int | time.Duration](v, d T) T {
	if v == 0 {
		return d
	}
	return v
}

// wholeSeconds rounds up.
func wholeSeconds(d time.Duration) time.Duration {
	if d <= 0 {
		return d
	}
	return (d + time.Second - 1).Truncate(time.Second)
}

// withDefaults returns a copy in which nothing is zero that has a default.
func (o *Options) withDefaults() *Options {
	d := Options{}
	if o != nil {
		d = *o
	}
	d.PingInterval = or(d.PingInterval, 25*time.Second)
	d.PingTimeout = or(d.PingTimeout, 20*time.Second)
	d.UpgradeTimeout = or(d.UpgradeTimeout, 10*time.Second)
	d.ConnectTimeout = or(d.ConnectTimeout, 45*time.Second)
	r := &d.Revision1
	r.HeartbeatInterval = or(r.HeartbeatInterval, 25*time.Second)
	r.HeartbeatTimeout = wholeSeconds(or(r.HeartbeatTimeout, 60*time.Second))
	r.CloseTimeout = wholeSeconds(or(r.CloseTimeout, 60*time.Second))
	r.PollingDuration = or(r.PollingDuration, 20*time.Second)
	d.MaxPayload = or(d.MaxPayload, 1_000_000)
	d.MaxPayloadPackets = or(d.MaxPayloadPackets, 10_000)
	d.MaxPollPackets = or(d.MaxPollPackets, 16)
	d.MaxAttachments = or(d.MaxAttachments, 10)
	d.MaxAttachmentBytes = or(d.MaxAttachmentBytes, 10*min(d.MaxPayload, math.MaxInt/10))
	d.MaxDepth = or(d.MaxDepth, 128)
	d.MaxArgs = or(d.MaxArgs, 1024)
	d.MaxEventName = or(d.MaxEventName, 1024)
	d.MaxNamespaceName = or(d.MaxNamespaceName, 512)
	d.MaxNamespaces = or(d.MaxNamespaces, 100)
	d.MaxPendingAcks = or(d.MaxPendingAcks, 1000)
	d.MaxOutboxCasts = or(d.MaxOutboxCasts, 1000)
	d.MaxOutboxBytes = or(d.MaxOutboxBytes, 4<<20)
	d.MaxInboxEvents = or(d.MaxInboxEvents, 256)
	d.MaxInboxBytes = or(d.MaxInboxBytes, 1<<20)
	d.MaxUnopened = or(d.MaxUnopened, 10_000)
	d.MaxHeaderFields = or(d.MaxHeaderFields, 100)
	d.BodyTimeout = or(d.BodyTimeout, 30*time.Second)
	d.HandshakeBurst = or(d.HandshakeBurst, 100)
	if d.Context == nil {
		d.Context = context.Background()
	}
	if d.Logger == nil {
		d.Logger = slog.Default()
	}
	return &d
}
