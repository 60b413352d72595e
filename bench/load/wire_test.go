package load

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func TestAppendFrame(t *testing.T) {
	// The example of RFC 6455 section 5.7: a single-frame masked "Hello".
	want := "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"
	if got := string(textFrame("Hello")); got != want {
		t.Errorf("textFrame(Hello) = %x, want %x", got, want)
	}
}

func TestNextFrame(t *testing.T) {
	long := strings.Repeat("x", 126)
	huge := strings.Repeat("y", 1<<16)
	tests := []struct {
		name, data    string
		payload, rest string
		ok, fails     bool
	}{
		{"RFC 6455 section 5.7, unmasked Hello", "\x81\x05Hello", "Hello", "", true, false},
		{"a second frame follows", "\x81\x01a\x81\x01b", "a", "\x81\x01b", true, false},
		{"16-bit length", "\x81\x7e\x00\x7e" + long, long, "", true, false},
		{"64-bit length", "\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00" + huge, huge, "", true, false},
		{"nothing", "", "", "", false, false},
		{"half a length", "\x81\x7e\x00", "", "\x81\x7e\x00", false, false},
		{"half a payload", "\x81\x05Hel", "", "\x81\x05Hel", false, false},
		{"masked: no server may", "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", "", "", false, true},
		{"compressed though nobody offered it", "\xc1\x05Hello", "", "", false, true},
		{"a fragment, which no server here sends", "\x01\x03Hel", "", "", false, true},
	}
	for _, tt := range tests {
		op, payload, rest, ok, err := nextFrame([]byte(tt.data))
		if (err != nil) != tt.fails {
			t.Errorf("%s: error %v", tt.name, err)
			continue
		}
		if ok != tt.ok || string(payload) != tt.payload || string(rest) != tt.rest {
			t.Errorf("%s: payload %.20q, rest %.20q, ok %t", tt.name, payload, rest, ok)
		}
		if ok && op != opText {
			t.Errorf("%s: opcode %d", tt.name, op)
		}
	}
}

func TestNextResponse(t *testing.T) {
	tests := []struct {
		name, data, body, rest string
		status                 int
	}{
		{"a length", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok", "", 200},
		{"fields in another case", "HTTP/1.1 200 OK\r\ncontent-length:2\r\n\r\nok", "ok", "", 200},
		{"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\na\r\n0123456789\r\n0\r\n\r\n",
			"ok0123456789", "", 200},
		{"an upgrade, and a frame", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x01a", "", "\x81\x01a", 101},
		{"no body", "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "", "", 400},
	}
	for _, tt := range tests {
		r, rest, ok, err := nextResponse([]byte(tt.data))
		if err != nil || !ok {
			t.Errorf("%s: ok %t, error %v", tt.name, ok, err)
			continue
		}
		if r.status != tt.status || string(r.body) != tt.body || string(rest) != tt.rest {
			t.Errorf("%s: %d %q, rest %q", tt.name, r.status, r.body, rest)
		}
		// Cut anywhere before its end, a response is not there yet, and all
		// of it is kept.
		for i := range len(tt.data) - len(tt.rest) {
			_, rest, ok, err := nextResponse([]byte(tt.data[:i]))
			if ok || err != nil || string(rest) != tt.data[:i] {
				t.Errorf("%s, cut at %d: ok %t, rest %q, error %v", tt.name, i, ok, rest, err)
				break
			}
		}
	}
	if _, _, _, err := nextResponse([]byte("HTTP/1.1 200 OK\r\n\r\n")); err == nil {
		t.Error("a response without a length must be an error: the loop would wait for ever")
	}
}

// What a client asks must be answered by what parse reads, whatever the
// revision: the workloads wait for nothing else.
func TestProtocols(t *testing.T) {
	tests := []struct {
		p                 *protocol
		request, event    string
		ack, session, sid string
	}{
		{revision5, `421["join","a"]`, `42["to","a","b"]`, `431["ok"]`,
			`0{"sid":"abc","upgrades":[]}`, "abc"},
		// revision-1.md §6, §5.1, §4.1.
		{revision1, `5:1+::{"name":"join","args":["a"]}`, `5:::{"name":"to","args":["a","b"]}`, `6:::1+["ok"]`,
			"abc:60:60:websocket,xhr-polling", "abc"},
	}
	for _, tt := range tests {
		if got := tt.p.ackReq(1, "join", `"a"`); got != tt.request {
			t.Errorf("%s: request %s, want %s", tt.p.name, got, tt.request)
		}
		if got := tt.p.event("to", `"a","b"`); got != tt.event {
			t.Errorf("%s: event %s, want %s", tt.p.name, got, tt.event)
		}
		if got := tt.p.ack(1, `"ok"`); got != tt.ack {
			t.Errorf("%s: ack %s, want %s", tt.p.name, got, tt.ack)
		}
		for msg, want := range map[string]answer{
			tt.ack:   {name: "ack1", args: `"ok"`},
			tt.event: {name: "to", args: `"a","b"`},
		} {
			if ok, err := want.is(tt.p, []byte(msg)); !ok || err != nil {
				t.Errorf("%s: %s is %s: %t, error %v", tt.p.name, msg, want.name, ok, err)
			}
		}
		if sid, ok := tt.p.sid([]byte(tt.session)); !ok || sid != tt.sid {
			t.Errorf("%s: sid %q, %t, want %q", tt.p.name, sid, ok, tt.sid)
		}
		if _, ok := tt.p.sid([]byte("no session")); ok {
			t.Errorf("%s: a sid in another answer", tt.p.name)
		}
	}
}

func TestPackets(t *testing.T) {
	tests := []struct {
		why  string
		p    *protocol
		body string
		want []string
	}{
		{"one packet alone", revision5, "42[1]", []string{"42[1]"}},
		{"several with a separator", revision5, "42[1]\x1e2", []string{"42[1]", "2"}},
		{"one packet alone", revision1, "1::", []string{"1::"}},
		{"one packet framed, revision-1.md §5.3", revision1, "\uFFFD3\uFFFD1::", []string{"1::"}},
		{"several", revision1, "\uFFFD3\uFFFD1::\uFFFD5\uFFFD3:::a", []string{"1::", "3:::a"}},
		{"a length beyond the end comes out whole, to be refused", revision1,
			"\uFFFD3\uFFFD1::\uFFFD9\uFFFD3:::a", []string{"1::", "\uFFFD9\uFFFD3:::a"}},
		{"so does one below zero", revision1, "\uFFFD-1\uFFFD1::", []string{"\uFFFD-1\uFFFD1::"}},
	}
	for _, tt := range tests {
		var got []string
		for packet := range tt.p.packets([]byte(tt.body)) {
			got = append(got, string(packet))
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s, %s: %q, want %q", tt.p.name, tt.why, got, tt.want)
		}
	}
}

func TestObject(t *testing.T) {
	o := object()
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(o)); err != nil {
		t.Fatal(err)
	}
	if len(o) != 512 || compact.String() != o {
		t.Errorf("object() has %d bytes, compact %d; want 512 both", len(o), compact.Len())
	}
}

func TestAnswer(t *testing.T) {
	a := answer{name: "message-back", args: `{"a":1,"b":2}`}
	steps := []struct {
		msg       string
		ok, fails bool
		why       string
	}{
		{`2`, false, false, "a heartbeat is not the answer, nor wrong"},
		{`42["auth",{}]`, false, false, "another event is not the answer"},
		{`42["message-back",{"a":1}]`, false, true, "the answer with another value is wrong"},
		{`42["message-back",{"b":2,"a":1}]`, true, false, "another order of keys is the same value"},
		{`42["message-back",{"b":2,"a":1}]`, true, false, "the same bytes again"},
		{`42["message-back",{"a":1,"b":2}]`, false, false, "a server that writes it now so, now so"},
	}
	for _, s := range steps {
		ok, err := a.is(revision5, []byte(s.msg))
		if ok != s.ok || (err != nil) != s.fails {
			t.Errorf("%s: %s: ok %t, error %v", s.why, s.msg, ok, err)
		}
	}
}
