package websocket

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
	"unsafe"

	"github.com/gobwas/ws"
)

// Around each border between forms of the length (RFC 6455 §5.2). The reference
// writes a length of 0 for 65,536 bytes [T websocket-13-frames].
var lengths = []int{0, 1, 125, 126, 127, 255, 256, 65535, 65536, 65537, 1 << 24}

func TestHeaders(t *testing.T) {
	for _, op := range []Opcode{Text, Binary, Ping} {
		for _, n := range lengths {
			h := AppendHeader([]byte("x"), op, n)[1:]
			if len(h) != HeaderLen(n) {
				t.Errorf("header for %d bytes has %d, HeaderLen says %d", n, len(h), HeaderLen(n))
			}
			got, err := ws.ReadHeader(bytes.NewReader(h))
			want := ws.Header{Fin: true, OpCode: ws.OpCode(op), Length: int64(n)}
			if err != nil || got != want {
				t.Errorf("% x is read as %+v, %v; want %+v", h, got, err, want)
			}
			buf := bytes.Repeat([]byte{0xEE}, Headroom+1)
			start := PutHeader(buf, op, n)
			if !bytes.Equal(buf[start:Headroom], h) || buf[Headroom] != 0xEE || start > 0 && buf[0] != 0xEE {
				t.Errorf("PutHeader(%d): % x from %d, want % x", n, buf, start, h)
			}
		}
	}
}

func TestAppendClose(t *testing.T) {
	if got := AppendClose(nil, 1000, ""); !bytes.Equal(got, []byte{0x88, 2, 3, 0xe8}) {
		t.Errorf("1000: % x", got) // websocket-drafts.md §5
	}
	for _, code := range []int{0, CloseNoStatus} { // RFC 6455 §7.4.1: never sent
		if got := AppendClose(nil, code, "ignored"); !bytes.Equal(got, []byte{0x88, 0}) {
			t.Errorf("%d: % x", code, got)
		}
	}
	// 125 bytes are all a control frame holds (RFC 6455 §5.5), and the reason stays UTF-8.
	for n := range 130 {
		got := AppendClose(nil, CloseTooBig, strings.Repeat("x", n)+"é😀é😀")
		if err := checkClose(got[2:]); err != nil || len(got) > 2+maxControl || int(got[1]) != len(got)-2 {
			t.Errorf("reason behind %d bytes: %v: % x", n, err, got)
		}
	}
}

func TestUnmask(t *testing.T) {
	const key = 0x3d21fa37
	for n := range 140 {
		for _, fill := range []byte{0x7f, 0x80} {
			want := bytes.Repeat([]byte{'a'}, n)
			if n > 0 {
				want[n/2] = fill
			}
			masked := bytes.Clone(want)
			ws.Cipher(masked, [4]byte{0x37, 0xfa, 0x21, 0x3d}, 0)
			dst := bytes.Repeat([]byte{0xEE}, n+1)
			ascii := unmask(dst, masked, key)
			if !bytes.Equal(dst[:n], want) || dst[n] != 0xEE || ascii != (n == 0 || fill < 0x80) {
				t.Fatalf("%d bytes: % x, ascii %v; want % x", n, dst, ascii, want)
			}
			// In two pieces, the mask turned in between.
			unmask(dst, masked[:n/3], key)
			unmask(dst[n/3:], masked[n/3:], turn(key, n/3))
			if !bytes.Equal(dst[:n], want) {
				t.Fatalf("%d bytes in two pieces: % x, want % x", n, dst, want)
			}
		}
	}
}

func FuzzCheckText(f *testing.F) {
	f.Add([]byte("aé\u2028😀"), 3)
	f.Add([]byte("\xed\xa0\x80"), 1)
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		cut = min(max(cut, 0), len(b))
		valid, ok := checkText(b[:cut], 0)
		if ok {
			valid, ok = checkText(b, valid)
		}
		if got := ok && valid == len(b); got != utf8.Valid(b) {
			t.Fatalf("%q cut at %d: %v", b, cut, got)
		}
	})
}

// A Reader lies in every client's memory.
func TestReaderSize(t *testing.T) {
	if n := unsafe.Sizeof(Reader{}); n > 64 {
		t.Errorf("an idle Reader has %d bytes", n)
	}
}

func ignore(Opcode, []byte) error { return nil }

// client returns a client's frame with a mask, as gobwas/ws writes it.
func client(op ws.OpCode, payload []byte) []byte {
	f := ws.MaskFrameInPlaceWith(ws.NewFrame(op, true, bytes.Clone(payload)), [4]byte{0x37, 0xfa, 0x21, 0x3d})
	return ws.MustCompileFrame(f)
}

// What is announced costs nothing; what arrived, at most twice itself and a little
// (THREATS.md, rule 2).
func TestReaderGrowth(t *testing.T) {
	const size = 1 << 20
	for _, fin := range []bool{true, false} {
		b := client(ws.OpText, bytes.Repeat([]byte("x"), size))
		if !fin {
			b[0] &^= finBit
		}
		r := Reader{Limit: size}
		grown, last := 0, 0
		for i := 0; i < len(b)-1; i += 100 {
			r.Feed(b[i:min(i+100, len(b)-1)], ignore)
			got := len(r.part.msg)
			if c := cap(r.part.msg); c > 5*got/2+128 {
				t.Fatalf("after %d bytes room for %d (fin %v)", got, c, fin)
			} else if c != last {
				grown, last = grown+1, c
			}
		}
		if grown > 16 {
			t.Errorf("grew %d times, so copying is not linear", grown)
		}
		if fin && cap(r.part.msg) != size {
			t.Errorf("ends in %d bytes of memory, message has %d", cap(r.part.msg), size)
		}
	}
	// A fragment or control frame under way goes with its end.
	var r Reader
	b := client(ws.OpPing, []byte("ping"))
	r.Feed(b[:8], ignore)
	r.Feed(b[8:], ignore)
	if r.part != nil {
		t.Error("a finished ping left something behind")
	}
}

func TestReaderAllocs(t *testing.T) {
	var sixteen []byte
	for range 16 {
		sixteen = append(sixteen, client(ws.OpText, []byte(`42["echo",{"a":1}]`))...)
	}
	for _, tt := range []struct {
		name string
		b    []byte
		most float64
	}{
		{"16 small messages", sixteen, 1}, // IO.md, rule 6: copy once per read
		{"pings without a body", bytes.Repeat(client(ws.OpPing, nil), 100), 0},
		{"a message beyond the shared size", client(ws.OpText, make([]byte, 10_000)), 1},
	} {
		var r Reader
		if got := testing.AllocsPerRun(100, func() { r.Feed(tt.b, ignore) }); got > tt.most {
			t.Errorf("%s: %v allocations, want at most %v", tt.name, got, tt.most)
		}
	}
	// Payloads share memory but no bytes: appending to one leaves the next alone.
	var r Reader
	var got [][]byte
	r.Feed(sixteen, func(_ Opcode, p []byte) error { got = append(got, p); return nil })
	_ = append(got[0], "overwritten"...)
	if string(got[1]) != `42["echo",{"a":1}]` {
		t.Errorf("the second message became %q", got[1])
	}
}
