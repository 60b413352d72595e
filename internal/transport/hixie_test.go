package transport

import (
	"crypto/tls"
	"io"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/socketio/internal/conn"
	"github.com/sockeye-io/socketio/internal/session"
)

// The second row of websocket-drafts.md §3, which is the draft's own example.
const (
	hixieKeys = "Sec-WebSocket-Key1: 18x 6]8vM;54 *(5:  {   U1]8  z [  8\r\n" +
		"Sec-WebSocket-Key2: 1_ tx7X d  <  nw  334J702) 7]o}` 0\r\n"
	hixieThird = "Tm[K T2u"
	hixieProof = "fQJ,fN/4F4!~K~MH"
)

// A draft is a dialect as its clients write it.
type draft struct {
	name   string
	fields string // of the handshake, beside those that all have
	third  string // what follows the request's head
	origin string // the name of the field
	hixie  bool
}

var drafts = []draft{
	{"hixie-75", "Upgrade: WebSocket\r\n", "", "Origin", true},
	{"hixie-76", "Upgrade: WebSocket\r\n" + hixieKeys, hixieThird, "Origin", true},
	{"hybi-07", "Upgrade: websocket\r\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\nSec-WebSocket-Version: 7\r\n", "", "Sec-WebSocket-Origin", false},
	{"hybi-08", "Upgrade: websocket\r\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\nSec-WebSocket-Version: 8\r\n", "", "Sec-WebSocket-Origin", false},
	{"RFC 6455", "Upgrade: websocket\r\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\nSec-WebSocket-Version: 13\r\n", "", "Origin", false},
}

var draft76 = drafts[1]

// request returns the whole handshake; fields end with line ends.
func (d draft) request(path, fields string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: keep-alive, Upgrade\r\n" + d.fields + fields + "\r\n" + d.third
}

// answered returns what a good handshake is answered with.
func (d draft) answered(path, scheme, host, origin string) string {
	switch d.name {
	case "hixie-75": // [T websocket-hixie-75]
		return "HTTP/1.1 101 Web Socket Protocol Handshake\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n" +
			"WebSocket-Origin: " + origin + "\r\nWebSocket-Location: " + scheme + "://" + host + path + "\r\n\r\n"
	case "hixie-76": // [T websocket-hixie-76]
		return "HTTP/1.1 101 WebSocket Protocol Handshake\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n" +
			"Sec-WebSocket-Origin: " + origin + "\r\nSec-WebSocket-Location: " + scheme + "://" + host + path + "\r\n\r\n" + hixieProof
	}
	// [T websocket-hybi-07-10]
	return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: HSmrc0sMlYUkAGmm5OPpG2HaGWk=\r\n\r\n"
}

// frame returns the server's frame with a text.
func (d draft) frame(text string) string {
	if d.hixie {
		return "\x00" + text + "\xff"
	}
	return string([]byte{0x81, byte(len(text))}) + text
}

// begin makes a handshake of the draft.
func (w *wire) begin(d draft, path string) {
	w.t.Helper()
	w.send(d.request(path, d.origin+": http://127.0.0.1\r\n"))
	w.bytes(d.answered(path, "ws", "127.0.0.1", "http://127.0.0.1"))
}

// bytes checks what comes next.
func (w *wire) bytes(want string) {
	w.t.Helper()
	got := make([]byte, len(want))
	n, err := io.ReadFull(w.r, got)
	if err != nil || string(got) != want {
		w.t.Fatalf("got %q, %v, want %q", got[:n], err, want)
	}
}

func letIn75(c *Config) { c.Hixie75 = true }

// byBoth runs f on each engine, with hixie-75 let in.
func byBoth(t *testing.T, f func(t *testing.T, st *site)) {
	for name, engine := range map[string]conn.Engine{"goroutine": conn.Goroutine, "loop": conn.Auto} {
		t.Run(name, func(t *testing.T) {
			f(t, start(t, func(c *Config) { c.Hixie75, c.Engine = true, engine }))
		})
	}
}

// TestDrafts opens, echoes, is thrown out and not known in each dialect, under both
// names that revision 1 has for it.
func TestDrafts(t *testing.T) {
	byBoth(t, func(t *testing.T, st *site) {
		for i, d := range drafts {
			sid := st.handshakeRev1()
			path := "/socket.io/1/" + []string{"websocket/", "flashsocket/"}[i%2] + sid
			w := st.dial()
			w.begin(d, path)
			w.bytes(d.frame("1::"))
			if d.hixie {
				w.send("\x003:::\xc3\xa9\xf0\x9f\x98\x80\xff") // websocket-drafts.md §3
			} else {
				w.send("\x81\x8a\x37\xfa\x21\x3d\x04\xc0\x1b\x07\xf4\x53\xd1\xa2\xaf\x7a") // §5
			}
			w.bytes(d.frame("3:::é😀"))
			st.session(sid).End(st.Now(), session.Kick, session.ServerDisconnect)
			w.bytes(d.frame("0::")) // [T websocket-kick]
			w.ended(d)
			// [T websocket-13-refused]
			w = st.dial()
			w.begin(d, path)
			w.bytes(d.frame("7:::1+0"))
			w.ended(d)
		}
	})
}

// TestFirstFrames come with the handshake, before it is answered.
func TestFirstFrames(t *testing.T) {
	byBoth(t, func(t *testing.T, st *site) {
		for _, d := range drafts[:2] {
			path := "/socket.io/1/websocket/" + st.handshakeRev1()
			w := st.dial()
			w.send(d.request(path, "Origin: http://127.0.0.1\r\n") + "\x003:::a\xff\x003:::b")
			w.bytes(d.answered(path, "ws", "127.0.0.1", "http://127.0.0.1") + "\x001::\xff\x003:::a\xff")
			w.send("\xff")
			w.bytes("\x003:::b\xff")
		}
	})
}

// TestLateProof: some proxies pass on what follows the head only when they have seen
// the answer's, and nobody keeps them from cutting it.
func TestLateProof(t *testing.T) {
	byBoth(t, func(t *testing.T, st *site) {
		for cut := range len(hixieThird) + 1 {
			path := "/socket.io/1/flashsocket/" + st.handshakeRev1()
			request := draft76.request(path, "Origin: http://127.0.0.1\r\n")
			head, rest := request[:len(request)-8+cut], request[len(request)-8+cut:]
			w := st.dial()
			w.send(head)
			answer := draft76.answered(path, "ws", "127.0.0.1", "http://127.0.0.1")
			if cut < 8 {
				w.bytes(strings.TrimSuffix(answer, hixieProof))
				w.send(rest[:len(rest)/2])
				w.send(rest[len(rest)/2:] + "\x003:::early\xff")
				answer = hixieProof
			} else {
				w.send("\x003:::early\xff")
			}
			w.bytes(answer + "\x001::\xff\x003:::early\xff")
		}
	})
}

// TestByteByByte: neither handshakes nor frames depend on how they are cut.
func TestByteByByte(t *testing.T) {
	bubble(t, letIn75, func(t *testing.T, st *site, dial func() *wire) {
		for _, d := range drafts[:2] {
			sid, _, _ := strings.Cut(dial().get("/socket.io/1/").body, ":")
			path := "/socket.io/1/websocket/" + sid
			w := dial()
			answer := d.answered(path, "ws", "127.0.0.1", "http://127.0.0.1")
			request := d.request(path, "Origin: http://127.0.0.1\r\n") + "\x003:::\ufffd😀\xff\x002::\xff\x003:::\xff"
			go func() { // ends when all is read
				for _, c := range []byte(request) {
					if _, err := w.Write([]byte{c}); err != nil {
						return
					}
				}
			}()
			// A heartbeat that nobody asked for is accepted (revision-1.md §7.1).
			w.bytes(answer + "\x001::\xff\x003:::\ufffd😀\xff\x003::\xff")
			w.send("\xff\x00")
			w.bytes(d.closing())
			w.eof()
		}
	})
}

// ended checks that nothing follows but the closing of hixie-76. The others have none,
// or are spoken to without it: revision-1.md §8.5.
func (w *wire) ended(d draft) {
	w.t.Helper()
	w.bytes(d.closing())
	w.eof()
}

// closing is how the server says goodbye in a hixie draft; the older has no such thing.
func (d draft) closing() string {
	if d.third != "" {
		return "\xff\x00"
	}
	return ""
}

// TestProofNeverComes: the connection ends, and with the server at once.
func TestProofNeverComes(t *testing.T) {
	bubble(t, nil, func(t *testing.T, st *site, dial func() *wire) {
		sid, _, _ := strings.Cut(dial().get("/socket.io/1/").body, ":")
		path := "/socket.io/1/websocket/" + sid
		request := draft76.request(path, "Origin: http://127.0.0.1\r\n")
		head := strings.TrimSuffix(draft76.answered(path, "ws", "127.0.0.1", "http://127.0.0.1"), hixieProof)
		w := dial()
		took(t, proofTime, func() {
			w.send(request[:len(request)-1])
			w.bytes(head)
			w.eof()
		})
		if len(st.h.opened) > 0 {
			t.Error("the session was opened")
		}
		w = dial()
		w.send(request[:len(request)-8])
		w.bytes(head)
		took(t, 0, func() {
			st.Close()
			w.eof()
		})
		// Nor does one that comes now stay.
		w = dial()
		w.send(request[:len(request)-8])
		took(t, 0, w.eof)
	})
}

// TestHeadIsNotRead: the time of a proof is that of the answer's head, too.
func TestHeadIsNotRead(t *testing.T) {
	bubble(t, nil, func(t *testing.T, st *site, dial func() *wire) {
		sid, _, _ := strings.Cut(dial().get("/socket.io/1/").body, ":")
		request := draft76.request("/socket.io/1/websocket/"+sid, "")
		w := dial()
		w.send(request[:len(request)-8])
		time.Sleep(proofTime + time.Millisecond)
		w.eof()
	})
}

// TestBadKeys: what proves nothing is answered before anything is accepted.
func TestBadKeys(t *testing.T) {
	st := start(t, nil)
	path := "/socket.io/1/websocket/" + st.handshakeRev1()
	for why, keys := range map[string]string{
		"no blank":            "Sec-WebSocket-Key1: 12345\r\nSec-WebSocket-Key2: 3  3  64  98\r\n",
		"no digit":            "Sec-WebSocket-Key1: a b c\r\nSec-WebSocket-Key2: 3  3  64  98\r\n",
		"no whole number":     "Sec-WebSocket-Key1: 55 9 97\r\nSec-WebSocket-Key2: 3  3  64  98\r\n",
		"more than 32 bits":   "Sec-WebSocket-Key1: 42949672 96\r\nSec-WebSocket-Key2: 3  3  64  98\r\n",
		"very long":           "Sec-WebSocket-Key1: " + strings.Repeat("1", 1000) + " 1\r\nSec-WebSocket-Key2: 3  3  64  98\r\n",
		"one key":             "Sec-WebSocket-Key1: 55 997\r\n",
		"the other":           "Sec-WebSocket-Key2: 55 997\r\n",
		"three keys":          "Sec-WebSocket-Key1: 55 997\r\nSec-WebSocket-Key2: 55 997\r\nSec-WebSocket-Key2: 55 997\r\n",
		"the keys of another": hixieKeys + "Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n",
		"hixie-75, not asked": "",
		"no version":          "Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n",
	} {
		w := st.dial()
		w.send(draft{fields: "Upgrade: WebSocket\r\n" + keys}.request(path, "") + hixieThird)
		if r := w.answer(); r.status != 400 {
			t.Errorf("%s: %+v", why, r)
		}
	}
	if len(st.h.opened) > 0 {
		t.Error("the session was opened")
	}
}

// TestHixieErrors: what is no frame ends the session. Only a closing is answered.
func TestHixieErrors(t *testing.T) {
	byBoth(t, func(t *testing.T, st *site) {
		for _, tt := range []struct {
			why, send string
			reason    session.Reason
		}{
			{"a closing", "\xff\x00", session.TransportClose},
			{"a closing with content", "\xff\x01x", session.TransportError},
			{"a frame with a length", "\x80\x03abc", session.TransportError},
			{"a text of another type", "\x013:::x\xff", session.TransportError},
			{"no UTF-8", "\x003:::\xc3\xff", session.TransportError},
			{"too long, and no end", "\x00" + strings.Repeat("x", 100_001), session.TransportError},
			{"too long", "\x00" + strings.Repeat("x", 100_001) + "\xff", session.TransportError},
		} {
			for _, d := range drafts[:2] {
				sid := st.handshakeRev1()
				w := st.dial()
				w.begin(d, "/socket.io/1/websocket/"+sid)
				w.bytes(d.frame("1::"))
				w.send(tt.send)
				w.bytes(d.closing())
				w.eof()
				if r := get(t, st.h.reasons, "the end"); r != tt.reason {
					t.Errorf("%s, %s: reason %q", d.name, tt.why, r)
				}
			}
		}
	})
}

// TestOriginsOfDrafts: CORS holds for none of them, so the rule is the server's. The
// reference does not look in the hixie drafts ([T websocket-13-origin]).
func TestOriginsOfDrafts(t *testing.T) {
	st := start(t, func(c *Config) { c.Hixie75 = true; c.Origins = []string{"http://listed.example"} })
	all := start(t, func(c *Config) { c.Hixie75 = true; c.Origins = []string{"*"} })
	for _, d := range drafts {
		for origin, ok := range map[string]bool{
			"http://127.0.0.1": true, "http://listed.example": true, "http://evil.example": false,
			"https://127.0.0.1": false, "http://127.0.0.1:81": false, "null": false,
		} {
			for _, s := range []*site{st, all} {
				path := "/socket.io/1/websocket/" + s.handshakeRev1()
				w := s.dial()
				w.send(d.request(path, d.origin+": "+origin+"\r\n"))
				if ok || s == all {
					w.bytes(d.answered(path, "ws", "127.0.0.1", origin) + d.frame("1::"))
					continue
				}
				if r := w.answer(); r.status != 403 || r.body != "handshake bad origin" {
					t.Errorf("%s: %s: %+v", d.name, origin, r)
				}
				if d.third != "" {
					w.eof() // what followed the keys is no request
				}
			}
		}
	}
}

// TestLocation: the drafts' clients compare it with what they asked for.
func TestLocation(t *testing.T) {
	local := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	const forwarded = "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: chat.example\r\n"
	for _, d := range drafts[:2] {
		st := start(t, letIn75)
		trusting := start(t, func(c *Config) { c.Hixie75, c.TrustedProxies = true, local })
		matching := start(t, func(c *Config) {
			c.Hixie75, c.MatchOrigin = true, true
			c.Origins = []string{"https://127.0.0.1", "http://a.example"}
		})
		for _, tt := range []struct {
			s                    *site
			fields               string
			scheme, host, origin string
		}{
			{st, "", "ws", "127.0.0.1", "http://127.0.0.1"},
			{st, forwarded, "ws", "127.0.0.1", "http://127.0.0.1"}, // nobody knows who says so
			{trusting, "", "ws", "127.0.0.1", "http://127.0.0.1"},
			{trusting, forwarded, "wss", "chat.example", "https://chat.example"},
			{matching, "", "wss", "127.0.0.1", "https://127.0.0.1"}, // [T websocket-match-origin]
			{matching, "", "ws", "127.0.0.1", "http://a.example"},
			{trusting, "Forwarded: for=192.0.2.1;proto=https;host=\"chat.example:8443\"\r\n", "wss", "chat.example:8443", "https://chat.example:8443"},
		} {
			path := "/socket.io/1/websocket/" + tt.s.handshakeRev1() + "?a=%41&b"
			w := tt.s.dial()
			w.send(d.request(path, tt.fields+"Origin: "+tt.origin+"\r\n"))
			w.bytes(d.answered(path, tt.scheme, tt.host, tt.origin) + "\x001::\xff")
		}

		cfg := config(newEcho())
		letIn75(cfg)
		s := New(cfg)
		hs := httptest.NewTLSServer(s)
		path := "/socket.io/1/websocket/unknown"
		nc, err := tls.Dial("tcp", hs.Listener.Addr().String(), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		w := newWire(t, nc)
		w.send(d.request(path, "Origin: https://127.0.0.1\r\n"))
		w.bytes(d.answered(path, "wss", "127.0.0.1", "https://127.0.0.1") + "\x007:::1+0\xff")
		w.ended(d)
		w.Close()
		s.Close()
		hs.Close()
	}
}

// TestSubprotocol: a browser of the hixie drafts accepts no answer without the one that
// it asked for; later drafts ask by a list, of which nothing is chosen.
func TestSubprotocol(t *testing.T) {
	st := start(t, letIn75)
	for i, d := range drafts {
		w := st.dial()
		name := []string{"WebSocket-Protocol", "Sec-WebSocket-Protocol"}[min(i, 1)]
		w.send(d.request("/socket.io/1/websocket/x", name+": sample\r\n"))
		want, n := "", 0
		for line := ""; line != "\r\n"; n++ {
			var err error
			if line, err = w.r.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(line, "-Protocol:") {
				want += line
			}
			if strings.Contains(line, "Origin") {
				t.Errorf("%s: an origin was made up: %q", d.name, line)
			}
		}
		if expect := map[bool]string{true: name + ": sample\r\n"}[d.hixie]; want != expect {
			t.Errorf("%s: %q", d.name, want)
		}
	}
}

// TestHybiFrames: control frames, closing and fragments of the hybi drafts
// (websocket-drafts.md §5, "right").
func TestHybiFrames(t *testing.T) {
	const mask = "\x37\xfa\x21\x3d"
	byBoth(t, func(t *testing.T, st *site) {
		for _, d := range drafts[2:] {
			w := st.dial()
			w.begin(d, "/socket.io/1/websocket/"+st.handshakeRev1())
			w.bytes("\x81\x031::")
			for _, tt := range [][2]string{
				{"\x81\x89" + mask + "\x04\xc0\x1b\x07\x5f\x9f\x4d\x51\x58", "\x81\x093:::hello"},
				{"\x01\x86" + mask + "\x04\xc0\x1b\x07\x56\x98\x80\x82" + mask + "\x54\x9e", "\x81\x083:::abcd"},
				{"\x01\x86" + mask + "\x04\xc0\x1b\x07\x56\x98" + "\x89\x80" + mask + "\x80\x82" + mask + "\x54\x9e", "\x8a\x00\x81\x083:::abcd"},
				{"\x81\xff\x00\x00\x00\x00\x00\x00\x00\x05" + mask + "\x04\xc0\x1b\x07\x4f", "\x81\x053:::x"},
				{"\x89\x83" + mask + "\x56\x98\x42", "\x8a\x03abc"},
				{"\x89\x80" + mask, "\x8a\x00"},
				{"\x8a\x80" + mask, ""},
				{"\x82\x85" + mask + "\x04\xc0\x1b\x07\x4f", ""}, // binary: swallowed
				{"\x81\x85" + mask + "\x04\xc0\x1b\x07\x4f", "\x81\x053:::x"},
				{"\x88\x85" + mask + "\x34\x12\x43\x44\x52", "\x88\x02\x03\xe8"},
			} {
				w.send(tt[0])
				w.bytes(tt[1])
			}
			w.eof()
		}
	})
}

// TestEngineIOSpeaksNoDraft: its clients are younger, and have binary messages.
func TestEngineIOSpeaksNoDraft(t *testing.T) {
	st := start(t, letIn75)
	for _, d := range drafts[:4] {
		w := st.dial()
		w.send(d.request(eio+"websocket", ""))
		r := w.answer()
		want := reply{status: 426, body: "this WebSocket version is not spoken here"}
		if d.hixie {
			want = reply{status: 400, body: `{"code":3,"message":"Bad request"}`}
		}
		if r.status != want.status || r.body != want.body || !d.hixie && r.header.Get("Sec-WebSocket-Version") != "13" {
			t.Errorf("%s: %+v", d.name, r)
		}
	}
	w := st.dial()
	w.send(draft{fields: "Upgrade: websocket\r\nSec-WebSocket-Version: 9\r\n"}.request("/socket.io/1/websocket/x", ""))
	if r := w.answer(); r.status != 426 || r.header.Get("Sec-WebSocket-Version") != "13, 8, 7" {
		t.Errorf("revision 1: %+v", r)
	}
	if n := st.Sessions(); n != 0 {
		t.Errorf("%d sessions were spent", n)
	}
}
