package websocket_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sockeye-io/socketio/internal/websocket"
)

var everyDialect = []*websocket.Dialect{
	websocket.Hixie75, websocket.Hixie76, websocket.Hybi07, websocket.Hybi08, websocket.RFC6455,
}

// oldRequest returns a handshake without any of the hybi drafts' fields.
func oldRequest(fields ...string) *websocket.Request {
	h := http.Header{}
	h.Set("Upgrade", "WebSocket")
	h.Set("Connection", "Upgrade")
	h.Set("Origin", "http://example.com")
	for i := 0; i < len(fields); i += 2 {
		h.Add(fields[i], fields[i+1])
	}
	return &websocket.Request{
		Method: "GET", ProtoMajor: 1, ProtoMinor: 1, Header: h.Values,
		Host: "127.0.0.1", Target: "/socket.io/1/websocket/F6lHg2phgbB2pGbpzxbn",
	}
}

const draftKey1, draftKey2 = "4 @1  46546xW%0l 1 5", "12998 5 Y3 1  .P00"

func TestAccept75(t *testing.T) {
	// [T websocket-hixie-75]
	const want = "HTTP/1.1 101 Web Socket Protocol Handshake\r\n" +
		"Upgrade: WebSocket\r\n" +
		"Connection: Upgrade\r\n" +
		"WebSocket-Origin: http://example.com\r\n" +
		"WebSocket-Location: ws://127.0.0.1/socket.io/1/websocket/F6lHg2phgbB2pGbpzxbn\r\n\r\n"
	got, refusal := websocket.Accept(nil, oldRequest(), everyDialect...)
	if refusal != nil || string(got.Head) != want || got.Proof != nil || got.Dialect != websocket.Hixie75 {
		t.Errorf("got %q, %+v, %v", got.Head, refusal, got.Dialect)
	}
	got, _ = websocket.Accept(nil, oldRequest("WebSocket-Protocol", "sample"), everyDialect...)
	if !strings.HasSuffix(string(got.Head), "\r\nWebSocket-Protocol: sample\r\n\r\n") {
		t.Errorf("a browser accepts no answer without the subprotocol: %q", got.Head)
	}
}

func TestAccept76(t *testing.T) {
	r := oldRequest("Sec-WebSocket-Key1", draftKey1, "Sec-WebSocket-Key2", draftKey2, "Sec-WebSocket-Protocol", "sample")
	r.Host, r.Target, r.Secure = "example.com:8443", "/demo?q=1", true
	got, refusal := websocket.Accept([]byte("x"), r, everyDialect...)
	// [T websocket-hixie-76]; the subprotocol's line is the draft's (§1.3).
	const want = "xHTTP/1.1 101 WebSocket Protocol Handshake\r\n" +
		"Upgrade: WebSocket\r\n" +
		"Connection: Upgrade\r\n" +
		"Sec-WebSocket-Origin: http://example.com\r\n" +
		"Sec-WebSocket-Location: wss://example.com:8443/demo?q=1\r\n" +
		"Sec-WebSocket-Protocol: sample\r\n\r\n"
	if refusal != nil || string(got.Head) != want || got.Dialect != websocket.Hixie76 {
		t.Fatalf("got %q, %+v, %v", got.Head, refusal, got.Dialect)
	}
	r.Header = func(name string) []string {
		if name == "Origin" {
			return nil
		}
		return oldRequest("Sec-WebSocket-Key1", draftKey1, "Sec-WebSocket-Key2", draftKey2).Header(name)
	}
	got, _ = websocket.Accept(nil, r, everyDialect...)
	if strings.Contains(string(got.Head), "Origin") {
		t.Errorf("an origin was made up: %q", got.Head)
	}
}

// TestProof: [T websocket-hixie-76-examples], however the eight bytes come.
func TestProof(t *testing.T) {
	for _, tt := range []struct{ key1, key2, third, proof string }{
		{draftKey1, draftKey2, "^n:ds[4U", "8jKS'y:G*Co,Wxa-"},
		{"18x 6]8vM;54 *(5:  {   U1]8  z [  8", "1_ tx7X d  <  nw  334J702) 7]o}` 0", "Tm[K T2u", "fQJ,fN/4F4!~K~MH"},
		{"55 997", "3  3  64  98", "\x00\x09\x68\x32\x00\x78\xc7\x10",
			"\xc4\x15\xc2\xc8\x29\x5c\x94\x8a\x95\xb9\x4d\xec\x5b\x1d\x33\xce"},
		{"2 3z7 A & >   8Z 3 65Z q956  -", "198b 4 h4 2 1F[]120", "\xb3\x2a\xe9\xb3\xb8\x5a\x6e\x73",
			"\x6f\x19\xc4\xf3\x12\x16\xb8\x1d\xd5\xb6\xbc\x24\x6a\x9f\xd2\x59"}, // of the Node client 0.7.11
	} {
		for cut := range len(tt.third) + 1 {
			a, refusal := websocket.Accept(nil,
				oldRequest("Sec-WebSocket-Key1", tt.key1, "Sec-WebSocket-Key2", tt.key2), websocket.Hixie76)
			if refusal != nil {
				t.Fatal(refusal)
			}
			rest, proof := a.Proof.Feed([]byte(tt.third[:cut]))
			if cut < len(tt.third) {
				if len(rest) > 0 || proof != nil {
					t.Errorf("%q: after %d bytes: %q, %q", tt.key1, cut, rest, proof)
				}
				rest, proof = a.Proof.Feed([]byte(tt.third[cut:] + "\x00early\xff"))
			} else {
				rest = []byte("\x00early\xff")
			}
			if string(proof) != tt.proof || string(rest) != "\x00early\xff" {
				t.Errorf("%q, cut at %d: got %q and %q, want %q", tt.key1, cut, proof, rest, tt.proof)
			}
		}
	}
}

func TestKeys76(t *testing.T) {
	for _, tt := range []struct{ key, why string }{
		{"", "no number"},
		{"12345", "no blanks"},
		{"     ", "no digits"},
		{"1 2 2", "a good one"},
		{"1 2 3", "123 is no multiple of 2"},
		{"4294967296 ", "2^32 is too large for four bytes"},
		{"99999999999999999999 ", "20 digits"},
	} {
		_, refusal := websocket.Accept(nil,
			oldRequest("Sec-WebSocket-Key1", tt.key, "Sec-WebSocket-Key2", draftKey2), websocket.Hixie76)
		if good := tt.key == "1 2 2"; (refusal == nil) != good {
			t.Errorf("key %q: %+v (%s)", tt.key, refusal, tt.why)
		}
	}
	if _, refusal := websocket.Accept(nil, oldRequest("Sec-WebSocket-Key1", draftKey1), everyDialect...); refusal == nil || refusal.Status != 400 {
		t.Errorf("one key: %+v", refusal)
	}
	two := oldRequest("Sec-WebSocket-Key1", draftKey1, "Sec-WebSocket-Key1", draftKey1, "Sec-WebSocket-Key2", draftKey2)
	if _, refusal := websocket.Accept(nil, two, everyDialect...); refusal == nil || refusal.Status != 400 {
		t.Errorf("a key twice: %+v", refusal)
	}
}

// TestDetect: websocket-drafts.md §1, "Telling them apart".
func TestDetect(t *testing.T) {
	modern := func(version string) *websocket.Request {
		return oldRequest("Sec-WebSocket-Version", version, "Sec-WebSocket-Key", sampleKey)
	}
	keys := oldRequest("Sec-WebSocket-Key1", draftKey1, "Sec-WebSocket-Key2", draftKey2)
	standard := everyDialect[2:]
	for _, tt := range []struct {
		name   string
		r      *websocket.Request
		spoken []*websocket.Dialect
		want   *websocket.Dialect
		status int
	}{
		{"13", modern("13"), everyDialect, websocket.RFC6455, 0},
		{"8", modern("8"), everyDialect, websocket.Hybi08, 0},
		{"7", modern("7"), everyDialect, websocket.Hybi07, 0},
		{"9", modern("9"), everyDialect, nil, 426},
		{"empty", modern(""), everyDialect, nil, 426},
		{"two keys", keys, everyDialect, websocket.Hixie76, 0},
		{"nothing", oldRequest(), everyDialect, websocket.Hixie75, 0},
		{"hixie-75, not asked for", oldRequest(), everyDialect[1:], nil, 400},
		{"hixie-76, not asked for", keys, standard, nil, 400},
		{"a key without a version", oldRequest("Sec-WebSocket-Key", sampleKey), everyDialect, nil, 400},
		{"two versions", oldRequest("Sec-WebSocket-Version", "13", "Sec-WebSocket-Version", "8", "Sec-WebSocket-Key", sampleKey),
			everyDialect, nil, 400},
	} {
		got, refusal := websocket.Accept(nil, tt.r, tt.spoken...)
		switch {
		case tt.want != nil:
			if refusal != nil || got.Dialect != tt.want {
				t.Errorf("%s: %v, %+v; want %v", tt.name, got.Dialect, refusal, tt.want)
			}
		case refusal == nil || refusal.Status != tt.status:
			t.Errorf("%s: %v, %+v; want %d", tt.name, got.Dialect, refusal, tt.status)
		case tt.status == 426 && refusal.Header[0][1] != "13, 8, 7":
			t.Errorf("%s: versions %v", tt.name, refusal.Header)
		}
	}
}
