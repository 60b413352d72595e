package conn

import (
	"net"
	"runtime"
	"runtime/debug"
	"testing"
)

// deep is an echo whose handling of a message takes as much stack as parsing does.
type deep struct{ echo }

func (d *deep) Receive(p []byte) error {
	use(8)
	return d.echo.Receive(p)
}

//go:noinline
func use(n int) byte {
	var b [256]byte
	if n > 0 {
		b[n] = use(n - 1)
	}
	return b[n]
}

// BenchmarkIdle reports what a connection costs while it waits for the second message,
// beyond the descriptors: its stack, and what was allocated for it (in which a handler
// with an answer of a few bytes is counted).
func BenchmarkIdle(b *testing.B) {
	const connections = 9000
	for b.Loop() {
		servers, clients := make([]net.Conn, connections), make([]net.Conn, connections)
		for i := range servers {
			servers[i], clients[i] = tcpPair(b)
		}
		before := memory()
		handlers := make([]deep, connections)
		for i := range handlers {
			new(Group).Adopt(&handlers[i].Conn, servers[i], nil, &handlers[i])
		}
		for range 3 {
			for i, c := range clients {
				if handlers[i].engine.(*goroutine).at != 0 {
					handlers[i].engine.(*goroutine).at -= 2 * idle // as if time had passed
				}
				exchange(b, c)
			}
		}
		for i := range handlers {
			for !handlers[i].rests() {
				runtime.Gosched()
			}
		}
		after := memory()
		b.ReportMetric(float64(after.StackInuse-before.StackInuse)/connections, "stackB/conn")
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/connections, "heapB/conn")
		for i := range clients {
			clients[i].Close()
			handlers[i].Close(nil)
		}
	}
}

func exchange(b *testing.B, c net.Conn) {
	var p [6]byte
	if _, err := c.Write(p[:]); err != nil {
		b.Fatal(err)
	}
	if _, err := c.Read(p[:]); err != nil {
		b.Fatal(err)
	}
}

// rests says whether the writer has gone.
func (c *Conn) rests() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.users == 1
}

func memory() (m runtime.MemStats) {
	debug.FreeOSMemory()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m
}
