package transport

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
	"unique"

	"github.com/sockeye-io/socketio/internal/session"
	"github.com/sockeye-io/socketio/internal/table"
	"github.com/sockeye-io/socketio/internal/timerwheel"
)

// A Peer is a session, and what its first request said. There are many, so it is kept
// small (TestSizes).
type Peer struct {
	sess session.Session // its Peer is this one

	said said

	// What the server keeps for the session.
	id       sessionID
	marks    marks
	timer    timerwheel.Timer[timed]
	byID     table.Link[Peer]         // guarded by the registry
	requests atomic.Pointer[requests] // nil while there are none
}

// peerOf returns the Peer of a session.
func peerOf(s *session.Session) *Peer { return s.Peer.(*Peer) }

// marks are in one word what takes no more: whether the session is in unopened, the
// place in transports of the one that its last poll or POST came by, and that of its
// last poll.
type marks struct{ word atomic.Uint32 }

const (
	markWaiting = 1 << iota
	markPlace                    // times the place
	markPoll    = markPlace << 8 // times one more than the place; 0: no poll came
)

// waiting reports whether the session is in unopened, whose lock guards changes.
func (m *marks) waiting() bool { return m.word.Load()&markWaiting != 0 }

func (m *marks) setWaiting(is bool) {
	if is {
		m.word.Or(markWaiting)
	} else {
		m.word.And(^uint32(markWaiting))
	}
}

func (m *marks) polledBy() uint8 { return uint8(m.word.Load() / markPlace) }

func (m *marks) setPolledBy(place uint8) {
	for {
		old := m.word.Load()
		word := old&^(0xFF*markPlace) | uint32(place)*markPlace
		if word == old || m.word.CompareAndSwap(old, word) {
			return
		}
	}
}

// setPoll is setPolledBy for a poll. It reports whether the last one came by another
// transport.
func (m *marks) setPoll(place uint8) (moved bool) {
	for {
		old := m.word.Load()
		word := old&markWaiting | uint32(place)*markPlace | (uint32(place)+1)*markPoll
		if word == old || m.word.CompareAndSwap(old, word) {
			last := old / markPoll
			return last != 0 && last != uint32(place)+1
		}
	}
}

// said is what a request said. What many requests say alike exists once.
type said struct {
	alike unique.Handle[alike]
	own   string // see packed
	time  int64  // in Unix nanoseconds
}

// alike is what the requests of many clients have in common.
type alike struct {
	header     string // "Name: value" …, each line but the first after a "\n"
	url        string // up to what is volatile
	host       string
	generation string
	transport  string
	secure     bool
	crossed    bool
}

// newPeer keeps what the request said.
func (x *exchange) newPeer(transport string) *Peer {
	shared, own := packHeader(x.r.Header, x.hideAuthority)
	head, rest := cutURL(x.r.RequestURI)
	return &Peer{said: said{
		alike: unique.Make(alike{
			header:     shared,
			url:        head,
			host:       x.from.host,
			generation: x.route.Generation.Name,
			transport:  transport,
			secure:     x.from.secure,
			crossed:    x.origin != "",
		}),
		own:  pack(x.from.address, rest, own),
		time: time.Now().UnixNano(),
	}}
}

// Address returns where the request came from, as the trusted proxies say; port 0 if
// they do not know it.
func (p *Peer) Address() netip.AddrPort { return packedAddress(p.said.own) }

// Secure reports whether it came by TLS, to us or to a trusted proxy.
func (p *Peer) Secure() bool { return p.said.alike.Value().secure }

// XDomain reports whether there was an Origin ([T handshake-data]).
func (p *Peer) XDomain() bool { return p.said.alike.Value().crossed }

// Host returns whom the request was addressed to, as the trusted proxies say.
func (p *Peer) Host() string { return p.said.alike.Value().host }

// URL returns the request's target, as it was written.
func (p *Peer) URL() string {
	_, rest := unpack(p.said.own)
	return p.said.alike.Value().url + rest
}

// Generation returns the name of the session's generation.
func (p *Peer) Generation() string { return p.said.alike.Value().generation }

// Transport returns the name of the first request's transport; empty for revision 1's
// handshake.
func (p *Peer) Transport() string { return p.said.alike.Value().transport }

// Current returns the name of the transport that carries the session now; after its
// end, of the one that did last. It may be called concurrently.
func (p *Peer) Current() string {
	if t, ok := p.sess.Carrier().(interface{ at() uint8 }); ok {
		return transports[t.at()].name
	}
	return transports[p.marks.polledBy()].name
}

// Time returns when the request came.
func (p *Peer) Time() time.Time { return time.Unix(0, p.said.time) }

// Query returns the parsed query of the URL. A pair that cannot be parsed is left out.
func (p *Peer) Query() url.Values {
	_, raw, _ := strings.Cut(p.URL(), "?")
	q, _ := url.ParseQuery(raw)
	return q
}

// Header returns the header fields of the request. Under Origins "*" it has no Cookie
// and no Authorization unless a browser proved that they are the user's own will.
func (p *Peer) Header() http.Header {
	h := make(http.Header)
	own, _ := unpack(p.said.own)
	for _, lines := range [2]string{p.said.alike.Value().header, own} {
		unpackHeader(h, lines)
	}
	return h
}

// tick implements timed.
func (p *Peer) tick(now time.Duration) (next time.Duration) { return p.sess.Tick(now) }

// deadline implements timed.
func (p *Peer) deadline() time.Duration { return p.sess.Deadline() }
