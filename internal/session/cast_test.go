package session

import (
	"bytes"
	"encoding/hex"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/sockeye-io/socketio/internal/generation"
	"github.com/sockeye-io/socketio/internal/parser"
	"github.com/sockeye-io/socketio/packet"
)

// Frames are those of RFC 6455 §5.2, unmasked; Messages are their payloads.
func TestCastFor(t *testing.T) {
	one := []packet.Attachment{{Data: []byte("\x01\x02")}}
	two := []packet.Attachment{{Pos: 0, Data: []byte("a")}, {Pos: 5, Data: nil}}
	event := func(a []packet.Attachment, json string) packet.Packet {
		return packet.Packet{Type: packet.Event, Namespace: "/", Name: "e", Args: packet.Args{JSON: []byte(json), Attachments: a}}
	}
	for _, tt := range []struct {
		name     string
		g        *generation.Generation
		p        packet.Packet
		frames   string
		messages []string
	}{
		{"text", &generation.EngineIO4, packet.Packet{Type: packet.Text, Data: []byte("hi")}, "\x81\x034hi", []string{"4hi"}},
		{"empty text", &generation.EngineIO4, packet.Packet{Type: packet.Text}, "\x81\x014", []string{"4"}},
		{"binary", &generation.EngineIO4, packet.Packet{Type: packet.Binary, Data: []byte("hi")}, "\x82\x02hi", []string{"hi"}},
		{"empty binary", &generation.EngineIO4, packet.Packet{Type: packet.Binary}, "\x82\x00", []string{""}},
		{"event", &generation.Revision5, event(nil, "1"), "\x81\x0942[\"e\",1]", []string{`42["e",1]`}},
		{
			"attachment", &generation.Revision5, event(one, "null"),
			"\x81\x2a" + `451-["e",{"_placeholder":true,"num":0}]` + "\x82\x02\x01\x02",
			[]string{`451-["e",{"_placeholder":true,"num":0}]`, "\x01\x02"},
		},
		{
			"two attachments, one empty", &generation.Revision5, event(two, "null,null"),
			"\x81\x4b" + `452-["e",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]` + "\x82\x01a\x82\x00",
			[]string{`452-["e",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`, "a", ""},
		},
		{"revision 1", &generation.Revision1, event(nil, "1"), "\x81\x1e" + `5:::{"name":"e","args":[1]}`, []string{`5:::{"name":"e","args":[1]}`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			// A head's length is known only here.
			tt.frames = fixLength(tt.frames, tt.messages[0])
			for name, c := range map[string]*Cast{"shared": NewCast(tt.p, false), "single": NewSingle(tt.p, false)} {
				for range 2 {
					e := c.For(tt.g)
					if e.Err != nil || string(e.Frames) != tt.frames {
						t.Fatalf("%s: %v, frames\n%s", name, e.Err, hex.Dump(e.Frames))
					}
					var got []string
					for _, m := range e.Messages {
						got = append(got, string(m.Data))
					}
					if !slices.Equal(got, tt.messages) {
						t.Fatalf("%s: messages %q", name, got)
					}
				}
			}
		})
	}
}

// fixLength puts the length of a head's frame right.
func fixLength(frames, head string) string {
	if frames[0] == 0x81 {
		return "\x81" + string(rune(len(head))) + frames[2:]
	}
	return frames
}

// Lengths of all three kinds, in the head and in attachments (RFC 6455 §5.2).
func TestCastLengths(t *testing.T) {
	for _, n := range []int{0, 1, 124, 125, 126, 127, 65534, 65535, 65536, 100000} {
		data := bytes.Repeat([]byte("x"), n)
		for _, typ := range []packet.Type{packet.Text, packet.Binary} {
			c := NewSingle(packet.Packet{Type: typ, Data: data}, false)
			e := c.For(&generation.EngineIO4)
			m := e.Messages[0].Data
			if !bytes.HasSuffix(m, data) || !bytes.HasSuffix(e.Frames, m) || len(e.Messages) != 1 {
				t.Fatalf("%d bytes of %v", n, typ)
			}
			header := len(e.Frames) - len(m)
			if want := map[bool]int{true: 2, false: 4}[len(m) <= 125]; len(m) <= 65535 && header != want || len(m) > 65535 && header != 10 {
				t.Fatalf("header of %d bytes for %d", header, len(m))
			}
			c.release()
		}
	}
}

// A packet that a generation has no form for is an error of its own, asked for as
// often as one likes, and the other generations have theirs.
func TestCastUnsayable(t *testing.T) {
	p := packet.Packet{Type: packet.Event, Namespace: "/", Name: "e"}
	c := NewCast(p, false)
	var local *packet.ProtocolError
	for range 2 {
		if e := c.For(withIndex(generation.EngineIO4, 1)); !errors.As(e.Err, &local) || !local.Local || len(e.Frames) != 0 {
			t.Fatalf("%v, %q", e.Err, e.Frames)
		}
		if e := c.For(withIndex(generation.Revision5, 2)); e.Err != nil {
			t.Fatal(e.Err)
		}
	}
	s := NewSingle(p, false)
	for range 2 {
		if e := s.For(&generation.EngineIO4); e.Err == nil {
			t.Fatal("no error")
		}
	}
	s.release()
	if s.own.Err != nil || s.own.Frames != nil || s.packet.Type != 0 {
		t.Fatal("something is left of it")
	}
}

func withIndex(g generation.Generation, i int) *generation.Generation {
	g.Index = i
	return &g
}

// A countingCodec counts what it encodes.
type countingCodec struct {
	parser.Codec
	mu sync.Mutex
	n  int
}

func (c *countingCodec) AppendHead(dst []byte, p *packet.Packet) ([]byte, error) {
	c.mu.Lock()
	c.n++
	c.mu.Unlock()
	return c.Codec.AppendHead(dst, p)
}

// A broadcast is encoded once for each generation, whoever asks first.
func TestCastEncodesOnce(t *testing.T) {
	codec := &countingCodec{Codec: parser.V5}
	g := generation.Revision5
	g.Codec = codec
	c := NewCast(packet.Packet{Type: packet.Event, Namespace: "/", Name: "e"}, false)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { c.For(&g) })
	}
	wg.Wait()
	if codec.n != 1 {
		t.Fatalf("encoded %d times", codec.n)
	}
}

// A single's buffer is used again only once its writer has settled: not when the
// session ends meanwhile.
func TestSingleOutlivesSession(t *testing.T) {
	var freed []*Cast
	released = func(c *Cast) { freed = append(freed, c) }
	defer func() { released = nil }()
	b, ws := streaming(t, &generation.EngineIO4)
	freed = nil
	b.push("leased")
	casts, _ := b.TakeStream(ws, nil, 100)
	leased := casts[0]
	b.push("waits")
	b.Session.Fail(TransportError)
	if len(freed) != 1 || freed[0] == leased {
		t.Fatalf("%d casts were released", len(freed))
	}
	if got := b.texts([]*Cast{leased}); got[0] != "4leased" {
		t.Fatalf("the writer sees %q", got)
	}
	b.Done(b.now, ws, false)
	b.Done(b.now, ws, false)
	if len(freed) != 2 || freed[1] != leased {
		t.Fatalf("%d casts were released", len(freed))
	}
	// One that is pushed too late, and one that is volatile and has no way.
	if _, err := b.pushed("late", false); err != ErrClosed {
		t.Fatal(err)
	}
	unopened := newRig(t, &generation.Revision1)
	if _, err := unopened.pushed("volatile", true); err != nil {
		t.Fatal(err)
	}
	if len(freed) != 4 {
		t.Fatalf("%d casts were released", len(freed))
	}
}

// A single that comes from the pool has nothing of the one before.
func TestSingleReuse(t *testing.T) {
	for i := range 50 {
		data := bytes.Repeat([]byte{byte('a' + i%26)}, i*200) // beyond maxKept, too
		typ := packet.Text
		if i%3 == 0 {
			typ = packet.Binary
		}
		c := NewSingle(packet.Packet{Type: typ, Data: data}, i%2 == 0)
		e := c.For(&generation.EngineIO4)
		if m := e.Messages[0]; !bytes.HasSuffix(m.Data, data) || m.Binary != (typ == packet.Binary) || len(e.Messages) != 1 {
			t.Fatalf("cast %d: %q", i, m.Data)
		}
		c.release()
		if cap(c.own.buf) > maxKept {
			t.Fatalf("%d bytes are kept", cap(c.own.buf))
		}
	}
}
