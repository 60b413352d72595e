package transport

import (
	"net/http"
	"net/netip"
	"net/textproto"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sockeye-io/socketio/internal/session"
	"github.com/sockeye-io/socketio/internal/timerwheel"
)

// A Peer is what the first request of a session said. It stays with the session
// (session.Session.Peer), so it is kept small.
type Peer struct {
	Address    netip.AddrPort // as the trusted proxies say; port 0 if they do not know it
	Secure     bool           // by TLS, to us or to a trusted proxy
	XDomain    bool           // there was an Origin ([T handshake-data])
	Host       string
	URL        string // the request's target, as it was written
	Generation string
	Transport  string // of the first request; empty for revision 1's handshake
	Time       time.Time

	header string // "Name: value\r\n" …

	// What the server keeps for the session.
	timer        timerwheel.Timer[timed]
	sess         *session.Session
	older, newer *Peer       // of those that nobody opened; guarded by unopened.mu
	waiting      atomic.Bool // in that list; changes guarded likewise

	mu      sync.Mutex
	gone    bool
	reading *exchange     // POSTs whose bodies are being read, linked by their nextRead
	polls   int           // under way
	arrived chan struct{} // closed when a poll comes; nil unless a POST waits for it
}

// Query returns the parsed query of the URL. A pair that cannot be parsed is left out.
func (p *Peer) Query() url.Values {
	_, raw, _ := strings.Cut(p.URL, "?")
	q, _ := url.ParseQuery(raw)
	return q
}

// Header returns the header fields of the request. Under Origins "*" it has no Cookie
// and no Authorization unless a browser proved that they are the user's own will.
func (p *Peer) Header() http.Header {
	h := make(http.Header)
	for line := range strings.SplitSeq(p.header, "\r\n") {
		if name, value, ok := strings.Cut(line, ": "); ok {
			h[name] = append(h[name], value)
		}
	}
	return h
}

// hidden are the fields that carry a browser user's authority.
var hidden = map[string]bool{"Cookie": true, "Authorization": true}

// packHeader writes h as one string.
func packHeader(h http.Header, hide bool) string {
	n := 0
	for name, values := range h {
		for _, v := range values {
			n += len(name) + len(v) + len(": \r\n")
		}
	}
	var b strings.Builder
	b.Grow(n)
	for name, values := range h {
		if hide && hidden[textproto.CanonicalMIMEHeaderKey(name)] {
			continue
		}
		for _, v := range values {
			b.WriteString(name)
			b.WriteString(": ")
			b.WriteString(v)
			b.WriteString("\r\n")
		}
	}
	return b.String()
}

// newPeer keeps what the request said.
func (x *exchange) newPeer(transport string) *Peer {
	return &Peer{
		Address:    x.from.address,
		Secure:     x.from.secure,
		XDomain:    x.origin != "",
		Host:       x.from.host,
		URL:        x.r.RequestURI,
		Generation: x.route.Generation.Name,
		Transport:  transport,
		Time:       time.Now(),
		header:     packHeader(x.r.Header, x.hideAuthority),
	}
}

// tick implements timed.
func (p *Peer) tick(now time.Duration) (next time.Duration) { return p.sess.Tick(now) }

// deadline implements timed.
func (p *Peer) deadline() time.Duration { return p.sess.Deadline() }

// beginRead notes that x reads its body, which the session's end interrupts. It
// reports false if the session has ended.
func (p *Peer) beginRead(x *exchange) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone {
		return false
	}
	x.nextRead, x.prevRead = p.reading, &p.reading
	if x.nextRead != nil {
		x.nextRead.prevRead = &x.nextRead
	}
	p.reading = x
	return true
}

// endRead ends what beginRead began: x's connection is its own again. It reports
// whether the session has ended, and the reading may have been interrupted.
func (p *Peer) endRead(x *exchange) (gone bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	*x.prevRead = x.nextRead
	if x.nextRead != nil {
		x.nextRead.prevRead = x.prevRead
	}
	return p.gone
}

// interrupt makes the bodies that are being read end now.
func (p *Peer) interrupt() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone = true
	for x := p.reading; x != nil; x = x.nextRead {
		_ = x.rc.SetReadDeadline(time.Unix(1, 0))
	}
}

// pollCame notes that a poll is under way, until pollWent.
func (p *Peer) pollCame() {
	p.mu.Lock()
	p.polls++
	if p.arrived != nil {
		close(p.arrived)
		p.arrived = nil
	}
	p.mu.Unlock()
}

func (p *Peer) pollWent() {
	p.mu.Lock()
	p.polls--
	p.mu.Unlock()
}

// noPoll returns a channel that is closed when a poll comes, or nil if one is under way.
func (p *Peer) noPoll() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.polls > 0 {
		return nil
	}
	if p.arrived == nil {
		p.arrived = make(chan struct{})
	}
	return p.arrived
}
