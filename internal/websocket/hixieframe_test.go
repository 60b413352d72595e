package websocket_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sockeye-io/socketio/internal/websocket"
)

// readHixie feeds a reader in pieces of n bytes and returns what came, an error last.
func readHixie(r *websocket.HixieReader, p string, n int) (out []string) {
	for len(p) > 0 {
		piece := []byte(p[:min(n, len(p))])
		p = p[len(piece):]
		err := r.Feed(piece, func(op websocket.Opcode, payload []byte) error {
			if op == websocket.Close {
				out = append(out, "closing")
				return nil
			}
			out = append(out, string(payload))
			return nil
		})
		clear(piece) // the payloads are not the caller's memory
		var e *websocket.CloseError
		if errors.As(err, &e) {
			out = append(out, fmt.Sprintf("error %d", e.Code))
		}
	}
	return out
}

func TestHixieReader(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"a text", "\x003:::hello\xff", "3:::hello"},
		{"characters", "\x003:::\xc3\xa9\xf0\x9f\x98\x80\xff", "3:::é😀"}, // websocket-drafts.md §3
		{"two in one segment", "\x00a\xff\x00b\xff", "a|b"},              // [T websocket-hixie-76]
		{"an empty one", "\x00\xff", ""},
		{"U+FFFD is a character", "\x003:::a\xef\xbf\xbdb\xff", "3:::a\uFFFDb"}, // clients.md 2
		{"NUL inside", "\x00a\x00b\xff", "a\x00b"},
		{"the closing", "\xff\x00", "closing"},
		{"nothing after the closing", "\x00a\xff\xff\x00\x00b\xff", "a|closing"},
		{"a closing with content", "\xff\x01x", "error 1002"},
		{"a frame with a length", "\x80\x01x\x00a\xff", "error 1002"},
		{"another text type", "\x01x\xff\x00a\xff", "error 1002"},
		{"a hybi frame", "\x81\x80", "error 1002"},
		{"no UTF-8", "\x00\xc3\xff\x00a\xff", "error 1007"},
		{"a surrogate", "\x00\xed\xa0\x80\xff", "error 1007"},
		{"as long as can be", "\x00" + strings.Repeat("x", 100) + "\xff", strings.Repeat("x", 100)},
		{"too long", "\x00" + strings.Repeat("x", 101) + "\xff", "error 1009"},
		{"without an end", "\x00" + strings.Repeat("x", 1000), "error 1009"},
	} {
		for n := 1; n <= len(tt.in); n++ {
			r := &websocket.HixieReader{Limit: 100}
			if got := strings.Join(readHixie(r, tt.in, n), "|"); got != tt.want {
				t.Errorf("%s, %d bytes at a time: got %q, want %q", tt.name, n, got, tt.want)
			}
		}
	}
}

func TestHixieYieldError(t *testing.T) {
	stop := errors.New("stop")
	r := new(websocket.HixieReader)
	calls := 0
	yield := func(websocket.Opcode, []byte) error { calls++; return stop }
	if err := r.Feed([]byte("\x00a\xff\x00b\xff"), yield); err != stop {
		t.Errorf("got %v", err)
	}
	if err := r.Feed([]byte("\x00c\xff"), yield); err != nil || calls != 1 {
		t.Errorf("after an error: %v, %d calls", err, calls)
	}
}

func TestAppendHixie(t *testing.T) {
	if got := websocket.AppendHixie([]byte("x"), []byte("1::")); string(got) != "x\x001::\xff" {
		t.Errorf("got %q", got)
	}
	if got := websocket.AppendHixieClose(nil); string(got) != "\xff\x00" {
		t.Errorf("got %q", got)
	}
}

// FuzzHixieReader: what is read is what was written, however it is cut, and nothing
// is read beyond the limit.
func FuzzHixieReader(f *testing.F) {
	f.Add([]byte("\x003:::hello\xff\x00\xff\xff\x00"), uint8(3))
	f.Add([]byte("\x003:::\xc3\xa9\xf0\x9f\x98\x80\xff"), uint8(1))
	f.Add([]byte("\x80\x05hello"), uint8(2))
	f.Fuzz(func(t *testing.T, in []byte, n uint8) {
		const limit = 64
		whole := readHixie(&websocket.HixieReader{Limit: limit}, string(in), len(in)+1)
		cut := readHixie(&websocket.HixieReader{Limit: limit}, string(in), int(n)+1)
		if strings.Join(whole, "|") != strings.Join(cut, "|") {
			t.Errorf("at once %q, in pieces %q", whole, cut)
		}
		var back []byte
		for _, text := range whole {
			if len(text) > limit {
				t.Errorf("a text of %d bytes", len(text))
			}
			back = websocket.AppendHixie(back, []byte(text))
		}
		if k := len(back); !strings.Contains(strings.Join(whole, "|"), "error") &&
			!strings.Contains(strings.Join(whole, "|"), "closing") && !bytes.HasPrefix(in, back) {
			t.Errorf("%q was read as %q (%d bytes)", in, whole, k)
		}
	})
}

// FuzzHixieKeys: no key makes a handshake panic, or be answered twice.
func FuzzHixieKeys(f *testing.F) {
	f.Add(draftKey1, draftKey2, []byte("^n:ds[4U"))
	f.Fuzz(func(t *testing.T, key1, key2 string, third []byte) {
		a, refusal := websocket.Accept(nil, oldRequest("Sec-WebSocket-Key1", key1, "Sec-WebSocket-Key2", key2), everyDialect...)
		if refusal != nil {
			return
		}
		rest, proof := a.Proof.Feed(third)
		if (len(third) >= 8) != (len(proof) == 16) || len(third) >= 8 && !bytes.Equal(rest, third[8:]) {
			t.Errorf("%q: %q, %q", third, rest, proof)
		}
	})
}
