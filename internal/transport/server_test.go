package transport

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sockeye-io/socketio/internal/generation"
	"github.com/sockeye-io/socketio/internal/session"
	"github.com/sockeye-io/socketio/internal/websocket"
	"github.com/sockeye-io/socketio/packet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo is a handler that sends back what it gets: texts and binaries as they are,
// events as they are. It says what happened.
type echo struct {
	opened, closed chan *session.Session
	reasons        chan session.Reason
	got            chan packet.Packet

	mu    sync.Mutex
	pause int // pause the session after so many messages
	mute  bool
}

func newEcho() *echo {
	return &echo{
		opened: make(chan *session.Session, 1000), closed: make(chan *session.Session, 1000),
		reasons: make(chan session.Reason, 1000), got: make(chan packet.Packet, 10000),
	}
}

func (h *echo) Opened(s *session.Session) {
	if s.Generation().Rules.JoinsMain {
		send(s, packet.Packet{Type: packet.Connect, Namespace: "/"})
		s.Joined()
	}
	h.opened <- s
}

func (h *echo) Message(s *session.Session, p packet.Packet) error {
	h.mu.Lock()
	pause, mute := h.pause == 1, h.mute
	if h.pause > 0 {
		h.pause--
	}
	h.mu.Unlock()
	if pause {
		s.Pause()
	}
	h.got <- p
	if p.Type == packet.Connect {
		s.Joined()
	}
	if !mute {
		send(s, p)
	}
	return nil
}

func (h *echo) Leaving(*session.Session) {}
func (h *echo) Taken(*session.Session)   {}

func (h *echo) Closed(s *session.Session, r session.Reason) {
	h.reasons <- r
	h.closed <- s
}

func send(s *session.Session, p packet.Packet) {
	if t, _ := s.Push(session.NewSingle(p, false)); t != nil {
		t.Wake()
	}
}

func text(s string) packet.Packet {
	return packet.Packet{Type: packet.Text, Namespace: "/", Data: []byte(s)}
}

// timers are long enough for nothing to happen by itself.
func timers() session.Timers {
	return session.Timers{
		Interval: 25 * time.Second, Timeout: 20 * time.Second, Poll: 20 * time.Second,
		Close: 60 * time.Second, Unopened: 60 * time.Second, Upgrade: 10 * time.Second,
	}
}

// config returns a configuration with Engine.IO 4 and revision 1.
func config(h session.Handler) *Config {
	conf := func(g *generation.Generation) *session.Config {
		c := &session.Config{Generation: g, Handler: h, Timers: timers()}
		c.Limits.MaxPayload = 100_000
		return c
	}
	rev1 := conf(&generation.Revision1)
	rev1.Timers.Timeout = 60 * time.Second
	return &Config{
		Sessions: []*session.Config{conf(&generation.EngineIO4), rev1},
		Logger:   slog.New(slog.DiscardHandler),
	}
}

// site is a running server.
type site struct {
	*Server
	t    testing.TB
	h    *echo
	http *httptest.Server
}

// start runs a server with the changes that edit makes, and ends it with the test.
func start(t testing.TB, edit func(*Config), wrap ...func(http.Handler) http.Handler) *site {
	t.Helper()
	h := newEcho()
	cfg := config(h)
	if edit != nil {
		edit(cfg)
	}
	s := New(cfg)
	var handler http.Handler = s
	for _, w := range wrap {
		handler = w(handler)
	}
	st := &site{Server: s, t: t, h: h, http: httptest.NewServer(handler)}
	t.Cleanup(func() {
		s.Close()
		st.http.Close()
	})
	return st
}

type reply struct {
	status int
	body   string
	header http.Header
}

// do sends a request with fields "Name: value".
func (st *site) do(method, path, body string, fields ...string) reply {
	st.t.Helper()
	r, err := st.try(method, path, body, fields...)
	if err != nil {
		st.t.Fatalf("%s %s: %v", method, path, err)
	}
	return r
}

func (st *site) try(method, path, body string, fields ...string) (reply, error) {
	return st.tryContext(context.Background(), method, path, body, fields...)
}

func (st *site) tryContext(ctx context.Context, method, path, body string, fields ...string) (reply, error) {
	var rd io.Reader
	if body != "" {
		rd = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, st.http.URL+path, rd)
	if err != nil {
		return reply{}, err
	}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		if name == "Host" {
			req.Host = value
		}
		req.Header.Add(name, value)
	}
	res, err := st.http.Client().Do(req)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return reply{res.StatusCode, string(b), res.Header}, err
}

const eio = "/socket.io/?EIO=4&transport="

// open makes an Engine.IO session by polling and returns its id.
func (st *site) open() (sid string) {
	st.t.Helper()
	r := st.do("GET", eio+"polling", "")
	return st.sid(r.body)
}

func (st *site) sid(packet string) string {
	st.t.Helper()
	var open struct{ Sid string }
	if packet == "" || packet[0] != '0' || json.Unmarshal([]byte(packet[1:]), &open) != nil || open.Sid == "" {
		st.t.Fatalf("open packet: %q", packet)
	}
	return open.Sid
}

// openRev1 makes a session of revision 1 and opens it by polling.
func (st *site) openRev1() (sid string) {
	st.t.Helper()
	sid = st.handshakeRev1()
	if r := st.do("GET", "/socket.io/1/xhr-polling/"+sid, ""); r.body != "1::" {
		st.t.Fatalf("first poll: %+v", r)
	}
	return sid
}

func (st *site) handshakeRev1() (sid string) {
	st.t.Helper()
	r := st.do("GET", "/socket.io/1/?t=1", "")
	sid, _, ok := strings.Cut(r.body, ":")
	if !ok {
		st.t.Fatalf("handshake: %+v", r)
	}
	return sid
}

// poll starts a poll and returns its answer later.
func (st *site) poll(path string) <-chan reply {
	ch := make(chan reply, 1)
	go func() {
		r, err := st.try("GET", path, "")
		if err != nil {
			r.body = err.Error()
		}
		ch <- r
	}()
	return ch
}

// polls waits until n polls wait.
func (st *site) polls(n int64) {
	st.t.Helper()
	until(st.t, fmt.Sprintf("%d polls wait", n), func() bool { return st.waiting.Load() == n })
}

func (st *site) session(sid string) *session.Session {
	st.t.Helper()
	s := st.find(sid)
	if s == nil {
		st.t.Fatal("session is unknown")
	}
	return s
}

// patience bounds waits that end a run that hangs.
const patience = 90 * time.Second

// get waits for a value.
func get[T any](t testing.TB, ch <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatalf("waiting for %s", what)
		panic("unreachable")
	}
}

// until waits until ok.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	end := time.After(patience)
	for !ok() {
		select {
		case <-look.C:
		case <-end:
			t.Fatalf("waiting until %s", what)
		}
	}
}

// wire is a raw connection.
type wire struct {
	net.Conn
	t testing.TB
	r *bufio.Reader
}

func (st *site) dial() *wire {
	st.t.Helper()
	c, err := net.Dial("tcp", st.http.Listener.Addr().String())
	if err != nil {
		st.t.Fatal(err)
	}
	st.t.Cleanup(func() { c.Close() })
	return newWire(st.t, c)
}

func newWire(t testing.TB, c net.Conn) *wire {
	_ = c.SetDeadline(time.Now().Add(patience))
	return &wire{c, t, bufio.NewReader(c)}
}

func (w *wire) send(s string) {
	w.t.Helper()
	if _, err := io.WriteString(w.Conn, s); err != nil {
		w.t.Fatal(err)
	}
}

// answer reads an HTTP answer.
func (w *wire) answer() reply {
	w.t.Helper()
	res, err := http.ReadResponse(w.r, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	if res.Close {
		res.Header.Set("Connection", "close") // ReadResponse hides it
	}
	return reply{res.StatusCode, string(body), res.Header}
}

// eof reports whether the peer has closed, and fails if it sent something.
func (w *wire) eof() {
	w.t.Helper()
	if b, err := w.r.ReadByte(); err == nil {
		w.t.Fatalf("got byte %q, want the end", b)
	} else if ne, ok := err.(net.Error); ok && ne.Timeout() {
		w.t.Fatal("connection was left open")
	}
}

const upgradeFields = "Host: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"

// ws opens a WebSocket.
func (st *site) ws(path string) *wire {
	st.t.Helper()
	w := st.dial()
	w.send("GET " + path + " HTTP/1.1\r\n" + upgradeFields)
	w.upgraded()
	return w
}

func (w *wire) upgraded() {
	w.t.Helper()
	res, err := http.ReadResponse(w.r, nil)
	if err != nil || res.StatusCode != 101 {
		w.t.Fatalf("upgrade: %v %v", res, err)
	}
	if got := res.Header.Get("Sec-WebSocket-Accept"); got != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" { // RFC 6455 §1.3
		w.t.Fatalf("accept: %q", got)
	}
}

// masked returns a client's frame.
func masked(op websocket.Opcode, payload string) string {
	var b bytes.Buffer
	b.WriteByte(0x80 | byte(op))
	switch n := len(payload); {
	case n <= 125:
		b.WriteByte(0x80 | byte(n))
	case n <= 0xFFFF:
		b.Write([]byte{0x80 | 126, byte(n >> 8), byte(n)})
	default:
		b.Write([]byte{0x80 | 127, 0, 0, 0, 0, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
	}
	mask := [4]byte{1, 2, 3, 4}
	b.Write(mask[:])
	for i := range len(payload) {
		b.WriteByte(payload[i] ^ mask[i&3])
	}
	return b.String()
}

func (w *wire) text(s string) {
	w.t.Helper()
	w.send(masked(websocket.Text, s))
}

// frame reads a server's frame.
func (w *wire) frame() (op websocket.Opcode, payload string) {
	w.t.Helper()
	op, payload, err := w.tryFrame()
	if err != nil {
		w.t.Fatal(err)
	}
	return op, payload
}

func (w *wire) tryFrame() (op websocket.Opcode, payload string, err error) {
	var h [2]byte
	if _, err := io.ReadFull(w.r, h[:]); err != nil {
		return 0, "", err
	}
	n := int(h[1])
	if extra := map[int]int{126: 2, 127: 8}[n]; extra > 0 {
		var b [8]byte
		if _, err := io.ReadFull(w.r, b[8-extra:]); err != nil {
			return 0, "", err
		}
		n = int(b[4])<<24 | int(b[5])<<16 | int(b[6])<<8 | int(b[7])
	}
	b := make([]byte, n)
	_, err = io.ReadFull(w.r, b)
	return websocket.Opcode(h[0] & 0xF), string(b), err
}

func (w *wire) want(op websocket.Opcode, payload string) {
	w.t.Helper()
	if o, p := w.frame(); o != op || p != payload {
		w.t.Fatalf("got frame %x %q, want %x %q", o, p, op, payload)
	}
}

// openWS makes an Engine.IO session by WebSocket.
func (st *site) openWS() (*wire, string) {
	st.t.Helper()
	w := st.ws(eio + "websocket")
	_, open := w.frame()
	return w, st.sid(open)
}

func closePayload(code int, reason string) string {
	return string([]byte{byte(code >> 8), byte(code)}) + reason
}

func newServer(h http.Handler, edit func(*http.Server)) *httptest.Server {
	hs := httptest.NewUnstartedServer(h)
	edit(hs.Config)
	hs.Start()
	return hs
}

func admitTo(peers chan<- *Peer) func(context.Context, *Peer) error {
	return func(_ context.Context, p *Peer) error { peers <- p; return nil }
}
