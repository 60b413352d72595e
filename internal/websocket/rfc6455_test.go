package websocket_test

import (
	"net/http"
	"testing"

	"github.com/sockeye-io/socketio/internal/websocket"
)

const sampleKey = "dGhlIHNhbXBsZSBub25jZQ=="

// request returns a good handshake with fields replaced; nil removes one.
func request(fields map[string][]string) *websocket.Request {
	h := http.Header{}
	h.Set("Upgrade", "websocket")
	h.Set("Connection", "Upgrade")
	h.Set("Sec-WebSocket-Key", sampleKey)
	h.Set("Sec-WebSocket-Version", "13")
	for name, values := range fields {
		h[http.CanonicalHeaderKey(name)] = values
	}
	return &websocket.Request{
		Method: "GET", ProtoMajor: 1, ProtoMinor: 1, Header: h.Values,
		Host: "127.0.0.1:3000", Target: "/socket.io/1/websocket/sid?x=1",
	}
}

func TestAccept(t *testing.T) {
	// The keys and answers of [T websocket-frame-examples]; the third is one of the
	// real Node client 0.9.17.
	for key, accept := range map[string]string{
		sampleKey:                  "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
		"x3JJHMbDL1EzLkh9GBhXDw==": "HSmrc0sMlYUkAGmm5OPpG2HaGWk=",
		"MTMtMTc5NTQ3ODA4MDM0OA==": "DDf6KgR/f4zTY/XQNLiPhpJf1eA=",
	} {
		got, refusal := websocket.Accept([]byte("x"), request(map[string][]string{"Sec-WebSocket-Key": {key}}), websocket.RFC6455)
		want := "xHTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
			"Sec-WebSocket-Accept: " + accept + "\r\n\r\n"
		if refusal != nil || string(got.Head) != want || got.Proof != nil {
			t.Errorf("key %s: got %q, %+v; want %q", key, got.Head, refusal, want)
		}
	}
}

func TestHandshakeFields(t *testing.T) {
	type fields = map[string][]string
	tests := []struct {
		name   string
		fields fields
		status int // 0: accepted
		why    string
	}{
		{"case of Upgrade", fields{"Upgrade": {"WebSocket"}}, 0, "RFC 6455 §4.2.1 item 3: compared without case"},
		{"list in Connection", fields{"Connection": {"keep-alive, Upgrade"}}, 0, "item 4: a list; Firefox sends this one"},
		{"list without blanks", fields{"Connection": {"keep-alive,upgrade"}}, 0, "RFC 9110 §5.6.1: blanks are optional"},
		{"several lines", fields{"Connection": {"keep-alive", "upgrade"}}, 0, "RFC 9110 §5.2: lines of a list are one list"},
		{"empty items", fields{"Upgrade": {",, websocket ,"}}, 0, "RFC 9110 §5.6.1.2: empty items are ignored"},
		{"several protocols", fields{"Upgrade": {"h2c, websocket"}}, 0, "item 3: containing the value"},
		{"subprotocol and extensions", fields{"Sec-WebSocket-Protocol": {"chat"}, "Sec-WebSocket-Extensions": {"permessage-deflate"}}, 0, "§4.2.2 item 5: declined by saying nothing"},
		{"blanks around the version", fields{"Sec-WebSocket-Version": {" 13\t"}}, 0, "RFC 9110 §5.5: not part of the value"},

		{"no Upgrade", fields{"Upgrade": nil}, 400, "item 3"},
		{"another Upgrade", fields{"Upgrade": {"h2c"}}, 400, "item 3"},
		{"part of a token", fields{"Upgrade": {"websockets"}}, 400, "item 3: tokens are whole"},
		{"a token with a version", fields{"Upgrade": {"websocket/13"}}, 400, "item 3"},
		{"no Connection", fields{"Connection": nil}, 400, "item 4"},
		{"Connection without upgrade", fields{"Connection": {"keep-alive"}}, 400, "item 4"},
		{"no key", fields{"Sec-WebSocket-Key": nil}, 400, "item 5"},
		{"two keys", fields{"Sec-WebSocket-Key": {sampleKey, sampleKey}}, 400, "§11.3.1: must not appear twice"},
		{"key of 15 bytes", fields{"Sec-WebSocket-Key": {"MTIzNDU2Nzg5MDEyMzQ1"}}, 400, "item 5: 16 bytes"},
		{"key of 17 bytes", fields{"Sec-WebSocket-Key": {"MTIzNDU2Nzg5MDEyMzQ1Njc="}}, 400, "item 5: 16 bytes"},
		{"key that is no base64", fields{"Sec-WebSocket-Key": {"dGhlIHNhbXBsZSBub25j*Q=="}}, 400, "item 5"},
		{"key without padding", fields{"Sec-WebSocket-Key": {"dGhlIHNhbXBsZSBub25jZQ"}}, 400, "item 5"},
		{"empty key", fields{"Sec-WebSocket-Key": {""}}, 400, "item 5"},
		{"no version", fields{"Sec-WebSocket-Version": nil}, 400, "item 6; with a key it is no hixie handshake (websocket-drafts.md §1)"},
		{"two versions", fields{"Sec-WebSocket-Version": {"13", "13"}}, 400, "§11.3.5: must not appear twice"},
		{"version 12", fields{"Sec-WebSocket-Version": {"12"}}, 426, "item 6, §4.4"},
		{"version 013", fields{"Sec-WebSocket-Version": {"013"}}, 426, "§4.3: no leading zeros"},
		{"version 130", fields{"Sec-WebSocket-Version": {"130"}}, 426, "item 6"},
		{"list of versions", fields{"Sec-WebSocket-Version": {"13, 8"}}, 426, "§4.1: one version"},
		{"empty version", fields{"Sec-WebSocket-Version": {""}}, 426, "item 6"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			answer, refusal := websocket.Accept(nil, request(tt.fields), websocket.RFC6455)
			switch {
			case tt.status == 0:
				if refusal != nil {
					t.Errorf("refused: %+v (%s)", refusal, tt.why)
				}
			case refusal == nil || refusal.Status != tt.status || len(answer.Head) > 0:
				t.Errorf("got %+v and %q, want status %d (%s)", refusal, answer.Head, tt.status, tt.why)
			case tt.status == 426 && refusal.Header[0] != [2]string{"Sec-WebSocket-Version", "13"}:
				t.Errorf("426 without the version: %v (RFC 6455 §4.4)", refusal.Header)
			}
		})
	}
}

func TestHandshakeRequestLine(t *testing.T) {
	for _, tt := range []struct {
		method       string
		major, minor int
		good         bool
	}{
		{"GET", 1, 1, true},
		{"POST", 1, 1, false}, // RFC 6455 §4.2.1 item 1
		{"get", 1, 1, false},  // methods have a case (RFC 9110 §9.1)
		{"GET", 1, 0, false},  // RFC 6455 §4.2.1 item 1
		{"GET", 2, 0, false},  // HTTP/2 upgrades otherwise (RFC 8441)
	} {
		r := request(nil)
		r.Method, r.ProtoMajor, r.ProtoMinor = tt.method, tt.major, tt.minor
		if _, refusal := websocket.Accept(nil, r, websocket.RFC6455); (refusal == nil) != tt.good {
			t.Errorf("%s HTTP/%d.%d: %+v, want good: %v", tt.method, tt.major, tt.minor, refusal, tt.good)
		}
	}
}

func BenchmarkAccept(b *testing.B) {
	r := request(map[string][]string{"Connection": {"keep-alive, Upgrade"}})
	var buf [256]byte
	b.ReportAllocs()
	for b.Loop() {
		websocket.Accept(buf[:0], r, websocket.RFC6455)
	}
}
