package transport

import (
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// transport is a way to carry a link. Its name is compared here and nowhere else.
type transport struct {
	name  string
	link  *link
	serve func(*exchange)
	place uint8 // in transports

	bodies    *bodies // around payloads; nil: nothing is
	asked     bool    // served only if Config.Transports names it
	advertise bool    // to revision 1, in the handshake's answer
	upgrade   bool    // Engine.IO's polling may upgrade to it
}

// transports are all that there are, in the order in which clients are told, which is
// the article's ("Transport priority").
var transports = []transport{
	{name: "websocket", link: &revision1, serve: (*exchange).webSocketRev1, advertise: true},
	// WebSocket by a Flash player, which speaks hixie-76 (revision-1.md §8.6).
	{name: "flashsocket", link: &revision1, serve: (*exchange).webSocketRev1, advertise: true},
	{name: "htmlfile", link: &revision1, serve: (*exchange).htmlFile, advertise: true},
	{name: "xhr-polling", link: &revision1, serve: (*exchange).polling, advertise: true},
	{name: "jsonp-polling", link: &revision1, serve: (*exchange).polling, advertise: true, bodies: &jsonpBodies},
	// No client of revision 1 has it (revision-1.md §8.7).
	{name: "xhr-multipart", link: &revision1, serve: (*exchange).multipart, asked: true, advertise: true},
	{name: "websocket", link: &engineIO, serve: (*exchange).webSocketEngineIO, upgrade: true},
	{name: "polling", link: &engineIO, serve: (*exchange).polling},
}

// enabled returns the named transports in the order of names.
func enabled(names []string) []transport {
	if names == nil {
		return slices.DeleteFunc(slices.Clone(transports), func(t transport) bool { return t.asked })
	}
	var out []transport
	for _, name := range names {
		for _, t := range transports {
			if t.name == name {
				out = append(out, t)
			}
		}
	}
	return out
}

// advertised lists the names that a handshake of revision 1 tells.
func advertised(ts []transport, l *link) string {
	var names []string
	for _, t := range ts {
		if t.link == l && t.advertise && !slices.Contains(names, t.name) {
			names = append(names, t.name)
		}
	}
	return strings.Join(names, ",")
}

// upgrades lists the names that Engine.IO's open packet tells.
func upgrades(ts []transport) []string {
	names := []string{}
	for _, t := range ts {
		if t.link == &engineIO && t.upgrade && !slices.Contains(names, t.name) {
			names = append(names, t.name)
		}
	}
	return names
}

// link is what differs between the requests of Engine.IO and those of revision 1.
type link struct {
	pollType []string // Content-Type of the answer to a poll
	postType []string // Content-Type of the answer to a POST
	postDone string   // its body

	postXSS    bool // answers to POSTs with Origin carry X-XSS-Protection: 0
	badPayload bool // a POST that ends its session is refused
	awaitPoll  bool // a POST that closes the session lets a poll come first
	keepOnCut  bool // a POST whose body is not taken costs the session nothing
	credential bool // where all origins may come, they may with credentials, which nobody looks at
	preflight  int  // status

	badUpgrade  func(x *exchange, reason string) // the handshake of a WebSocket is wrong
	unknownPoll func(*exchange)
	unknownPost func(*exchange)
	badTime     func(*exchange) // the session is on another transport, or is busy
	badOrigin   func(*exchange)
	refused     func(x *exchange, text string) // by Admit
	failed      func(*exchange)                // in Admit
	busy        func(x *exchange, status int)  // no sessions now
}

var (
	plainUTF8 = []string{"text/plain; charset=UTF-8"}
	plain     = []string{"text/plain"}
	html      = []string{"text/html"}
	jsonType  = []string{"application/json"}
)

// Set in init, since the functions refer to the tables.
var engineIO, revision1 link

func init() {
	for i := range transports {
		transports[i].place = uint8(i)
	}
	engineIO = link{
		// engine.io 6.6, transports/polling.js: "text/html is required instead of
		// text/plain to avoid an unwanted download dialog on certain user-agents".
		pollType: plainUTF8, postType: html, postDone: "ok",
		badPayload: true, // Engine.IO 4 test suite, "closes the session upon invalid packet format"
		preflight:  http.StatusNoContent,
		awaitPoll:  true,

		badUpgrade:  func(x *exchange, _ string) { x.refuse(badRequest) }, // engine.io 6.6, verify: TRANSPORT_HANDSHAKE_ERROR
		unknownPoll: func(x *exchange) { x.refuse(unknownSID) },
		unknownPost: func(x *exchange) { x.refuse(unknownSID) },
		badTime:     func(x *exchange) { x.refuse(badRequest) },
		badOrigin:   func(x *exchange) { x.refuse(forbidden) },
		refused:     func(x *exchange, text string) { x.refuse(engineError{forbidden.code, text}) },
		failed:      func(x *exchange) { x.refuse(forbidden) }, // decision 18: code 4, and the log has the rest
		busy:        func(x *exchange, status int) { x.deny(status, http.StatusText(status)) },
	}
	revision1 = link{
		// [T xhr-polling-basic], [T cors]
		pollType: plainUTF8, postType: plainUTF8, postDone: "1",
		postXSS: true, keepOnCut: true,
		// 0.9 clients ask with credentials on every cross-domain handshake, and browsers
		// keep the answer from them if it does not allow that.
		credential: true,
		preflight:  http.StatusOK, // revision-1.md §8.1

		badUpgrade:  func(x *exchange, reason string) { x.deny(http.StatusBadRequest, reason) },
		unknownPoll: (*exchange).strayed,
		unknownPost: func(x *exchange) { x.postAnswer() },
		badTime:     func(x *exchange) { x.deny(http.StatusBadRequest, "bad request") },
		badOrigin:   func(x *exchange) { x.tell(http.StatusForbidden, "handshake bad origin") },             // [T handshake-bad-origin]
		refused:     func(x *exchange, _ string) { x.tell(http.StatusForbidden, "handshake unauthorized") }, // [T handshake-refused]
		failed:      func(x *exchange) { x.tell(http.StatusInternalServerError, "handshake error") },        // [T handshake-auth-error]
		busy:        func(x *exchange, status int) { x.tell(status, "handshake error") },
	}
}

// engineError is an answer of Engine.IO to a request that it does not serve
// (engine.io 6.6, server.js, errors and errorMessages).
type engineError struct {
	code int
	text string
}

var (
	unknownTransport = engineError{0, "Transport unknown"}
	unknownSID       = engineError{1, "Session ID unknown"}
	badMethod        = engineError{2, "Bad handshake method"}
	badRequest       = engineError{3, "Bad request"}
	forbidden        = engineError{4, "Forbidden"}
	badVersion       = engineError{5, "Unsupported protocol version"}
)

// refuse answers with an error of Engine.IO.
func (x *exchange) refuse(e engineError) {
	status := http.StatusBadRequest
	if e.code == forbidden.code {
		status = http.StatusForbidden
	}
	if e.text == "" {
		e.text = forbidden.text
	}
	body := append([]byte(`{"code":`), byte('0'+e.code))
	body = append(body, `,"message":`...)
	body = appendJSON(body, e.text)
	x.dropBody()
	x.answer(status, jsonType, string(append(body, '}')))
}

// deny answers with a plain text.
func (x *exchange) deny(status int, text string) {
	x.dropBody()
	x.answer(status, plain, text)
}

// answer writes a whole answer.
func (x *exchange) answer(status int, contentType []string, body string) {
	x.setWriteDeadline()
	h := x.w.Header()
	h["Content-Type"] = contentType
	if status != http.StatusNoContent {
		h["Content-Length"] = x.contentLength(len(body))
	}
	h["Cache-Control"] = noStore
	x.w.WriteHeader(status)
	if body != "" && x.r.Method != http.MethodHead {
		_, _ = io.WriteString(x.w, body)
	}
}

// contentLength returns n as a field's value, in the exchange's own memory.
func (x *exchange) contentLength(n int) []string {
	x.length[0] = strconv.Itoa(n)
	return x.length[:]
}

// dropTime is how long the body of a refused request may still come.
const dropTime = 2 * time.Second

// dropBody keeps the body of a request that is refused from being awaited for long,
// and from being taken for the next request.
func (x *exchange) dropBody() {
	// What follows the keys of a hixie-76 handshake has no length.
	if x.r.ContentLength != 0 || x.r.Header["Sec-Websocket-Key1"] != nil {
		x.w.Header()["Connection"] = closing
		_ = x.rc.SetReadDeadline(time.Now().Add(dropTime))
	}
}
