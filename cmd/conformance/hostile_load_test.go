package main

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/socketio/internal/websocket"
	"github.com/sockeye-io/socketio/internal/websocket/wstest"
)

// frameCases: THREATS.md, "WebSocket", end to end; internal/websocket has the rest.
func frameCases(*hostile) []hostileCase {
	var cases []hostileCase
	for _, f := range []struct {
		name   string
		frames []wstest.Frame
		code   int
	}{
		{"unmasked", []wstest.Frame{{Op: websocket.Text, Payload: []byte("3"), Unmasked: true}}, 1002},
		{"reserved bit", []wstest.Frame{{Op: websocket.Text, Payload: []byte("3"), RSV: 4}}, 1002},
		{"unknown opcode", []wstest.Frame{{Op: 3, Payload: []byte("3")}}, 1002},
		{"fragment of nothing", []wstest.Frame{{Op: websocket.Continuation, Payload: []byte("3")}}, 1002},
		{"message inside a message", []wstest.Frame{{Op: websocket.Text, Payload: []byte("3"), More: true}, {Op: websocket.Text, Payload: []byte("3")}}, 1002},
		{"fragmented ping", []wstest.Frame{{Op: websocket.Ping, More: true}}, 1002},
		{"large ping", []wstest.Frame{{Op: websocket.Ping, Payload: make([]byte, 126)}}, 1002},
		{"negative length", []wstest.Frame{{Op: websocket.Text, Form: 64, Lie: true, Length: 1 << 63}}, 1009},
		{"length beyond the limit", []wstest.Frame{{Op: websocket.Text, Form: 64, Lie: true, Length: hostileMax + 1}}, 1009},
		{"sum beyond the limit", []wstest.Frame{{Op: websocket.Text, Payload: bytes.Repeat([]byte("3"), hostileMax), More: true}, {Op: websocket.Continuation, Payload: []byte("3")}}, 1009},
		{"text that is not UTF-8", []wstest.Frame{{Op: websocket.Text, Payload: []byte("3:::\xed\xa0\x80")}}, 1007},
		{"text cut off", []wstest.Frame{{Op: websocket.Text, Payload: []byte("3:::\xf0\x9f"), More: true}, {Op: websocket.Continuation}}, 1007},
		{"close with a code that is none", []wstest.Frame{{Op: websocket.Close, Payload: []byte{0x03, 0xED}}}, 1002},
		{"close with half a code", []wstest.Frame{{Op: websocket.Close, Payload: []byte{3}}}, 1002},
		{"close, and more", []wstest.Frame{{Op: websocket.Close, Payload: []byte{3, 0xE8}}, {Op: websocket.Text, Payload: []byte(`42["message",1]`)}}, 1000},
	} {
		cases = append(cases, hostileCase{f.name, func(h *hostile) {
			for _, c := range []*client{h.rev5(), h.rev1()} {
				_ = c.Send(f.frames...)
				if code := h.ends(c.Conn); code != f.code && code != 0 { // 0: reset before it was read
					h.Errorf("%s: closed with %d, want %d", c.event, code, f.code)
				}
			}
		}})
	}
	return append(cases,
		hostileCase{"one byte at a time", byteByByte},
		hostileCase{"many fragments", manyFragments},
		hostileCase{"wrong handshakes", wrongHandshakes},
		hostileCase{"reset", resets},
	)
}

// byteByByte: "one byte at a time is as good as any".
func byteByByte(h *hostile) {
	for _, c := range []*client{h.rev5(), h.rev1()} {
		frames := wstest.Frames(wstest.Frame{Op: websocket.Text, Payload: fmt.Appendf(nil, c.event, `"é😀"`)})
		for i := range frames {
			if _, err := c.Write(frames[i : i+1]); err != nil {
				h.Fatal(err)
			}
		}
		h.expect(c.Conn, fmt.Sprintf(c.back, `"é😀"`))
	}
}

func manyFragments(h *hostile) {
	for _, c := range []*client{h.rev5(), h.rev1()} {
		text := fmt.Sprintf(c.event, `"`+strings.Repeat("x", 50_000)+`"`)
		var b []byte
		for i := range len(text) {
			f := wstest.Frame{Op: websocket.Continuation, Payload: []byte(text[i : i+1]), More: i < len(text)-1}
			if i == 0 {
				f.Op = websocket.Text
			}
			b = f.Append(b)
		}
		_, _ = c.Write(b)
		// One buffer, or the limit of fragments: THREATS.md allows both.
		if op, p, err := c.Next(); err != nil || op == websocket.Text && len(p) < 50_000 {
			h.Errorf("opcode %d, %d bytes, %v", op, len(p), err)
		}
	}
}

func wrongHandshakes(h *hostile) {
	for name, header := range map[string]http.Header{
		"no key":       {"Sec-WebSocket-Key": nil},
		"short key":    {"Sec-WebSocket-Key": {"AAAA"}},
		"two keys":     {"Sec-WebSocket-Key": {"dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ=="}},
		"version 99":   {"Sec-WebSocket-Version": {"99"}},
		"no version":   {"Sec-WebSocket-Version": nil},
		"other":        {"Upgrade": {"h2c"}},
		"no upgrade":   {"Upgrade": nil},
		"no connect":   {"Connection": {"keep-alive"}},
		"long headers": {"Sec-WebSocket-Extensions": {strings.Repeat("a;b=c,", 1500)}, "Sec-WebSocket-Key": nil},
	} {
		for _, target := range []string{"/socket.io/?EIO=4&transport=websocket", "/socket.io/1/websocket/" + h.handshake()} {
			c, err := wstest.Dial(h.addr, target, header)
			refused, ok := err.(*wstest.RefusedError)
			switch {
			case err == nil:
				c.Close()
				h.Errorf("%s, %s: taken", target, name)
			case !ok || refused.Response.StatusCode != 400 && refused.Response.StatusCode != 426:
				h.Errorf("%s, %s: %v", target, name, err)
			}
		}
	}
}

// resets: a connection may die in any phase.
func resets(h *hostile) {
	reset := func(c net.Conn) {
		_ = c.(*net.TCPConn).SetLinger(0)
		c.Close()
	}
	for range 20 {
		reset(h.connect())
		c := h.connect()
		fmt.Fprint(c, "POST /socket.io/?EIO=4&transport=polling&sid=x HTTP/1.1\r\nHo")
		reset(c)
		c = h.connect()
		fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", h.polling1())
		reset(c)
		c = h.connect()
		fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n42[", h.polling5())
		reset(c)
		for _, c := range []*client{h.rev5(), h.rev1()} {
			_, _ = c.Write([]byte{0x81, 0xFE, 0x01})
			reset(c.Conn.Conn)
		}
	}
}

// loadCases: THREATS.md, "Load and endings".
func loadCases(*hostile) []hostileCase {
	return []hostileCase{
		{"slow consumer, revision 5", func(h *hostile) { slowConsumer(h, h.rev5()) }},
		{"slow consumer, revision 1", func(h *hostile) { slowConsumer(h, h.rev1()) }},
		{"flood of pings", pingFlood},
		{"flood of events", eventFlood},
		{"kick", kick},
		{"handshakes that nobody opens", abandoned},
	}
}

// slowConsumer stops reading: it is ended at its bound, and the others get everything.
func slowConsumer(h *hostile, slow *client) {
	_ = slow.Conn.Conn.(*net.TCPConn).SetReadBuffer(4096)
	driver := h.rev5()
	for len(h.ended) > 0 {
		<-h.ended // of earlier cases
	}
	payload := strings.Repeat("x", 50_000)
	const rounds, most = 5, 400
	for round := 0; ; round++ {
		if round == most {
			h.Fatalf("%d MiB later it is still there", most*rounds*len(payload)>>20)
		}
		for i := range rounds {
			h.write(driver.Conn, fmt.Sprintf(`42["broadcast","%d %s"]`, i, payload))
		}
		for _, c := range []*client{driver, h.new, h.old} {
			_ = c.SetDeadline(time.Now().Add(patience))
			for i := range rounds {
				if p := h.next(c.Conn); !strings.Contains(p, `broadcast-message`) || !strings.Contains(p, fmt.Sprintf(`"%d xxx`, i)) || len(p) < len(payload) {
					h.Fatalf("round %d: broadcast %d is %.60q", round, i, p)
				}
			}
		}
		select {
		case reason := <-h.ended:
			if reason != "outbox full" {
				h.Errorf("it ended by %q", reason)
			}
			return
		default:
		}
	}
}

// pingFlood sends pings and reads no pongs. The server may read on and let pongs go, or
// stop reading until it can write; when the client reads, it is served.
func pingFlood(h *hostile) {
	for _, c := range []*client{h.rev5(), h.rev1()} {
		ping := wstest.Frame{Op: websocket.Ping, Payload: bytes.Repeat([]byte("p"), 125)}.Append(nil)
		flood := bytes.Repeat(ping, 100_000) // 13 MB
		// How long the client waits before it reads decides nothing.
		_ = c.SetWriteDeadline(time.Now().Add(2 * time.Second))
		n, err := c.Write(flood)
		_ = c.SetDeadline(time.Now().Add(4 * patience))
		sent := make(chan error, 1)
		go func() {
			if err != nil {
				_, err = c.Write(flood[n:])
			}
			if err == nil {
				err = c.WriteText(fmt.Sprintf(c.event, `"after"`))
			}
			sent <- err
		}()
		pongs := 0
		for {
			op, p, err := c.Next()
			if err != nil || op == websocket.Close {
				h.Errorf("after %d pongs: opcode %d %q, %v", pongs, op, p, err)
				break
			}
			if op == websocket.Text && string(p) == fmt.Sprintf(c.back, `"after"`) {
				break
			}
			pongs++
		}
		if err := <-sent; err != nil {
			h.Error(err)
		}
	}
}

// eventFlood keeps hundreds of events under way: they are answered in order.
func eventFlood(h *hostile) {
	const events, unanswered = 5000, 5000
	for _, c := range []*client{h.rev5(), h.rev1()} {
		_ = c.SetDeadline(time.Now().Add(4 * patience))
		room := make(chan struct{}, unanswered)
		go func() {
			var b []byte
			for i := range events {
				room <- struct{}{}
				b = wstest.Frame{Op: websocket.Text, Payload: fmt.Appendf(nil, c.event, fmt.Sprint(i))}.Append(b[:0])
				if _, err := c.Write(b); err != nil {
					return // the reading side says what is wrong
				}
			}
		}()
		for i := range events {
			if got, want := h.next(c.Conn), fmt.Sprintf(c.back, fmt.Sprint(i)); got != want {
				h.Fatalf("got %.60q, want %q", got, want)
			}
			<-room
		}
	}
}

// kick: "an end, with what follows from that client ignored".
func kick(h *hostile) {
	for c, kicks := range map[*client]string{h.rev5(): `42["kick"]`, h.rev1(): `5:::{"name":"kick","args":[]}`} {
		_ = c.WriteText(kicks)
		for range 10 {
			_ = c.WriteText(fmt.Sprintf(c.event, `"late"`))
		}
		for {
			op, p, err := c.Next()
			if err != nil || op == websocket.Close {
				break
			}
			if strings.Contains(string(p), "late") {
				h.Errorf("after the kick: %q", p)
			}
		}
	}
}

// abandoned: sessions that nobody opens push out the oldest, and cost the others
// nothing.
func abandoned(h *hostile) {
	if testing.Short() {
		h.Skip("10,000 handshakes")
	}
	opened := h.polling1()
	oldest := h.handshake()
	var last string
	for range 10_000 {
		last = h.handshake()
	}
	h.check("the oldest", h.get("/socket.io/1/xhr-polling/"+oldest), 200, notKnown)
	h.here1(opened)
	if a := h.get("/socket.io/1/xhr-polling/" + last); a.body == notKnown {
		h.Errorf("the last: %+v", a)
	}
}
