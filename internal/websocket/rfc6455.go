package websocket

import (
	"crypto/sha1"
	"encoding/base64"
	"strings"
)

// guid is appended to the key of a handshake (RFC 6455 §1.3).
const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

// acceptHybi answers a handshake of hybi-07 or later. The drafts name the page's
// origin in another field than RFC 6455 does; else they are alike (websocket-drafts.md
// §4).
func acceptHybi(dst []byte, r *Request) (Answer, *Refusal) {
	// RFC 6455 §4.2.1, item 5. The key of the Node client 0.9, "13-" and milliseconds,
	// has 16 bytes, too (websocket-drafts.md §4).
	keys := r.Header("Sec-WebSocket-Key")
	if len(keys) != 1 {
		return Answer{}, bad("not one Sec-WebSocket-Key")
	}
	key := trim(keys[0])
	if !isKey(key) {
		return Answer{}, bad("Sec-WebSocket-Key is not 16 bytes in base64")
	}
	dst = append(dst, "HTTP/1.1 101 Switching Protocols\r\n"+
		"Upgrade: websocket\r\n"+
		"Connection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: "...)
	dst = appendAccept(dst, key)
	return Answer{Head: append(dst, "\r\n\r\n"...)}, nil
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
