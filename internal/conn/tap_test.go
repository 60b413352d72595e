package conn

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A tap is a handler that records what it is called with, and complains about calls
// that the contract rules out.
type tap struct {
	t *testing.T
	Conn

	// Hooks, called by the method of the same name.
	onReceive func(p []byte) error
	onTake    func()
	onSent    func(error)

	receiving, sending atomic.Bool
	over, left         atomic.Bool
	closed             chan error

	mu    sync.Mutex
	got   bytes.Buffer
	out   []byte
	own   bool // Outgoing returns memory of its own
	last  bool
	owed  bool // Outgoing returned something, and Sent was not called
	sent  int
	fails []error
}

func newTap(t *testing.T) *tap { return &tap{t: t, closed: make(chan error, 2)} }

func (h *tap) Receive(p []byte) error {
	if h.receiving.Swap(true) {
		h.t.Error("Receive called concurrently with itself")
	}
	defer h.receiving.Store(false)
	if h.over.Load() {
		h.t.Error("Receive called after Closed")
	}
	if len(p) == 0 {
		h.t.Error("Receive called with nothing")
	}
	h.mu.Lock()
	h.got.Write(p)
	h.mu.Unlock()
	if h.onReceive != nil {
		return h.onReceive(p)
	}
	return nil
}

func (h *tap) Outgoing(scratch []byte) ([]byte, bool) {
	if h.sending.Swap(true) {
		h.t.Error("Outgoing called concurrently with the writing side")
	}
	defer h.sending.Store(false)
	if h.over.Load() {
		h.t.Error("Outgoing called after Closed")
	}
	if len(scratch) != 0 || cap(scratch) < 4<<10 {
		h.t.Errorf("scratch has length %d and room for %d", len(scratch), cap(scratch))
	}
	if h.onTake != nil {
		h.onTake()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.owed {
		h.t.Error("Outgoing called before Sent")
	}
	p := h.out
	h.out = nil
	h.owed = p != nil || h.last
	if !h.own && p != nil {
		p = append(scratch, p...)
	}
	return p, h.last
}

func (h *tap) Sent(err error) {
	if h.sending.Swap(true) {
		h.t.Error("Sent called concurrently with the writing side")
	}
	defer h.sending.Store(false)
	if h.over.Load() {
		h.t.Error("Sent called after Closed")
	}
	h.mu.Lock()
	if !h.owed {
		h.t.Error("Sent called, and nothing had been taken")
	}
	h.owed = false
	if h.sent++; err != nil {
		h.fails = append(h.fails, err)
	}
	h.mu.Unlock()
	if h.onSent != nil {
		h.onSent(err)
	}
}

func (h *tap) Leaving() {
	if h.receiving.Swap(true) {
		h.t.Error("Leaving called while Receive was")
	}
	defer h.receiving.Store(false)
	if h.left.Swap(true) {
		h.t.Error("Leaving called twice")
	}
}

func (h *tap) Closed(err error) {
	if h.over.Swap(true) {
		h.t.Error("Closed called twice")
	}
	if h.receiving.Load() || h.sending.Load() {
		h.t.Error("Closed called while another call was under way")
	}
	h.mu.Lock()
	if h.owed {
		h.t.Error("Closed called before Sent")
	}
	h.mu.Unlock()
	if g, ok := h.engine.(*goroutine); ok && g.nc.SetDeadline(time.Time{}) == nil {
		h.t.Error("Closed called, and the descriptor is still open")
	}
	h.closed <- err
}

// send queues p and wakes the connection.
func (h *tap) send(p []byte, last bool) {
	h.mu.Lock()
	h.out = append(h.out, p...)
	h.last = h.last || last
	h.mu.Unlock()
	h.Wake()
}

func (h *tap) received() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.got.String()
}

func (h *tap) failures() []error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.fails
}

// A mode is a kind of connection, and what serves it.
type mode struct {
	name string
	half bool // it has CloseWrite
	dial func(t testing.TB) (server, client net.Conn)
}

var modes = []mode{
	{"pipe", false, func(testing.TB) (net.Conn, net.Conn) { return net.Pipe() }},
	{"tcp", true, tcpPair}, // by a loop, on Linux
	{"memory", true, func(t testing.TB) (net.Conn, net.Conn) { return Memory(t) }}, // by a loop
	{"goroutine", true, func(t testing.TB) (net.Conn, net.Conn) {
		server, client := tcpPair(t)
		return otherTCP{server.(*net.TCPConn)}, client
	}},
	{"tls", true, tlsPair},
	{"wrapped", false, func(t testing.TB) (net.Conn, net.Conn) {
		server, client := tlsPair(t)
		return struct{ net.Conn }{server}, client // as LimitListener does
	}},
}

// otherTCP has all that TCP has, but its type.
type otherTCP struct{ *net.TCPConn }

// run runs f for every kind of connection, with a handler that setup may prepare.
func run(t *testing.T, f func(t *testing.T, m mode, h *tap, server, client net.Conn)) {
	for _, m := range modes {
		t.Run(m.name, func(t *testing.T) {
			server, client := m.dial(t)
			t.Cleanup(func() { client.Close() })
			f(t, m, newTap(t), server, client)
		})
	}
}

func tcpPair(t testing.TB) (server, client net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err = net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return server, client
}

var certificate = sync.OnceValue(func() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
})

func tlsPair(t testing.TB) (net.Conn, net.Conn) {
	rawServer, rawClient := tcpPair(t)
	server := tls.Server(rawServer, &tls.Config{Certificates: []tls.Certificate{certificate()}})
	client := tls.Client(rawClient, &tls.Config{InsecureSkipVerify: true})
	result := make(chan error, 1)
	go func() { result <- server.Handshake() }()
	if err := client.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-result; err != nil {
		t.Fatal(err)
	}
	return server, client
}

// closeWrite ends the client's sending side, or all of it where there are no sides.
func closeWrite(c net.Conn) {
	if half, ok := c.(interface{ CloseWrite() error }); ok {
		half.CloseWrite()
		return
	}
	c.Close()
}

// pattern returns n bytes, no part of which looks like another.
func pattern(n int) []byte { return patterns()[:n:n] }

var patterns = sync.OnceValue(func() []byte {
	p := make([]byte, 8<<20)
	for i := range p {
		p[i] = byte(i ^ i>>8 ^ i>>16*7)
	}
	return p
})

func write(t *testing.T, c net.Conn, s string) {
	t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		t.Error(err)
	}
}

func wantRead(t *testing.T, c net.Conn, want []byte) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil {
		t.Error(err)
	} else if !bytes.Equal(got, want) {
		t.Errorf("the client got %d other bytes than it should", len(got))
	}
}

func wantEOF(t *testing.T, c net.Conn) {
	t.Helper()
	if n, err := c.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("the client read %d bytes, %v, want EOF", n, err)
	}
}
