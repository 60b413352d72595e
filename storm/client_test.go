package storm

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/socketio/internal/websocket"
	"github.com/sockeye-io/socketio/internal/websocket/wstest"
)

// A client is a WebSocket client of revision 1 or 5. Reading and writing may go on at
// once, and several goroutines may write.
type client struct {
	*wstest.Conn
	tcp  *net.TCPConn
	rev1 bool
}

// revisions are those that tests go through: is it revision 1?
var revisions = [...]bool{false, true}

func dialTCP(addr string) (*net.TCPConn, error) {
	nc, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return nil, err
	}
	_ = nc.SetDeadline(time.Now().Add(2 * patience))
	return nc.(*net.TCPConn), nil
}

// path makes what precedes the WebSocket and returns its path: revision 1 has a
// handshake of its own (revision-1.md §4.1).
func path(addr string, rev1 bool) (string, error) {
	if !rev1 {
		return "/socket.io/?EIO=4&transport=websocket", nil
	}
	nc, err := dialTCP(addr)
	if err != nil {
		return "", err
	}
	defer nc.Close()
	fmt.Fprintf(nc, "GET /socket.io/1/?t=1 HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", addr)
	res, err := http.ReadResponse(bufio.NewReader(nc), nil)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	sid, _, ok := strings.Cut(string(body), ":")
	if err == nil && !ok {
		err = fmt.Errorf("handshake: %s: %q", res.Status, body)
	}
	return "/socket.io/1/websocket/" + sid, err
}

// open makes a client that has its WebSocket and nothing else.
func open(addr string, rev1 bool) (*client, error) {
	target, err := path(addr, rev1)
	if err != nil {
		return nil, err
	}
	nc, err := dialTCP(addr)
	if err != nil {
		return nil, err
	}
	ws, err := wstest.Handshake(nc, addr, target, nil)
	if err != nil {
		nc.Close()
		return nil, err
	}
	return &client{ws, nc, rev1}, nil
}

// join is open, and has the client join the main namespace.
func join(addr string, rev1 bool) (*client, error) {
	c, err := open(addr, rev1)
	if err != nil {
		return nil, err
	}
	if !rev1 {
		err = c.WriteText("40")
	}
	if err == nil {
		_, err = c.until("connect")
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// connect is join; the client's connection ends with the test.
func (s *site) connect(rev1 bool) *client {
	s.t.Helper()
	c, err := join(s.addr, rev1)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	return c
}

// A message is what a client got.
type message struct {
	kind string // connect, disconnect, event, ack, beat, pong, close
	ns   string
	id   string // of the answer that is wanted or given
	name string
	args string // JSON, with commas; of close: the code
}

// next returns what comes next. Heartbeats it has answered.
func (c *client) next() (message, error) {
	for {
		op, payload, err := c.Next()
		if err != nil {
			return message{}, err
		}
		switch op {
		case websocket.Text:
			m, err := c.packet(string(payload))
			if m.kind == "" && err == nil {
				continue
			}
			return m, err
		case websocket.Binary:
			return message{kind: "binary", args: string(payload)}, nil
		case websocket.Pong:
			return message{kind: "pong", args: string(payload)}, nil
		case websocket.Close:
			code := 0
			if len(payload) >= 2 {
				code = int(binary.BigEndian.Uint16(payload))
			}
			_ = c.WriteClose(code, "")
			return message{kind: "close", args: fmt.Sprint(code)}, nil
		}
	}
}

var errPacket = errors.New("no packet that a client knows")

// packet reads what this server writes; the grammars proper have tests elsewhere. It
// returns no kind for what needs no attention.
func (c *client) packet(text string) (m message, err error) {
	if c.rev1 {
		return c.packet1(text)
	}
	switch {
	case text == "2":
		return message{kind: "beat"}, c.WriteText("3")
	case strings.HasPrefix(text, "0"), text == "6":
		return message{}, nil
	case text == "1":
		return message{kind: "disconnect"}, nil
	case len(text) < 2 || text[0] != '4':
		return m, fmt.Errorf("%w: %.100q", errPacket, text)
	}
	kind, rest := text[1], text[2:]
	if kind == '5' {
		_, rest, _ = strings.Cut(rest, "-")
		kind = '2'
	}
	if strings.HasPrefix(rest, "/") {
		m.ns, rest, _ = strings.Cut(rest, ",")
	}
	digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
	m.id, rest = rest[:digits], rest[digits:]
	switch kind {
	case '0':
		m.kind = "connect"
	case '1':
		m.kind = "disconnect"
	case '2':
		m.kind = "event"
		list := strings.TrimSuffix(strings.TrimPrefix(rest, `["`), "]")
		m.name, m.args, _ = strings.Cut(list, `"`)
		m.args = strings.TrimPrefix(m.args, ",")
	case '3':
		m.kind = "ack"
		m.args = strings.TrimSuffix(strings.TrimPrefix(rest, "["), "]")
	default:
		err = fmt.Errorf("%w: %.100q", errPacket, text)
	}
	return m, err
}

func (c *client) packet1(text string) (m message, err error) {
	parts := strings.SplitN(text, ":", 4)
	if len(parts) < 3 {
		return m, fmt.Errorf("%w: %.100q", errPacket, text)
	}
	m.id, m.ns = strings.TrimSuffix(parts[1], "+"), parts[2]
	data := strings.Join(parts[3:], "")
	switch parts[0] {
	case "0":
		m.kind = "disconnect"
	case "1":
		m.kind = "connect"
	case "2":
		return message{kind: "beat"}, c.WriteText("2::")
	case "5":
		m.kind = "event"
		m.name, m.args, _ = strings.Cut(strings.TrimPrefix(data, `{"name":"`), `"`)
		m.args = strings.TrimSuffix(strings.TrimPrefix(m.args, `,"args":[`), "]}")
	case "6":
		m.kind = "ack"
		m.id, m.args, _ = strings.Cut(data, "+")
		m.args = strings.TrimSuffix(strings.TrimPrefix(m.args, "["), "]")
	case "8":
	default:
		err = fmt.Errorf("%w: %.100q", errPacket, text)
	}
	return m, err
}

// event returns the packet of an event; args is JSON with commas, id is that of an
// answer that is wanted, or empty.
func (c *client) event(ns, id, name, args string) string {
	if c.rev1 {
		if id != "" {
			id += "+"
		}
		return fmt.Sprintf(`5:%s:%s:{"name":%q,"args":[%s]}`, id, ns, name, args)
	}
	if ns != "" {
		ns += ","
	}
	if args != "" {
		args = "," + args
	}
	return fmt.Sprintf(`42%s%s[%q%s]`, ns, id, name, args)
}

// emit sends an event in the main namespace.
func (c *client) emit(name, args string) error { return c.WriteText(c.event("", "", name, args)) }

// answer answers an event.
func (c *client) answer(m message, args string) error {
	if c.rev1 {
		return c.WriteText("6::" + m.ns + ":" + m.id + "+[" + args + "]")
	}
	ns := m.ns
	if ns != "" {
		ns += ","
	}
	return c.WriteText("43" + ns + m.id + "[" + args + "]")
}

// until reads until something of a kind comes, an event by its name, and passes over
// heartbeats. Whatever else comes is an error, unless its name is among passing.
func (c *client) until(kind string, passing ...string) (message, error) {
	for {
		m, err := c.next()
		if err != nil {
			return m, fmt.Errorf("waiting for %s: %w", kind, err)
		}
		name := m.kind
		if name == "event" {
			name = m.name
		}
		if name == kind {
			return m, nil
		}
		known := name == "beat"
		for _, p := range passing {
			known = known || p == name
		}
		if !known {
			return m, fmt.Errorf("got %.200v, want %s", m, kind)
		}
	}
}

// echo sends args and has them back.
func (c *client) echo(args string, passing ...string) error {
	if err := c.emit("echo", args); err != nil {
		return err
	}
	m, err := c.until("echo", passing...)
	if err == nil && m.args != args {
		err = fmt.Errorf("echo of %.100s is %.100s", args, m.args)
	}
	return err
}

// reset ends the connection by RST.
func (c *client) reset() {
	_ = c.tcp.SetLinger(0)
	c.tcp.Close()
}

// leave ends the session as a good client does, and waits for the connection's end. It
// answers nothing that crosses its goodbye: to what comes after that, a server whose
// connection has ended answers with RST.
func (c *client) leave() error {
	defer c.Close()
	var err error
	if c.rev1 {
		err = c.WriteText("0::")
	} else {
		err = c.WriteClose(websocket.CloseNormal, "")
	}
	for err == nil {
		_, _, err = c.Next()
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// must fails the test at once, which only its own goroutine may.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
