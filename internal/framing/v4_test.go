package framing

import (
	"bytes"
	"errors"
	"testing"
	"unicode/utf8"

	"github.com/sockeye-io/socketio/packet"
)

func text(kind Kind, data string) Frame { return Frame{Kind: kind, Data: []byte(data)} }
func binaryFrame(data string) Frame     { return Frame{Kind: Message, Binary: true, Data: []byte(data)} }
func same(a, b Frame) bool {
	return a.Kind == b.Kind && a.Binary == b.Binary && bytes.Equal(a.Data, b.Data)
}
func isProtocolError(e error) bool {
	var pe *packet.ProtocolError
	return errors.As(e, &pe)
}

// collect parses a payload and returns what it yields.
func collect(f Framing, body string, max int) ([]Frame, error) {
	var got []Frame
	err := f.ParsePayload([]byte(body), max, func(fr Frame) error {
		got = append(got, fr)
		return nil
	})
	return got, err
}

func checkFrames(t *testing.T, got, want []Frame) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %d frames %+v, want %d %+v", len(got), got, len(want), want)
	}
	for i := range got {
		if !same(got[i], want[i]) {
			t.Errorf("frame %d: got %+v, want %+v", i, got[i], want[i])
		}
	}
}

// The answers of engine.io-parser 5.2.3 to the same bodies, except where it says so.
func TestV4ParsePayload(t *testing.T) {
	tests := []struct {
		name, body string
		want       []Frame
		bad        bool
	}{
		{"one", "4hello", []Frame{text(Message, "hello")}, false},
		{"two", "4hello\x1e2", []Frame{text(Message, "hello"), text(Ping, "")}, false},
		{"every type", "0{}\x1e1\x1e2\x1e3\x1e4\x1e5\x1e6", []Frame{
			text(Open, "{}"), text(Close, ""), text(Ping, ""), text(Pong, ""),
			text(Message, ""), text(Upgrade, ""), text(Noop, "")}, false},
		{"probe", "2probe\x1e3probe", []Frame{text(Ping, "probe"), text(Pong, "probe")}, false},
		{"binary", "4a\x1ebAQID", []Frame{text(Message, "a"), binaryFrame("\x01\x02\x03")}, false},
		{"padded", "bAQ==", []Frame{binaryFrame("\x01")}, false},
		{"not padded", "bAQ", []Frame{binaryFrame("\x01")}, false},
		{"standard alphabet", "b+/+/", []Frame{binaryFrame("\xfb\xff\xbf")}, false},
		{"alphabet for URLs", "b-_-_", []Frame{binaryFrame("\xfb\xff\xbf")}, false},
		{"line breaks as Java's encoder writes them", "bAQID\nBAUG\n", []Frame{binaryFrame("\x01\x02\x03\x04\x05\x06")}, false},
		{"binary, empty", "b", []Frame{binaryFrame("")}, false},
		{"characters of two and four bytes", "4é😀", []Frame{text(Message, "é😀")}, false},

		{"empty body", "", nil, true},
		{"separator behind the last frame", "4a\x1e", []Frame{text(Message, "a")}, true},
		{"unknown type between frames", "4a\x1e7\x1e4b", []Frame{text(Message, "a")}, true},
		{"a type that is no digit", "x", nil, true},
		{"below the digits", "/", nil, true},
		// Node skips the letter; THREATS.md, "Packets", wants an end.
		{"bad base64", "bA*ID", nil, true},
		{"base64 of an impossible length", "bAQIDB", nil, true},
		{"padding in front", "b==AQ", nil, true},
		{"too little padding", "bAQ=", nil, true},
		// Node replaces the byte; text that is not UTF-8 is not text (THREATS.md, "WebSocket").
		{"text that is not UTF-8", "4a\x1e4\xff", nil, true},
		{"surrogate in UTF-8", "4\xed\xa0\x80", nil, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := collect(V4{}, tt.body, 0)
			checkFrames(t, got, tt.want)
			if tt.bad != isProtocolError(err) || !tt.bad && err != nil {
				t.Errorf("error %v, want one: %v", err, tt.bad)
			}
		})
	}
}

func TestV4Parse(t *testing.T) {
	// A binary message has no header, whatever it begins with (Engine.IO 4,
	// "Packet encoding").
	for _, data := range []string{"", "4", "b", "\xff\x00"} {
		got, err := V4{}.Parse([]byte(data), true)
		if err != nil || !same(got, binaryFrame(data)) {
			t.Errorf("binary %q: got %+v, %v", data, got, err)
		}
	}
	if got, err := (V4{}).Parse([]byte("bAQI="), false); err != nil || !same(got, binaryFrame("\x01\x02")) {
		t.Errorf("base64 on a stream: got %+v, %v", got, err)
	}
	for _, data := range []string{"", "7", "a", "b*"} {
		if _, err := (V4{}).Parse([]byte(data), false); !isProtocolError(err) {
			t.Errorf("%q: error %v, want a ProtocolError", data, err)
		}
	}
}

func TestV4Append(t *testing.T) {
	for kind := Open; kind <= Noop; kind++ {
		b := V4{}.AppendText([]byte("x"), kind, []byte("data"))
		if b[0] != 'x' {
			t.Fatalf("kind %d: overwrote dst: %q", kind, b)
		}
		if f, err := (V4{}).Parse(b[1:], false); err != nil || !same(f, text(kind, "data")) {
			t.Errorf("kind %d: read back %+v, %v", kind, f, err)
		}
	}
	got := V4{}.AppendPayload(nil, []Encoded{
		{Data: []byte("4a")}, {Data: []byte{1, 2, 3, 4}, Binary: true}, {Data: []byte("6")},
	})
	if want := "4a\x1ebAQIDBA==\x1e6"; string(got) != want { // engine.io-parser 5.2.3, encodePayload
		t.Errorf("payload %q, want %q", got, want)
	}
}

// More than max frames are refused before the first of them is handled: THREATS.md,
// "Default limits".
func TestPayloadMax(t *testing.T) {
	rev1 := func(n int) string {
		return string(bytes.Repeat([]byte("\ufffd3\ufffd2::"), n))
	}
	v4 := func(n int) string {
		return string(bytes.Repeat([]byte("4\x1e"), n-1)) + "4"
	}
	for _, tt := range []struct {
		name string
		f    Framing
		body func(n int) string
	}{{"Engine.IO 4", V4{}, v4}, {"revision 1", Rev1{}, rev1}} {
		if got, err := collect(tt.f, tt.body(5), 5); err != nil || len(got) != 5 {
			t.Errorf("%s: 5 of 5: %d frames, %v", tt.name, len(got), err)
		}
		if got, err := collect(tt.f, tt.body(6), 5); !isProtocolError(err) || len(got) != 0 {
			t.Errorf("%s: 6 of 5: %d frames, %v", tt.name, len(got), err)
		}
		if got, err := collect(tt.f, tt.body(6), 0); err != nil || len(got) != 6 {
			t.Errorf("%s: no bound: %d frames, %v", tt.name, len(got), err)
		}
		stop := errors.New("stop")
		n := 0
		err := tt.f.ParsePayload([]byte(tt.body(3)), 0, func(Frame) error { n++; return stop })
		if err != stop || n != 1 {
			t.Errorf("%s: an error of yield came back as %v after %d frames", tt.name, err, n)
		}
	}
}

func FuzzV4(f *testing.F) {
	for _, s := range []string{"4hello", "4a\x1ebAQIDBA==\x1e6", "2probe\x1e3probe", "bAQ", "b-_\n-_", "4é😀\x1e1", "\x1e", "4\xff"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := collect(V4{}, string(body), 0)
		if err != nil {
			return
		}
		// What was read, written again, reads the same.
		var msgs []Encoded
		for _, fr := range got {
			if fr.Binary {
				msgs = append(msgs, Encoded{Data: fr.Data, Binary: true})
				continue
			}
			if !utf8.Valid(fr.Data) {
				t.Fatalf("yielded text that is not UTF-8: %q", fr.Data)
			}
			msgs = append(msgs, Encoded{Data: V4{}.AppendText(nil, fr.Kind, fr.Data)})
		}
		again, err := collect(V4{}, string(V4{}.AppendPayload(nil, msgs)), len(msgs))
		if err != nil {
			t.Fatal(err)
		}
		checkFrames(t, again, got)
	})
}
