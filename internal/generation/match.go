package generation

import "strings"

// A Request is what tells one generation's requests from another's: plain values of
// an HTTP request.
type Request struct {
	Path string // unescaped

	// Of the query. A key that is there may have an empty value.
	EIO, Transport, SID  string
	HasEIO, HasTransport bool
	HasDisconnect        bool
}

// A Kind says what a request asks for.
type Kind uint8

const (
	// NotFound: it is no request of any generation.
	NotFound Kind = iota
	// EngineIO: a transport's request; without a SID it makes the session.
	EngineIO
	// Rev1Handshake asks revision 1 for a session.
	Rev1Handshake
	// Rev1Transport is a request of a transport of revision 1.
	Rev1Transport
	// Rev1Disconnect ends a session of revision 1 from outside its transport.
	Rev1Disconnect
	// UnsupportedEIO: an Engine.IO that is not served.
	UnsupportedEIO
	// UnsupportedRevision: a number that is not 1 in revision 1's place.
	UnsupportedRevision
)

// A Route is what Match finds.
type Route struct {
	Kind       Kind
	Transport  string
	SID        string
	Generation *Generation // nil for NotFound and what is unsupported
}

// links maps the values of the query's EIO to framings: which link is spoken. Packets
// of the first served generation on that link travel over it.
var links = []struct {
	eio  string
	link *Generation
}{
	{"4", &Revision5},
}

// Match says whose request r is, among the generations that are served. It is the
// only place that looks at a version number.
//
// Nothing is ambiguous (revision-1.md §3): Engine.IO has EIO in the query, revision 1
// its number in the path. The path is read from its end, so that no mount path need
// be known.
func Match(served []*Generation, r *Request) Route {
	if r.HasEIO {
		for _, l := range links {
			if l.eio != r.EIO {
				continue
			}
			if g := speaking(served, l.link); g != nil {
				return Route{Kind: EngineIO, Transport: r.Transport, SID: r.SID, Generation: g}
			}
		}
		return Route{Kind: UnsupportedEIO} // clients.md 8: EIO=abc is none, either
	}
	if g := speaking(served, &Revision1); g != nil {
		if route := matchPath(r); route.Kind != NotFound {
			if route.Kind != UnsupportedRevision {
				route.Generation = g
			}
			return route
		}
	}
	if r.HasTransport {
		// Engine.IO 4 test suite, "fails with an invalid 'EIO' query parameter".
		return Route{Kind: UnsupportedEIO}
	}
	return Route{}
}

// speaking returns the first generation with the link of like.
func speaking(served []*Generation, like *Generation) *Generation {
	for _, g := range served {
		if g.Framing == like.Framing {
			return g
		}
	}
	return nil
}

// revision is the path piece of revision 1, exactly: 01 and 1.0, which the reference
// takes for it too, no client writes (revision-1.md §3).
const revision = "1"

// matchPath reads a path of revision 1 from its end (revision-1.md §3):
//
//	…/1/                      handshake
//	…/1/<transport>/<sid>
//	…/1//<sid>/?disconnect=1  as the 0.9 client writes it
//	…/1/<sid>/?disconnect=1   as http.ServeMux redirects that
func matchPath(r *Request) Route {
	rest := strings.TrimSuffix(r.Path, "/")
	rest, last := cutLast(rest)
	rest, middle := cutLast(rest)
	_, first := cutLast(rest)
	switch {
	case first == revision && last != "" && r.HasDisconnect:
		// Any transport's name or none (revision-1.md §7.5).
		return Route{Kind: Rev1Disconnect, SID: last}
	case first == revision && last != "" && middle != "":
		return Route{Kind: Rev1Transport, Transport: middle, SID: last}
	case middle == revision && last != "" && r.HasDisconnect:
		return Route{Kind: Rev1Disconnect, SID: last}
	case last == revision:
		return Route{Kind: Rev1Handshake}
	case isNumber(last), isNumber(first) && middle != "" && last != "":
		return Route{Kind: UnsupportedRevision}
	}
	return Route{}
}

// cutLast cuts the last piece off a path.
func cutLast(path string) (rest, piece string) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return "", path
	}
	return path[:i], path[i+1:]
}

func isNumber(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || '9' < s[i] {
			return false
		}
	}
	return s != ""
}
