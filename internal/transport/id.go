package transport

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
)

// Session ids are
//
//	16 random bytes | the owner's name | 12 bytes of HMAC-SHA256 over both
//
// in base64 with - and _ and without padding, so none contains ":", "/", "?", "#" or
// "%" (revision-1.md §2). The owner is the node that has the session; the code proves
// that a node of the cluster made the id, so that a made-up one is not asked about.
const (
	idRandom = 16
	idMAC    = 12
	maxOwner = 64 // bytes
)

// idEncoding is strict: two texts never mean the same id.
var idEncoding = base64.RawURLEncoding.Strict()

// ids makes and checks the session ids of a node.
type ids struct {
	owner  string
	secret []byte // shared by the nodes
}

// newIDs returns the ids of owner; without a secret, of this process alone.
func newIDs(owner string, secret []byte) ids {
	if len(owner) > maxOwner {
		owner = owner[:maxOwner]
	}
	if len(secret) == 0 {
		secret = make([]byte, sha256.Size)
		rand.Read(secret) // never fails (crypto/rand)
	}
	return ids{owner, secret}
}

// make returns a new id.
func (i ids) make() string {
	var buf [idRandom + maxOwner + sha256.Size]byte
	rand.Read(buf[:idRandom])
	b := append(buf[:idRandom], i.owner...)
	b = i.appendMAC(b, b)
	return idEncoding.EncodeToString(b[:idRandom+len(i.owner)+idMAC])
}

// verify returns whose session id names, or says that no node made it.
func (i ids) verify(id string) (owner string, ok bool) {
	const longest = idRandom + maxOwner + idMAC
	if len(id) > idEncoding.EncodedLen(longest) {
		return "", false
	}
	var buf [longest + 3]byte
	n, err := idEncoding.Decode(buf[:], []byte(id))
	if err != nil || n < idRandom+idMAC || idEncoding.EncodedLen(n) != len(id) { // line breaks are skipped
		return "", false
	}
	said, code := buf[:n-idMAC], buf[n-idMAC:n]
	var sum [sha256.Size]byte
	if !hmac.Equal(i.appendMAC(sum[:0], said)[:idMAC], code) {
		return "", false
	}
	return string(said[idRandom:]), true
}

func (i ids) appendMAC(dst, b []byte) []byte {
	h := hmac.New(sha256.New, i.secret)
	h.Write(b)
	return h.Sum(dst)
}
