package transport

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/sockeye-io/socketio/internal/generation"
)

func TestIDs(t *testing.T) {
	secret := []byte("shared")
	a, b := newIDs("node-a", secret), newIDs("node-b", secret)
	made := a.make()
	if made == a.make() {
		t.Fatal("two equal ids")
	}
	id := a.text(&made)
	if got, ok := a.parse(id); !ok || got != made {
		t.Errorf("parse = %v, %v", got, ok)
	}
	if _, ok := b.parse(id); ok {
		t.Error("another node takes it for its own")
	}
	if owner, ok := b.verify(id); !ok || owner != "node-a" {
		t.Errorf("verify = %q, %v", owner, ok)
	}
	if _, ok := newIDs("node-b", nil).verify(id); ok {
		t.Error("another secret accepts it")
	}
	raw, _ := base64.RawURLEncoding.DecodeString(id)
	for i := range raw {
		forged := append([]byte(nil), raw...)
		forged[i] ^= 1
		text := base64.RawURLEncoding.EncodeToString(forged)
		if _, ok := a.verify(text); ok {
			t.Errorf("byte %d does not matter", i)
		}
		if got, ok := a.parse(text); ok && got == made {
			t.Errorf("byte %d does not matter to parse", i)
		}
	}
	for _, bad := range []string{"", "x", id[1:], id + "A", id + "=", " " + id, id + "\n", string(make([]byte, 1000))} {
		if _, ok := a.verify(bad); ok {
			t.Errorf("%q is accepted", bad)
		}
		if _, ok := a.parse(bad); ok {
			t.Errorf("%q is parsed", bad)
		}
	}
}

func FuzzIDs(f *testing.F) {
	ids := newIDs("a", []byte("s"))
	made := ids.make()
	f.Add(ids.text(&made))
	f.Add("")
	f.Fuzz(func(t *testing.T, id string) {
		if owner, ok := ids.verify(id); ok && owner == "" {
			t.Errorf("%q has no owner", id) // all that were made have one
		}
		if made, ok := ids.parse(id); ok && ids.text(&made) != id {
			t.Errorf("%q is another writing of %q", id, ids.text(&made))
		}
	})
}

func TestUnopened(t *testing.T) {
	u := unopened{max: 3}
	peers := make([]*Peer, 6)
	for i := range peers {
		peers[i] = new(Peer)
	}
	evicted := func(p *Peer) string {
		if s := u.add(p); s != nil {
			return fmt.Sprint(slices.IndexFunc(peers, func(p *Peer) bool { return &p.sess == s }))
		}
		return ""
	}
	for i, want := range []string{"", "", "", "0"} {
		if got := evicted(peers[i]); got != want {
			t.Errorf("adding %d evicts %q, want %q", i, got, want)
		}
	}
	u.remove(peers[2]) // in the middle
	u.remove(peers[2])
	u.remove(peers[0]) // gone already
	if got := evicted(peers[4]); got != "" {
		t.Errorf("evicted %q", got)
	}
	if got := evicted(peers[5]); got != "1" {
		t.Errorf("evicted %q", got)
	}
	for _, p := range peers {
		u.remove(p)
	}
	if u.n != 0 || u.queue != nil {
		t.Errorf("left: %d of %d", u.n, len(u.queue))
	}
	// Most open soon: what has is not kept for long.
	u.add(peers[0])
	for range 1000 {
		p := new(Peer)
		u.add(p)
		u.remove(p)
	}
	if u.n != 1 || len(u.queue) > 2*skipped || u.queue[0] != peers[0] {
		t.Errorf("%d of %d wait", u.n, len(u.queue))
	}
}

func TestLimiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(1, 2)
		v4, v6, neighbour := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
		for _, tt := range []struct {
			a    netip.Addr
			want bool
		}{
			{v4, true}, {v4, true}, {v4, false},
			{netip.MustParseAddr("::ffff:192.0.2.1"), false}, // the same
			{v6, true}, {neighbour, true}, {v6, false}, // a customer has a whole network
			{netip.Addr{}, true},
		} {
			if got := l.allow(tt.a); got != tt.want {
				t.Errorf("allow(%v) = %v", tt.a, got)
			}
		}
		time.Sleep(time.Second)
		if !l.allow(v4) || l.allow(v4) {
			t.Error("one a second")
		}
		for i := range 3 * maxBuckets {
			l.allow(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))
		}
		if len(l.buckets) > maxBuckets {
			t.Errorf("%d buckets", len(l.buckets))
		}
	})
}

func TestPeerHeader(t *testing.T) {
	h := http.Header{
		"Cookie": {"a=b", "c"}, "X": {"1", "", "2"}, "Accept": {"*/*", "text/html: x"}, "Origin": {""},
		"Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}, "odd": {": "}, "X-Forwarded-For": {"::1, ::2"},
	}
	addresses := []string{"", "192.0.2.1:80", "[::ffff:192.0.2.1]:1", "[2001:db8::1%" + strings.Repeat("z", 300) + "]:65535"}
	for i, target := range []string{
		"", "*", "/", "/?", "/socket.io/?EIO=4&transport=websocket", "/socket.io/?EIO=4&transport=polling&t=abc&EIO=4",
		"/x?token=1&EIO=4&transport=polling", "/socket.io/1/?t=99", "/?&EIO&&transport=a", "/?EIO=4&", "http://a/b?EIO=4?c=d#e",
	} {
		address, _ := netip.ParseAddrPort(addresses[i%len(addresses)])
		x := &exchange{
			r: &http.Request{Header: h, RequestURI: target}, from: from{address, true, "a.example"}, origin: "x",
			route: generation.Route{Generation: &generation.Revision5},
		}
		for _, x.hideAuthority = range []bool{false, true} {
			p := x.newPeer("polling")
			want := maps.Clone(h)
			if x.hideAuthority {
				delete(want, "Cookie")
			}
			if got := p.Header(); !reflect.DeepEqual(got, want) {
				t.Errorf("Header = %q, want %q", got, want)
			}
			if p.URL() != target || p.Address() != address || p.Host() != "a.example" || !p.Secure() || !p.XDomain() {
				t.Errorf("%q, %v, %q, %t, %t", p.URL(), p.Address(), p.Host(), p.Secure(), p.XDomain())
			}
			if p.Transport() != "polling" || p.Generation() != generation.Revision5.Name || time.Since(p.Time()) > time.Hour {
				t.Errorf("%q, %q, %v", p.Transport(), p.Generation(), p.Time())
			}
		}
	}
}

// TestAlike: of what many clients say alike each keeps a pointer.
func TestAlike(t *testing.T) {
	ask := func(i int) *Peer {
		r, err := http.NewRequest("GET", "/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.RequestURI = fmt.Sprint("/socket.io/?EIO=4&transport=websocket&t=", i)
		r.Header = http.Header{"User-Agent": {"a browser's"}, "Accept-Language": {"tlh"}, "Upgrade": {"websocket"}, "Cookie": {fmt.Sprint("sid=", i)}}
		x := &exchange{r: r, from: from{netip.AddrPortFrom(netip.MustParseAddr("192.0.2.1"), uint16(i)), true, "a.example"},
			route: generation.Route{Generation: &generation.Revision5}}
		return x.newPeer("websocket")
	}
	a, b := ask(1), ask(2)
	if a.said.alike != b.said.alike || a.said.own == b.said.own || len(a.said.own) > 32 {
		t.Errorf("%+v and %+v", a.said, b.said)
	}
}

// TestSizes: what every client has fits into these size classes of the allocator.
func TestSizes(t *testing.T) {
	for name, size := range map[string]struct{ is, most uintptr }{
		"Peer":   {unsafe.Sizeof(Peer{}), 288},
		"stream": {unsafe.Sizeof(stream{}), 192},
	} {
		if size.is > size.most {
			t.Errorf("a %s has %d bytes, more than %d", name, size.is, size.most)
		}
	}
}

// TestMarks: two things in one word do not get into each other's way.
func TestMarks(t *testing.T) {
	var m marks
	for _, waiting := range []bool{true, false} {
		m.setWaiting(waiting)
		for place := range uint8(255) {
			m.setPolledBy(place)
			m.setPolledBy(place)
			if m.waiting() != waiting || m.polledBy() != place {
				t.Fatalf("waiting %t, place %d: %t, %d", waiting, place, m.waiting(), m.polledBy())
			}
		}
	}
	m.setWaiting(true)
	if m.polledBy() != 254 {
		t.Errorf("place %d", m.polledBy())
	}
	for i, tt := range []struct {
		place uint8
		moved bool
	}{{254, false}, {254, false}, {0, true}, {0, false}, {1, true}} {
		if moved := m.setPoll(tt.place); moved != tt.moved || m.polledBy() != tt.place || !m.waiting() {
			t.Errorf("poll %d: moved %t, %d, %t", i, moved, m.polledBy(), m.waiting())
		}
		m.setPolledBy(9) // by a POST, which moves nothing
	}
}

// FuzzForwarded looks for inputs that break the readers of proxies' fields.
func FuzzForwarded(f *testing.F) {
	f.Add(`for="[2001:db8::1]:99";proto=https;host=a.example, for=1.2.3.4`, "1.2.3.4, unknown", "https")
	f.Add("", ",,", ";")
	rules := proxyRules{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	f.Fuzz(func(t *testing.T, forwarded, fors, proto string) {
		for _, h := range []http.Header{
			{"Forwarded": {forwarded}},
			{"X-Forwarded-For": {fors}, "X-Forwarded-Proto": {proto}},
		} {
			if f := rules.locate(&http.Request{RemoteAddr: "127.0.0.1:1", Header: h}); !f.address.IsValid() {
				t.Errorf("%v: no address", h)
			}
		}
	})
}
