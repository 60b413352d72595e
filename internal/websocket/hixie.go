package websocket

import (
	"crypto/md5"
	"encoding/binary"
	"math"
)

// accept75 answers a handshake of hixie-75 (websocket-drafts.md §2, [T
// websocket-hixie-75]). Its clients compare the first three lines byte by byte.
func accept75(dst []byte, r *Request) (Answer, *Refusal) {
	dst = append(dst, "HTTP/1.1 101 Web Socket Protocol Handshake\r\n"+
		"Upgrade: WebSocket\r\n"+
		"Connection: Upgrade\r\n"...)
	return Answer{Head: appendPlace(dst, r, "WebSocket-")}, nil
}

// accept76 answers a handshake of hixie-76, which is hybi-00 (websocket-drafts.md §3,
// [T websocket-hixie-76]). The answer's other half is the proof.
func accept76(dst []byte, r *Request) (Answer, *Refusal) {
	p := new(Proof)
	for i, name := range [...]string{"Sec-WebSocket-Key1", "Sec-WebSocket-Key2"} {
		keys := r.Header(name)
		if len(keys) != 1 {
			return Answer{}, bad("not one " + name)
		}
		number, ok := keyNumber(keys[0])
		if !ok {
			return Answer{}, bad(name + " has no number in it")
		}
		binary.BigEndian.PutUint32(p.hashed[4*i:], number)
	}
	p.have = 8
	dst = append(dst, "HTTP/1.1 101 WebSocket Protocol Handshake\r\n"+
		"Upgrade: WebSocket\r\n"+
		"Connection: Upgrade\r\n"...)
	return Answer{Head: appendPlace(dst, r, "Sec-WebSocket-"), Proof: p}, nil
}

// appendPlace appends the lines that tell a client of the hixie drafts what it asked
// for, and from where: browsers compare both with what they know. A client without an
// origin is told none. A browser accepts no answer without the subprotocol it asked
// for (websocket-drafts.md §2).
func appendPlace(dst []byte, r *Request, prefix string) []byte {
	if origin := r.Header("Origin"); len(origin) == 1 {
		dst = append(append(append(dst, prefix...), "Origin: "...), origin[0]...)
		dst = append(dst, "\r\n"...)
	}
	dst = append(append(dst, prefix...), "Location: ws"...)
	if r.Secure {
		dst = append(dst, 's')
	}
	dst = append(append(append(dst, "://"...), r.Host...), r.Target...)
	dst = append(dst, "\r\n"...)
	if protocol := r.Header(prefix + "Protocol"); len(protocol) == 1 {
		dst = append(append(append(dst, prefix...), "Protocol: "...), protocol[0]...)
		dst = append(dst, "\r\n"...)
	}
	return append(dst, "\r\n"...)
}

// maxDigits bounds the digits of a key's number, which has 32 bits times at most as
// many blanks as a browser would write.
const maxDigits = 19

// keyNumber returns what a key of hixie-76 hides: its digits, read as one number, are
// a multiple of the count of its blanks (websocket-drafts.md §3, "The 16 bytes").
func keyNumber(key string) (number uint32, ok bool) {
	var n, blanks uint64
	digits := 0
	for i := range len(key) {
		switch c := key[i]; {
		case c == ' ':
			blanks++
		case '0' <= c && c <= '9':
			if digits++; digits > maxDigits {
				return 0, false
			}
			n = n*10 + uint64(c-'0')
		}
	}
	if digits == 0 || blanks == 0 || n%blanks != 0 || n/blanks > math.MaxUint32 {
		return 0, false
	}
	return uint32(n / blanks), true
}

// A Proof is the second half of a hixie-76 handshake: eight bytes follow the request,
// and 16 bytes, sent before the first frame, prove that the server has read them and
// the keys. Some proxies pass the eight on only after they have seen the 101 answer,
// so its head must not wait for them.
type Proof struct {
	hashed [16]byte // the keys' two numbers and the eight bytes
	have   int
}

// Feed takes what p has of the eight bytes. It returns the rest of p and, once it has
// them all, the proof.
func (pr *Proof) Feed(p []byte) (rest, proof []byte) {
	n := copy(pr.hashed[pr.have:], p)
	pr.have += n
	if pr.have < len(pr.hashed) {
		return nil, nil
	}
	sum := md5.Sum(pr.hashed[:])
	return p[n:], sum[:]
}

// Missing returns how many of the eight bytes have not come.
func (pr *Proof) Missing() int { return len(pr.hashed) - pr.have }
