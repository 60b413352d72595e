package transport

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/socketio/internal/session"
)

func TestIDs(t *testing.T) {
	secret := []byte("shared")
	a, b := newIDs("node-a", secret), newIDs("node-b", secret)
	id := a.make()
	if id == a.make() {
		t.Fatal("two equal ids")
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
		if _, ok := a.verify(base64.RawURLEncoding.EncodeToString(forged)); ok {
			t.Errorf("byte %d does not matter", i)
		}
	}
	for _, bad := range []string{"", "x", id[1:], id + "A", id + "=", " " + id, id + "\n", string(make([]byte, 1000))} {
		if _, ok := a.verify(bad); ok {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func FuzzIDs(f *testing.F) {
	ids := newIDs("a", []byte("s"))
	f.Add(ids.make())
	f.Add("")
	f.Fuzz(func(t *testing.T, id string) {
		if owner, ok := ids.verify(id); ok && owner == "" {
			t.Errorf("%q has no owner", id) // all that were made have one
		}
	})
}

func TestUnopened(t *testing.T) {
	u := unopened{max: 3}
	peers := make([]*Peer, 6)
	for i := range peers {
		peers[i] = &Peer{sess: &session.Session{ID: fmt.Sprint(i)}}
	}
	evicted := func(p *Peer) string {
		if s := u.add(p); s != nil {
			return s.ID
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
	if u.n != 0 || u.oldest != nil || u.newest != nil {
		t.Errorf("left: %+v", &u)
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
	h := http.Header{"Cookie": {"a=b"}, "X": {"1", "2"}, "Accept": {"*/*"}}
	p := &Peer{header: packHeader(h, false)}
	if got := p.Header(); fmt.Sprint(got) != fmt.Sprint(h) {
		t.Errorf("Header = %v", got)
	}
	if got := (&Peer{header: packHeader(h, true)}).Header(); got["Cookie"] != nil || len(got) != 2 {
		t.Errorf("Header = %v", got)
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
