package conn

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"

	"github.com/lxzan/gws"
)

// An echo answers what arrives with the same bytes.
type echo struct {
	Conn
	mu  sync.Mutex
	out []byte
}

func (e *echo) Receive(p []byte) error {
	e.mu.Lock()
	e.out = append(e.out, p...)
	e.mu.Unlock()
	e.Wake()
	return nil
}

func (e *echo) Outgoing(scratch []byte) ([]byte, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.out) == 0 {
		return nil, false
	}
	scratch = append(scratch, e.out...)
	e.out = e.out[:0]
	return scratch, false
}

func (e *echo) Sent(error)   {}
func (e *echo) Leaving()     {}
func (e *echo) Closed(error) {}

type gwsEcho struct{ gws.BuiltinEventHandler }

func (gwsEcho) OnMessage(c *gws.Conn, m *gws.Message) {
	defer m.Close()
	_ = c.WriteMessage(m.Opcode, m.Bytes())
}

// frame returns a client's frame of n bytes, masked with zero, so that whoever echoes
// it unread echoes something as long as the server's frame, and four bytes more.
func frame(n int) []byte {
	var f []byte
	if n < 126 {
		f = []byte{0x82, 0x80 | byte(n)}
	} else {
		f = binary.BigEndian.AppendUint16([]byte{0x82, 0x80 | 126}, uint16(n))
	}
	return append(f, make([]byte, 4+n)...)
}

// One operation is one message there and back; inflight of them are sent in one write.
func BenchmarkEcho(b *testing.B) {
	for _, size := range []int{32, 600, 16000} {
		for _, inflight := range []int{1, 16} {
			name := strconv.Itoa(size) + "B/" + strconv.Itoa(inflight) + "inflight"
			b.Run(name+"/conn", func(b *testing.B) {
				server, client := tcpPair(b)
				e := new(echo)
				new(Group).Adopt(&e.Conn, server, nil, e)
				pingPong(b, client, frame(size), len(frame(size)), inflight)
			})
			b.Run(name+"/gws", func(b *testing.B) {
				pingPong(b, dialGws(b), frame(size), len(frame(size))-4, inflight)
			})
		}
	}
}

func pingPong(b *testing.B, client net.Conn, f []byte, answer, inflight int) {
	defer client.Close()
	var out []byte
	for range inflight {
		out = append(out, f...)
	}
	in := make([]byte, answer*inflight)
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i += inflight {
		if _, err := client.Write(out); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(client, in); err != nil {
			b.Fatal(err)
		}
	}
}

func dialGws(b *testing.B) net.Conn {
	up := gws.NewUpgrader(gwsEcho{}, nil)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, err := up.Upgrade(w, r); err == nil {
			go c.ReadLoop()
		}
	}))
	b.Cleanup(s.Close)
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	r := bufio.NewReader(c)
	if _, err := http.ReadResponse(r, nil); err != nil || r.Buffered() > 0 {
		b.Fatal("handshake", err)
	}
	return c
}
