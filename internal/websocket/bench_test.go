package websocket

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/gobwas/ws"
)

// What a connection feeds: small messages that came together, one message, and a
// long one in reads of 16 KiB.
func BenchmarkFeed(b *testing.B) {
	small := client(ws.OpText, []byte(strings.Repeat("x", 58)))
	long := client(ws.OpText, []byte(strings.Repeat("x", 100_000)))
	for _, bb := range []struct {
		name string
		data []byte
		read int
	}{
		{"16 in one read", bytes.Repeat(small, 16), 64 << 10},
		{"64 bytes", small, 64 << 10},
		{"100 kB in reads of 16 KiB", long, 16 << 10},
		{"100 kB at once", long, 1 << 20},
		{"100 kB of é at once", client(ws.OpText, []byte(strings.Repeat("é", 50_000))), 1 << 20},
		{"64 bytes, byte by byte", small, 1},
	} {
		b.Run(bb.name, func(b *testing.B) {
			var r Reader
			b.SetBytes(int64(len(bb.data)))
			b.ReportAllocs()
			for b.Loop() {
				for p := bb.data; len(p) > 0; {
					n := min(bb.read, len(p))
					r.Feed(p[:n], ignore)
					p = p[n:]
				}
			}
		})
	}
}

// The comparison that decides whether headers and masks rest on gobwas/ws:
// 16 frames of 64 bytes that lie in the read buffer, each payload copied to memory
// of its own. docs/design.md has the figures.
func BenchmarkHeaders(b *testing.B) {
	data := bytes.Repeat(client(ws.OpText, []byte(strings.Repeat("x", 58))), 16)
	dst := make([]byte, 4096)
	b.Run("own", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for p := data; len(p) > 0; {
				h, n := parseHeader(p)
				end := n + int(h.length)
				unmask(dst, p[n:end], h.key)
				p = p[end:]
			}
		}
	})
	b.Run("gobwas", func(b *testing.B) {
		b.ReportAllocs()
		r := bytes.NewReader(data)
		for b.Loop() {
			r.Reset(data)
			for at := 0; at < len(data); {
				h, _ := ws.ReadHeader(r)
				at = len(data) - r.Len()
				n := copy(dst, data[at:at+int(h.Length)])
				ws.Cipher(dst[:n], h.Mask, 0)
				r.Seek(h.Length, 1)
				at += n
			}
		}
	})
	b.Run("gobwas, header buffer kept", func(b *testing.B) {
		b.ReportAllocs()
		r := bytes.NewReader(data)
		buf := make([]byte, ws.MaxHeaderSize)
		for b.Loop() {
			r.Reset(data)
			for at := 0; at < len(data); {
				h, _ := ws.ReadHeaderBuffer(r, buf)
				at = len(data) - r.Len()
				n := copy(dst, data[at:at+int(h.Length)])
				ws.Cipher(dst[:n], h.Mask, 0)
				r.Seek(h.Length, 1)
				at += n
			}
		}
	})
}

// Copying and unmasking in one pass, which also learns whether it is all ASCII,
// against a copy that gobwas/ws then unmasks where it lies.
func BenchmarkMask(b *testing.B) {
	for _, n := range []int{4, 16, 58, 256, 1024, 16 << 10, 100_000} {
		src, dst := make([]byte, n), make([]byte, n)
		b.Run(fmt.Sprintf("own/%d", n), func(b *testing.B) {
			b.SetBytes(int64(n))
			for b.Loop() {
				unmask(dst, src, 0x3d21fa37)
			}
		})
		b.Run(fmt.Sprintf("gobwas/%d", n), func(b *testing.B) {
			b.SetBytes(int64(n))
			for b.Loop() {
				copy(dst, src)
				ws.Cipher(dst, [4]byte{0x37, 0xfa, 0x21, 0x3d}, 0)
			}
		})
	}
}

func BenchmarkAppendFrame(b *testing.B) {
	payload := make([]byte, 58)
	buf := make([]byte, 0, 128)
	for b.Loop() {
		AppendFrame(buf, Text, payload)
	}
}
