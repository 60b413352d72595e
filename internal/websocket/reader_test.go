package websocket_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	. "github.com/sockeye-io/socketio/internal/websocket"
	"github.com/sockeye-io/socketio/internal/websocket/wstest"
)

var names = map[Opcode]string{Text: "text", Binary: "binary", Close: "close", Ping: "ping", Pong: "pong"}

// A transcript is what came of feeding a Reader.
type transcript struct {
	events []string // such as `text "hello"`
	code   int      // of the CloseError, 0 without one
}

func (tr transcript) String() string { return fmt.Sprint(tr.events, " ", tr.code) }

// feed gives pieces of b, each with the size that next says, to a new Reader.
func feed(t testing.TB, limit int, b []byte, next func() int) transcript {
	t.Helper()
	var tr transcript
	r := Reader{Limit: limit}
	for len(b) > 0 {
		n := min(next(), len(b))
		piece := bytes.Clone(b[:n])
		b = b[n:]
		err := r.Feed(piece, func(op Opcode, payload []byte) error {
			tr.events = append(tr.events, fmt.Sprintf("%s %q", names[op], payload))
			return nil
		})
		for i := range piece {
			piece[i] = 0xAA // Feed must have kept nothing of it
		}
		var ce *CloseError
		if errors.As(err, &ce) {
			tr.code = ce.Code
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	return tr
}

func all() int { return 1 << 30 }
func one() int { return 1 }

// feedAll feeds b whole, byte by byte, and in two pieces for every place to cut it.
// All must come to the same.
func feedAll(t *testing.T, limit int, b []byte) transcript {
	t.Helper()
	want := feed(t, limit, b, all)
	if got := feed(t, limit, b, one); got.String() != want.String() {
		t.Errorf("byte by byte: %v; at once: %v", got, want)
	}
	for at := 1; at < len(b) && at < 300; at++ {
		sizes := []int{at, len(b)}
		got := feed(t, limit, b, func() (n int) { n, sizes = sizes[0], sizes[1:]; return n })
		if got.String() != want.String() {
			t.Errorf("cut at %d: %v; at once: %v", at, got, want)
		}
	}
	return want
}

// replies echoes messages and answers control frames, as a server would.
func replies(op Opcode, payload []byte) []byte {
	switch op {
	case Ping:
		return AppendFrame(nil, Pong, payload)
	case Pong:
		return nil
	case Close:
		code, _ := ParseClose(payload)
		return AppendClose(nil, code, "")
	}
	return AppendFrame(nil, op, payload)
}

func TestRecordedFrames(t *testing.T) {
	b, err := os.ReadFile("testdata/frames.txt")
	if err != nil {
		t.Fatal(err)
	}
	unhex := func(s string) []byte {
		b, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSuffix(strings.TrimSpace(s), "-"), " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		id, rest, _ := strings.Cut(line, " ")
		fields := strings.Split(rest, "|")
		t.Run(id, func(t *testing.T) {
			sent, want, answer := unhex(fields[0]), strings.TrimSpace(fields[1]), unhex(fields[2])
			tr := feedAll(t, 1000, sent)
			if got := strings.Join(tr.events, " "); got != want || tr.code != 0 {
				t.Errorf("read %s (code %d), want %s", got, tr.code, want)
			}
			var got []byte
			var r Reader
			r.Feed(sent, func(op Opcode, payload []byte) error {
				got = append(got, replies(op, payload)...)
				return nil
			})
			if !bytes.Equal(got, answer) {
				t.Errorf("answered % x, want % x", got, answer)
			}
		})
	}
}

type frame = wstest.Frame

func text(s string) frame { return frame{Op: Text, Payload: []byte(s)} }
func more(s string) frame { return frame{Op: Text, Payload: []byte(s), More: true} }
func cont(s string) frame { return frame{Op: Continuation, Payload: []byte(s)} }
func contMore(s string) frame {
	return frame{Op: Continuation, Payload: []byte(s), More: true}
}
func closing(s string) frame { return frame{Op: Close, Payload: []byte(s)} }

// Each rule with its source. Every case begins with a good message, so that a
// failure is not taken for a message or the other way round.
func TestReader(t *testing.T) {
	const limit = 1000
	long := strings.Repeat("x", limit)
	tests := []struct {
		name   string
		frames []frame
		want   string
		code   int
		why    string
	}{
		{"empty text", []frame{text("")}, `text ""`, 0, "RFC 6455 §5.6: a length of 0 is a length"},
		{"binary", []frame{{Op: Binary, Payload: []byte{0xff, 0}}}, `binary "\xff\x00"`, 0, "RFC 6455 §5.6: any bytes"},
		{"mask of zeros in part", []frame{{Op: Text, Payload: []byte("abcdefghij"), Key: [4]byte{0, 0, 0, 1}}}, `text "abcdefghij"`, 0, "RFC 6455 §5.3: any mask"},
		{"three fragments", []frame{more("a"), contMore("b"), cont("c")}, `text "abc"`, 0, "RFC 6455 §5.4"},
		{"empty fragments", []frame{more(""), contMore(""), cont("")}, `text ""`, 0, "RFC 6455 §5.4"},
		{"control frames between fragments", []frame{more("a"), {Op: Ping, Payload: []byte("p")}, contMore("b"), {Op: Pong}, cont("c")}, `ping "p" pong "" text "abc"`, 0, "RFC 6455 §5.4: may be injected"},
		{"longer length form than needed", []frame{{Op: Text, Payload: []byte("a"), Form: 16}, {Op: Text, Payload: []byte("b"), Form: 64}}, `text "a" text "b"`, 0, "real servers take it [T websocket-13-frames]"},
		{"ping of 125 bytes", []frame{{Op: Ping, Payload: []byte(long[:125])}}, fmt.Sprintf("ping %q", long[:125]), 0, "RFC 6455 §5.5"},
		{"as long as the limit", []frame{text(long)}, fmt.Sprintf("text %q", long), 0, "THREATS.md, Default limits"},

		{"not masked", []frame{{Op: Text, Payload: []byte("a"), Unmasked: true}}, "", 1002, "RFC 6455 §5.1"},
		{"not masked, empty", []frame{{Op: Ping, Unmasked: true}}, "", 1002, "RFC 6455 §5.1"},
		{"RSV1", []frame{{Op: Text, Payload: []byte("a"), RSV: 4}}, "", 1002, "RFC 6455 §5.2: no extension was negotiated"},
		{"RSV2", []frame{{Op: Text, RSV: 2}}, "", 1002, "RFC 6455 §5.2"},
		{"RSV3 on a control frame", []frame{{Op: Ping, RSV: 1}}, "", 1002, "RFC 6455 §5.2"},
		{"opcode 3", []frame{{Op: 3}}, "", 1002, "RFC 6455 §5.2: reserved"},
		{"opcode 7", []frame{{Op: 7, Payload: []byte("a")}}, "", 1002, "RFC 6455 §5.2: reserved"},
		{"opcode 11", []frame{{Op: 11}}, "", 1002, "RFC 6455 §5.2: reserved"},
		{"opcode 15", []frame{{Op: 15}}, "", 1002, "RFC 6455 §5.2: reserved"},
		{"continuation of nothing", []frame{cont("a")}, "", 1002, "RFC 6455 §5.4"},
		{"continuation behind a whole message", []frame{text("a"), cont("b")}, `text "a"`, 1002, "RFC 6455 §5.4"},
		{"text inside a text", []frame{more("a"), text("b")}, "", 1002, "RFC 6455 §5.4: not interleaved"},
		{"binary inside a text", []frame{more("a"), {Op: Binary}}, "", 1002, "RFC 6455 §5.4"},
		{"ping in fragments", []frame{{Op: Ping, More: true}}, "", 1002, "RFC 6455 §5.5"},
		{"close in fragments", []frame{{Op: Close, More: true}}, "", 1002, "RFC 6455 §5.5"},
		{"ping of 126 bytes", []frame{{Op: Ping, Payload: []byte(long[:126])}}, "", 1002, "RFC 6455 §5.5"},
		{"ping with a 16-bit length", []frame{{Op: Ping, Payload: []byte("a"), Form: 16}}, "", 1002, "RFC 6455 §5.5"},
		{"close with a 64-bit length", []frame{{Op: Close, Form: 64}}, "", 1002, "RFC 6455 §5.5"},

		{"top bit of the length", []frame{{Op: Text, Form: 64, Lie: true, Length: 1 << 63}}, "", 1009, "RFC 6455 §5.2; THREATS.md, WebSocket"},
		{"all bits of the length", []frame{{Op: Text, Form: 64, Lie: true, Length: 1<<64 - 1}}, "", 1009, "THREATS.md: without overflow"},
		{"longer than the limit", []frame{text(long + "x")}, "", 1009, "RFC 6455 §7.4.1"},
		{"announced longer than the limit", []frame{{Op: Text, Lie: true, Length: limit + 1}}, "", 1009, "THREATS.md: before anything is allocated"},
		{"fragments longer than the limit", []frame{more(long), cont("x")}, "", 1009, "THREATS.md: also as a sum over fragments"},
		{"sum that would overflow", []frame{more("a"), {Op: Continuation, Form: 64, Lie: true, Length: 1<<63 - 1}}, "", 1009, "THREATS.md: without overflow"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := wstest.Frames(append([]frame{text("first")}, tt.frames...)...)
			tr := feedAll(t, limit, b)
			want := strings.TrimSpace(`text "first" ` + tt.want)
			if got := strings.Join(tr.events, " "); got != want || tr.code != tt.code {
				t.Errorf("got %s, code %d; want %s, code %d (%s)", got, tr.code, want, tt.code, tt.why)
			}
		})
	}
}

// Text is UTF-8 (RFC 6455 §5.6, §8.1), checked across fragments and reads.
func TestReaderUTF8(t *testing.T) {
	tests := []struct {
		name, text string
		good       bool
	}{
		{"one to four bytes", "a\x7f\u0080\u07ff\u0800\uffff\U00010000\U0010ffff", true},
		{"around the surrogates", "\ud7ff\ue000", true},
		{"noncharacters", "\ufffe\uffff\ufdd0", true},
		{"long text, the last character astral", strings.Repeat("x", 61) + "😀", true},
		{"surrogate", "\xed\xa0\x80", false},
		{"last surrogate", "\xed\xbf\xbf", false},
		{"pair of surrogates", "\xed\xa0\xbd\xed\xb8\x80", false},
		{"overlong, two bytes", "\xc0\xaf", false},
		{"overlong, three bytes", "\xe0\x80\xaf", false},
		{"overlong, four bytes", "\xf0\x80\x80\xaf", false},
		{"beyond U+10FFFF", "\xf4\x90\x80\x80", false},
		{"five bytes", "\xf8\x88\x80\x80\x80", false},
		{"FE", "\xfe", false},
		{"FF", "abc\xff", false},
		{"continuation alone", "a\x80", false},
		{"cut off after one of two", "a\xc3", false},
		{"cut off after two of three", "a\xe2\x82", false},
		{"cut off after three of four", "a\xf0\x9f\x98", false},
		{"not continued", "\xe2\x28\xa1", false},
		{"long text, a fault at its end", strings.Repeat("x", 61) + "\xff", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			// As one frame, then as two fragments cut at every place.
			for at := range len(tt.text) + 1 {
				frames := []frame{more(tt.text[:at]), cont(tt.text[at:]), text("next")}
				if at == 0 {
					frames = []frame{text(tt.text), text("next")}
				}
				tr := feedAll(t, 0, wstest.Frames(frames...))
				want := fmt.Sprintf("text %q text \"next\"", tt.text)
				if got := strings.Join(tr.events, " "); tt.good && (got != want || tr.code != 0) {
					t.Errorf("cut at %d: got %s, code %d", at, got, tr.code)
				} else if !tt.good && (got != "" || tr.code != CloseInvalidData) {
					t.Errorf("cut at %d: got %s, code %d; want code 1007", at, got, tr.code)
				}
			}
		})
	}
}

func TestReaderClose(t *testing.T) {
	code := func(n int) string { return string([]byte{byte(n >> 8), byte(n)}) }
	// No body, and codes with a reason or none: RFC 6455 §5.5.1, §7.4.
	if tr := feedAll(t, 0, wstest.Frames(closing(""), text("after"))); tr.String() != `[close ""] 0` {
		t.Errorf("empty close: %v", tr)
	}
	for n := range 1 << 16 {
		good := n >= 1000 && n <= 1003 || n >= 1007 && n <= 1014 || n >= 3000 && n <= 4999
		var r Reader
		got := 0
		err := r.Feed(closing(code(n)).Append(nil), func(op Opcode, payload []byte) error {
			got, _ = ParseClose(payload)
			return nil
		})
		var ce *CloseError
		if good && (err != nil || got != n) || !good && (!errors.As(err, &ce) || ce.Code != CloseProtocolError) {
			t.Errorf("close %d: %v, code %d; want good: %v (RFC 6455 §7.4)", n, err, got, good)
		}
	}
	for _, tt := range []struct {
		payload string
		code    int
		why     string
	}{
		{"\x03", 1002, "RFC 6455 §5.5.1: two bytes, if any"},
		{code(1000) + "\xff", 1007, "RFC 6455 §5.5.1: the reason is UTF-8"},
		{code(1000) + "\xe2\x82", 1007, "cut off"},
		{code(1006), 1002, "RFC 6455 §7.4.1: must not be sent"},
	} {
		// Also in the middle of a message.
		for _, frames := range [][]frame{{closing(tt.payload)}, {more("a"), closing(tt.payload)}} {
			if tr := feedAll(t, 0, wstest.Frames(frames...)); tr.code != tt.code || len(tr.events) > 0 {
				t.Errorf("close with %q: %v, want code %d (%s)", tt.payload, tr, tt.code, tt.why)
			}
		}
	}
	// "Nothing after one is obeyed" (THREATS.md, WebSocket), be it good or bad.
	after := wstest.Frames(closing(code(1000)+"bye"), text("after"), frame{Op: 3})
	if tr := feedAll(t, 0, after); tr.String() != `[close "\x03\xe8bye"] 0` {
		t.Errorf("frames behind a close: %v", tr)
	}
}

// Empty fragments have an end: THREATS.md, "Default limits".
func TestReaderFragments(t *testing.T) {
	fragments := func(n int) []byte {
		b := more("a").Append(nil)
		for range n - 2 {
			b = contMore("").Append(b)
		}
		return cont("b").Append(b)
	}
	if tr := feed(t, 0, fragments(16384), all); tr.String() != `[text "ab"] 0` {
		t.Errorf("16384 fragments: %v", tr)
	}
	if tr := feed(t, 0, fragments(16385), all); tr.code != ClosePolicy || len(tr.events) > 0 {
		t.Errorf("16385 fragments: %v", tr)
	}
}

func TestReaderYieldError(t *testing.T) {
	stop := errors.New("stop")
	var r Reader
	n := 0
	yield := func(Opcode, []byte) error { n++; return stop }
	if err := r.Feed(wstest.Frames(text("a"), text("b")), yield); err != stop || n != 1 {
		t.Errorf("got %v after %d messages", err, n)
	}
	if err := r.Feed(wstest.Frames(text("c")), yield); err != nil || n != 1 {
		t.Errorf("a Reader that has ended went on: %v, %d messages", err, n)
	}
}
