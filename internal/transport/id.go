package transport

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
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
	maxOwner = MaxOwner
)

// MaxOwner is how many bytes of a node's name its session ids have room for.
const MaxOwner = 64

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

// A sessionID is the id of a session of this node. That it is this node's goes without
// saying.
type sessionID struct {
	random [idRandom]byte
	mac    [idMAC]byte
}

// hash is what a table finds the id by.
func (id *sessionID) hash() uint64 { return binary.LittleEndian.Uint64(id.random[:8]) }

// make returns a new id.
func (i ids) make() (id sessionID) {
	rand.Read(id.random[:])
	var buf [idRandom + maxOwner + sha256.Size]byte
	b := append(append(buf[:0], id.random[:]...), i.owner...)
	copy(id.mac[:], i.appendMAC(b, b)[len(b):])
	return id
}

// text returns the id as requests name it.
func (i ids) text(id *sessionID) string {
	var buf [longestID]byte
	b := append(append(buf[:0], id.random[:]...), i.owner...)
	b = append(b, id.mac[:]...)
	var text [(longestID + 2) / 3 * 4]byte
	n := idEncoding.EncodedLen(len(b))
	idEncoding.Encode(text[:n], b)
	return string(text[:n])
}

const longestID = idRandom + maxOwner + idMAC

// decodeID returns the bytes of an id, in buf. Not ok: no node made it.
func decodeID(buf *[longestID + 3]byte, id string) (b []byte, ok bool) {
	if len(id) > idEncoding.EncodedLen(longestID) {
		return nil, false
	}
	n, err := idEncoding.Decode(buf[:], []byte(id))
	if err != nil || n < idRandom+idMAC || idEncoding.EncodedLen(n) != len(id) { // line breaks are skipped
		return nil, false
	}
	return buf[:n], true
}

// parse reads an id of this node, whose code it does not check: compare the whole with
// one that was made. Not ok: this node did not make it.
func (i ids) parse(text string) (id sessionID, ok bool) {
	var buf [longestID + 3]byte
	b, ok := decodeID(&buf, text)
	if !ok || string(b[idRandom:len(b)-idMAC]) != i.owner {
		return id, false
	}
	copy(id.random[:], b)
	copy(id.mac[:], b[len(b)-idMAC:])
	return id, true
}

// verify returns whose session id names, or says that no node made it.
func (i ids) verify(id string) (owner string, ok bool) {
	var buf [longestID + 3]byte
	b, ok := decodeID(&buf, id)
	if !ok {
		return "", false
	}
	said, code := b[:len(b)-idMAC], b[len(b)-idMAC:]
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
