package parser

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/sockeye-io/socketio/packet"
)

// benchPackets are the shapes that the project's end-to-end benchmarks send.
func benchPackets() []packet.Packet {
	object := `{"id":12345,"user":{"name":"Ada Lovelace","email":"ada@example.com","tags":["a","b","c"]},"text":"`
	object += strings.Repeat("lorem ipsum ", (512-len(object)-30)/12) + `","at":1700000000000,"ok":true}`
	return []packet.Packet{
		{Type: packet.Event, Namespace: "/", Name: "message", Args: jsonArgs(`"` + strings.Repeat("x", 50) + `"`)},
		{Type: packet.Event, Namespace: "/", Name: "message", Args: jsonArgs(object)},
		{Type: packet.Event, Namespace: "/", Name: "message", Args: jsonArgs(`"` + strings.Repeat("lorem ipsum ", 8333) + `"`)},
		{Type: packet.Event, Namespace: "/", Name: "message", Args: jsonArgs(`"` + strings.Repeat("тест ", 20000) + `"`)},
		{Type: packet.Ack, Namespace: "/", ID: "123", Args: jsonArgs(`"ok"`)},
	}
}

var benchNames = []string{"event64", "object512", "text100k", "cyrillic180k", "ack"}

func BenchmarkDecode(b *testing.B) {
	for i, p := range benchPackets() {
		for name, c := range map[string]Codec{"v5": V5, "rev1": Rev1} {
			text, _ := c.AppendHead(nil, &p)
			b.Run(fmt.Sprintf("%s/%s", name, benchNames[i]), func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				b.ReportAllocs()
				d := c.NewDecoder(defaults)
				for b.Loop() {
					if _, done, err := d.Decode(text, false); !done || err != nil {
						b.Fatal(done, err)
					}
				}
			})
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	for i, p := range benchPackets() {
		for name, c := range map[string]Codec{"v5": V5, "rev1": Rev1} {
			b.Run(fmt.Sprintf("%s/%s", name, benchNames[i]), func(b *testing.B) {
				dst, _ := c.AppendHead(nil, &p)
				b.SetBytes(int64(len(dst)))
				b.ReportAllocs()
				for b.Loop() {
					var err error
					if dst, err = c.AppendHead(dst[:0], &p); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkDecodeAttachment(b *testing.B) {
	head, data := []byte(`51-["file",{"_placeholder":true,"num":0}]`), make([]byte, 1024)
	d := V5.NewDecoder(defaults)
	b.ReportAllocs()
	for b.Loop() {
		d.Decode(head, false)
		if _, done, err := d.Decode(data, true); !done || err != nil {
			b.Fatal(done, err)
		}
	}
}

func BenchmarkSplit(b *testing.B) {
	list := bytes.Repeat([]byte(`{"id":12345,"text":"lorem ipsum dolor sit amet"},`), 10)
	list = list[:len(list)-1]
	var dst [16][]byte
	b.SetBytes(int64(len(list)))
	b.ReportAllocs()
	for b.Loop() {
		Split(dst[:0], list)
	}
}

// TestAllocations holds the promise that plain packets cost none.
func TestAllocations(t *testing.T) {
	for i, p := range benchPackets() {
		for name, c := range map[string]Codec{"v5": V5, "rev1": Rev1} {
			text, _ := c.AppendHead(nil, &p)
			d := c.NewDecoder(defaults)
			dst := make([]byte, 0, len(text))
			n := testing.AllocsPerRun(20, func() {
				_, _, _ = d.Decode(text, false)
				_, _ = c.AppendHead(dst, &p)
			})
			if n != 0 {
				t.Errorf("%s %s: %v allocations to read and write it", name, benchNames[i], n)
			}
		}
	}
}
