package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/sockeye-io/socketio/internal/websocket"
	"github.com/sockeye-io/socketio/internal/websocket/wstest"
)

// A peer is a raw client of the chat: its packets are text, whatever carries them.
type peer struct {
	*program
	name string
	rev1 bool
	ws   *wstest.Conn // nil: polling
	url  string       // of polls
	end  string       // the end that makes it come back, see next
}

// ends are those that make clients come back: WebSockets are closed, as by a process
// that goes away (1001); polls are told "close" (Engine.IO 4) or "reconnect"
// (revision 1's error 7, advice 0).
var ends = map[string]string{
	"revision 1 websocket": "EOF", "revision 1 xhr-polling": "7:::1+0",
	"revision 5 websocket": "1001", "revision 5 polling": "1",
}

// come lets a client of each kind in, and into a room of its own.
func (p *program) come() (peers []*peer) {
	p.Helper()
	for _, transport := range []string{"websocket", "xhr-polling"} {
		peers = append(peers, p.rev1(transport))
	}
	for _, transport := range []string{"websocket", "polling"} {
		peers = append(peers, p.rev5(transport))
	}
	for _, c := range peers {
		c.end = ends[c.name]
		c.emit("join", "99", fmt.Sprintf(`{"name":"Ann","room":%q}`, c.name))
		if answer := c.answer(); answer != "99" {
			p.Fatalf("%s: the answer to %s", c.name, answer)
		}
	}
	return peers
}

func (p *program) rev1(transport string) *peer {
	p.Helper()
	res, handshake := p.do("GET", "/socket.io/1/", "")
	sid, _, ok := strings.Cut(handshake, ":")
	if res.StatusCode != http.StatusOK || !ok {
		p.Fatalf("handshake: %d %q", res.StatusCode, handshake)
	}
	c := &peer{program: p, name: "revision 1 " + transport, rev1: true, url: "/socket.io/1/" + transport + "/" + sid}
	if transport == "websocket" {
		c.ws = p.dial(c.url)
	}
	c.first("1::")
	return c
}

func (p *program) rev5(transport string) *peer {
	p.Helper()
	c := &peer{program: p, name: "revision 5 " + transport, url: "/socket.io/?EIO=4&transport=" + transport}
	if transport == "websocket" {
		c.ws = p.dial(c.url)
	}
	open := c.first("0{")
	_, rest, _ := strings.Cut(open, `"sid":"`)
	sid, _, _ := strings.Cut(rest, `"`)
	c.url += "&sid=" + sid
	c.write("40")
	c.first("40{")
	return c
}

// dial makes a WebSocket, through TLS if the program does.
func (p *program) dial(target string) *wstest.Conn {
	p.Helper()
	conn, err := net.Dial("tcp", p.addr)
	if err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	if strings.HasPrefix(p.url, "https:") {
		config := p.http.Transport.(*http.Transport).TLSClientConfig.Clone()
		config.NextProtos = nil // a WebSocket's client knows HTTP/1.1
		config.ServerName = "127.0.0.1"
		conn = tls.Client(conn, config)
	}
	ws, err := wstest.Handshake(conn, p.addr, target, nil)
	if err != nil {
		p.Fatal(err)
	}
	return ws
}

// first returns the first packet that comes, which begins so.
func (c *peer) first(prefix string) string {
	c.Helper()
	packets, end := c.next()
	if end != "" || len(packets) != 1 || !strings.HasPrefix(packets[0], prefix) {
		c.Fatalf("%s: got %q, %q, want %s…", c.name, packets, end, prefix)
	}
	return packets[0]
}

// write sends a packet; by polling, it is accepted then.
func (c *peer) write(packet string) {
	c.Helper()
	if c.ws != nil {
		if err := c.ws.WriteText(packet); err != nil {
			c.Fatalf("%s: %v", c.name, err)
		}
		return
	}
	res, body := c.do("POST", c.url, packet)
	if res.StatusCode != http.StatusOK || body != "ok" && body != "1" {
		c.Fatalf("%s: POST: %d %q", c.name, res.StatusCode, body)
	}
}

// emit sends an event that wants the answer id.
func (c *peer) emit(event, id, arg string) {
	c.Helper()
	if c.rev1 {
		c.write(fmt.Sprintf(`5:%s+::{"name":%q,"args":[%s]}`, id, event, arg))
		return
	}
	c.write(fmt.Sprintf(`42%s[%q,%s]`, id, event, arg))
}

// next returns what comes next: packets, and if it was the last, how it ended: a
// close frame's code, EOF, or a poll's last packet.
func (c *peer) next() (packets []string, end string) {
	c.Helper()
	if c.ws == nil {
		res, body := c.do("GET", c.url, "")
		if res.StatusCode != http.StatusOK {
			c.Fatalf("%s: GET: %d %q", c.name, res.StatusCode, body)
		}
		packets = split(body)
		if last := len(packets) - 1; last >= 0 && (packets[last] == "1" || strings.HasPrefix(packets[last], "7:")) {
			return packets[:last], packets[last]
		}
		return packets, ""
	}
	switch op, payload, err := c.ws.Next(); {
	case errors.Is(err, io.EOF):
		return nil, "EOF"
	case err != nil:
		c.Fatalf("%s: %v", c.name, err)
	case op == websocket.Text:
		return []string{string(payload)}, ""
	case op == websocket.Pong:
		return []string{"pong"}, ""
	case op == websocket.Close && len(payload) >= 2:
		_ = c.ws.WriteClose(websocket.CloseGoingAway, "")
		return nil, fmt.Sprint(int(payload[0])<<8 | int(payload[1]))
	default:
		c.Fatalf("%s: opcode %d %q", c.name, op, payload)
	}
	return nil, ""
}

// split returns the packets of a poll's answer.
func split(body string) (packets []string) {
	if !strings.HasPrefix(body, "\ufffd") {
		return strings.Split(body, "\x1e")
	}
	for i, part := range strings.Split(body, "\ufffd") {
		if i > 0 && i%2 == 0 { // the others are lengths (revision-1.md §5.3)
			packets = append(packets, part)
		}
	}
	return packets
}

// answered returns the ids of the answers among packets. Events are of no interest.
func answered(packets []string) (ids []string) {
	for _, packet := range packets {
		rest, ok := strings.CutPrefix(packet, "43")
		if !ok {
			rest, ok = strings.CutPrefix(packet, "6:::")
		}
		if ok {
			ids = append(ids, rest[:strings.IndexAny(rest, "+[")])
		}
	}
	return ids
}

// answer waits for an answer, and returns its id.
func (c *peer) answer() string {
	c.Helper()
	for {
		packets, end := c.next()
		if ids := answered(packets); len(ids) > 0 {
			return ids[0]
		}
		if end != "" {
			c.Fatalf("%s: ended by %s", c.name, end)
		}
	}
}

// says sends so many events that want answers, sees to it that they are accepted, and
// returns the answers it has by then. Of a WebSocket nobody knows what was read; but
// the pong, which the server queues by itself, comes behind what was read before its
// ping.
func (c *peer) says(n int) (ids []string) {
	c.Helper()
	for i := range n {
		c.emit("say", fmt.Sprint(i+1), `{"text":"on its way"}`)
	}
	if c.ws == nil {
		return nil
	}
	if err := c.ws.Send(wstest.Frame{Op: websocket.Ping}); err != nil {
		c.Fatalf("%s: %v", c.name, err)
	}
	for {
		packets, end := c.next()
		if end != "" {
			c.Fatalf("%s: ended by %s", c.name, end)
		}
		if len(packets) == 1 && packets[0] == "pong" {
			return ids
		}
		ids = append(ids, answered(packets)...)
	}
}
