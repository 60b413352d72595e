package websocket

// A Dialect is a version of the protocol that a client may speak: how its handshake
// is answered, and what its frames look like.
type Dialect struct {
	name    string
	version string // of Sec-WebSocket-Version; empty: there is no such field
	keys    bool   // without a version: the request has the two keys of hixie-76
	hixie   bool   // frames are hixie.go's, not frame.go's
	accept  func(dst []byte, r *Request) (Answer, *Refusal)
}

// The dialects, the oldest first (websocket-drafts.md §1).
var (
	Hixie75 = &Dialect{name: "hixie-75", hixie: true, accept: accept75}
	Hixie76 = &Dialect{name: "hixie-76", hixie: true, keys: true, accept: accept76}
	Hybi07  = &Dialect{name: "hybi-07", version: "7", accept: acceptHybi}
	Hybi08  = &Dialect{name: "hybi-08", version: "8", accept: acceptHybi} // and hybi-09 to hybi-12
	RFC6455 = &Dialect{name: "RFC 6455", version: "13", accept: acceptHybi}
)

// String returns the dialect's name.
func (d *Dialect) String() string { return d.name }

// Hixie reports whether messages travel as in the hixie drafts: HixieReader reads
// them, AppendHixie writes them, and there are neither pings nor close codes.
func (d *Dialect) Hixie() bool { return d.hixie }

// A Request is what a handshake looks at in an HTTP request.
type Request struct {
	Method                 string
	ProtoMajor, ProtoMinor int

	// Header returns the values of all header lines of a name, which it must not
	// care about the case of; net/http's Header.Values does.
	Header func(name string) []string

	// What the hixie drafts tell the client to have been asked for: the Host field and
	// the request's target as they were sent, and whether they came by TLS.
	Host, Target string
	Secure       bool
}

// An Answer is what a good handshake gets, to be written once the connection is taken
// over.
type Answer struct {
	Dialect *Dialect
	Head    []byte // the whole 101 answer
	Proof   *Proof // of hixie-76: is due before the first frame; nil for others
}

// A Refusal is the answer to a request that is no handshake.
type Refusal struct {
	Status int
	Reason string      // for people: the body of the answer
	Header [][2]string // lines the answer must have: name and value
}

// Accept answers the handshake r in whichever of the spoken dialects it is; its head
// is appended to dst. It refuses what is no handshake, and those in other dialects.
//
// No subprotocol is chosen and no extension: to leave their lines out declines
// whatever is offered (RFC 6455 §4.2.2, item 5). The origin is for the caller to check.
func Accept(dst []byte, r *Request, spoken ...*Dialect) (Answer, *Refusal) {
	if refusal := checkUpgrade(r); refusal != nil {
		return Answer{}, refusal
	}
	d, refusal := detect(r, spoken)
	if refusal != nil {
		return Answer{}, refusal
	}
	a, refusal := d.accept(dst, r)
	a.Dialect = d
	return a, refusal
}

func bad(reason string) *Refusal { return &Refusal{Status: 400, Reason: reason} }

// checkUpgrade checks what all dialects have in common (RFC 6455 §4.2.1, items 1, 3
// and 4; websocket-drafts.md §1).
func checkUpgrade(r *Request) *Refusal {
	// "An HTTP/1.1 or higher GET request". HTTP/2 has a handshake of its own.
	if r.Method != "GET" || r.ProtoMajor != 1 || r.ProtoMinor < 1 {
		return bad("a WebSocket handshake is a GET of HTTP/1.1")
	}
	// Lists of tokens, compared without case.
	if !hasToken(r.Header("Upgrade"), "websocket") {
		return bad("Upgrade does not name websocket")
	}
	if !hasToken(r.Header("Connection"), "upgrade") {
		return bad("Connection does not name Upgrade")
	}
	return nil
}

// detect returns the dialect of r (websocket-drafts.md §1, "Telling them apart").
func detect(r *Request, spoken []*Dialect) (*Dialect, *Refusal) {
	// A second line is no version at all (RFC 6455 §11.3.5).
	lines := r.Header("Sec-WebSocket-Version")
	if len(lines) > 1 || len(lines) == 0 && len(r.Header("Sec-WebSocket-Key")) > 0 {
		return nil, bad("not one Sec-WebSocket-Version")
	}
	version, keys := "", false
	if len(lines) == 1 {
		version = trim(lines[0])
	} else {
		keys = len(r.Header("Sec-WebSocket-Key1")) > 0 || len(r.Header("Sec-WebSocket-Key2")) > 0
	}
	for _, d := range spoken {
		if d.version == version && d.keys == keys && (version != "" || len(lines) == 0) {
			return d, nil
		}
	}
	if len(lines) == 0 {
		return nil, bad("this WebSocket draft is not spoken here")
	}
	return nil, otherVersion(spoken)
}

// otherVersion names the versions that are spoken (RFC 6455 §4.4), the newest first,
// and as a 426 must, the protocol (RFC 9110 §15.5.22).
func otherVersion(spoken []*Dialect) *Refusal {
	versions := ""
	for i := len(spoken) - 1; i >= 0; i-- {
		if v := spoken[i].version; v != "" {
			if versions != "" {
				versions += ", "
			}
			versions += v
		}
	}
	return &Refusal{
		Status: 426,
		Reason: "this WebSocket version is not spoken here",
		Header: [][2]string{
			{"Sec-WebSocket-Version", versions},
			{"Upgrade", "websocket"},
			{"Connection", "Upgrade"},
		},
	}
}
