package websocket

import (
	"crypto/sha1"
	"encoding/base64"
	"strings"
)

// A Request is what a handshake looks at in an HTTP request.
type Request struct {
	Method                 string
	ProtoMajor, ProtoMinor int

	// Header returns the values of all header lines of a name, which it must not
	// care about the case of; net/http's Header.Values does.
	Header func(name string) []string
}

// A Refusal is the answer to a request that is no handshake.
type Refusal struct {
	Status int
	Reason string      // for people: the body of the answer
	Header [][2]string // lines the answer must have: name and value
}

// guid is appended to the key of a handshake (RFC 6455 §1.3).
const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

// Accept appends the whole 101 answer to the handshake r, to be written once the
// connection is taken over. It returns dst and a refusal if r is no handshake of a
// version that the server speaks.
//
// No subprotocol is chosen and no extension: to leave their lines out declines
// whatever is offered (RFC 6455 §4.2.2, item 5). The origin is for the caller to check.
func Accept(dst []byte, r Request) ([]byte, *Refusal) {
	key, refusal := check(r)
	if refusal != nil {
		return dst, refusal
	}
	dst = append(dst, "HTTP/1.1 101 Switching Protocols\r\n"+
		"Upgrade: websocket\r\n"+
		"Connection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: "...)
	dst = appendAccept(dst, key)
	return append(dst, "\r\n\r\n"...), nil
}

// check returns the key of a good handshake (RFC 6455 §4.2.1).
func check(r Request) (key string, refusal *Refusal) {
	bad := func(reason string) (string, *Refusal) {
		return "", &Refusal{Status: 400, Reason: reason}
	}
	// "An HTTP/1.1 or higher GET request": item 1. HTTP/2 has a handshake of its own.
	if r.Method != "GET" || r.ProtoMajor != 1 || r.ProtoMinor < 1 {
		return bad("a WebSocket handshake is a GET of HTTP/1.1")
	}
	// Items 3 and 4: lists of tokens, compared without case.
	if !hasToken(r.Header("Upgrade"), "websocket") {
		return bad("Upgrade does not name websocket")
	}
	if !hasToken(r.Header("Connection"), "upgrade") {
		return bad("Connection does not name Upgrade")
	}
	// Item 6. A second line, or none, is no version at all.
	version := r.Header("Sec-WebSocket-Version")
	if len(version) != 1 {
		return bad("not one Sec-WebSocket-Version")
	}
	if trim(version[0]) != "13" {
		// Section 4.4 wants the versions named; a 426 names the protocol, too
		// (RFC 9110 §15.5.22).
		return "", &Refusal{
			Status: 426,
			Reason: "this WebSocket version is not spoken here",
			Header: [][2]string{
				{"Sec-WebSocket-Version", "13"},
				{"Upgrade", "websocket"},
				{"Connection", "Upgrade"},
			},
		}
	}
	// Item 5. The key of the Node client 0.9, "13-" and milliseconds, has 16 bytes,
	// too (websocket-drafts.md §4).
	keys := r.Header("Sec-WebSocket-Key")
	if len(keys) != 1 {
		return bad("not one Sec-WebSocket-Key")
	}
	key = trim(keys[0])
	if !isKey(key) {
		return bad("Sec-WebSocket-Key is not 16 bytes in base64")
	}
	return key, nil
}

// appendAccept appends the proof that the server read key (RFC 6455 §4.2.2, item 5.4).
func appendAccept(dst []byte, key string) []byte {
	buf := make([]byte, 0, len(key)+len(guid))
	sum := sha1.Sum(append(append(buf, key...), guid...))
	return base64.StdEncoding.AppendEncode(dst, sum[:])
}

// isKey reports whether s is 16 bytes in base64: 22 letters and two of padding.
func isKey(s string) bool {
	if len(s) != 24 || s[22:] != "==" {
		return false
	}
	for i := range 22 {
		c := s[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (c < '0' || '9' < c) && c != '+' && c != '/' {
			return false
		}
	}
	return true
}

// hasToken reports whether the comma-separated lists in lines name token, in any case.
func hasToken(lines []string, token string) bool {
	for _, line := range lines {
		for more := true; more; {
			var item string
			item, line, more = strings.Cut(line, ",")
			if strings.EqualFold(trim(item), token) {
				return true
			}
		}
	}
	return false
}

// trim removes optional white space (RFC 9110 §5.6.3).
func trim(s string) string {
	for len(s) > 0 && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for n := len(s); n > 0 && (s[n-1] == ' ' || s[n-1] == '\t'); n-- {
		s = s[:n-1]
	}
	return s
}
