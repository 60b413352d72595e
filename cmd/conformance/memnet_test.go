package main

import (
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/socketio/internal/conn/conntest"
)

// memNet is a network in memory whose waits a synctest bubble can see. It must be
// made inside the bubble.
type memNet struct {
	handler http.Server
	conns   chan net.Conn
	closed  chan struct{}
	kernel  *conntest.Kernel // of connections that event loops serve; nil: others
}

// onEngines runs f in bubbles: with connections that goroutines must serve, and with
// those that event loops can (internal/conn).
func onEngines(t *testing.T, f func(t *testing.T, loop bool)) {
	for _, loop := range []bool{false, true} {
		t.Run(map[bool]string{false: "goroutine", true: "loop"}[loop], func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, loop) })
		})
	}
}

// newMemNet serves h. When the test is over, no descriptor may be left.
func newMemNet(t *testing.T, h http.Handler, loop bool) *memNet {
	n := makeMemNet(t, loop)
	n.handler.Handler = h
	go n.handler.Serve(n) // ends with Close
	return n
}

// makeMemNet is newMemNet for servers of other kinds.
func makeMemNet(t *testing.T, loop bool) *memNet {
	n := &memNet{conns: make(chan net.Conn), closed: make(chan struct{})}
	if loop {
		n.kernel = conntest.New(&conntest.Options{Server: memAddr, Client: memAddr, Fail: t.Errorf})
		t.Cleanup(func() {
			synctest.Wait()
			if fds, pollers := n.kernel.Open(), n.kernel.Pollers(); fds != 0 || pollers != 0 {
				t.Errorf("%d descriptors and %d pollers are left", fds, pollers)
			}
		})
	}
	return n
}

func (n *memNet) Accept() (net.Conn, error) {
	select {
	case c := <-n.conns:
		return c, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

func (n *memNet) Close() error {
	select {
	case <-n.closed:
	default:
		close(n.closed)
		n.handler.Close()
	}
	return nil
}

func (n *memNet) Addr() net.Addr { return memAddr }

var memAddr = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 40000}

// memEnd is one end of a connection: two pipes, of which one may be closed alone.
type memEnd struct {
	net.Conn          // what is read
	out      net.Conn // what is written
}

func (e memEnd) Write(b []byte) (int, error)        { return e.out.Write(b) }
func (e memEnd) CloseWrite() error                  { return e.out.Close() }
func (e memEnd) Close() error                       { e.out.Close(); return e.Conn.Close() }
func (e memEnd) RemoteAddr() net.Addr               { return memAddr }
func (e memEnd) SetWriteDeadline(t time.Time) error { return e.out.SetWriteDeadline(t) }
func (e memEnd) SetDeadline(t time.Time) error {
	_ = e.out.SetDeadline(t)
	return e.Conn.SetDeadline(t)
}

// pipe returns a client's connection.
func (n *memNet) pipe() net.Conn {
	if n.kernel != nil {
		there, here := n.kernel.Pipe()
		n.conns <- there
		return here
	}
	a, b := net.Pipe()
	c, d := net.Pipe()
	n.conns <- memEnd{a, c}
	return memEnd{d, b}
}

// dial returns a client's connection, which is read all the time: what came lies in
// its mailbox.
func (n *memNet) dial() *mailbox {
	m := &mailbox{Conn: n.pipe()}
	go m.collect() // ends with the connection
	return m
}

// mailbox is a connection and what came by it.
type mailbox struct {
	net.Conn
	mu    sync.Mutex
	bytes []byte
	ended bool // the server closed it
}

func (m *mailbox) collect() {
	b := make([]byte, 4096)
	for {
		n, err := m.Read(b)
		m.mu.Lock()
		m.bytes = append(m.bytes, b[:n]...)
		m.ended = err != nil
		m.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// peek returns what has come and was not taken yet.
func (m *mailbox) peek() (b []byte, ended bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.bytes, m.ended
}

// take removes n bytes.
func (m *mailbox) take(n int) {
	m.mu.Lock()
	m.bytes = m.bytes[n:]
	m.mu.Unlock()
}
