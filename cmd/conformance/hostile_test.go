package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sockeye-io/socketio"
	"github.com/sockeye-io/socketio/internal/websocket"
	"github.com/sockeye-io/socketio/internal/websocket/wstest"
)

// patience is how long a test waits for what must come. Nothing depends on it being
// short.
const patience = 20 * time.Second

// hostileMax is the largest message.
const hostileMax = 100_000

// A hostile is a running conformance app, over TCP, with a client of each generation
// that wants nothing but its echo.
type hostile struct {
	*testing.T
	addr  string
	sio   *socketio.Server
	old   *client     // revision 1
	new   *client     // revision 5
	ended chan string // why sockets of the main namespace left
	close func()
}

// TestHostile sends the server what THREATS.md lists. Whatever comes, only the sender
// is hurt: after each case the two bystanders still get their echo, and at the end
// nothing is left running.
func TestHostile(t *testing.T) {
	before := goleak.IgnoreCurrent()
	h := newHostile(t)
	for _, group := range []struct {
		name  string
		cases func(*hostile) []hostileCase
	}{
		{"http", httpCases},
		{"sessions", sessionCases},
		{"packets", packetCases},
		{"frames", frameCases},
		{"load", loadCases},
	} {
		t.Run(group.name, func(t *testing.T) {
			for _, c := range group.cases(h) {
				t.Run(c.name, func(t *testing.T) {
					inner := *h
					inner.T = t
					c.run(&inner)
					for _, bystander := range []*client{h.old, h.new} {
						bystander.alive(t)
					}
				})
			}
		})
	}
	h.close()
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if err = goleak.Find(before); err == nil {
			return
		}
	}
	t.Error(err)
}

type hostileCase struct {
	name string
	run  func(*hostile)
}

func newHostile(t *testing.T) *hostile {
	slog.SetDefault(slog.New(slog.DiscardHandler))                                        // panics and refusals are meant
	a := newApp(&config{pingInterval: time.Hour, pingTimeout: time.Hour, timersSet: true, // nothing dies of a slow machine
		maxPayload: hostileMax})
	h := &hostile{T: t, sio: a.sio, ended: make(chan string, 1000)}
	a.sio.OnDisconnect(func(_ *socketio.Socket, reason string) { h.ended <- reason })
	for i := range 120 {
		a.sio.Of(fmt.Sprint("/n", i))
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.addr = ln.Addr().String()
	// As the command sets it.
	srv := &http.Server{Handler: a, ReadHeaderTimeout: patience, IdleTimeout: patience, MaxHeaderBytes: 12 << 10,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }() // ends with close
	h.old, h.new = h.rev1(), h.rev5()
	stop := func() {
		// The sessions whose clients left without a word wait for their next poll.
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := a.shutdown(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		h.old.Close()
		h.new.Close()
		srv.Close()
		<-served
	}
	h.close = stop
	return h
}

// A client is a WebSocket client of either generation, connected to the main
// namespace.
type client struct {
	*wstest.Conn
	event string // how it writes the event "message" with %s as its argument
	back  string // how the answer is written
	pong  string // the type of the answer to a ping
	sid   string
	n     int
}

// rev5 returns a new client of revision 5.
func (h *hostile) rev5() *client {
	h.Helper()
	c := h.dial("/socket.io/?EIO=4&transport=websocket")
	open := h.next(c)
	_, rest, _ := strings.Cut(open, `"sid":"`)
	sid, _, _ := strings.Cut(rest, `"`)
	h.write(c, "40")
	if p := h.next(c); !strings.HasPrefix(p, `40{"sid":"`) {
		h.Fatalf("connect: %q", p)
	}
	h.expect(c, `42["auth",{}]`)
	return &client{Conn: c, event: `42["message",%s]`, back: `42["message-back",%s]`, pong: "3", sid: sid}
}

// rev1 returns a new client of revision 1.
func (h *hostile) rev1() *client {
	h.Helper()
	sid := h.handshake()
	c := h.dial("/socket.io/1/websocket/" + sid)
	h.expect(c, "1::", `5:::{"name":"auth","args":[{}]}`)
	return &client{Conn: c, event: `5:::{"name":"message","args":[%s]}`, back: `5:::{"name":"message-back","args":[%s]}`, pong: "2", sid: sid}
}

// handshake returns the id of a new session of revision 1.
func (h *hostile) handshake() string {
	h.Helper()
	a := h.get("/socket.io/1/")
	sid, _, ok := strings.Cut(a.body, ":")
	if a.status != 200 || !ok {
		h.Fatalf("handshake: %+v", a)
	}
	return sid
}

func (h *hostile) dial(target string) *wstest.Conn {
	h.Helper()
	c, err := wstest.Dial(h.addr, target, nil)
	if err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(4 * patience))
	return c
}

func (h *hostile) next(c *wstest.Conn) string {
	h.Helper()
	p, err := c.NextText()
	if err != nil {
		h.Fatal(err)
	}
	return p
}

func (h *hostile) write(c *wstest.Conn, packets ...string) {
	h.Helper()
	for _, p := range packets {
		if err := c.WriteText(p); err != nil {
			h.Fatal(err)
		}
	}
}

func (h *hostile) expect(c *wstest.Conn, packets ...string) {
	h.Helper()
	for _, want := range packets {
		if got := h.next(c); got != want {
			h.Errorf("got %q, want %q", got, want)
		}
	}
}

// alive checks that the client gets its echo. Other packets, and pings, may come
// before it.
func (c *client) alive(t *testing.T) {
	t.Helper()
	_ = c.SetDeadline(time.Now().Add(patience))
	c.n++
	token := fmt.Sprintf(`"echo %d"`, c.n)
	if err := c.WriteText(fmt.Sprintf(c.event, token)); err != nil {
		t.Errorf("a client that did nothing: %v", err)
		return
	}
	want := fmt.Sprintf(c.back, token)
	for {
		op, p, err := c.Next()
		switch {
		case err != nil || op == websocket.Close:
			t.Errorf("instead of its echo: opcode %d %q, %v", op, p, err)
			return
		case op == websocket.Text && string(p) == want:
			return
		case op == websocket.Text && (string(p) == "2" || string(p) == "2::"):
			_ = c.WriteText(strings.Replace(string(p), "2", c.pong, 1))
		}
	}
}

// ends waits for the connection's end, whatever comes before it, and returns the code
// of the close frame, or 0.
func (h *hostile) ends(c *wstest.Conn) int {
	h.Helper()
	_ = c.SetDeadline(time.Now().Add(patience))
	code := 0
	for {
		op, p, err := c.Next()
		var timeout net.Error
		switch {
		case errors.As(err, &timeout) && timeout.Timeout():
			h.Error("the connection does not end")
			return code
		case err != nil:
			return code
		case op == websocket.Close && len(p) >= 2:
			code = int(p[0])<<8 | int(p[1])
		}
	}
}

// An answer is what came on a connection.
type answer struct {
	status int
	header http.Header
	body   string
	closed bool // and nothing came after it
}

func (h *hostile) get(target string) answer {
	h.Helper()
	return h.ask("GET " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
}

func (h *hostile) post(target, body string) answer {
	h.Helper()
	return h.ask(fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", target, len(body), body))
}

// ask sends bytes, and reads one answer and whether the connection ends after it.
func (h *hostile) ask(request string) answer {
	h.Helper()
	c := h.connect()
	go io.Copy(c, strings.NewReader(request)) // a server may answer before it has read all
	return h.answer(c, bufio.NewReader(c))
}

func (h *hostile) connect() net.Conn {
	h.Helper()
	c, err := net.Dial("tcp", h.addr)
	if err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return c
}

// answer reads an answer. If it ends the connection, nothing may follow it.
func (h *hostile) answer(c net.Conn, br *bufio.Reader) answer {
	h.Helper()
	res, err := http.ReadResponse(br, nil)
	if err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || isReset(err) {
			return answer{closed: true}
		}
		h.Errorf("instead of an answer: %v", err)
		return answer{}
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		h.Errorf("body: %v", err)
	}
	a := answer{status: res.StatusCode, header: res.Header, body: string(body)}
	if !res.Close {
		return a
	}
	rest, err := io.ReadAll(br)
	if len(rest) > 0 {
		h.Errorf("after the last answer came %q", bytes.TrimSpace(rest))
	}
	a.closed = err == nil || isReset(err)
	if !a.closed {
		h.Errorf("the connection does not end: %v", err)
	}
	return a
}

// isReset reports whether the server did not want to read the rest.
func isReset(err error) bool {
	return err != nil && (strings.Contains(err.Error(), "connection reset") || strings.Contains(err.Error(), "broken pipe"))
}

// check compares an answer. An empty body is any.
func (h *hostile) check(what string, got answer, status int, body string) {
	h.Helper()
	if got.status != status || body != "" && got.body != body {
		h.Errorf("%s: %d %q, want %d %q", what, got.status, got.body, status, body)
	}
}

// What Engine.IO and revision 1 say to those who are not known.
const (
	unknownSID = `{"code":1,"message":"Session ID unknown"}`
	notKnown   = "7:::1+0"
)

// polling5 returns the URL of a polling session of revision 5 that has joined the
// main namespace and was told so.
func (h *hostile) polling5() string {
	h.Helper()
	a := h.get("/socket.io/?EIO=4&transport=polling")
	_, rest, _ := strings.Cut(a.body, `"sid":"`)
	sid, _, _ := strings.Cut(rest, `"`)
	url := "/socket.io/?EIO=4&transport=polling&sid=" + sid
	h.check("connect", h.post(url, "40"), 200, "ok")
	for got := ""; !strings.HasSuffix(got, `42["auth",{}]`); {
		a := h.get(url)
		if a.status != 200 {
			h.Fatalf("poll: %+v", a)
		}
		got += a.body
	}
	return url
}

// polling1 returns the URL of a polling session of revision 1, likewise.
func (h *hostile) polling1() string {
	h.Helper()
	url := "/socket.io/1/xhr-polling/" + h.handshake()
	for got := ""; !strings.HasSuffix(got, `{"name":"auth","args":[{}]}`); {
		a := h.get(url)
		if a.status != 200 {
			h.Fatalf("poll: %+v", a)
		}
		got += a.body
	}
	return url
}

// gone5 and gone1 check that a session has ended, here5 and here1 that it has not.
func (h *hostile) gone5(url string) {
	h.Helper()
	h.check("after the end", h.get(url), 400, unknownSID)
}

func (h *hostile) here5(url string) {
	h.Helper()
	h.check("event", h.post(url, `42["message","here"]`), 200, "ok")
	h.check("echo", h.get(url), 200, `42["message-back","here"]`)
}

func (h *hostile) here1(url string) {
	h.Helper()
	h.check("event", h.post(url, `5:::{"name":"message","args":["here"]}`), 200, "1")
	h.check("echo", h.get(url), 200, `5:::{"name":"message-back","args":["here"]}`)
}
