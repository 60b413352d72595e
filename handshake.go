package socketio

import (
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/sockeye-io/socketio/internal/transport"
)

// A Handshake is what a client said in the request that made its session.
type Handshake struct {
	Header http.Header // without cookies when Options.Origins allows everybody
	Query  url.Values  // revision 1 clients send what they have to say here
	URL    string      // as it was requested

	RemoteAddr netip.AddrPort // as the trusted proxies say
	Host       string         // likewise
	Secure     bool           // by TLS, here or at a trusted proxy

	// CrossOrigin: a browser named an origin.
	CrossOrigin bool
	// Generation is the protocol that is spoken, such as "revision 5".
	Generation string
	// Transport is the one that the request came by, such as "websocket"; empty for
	// revision 1, whose clients choose it later. See Socket.Transport.
	Transport string
	// Time is when the request came.
	Time time.Time
}

func handshakeOf(s *Socket) *Handshake { return newHandshake(s.peer()) }

func (s *Socket) peer() *transport.Peer { return s.hub().Session().Peer.(*transport.Peer) }

func newHandshake(p *transport.Peer) *Handshake {
	return &Handshake{
		Header: p.Header(), Query: p.Query(), URL: p.URL(),
		RemoteAddr: p.Address(), Host: p.Host(), Secure: p.Secure(), CrossOrigin: p.XDomain(),
		Generation: p.Generation(), Transport: p.Transport(), Time: p.Time(),
	}
}
