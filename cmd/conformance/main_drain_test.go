package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/socketio/internal/serve"
	"github.com/sockeye-io/socketio/internal/websocket"
	"github.com/sockeye-io/socketio/internal/websocket/wstest"
)

// drained is how many messages each client sends before the signal.
const drained = 100

// A drainer is a client of the program that reads next to nothing before the signal.
type drainer struct {
	name       string
	send, want string       // packets; %d is the number of a message
	url        string       // of polls
	ws         *wstest.Conn // nil: polling
	end        string       // the last packet of a poll, or the close frame's code
	read       int          // answers that it has
}

// TestSignal: SIGTERM with clients of every generation on every transport. All that
// was accepted is answered, each client is told in the way that makes it come back,
// and the status is 0.
func TestSignal(t *testing.T) {
	p := start(t)
	clients := []*drainer{
		p.rev1("websocket"), p.rev1("xhr-polling"),
		p.rev5("websocket"), p.rev5("polling"), p.rev5("upgrade"),
		p.echo("websocket"), p.echo("polling"), p.echo("upgrade"),
	}
	for _, c := range clients {
		p.fill(c)
	}
	p.terminate()
	for _, c := range clients {
		p.drain(c)
	}
	p.ended()
}

func (p *program) dial(target string) *wstest.Conn {
	p.Helper()
	c, err := wstest.Dial(p.addr, target, nil)
	if err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(4 * patience))
	return c
}

func (p *program) rev1(transport string) *drainer {
	p.Helper()
	_, handshake := p.do("GET", "/socket.io/1/", "")
	sid, _, _ := strings.Cut(handshake, ":")
	c := &drainer{
		name: "revision 1 " + transport,
		send: `5:::{"name":"message","args":[%d]}`, want: `5:::{"name":"message-back","args":[%d]}`,
		url: "/socket.io/1/" + transport + "/" + sid, end: "7:::1+0",
	}
	if transport == "websocket" {
		c.ws, c.end = p.dial(c.url), ""
		p.hears(c, "1::", `5:::{"name":"auth","args":[{}]}`)
		return c
	}
	var got []string
	for len(got) < 2 {
		got = append(got, p.poll(c)...)
	}
	if fmt.Sprint(got) != `[1:: 5:::{"name":"auth","args":[{}]}]` {
		p.Fatalf("%s: %q", c.name, got)
	}
	return c
}

func (p *program) rev5(transport string) *drainer {
	p.Helper()
	c := p.engineIO("/socket.io/", transport)
	c.name = "revision 5 " + transport
	c.send, c.want = `42["message",%d]`, `42["message-back",%d]`
	if c.ws != nil {
		p.writes(c, "40")
		if open, err := c.ws.NextText(); err != nil || !strings.HasPrefix(open, "40{") {
			p.Fatalf("%s: %q, %v", c.name, open, err)
		}
		p.hears(c, `42["auth",{}]`)
		return c
	}
	p.accepted(c, "40")
	var got []string
	for len(got) < 2 {
		got = append(got, p.poll(c)...)
	}
	if !strings.HasPrefix(got[0], "40{") || got[1] != `42["auth",{}]` {
		p.Fatalf("%s: %q", c.name, got)
	}
	return c
}

func (p *program) echo(transport string) *drainer {
	p.Helper()
	c := p.engineIO("/engine.io/", transport)
	c.name = "Engine.IO 4 " + transport
	c.send, c.want = "4message %d", "4message %d"
	return c
}

// engineIO opens a session of Engine.IO 4.
func (p *program) engineIO(path, transport string) *drainer {
	p.Helper()
	c := &drainer{end: "1001"}
	if transport == "websocket" {
		c.ws = p.dial(path + "?EIO=4&transport=websocket")
		if open, err := c.ws.NextText(); err != nil || !strings.HasPrefix(open, "0{") {
			p.Fatalf("open packet: %q, %v", open, err)
		}
		return c
	}
	c.url = path + "?EIO=4&transport=polling"
	_, open := p.do("GET", c.url, "")
	c.url += "&sid=" + sidOf(open)
	if transport == "polling" {
		c.end = "1"
		return c
	}
	c.ws = p.dial(path + "?EIO=4&transport=websocket&sid=" + sidOf(open))
	p.writes(c, "2probe")
	p.hears(c, "3probe")
	p.writes(c, "5")
	return c
}

// poll returns the packets of one poll.
func (p *program) poll(c *drainer) []string {
	p.Helper()
	status, body := p.do("GET", c.url, "")
	if status != http.StatusOK {
		p.Fatalf("%s: %d %q", c.name, status, body)
	}
	if !strings.HasPrefix(body, "\ufffd") {
		return strings.Split(body, "\x1e")
	}
	var packets []string
	for i, part := range strings.Split(body, "\ufffd") {
		if i > 0 && i%2 == 0 { // the others are lengths (revision-1.md §5.3)
			packets = append(packets, part)
		}
	}
	return packets
}

func (p *program) writes(c *drainer, packet string) {
	p.Helper()
	if err := c.ws.WriteText(packet); err != nil {
		p.Fatalf("%s: %v", c.name, err)
	}
}

func (p *program) hears(c *drainer, packets ...string) {
	p.Helper()
	for _, want := range packets {
		if got, err := c.ws.NextText(); err != nil || got != want {
			p.Fatalf("%s: got %q, %v, want %q", c.name, got, err, want)
		}
	}
}

func (p *program) accepted(c *drainer, body string) {
	p.Helper()
	status, answer := p.do("POST", c.url, body)
	if status != 200 || answer != "ok" && answer != "1" {
		p.Fatalf("%s: %d %q", c.name, status, answer)
	}
}

// fill sends messages and sees to it that they are accepted. Of a WebSocket nobody
// knows what was read; but the pong, which the server queues by itself, comes behind
// the messages that were read before its ping.
func (p *program) fill(c *drainer) {
	p.Helper()
	for i := range drained {
		if c.ws == nil {
			p.accepted(c, fmt.Sprintf(c.send, i))
		} else {
			p.writes(c, fmt.Sprintf(c.send, i))
		}
	}
	if c.ws == nil {
		return
	}
	if err := c.ws.Send(wstest.Frame{Op: websocket.Ping}); err != nil {
		p.Fatalf("%s: %v", c.name, err)
	}
	for {
		op, got, err := c.ws.Next()
		if op == websocket.Pong {
			return
		}
		p.answer(c, string(got), err)
	}
}

// answer checks the next answer.
func (p *program) answer(c *drainer, got string, err error) {
	p.Helper()
	if want := fmt.Sprintf(c.want, c.read); err != nil || got != want {
		p.Fatalf("%s: got %q, %v, want %q", c.name, got, err, want)
	}
	c.read++
}

// drain reads the rest, and the end.
func (p *program) drain(c *drainer) {
	p.Helper()
	if c.ws == nil {
		var got []string
		for len(got) == 0 || got[len(got)-1] != c.end {
			got = append(got, p.poll(c)...)
		}
		for _, packet := range got[:len(got)-1] {
			p.answer(c, packet, nil)
		}
	}
	for c.read < drained {
		if c.ws == nil {
			p.Fatalf("%s: only %d answers", c.name, c.read)
		}
		got, err := c.ws.NextText()
		p.answer(c, got, err)
	}
	if c.ws == nil {
		return
	}
	op, payload, err := c.ws.Next()
	switch {
	case c.end == "" && errors.Is(err, io.EOF):
	case op == websocket.Close && err == nil && fmt.Sprint(int(payload[0])<<8|int(payload[1])) == c.end:
		_ = c.ws.WriteClose(websocket.CloseGoingAway, "")
	default:
		p.Errorf("%s: instead of the end: opcode %d %q, %v", c.name, op, payload, err)
	}
	c.ws.Close()
}

// TestDrainBound: peers that neither read nor leave do not keep the program. Its own
// time is serve.DrainTime; a second more is the transport's, for what has been told to
// end.
func TestDrainBound(t *testing.T) {
	deaf := func(target string) func(*site) {
		return func(s *site) {
			c, err := wstest.Handshake(s.net.pipe(), "app", target, nil)
			if err != nil {
				s.Fatal(err)
			}
			s.Cleanup(func() { c.Close() })
		}
	}
	for name, come := range map[string]func(*site){
		"nobody":               func(*site) {},
		"Engine.IO websocket":  deaf("/engine.io/?EIO=4&transport=websocket"),
		"revision 5 websocket": deaf("/socket.io/?EIO=4&transport=websocket"),
		"revision 1 websocket": func(s *site) {
			_, handshake := s.do("GET", "/socket.io/1/", "")
			sid, _, _ := strings.Cut(handshake, ":")
			deaf("/socket.io/1/websocket/" + sid)(s)
		},
		"Engine.IO polling":  func(s *site) { s.do("GET", echo4, "") },
		"revision 5 polling": func(s *site) { s.do("GET", polling4, "") },
		"revision 1 polling": func(s *site) {
			_, handshake := s.do("GET", "/socket.io/1/", "")
			sid, _, _ := strings.Cut(handshake, ":")
			s.do("GET", "/socket.io/1/xhr-polling/"+sid, "")
		},
		"nobody opened": func(s *site) { s.do("GET", "/socket.io/1/", "") },
	} {
		t.Run(name, func(t *testing.T) {
			onEngines(t, func(t *testing.T, loop bool) { drainBound(t, come, loop) })
		})
	}
}

func drainBound(t *testing.T, come func(*site), loop bool) {
	a := newApp(&config{pingInterval: 25 * time.Second, pingTimeout: 20 * time.Second, maxPayload: 1_000_000})
	n := newMemNet(t, a, loop)
	tr := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return n.pipe(), nil }}
	defer func() {
		tr.CloseIdleConnections()
		n.Close()
		synctest.Wait()
	}()
	come(&site{t, n, &http.Client{Transport: tr}, ""})
	ctx, cancel := context.WithTimeout(t.Context(), serve.DrainTime)
	defer cancel()
	begin := time.Now()
	if err := a.shutdown(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if d := time.Since(begin); d > serve.DrainTime+time.Second {
		t.Errorf("it took %v", d)
	}
}
