package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/sockeye-io/socketio/internal/websocket/wstest"
)

// sessionCases: THREATS.md, "Sessions".
func sessionCases(*hostile) []hostileCase {
	return []hostileCase{
		{"unknown ids", unknownIDs},
		{"another generation's id", otherGeneration},
		{"another version's id", otherVersion},
		{"two polls, revision 5", twoPolls5},
		{"two polls, revision 1", twoPolls1},
		{"two posts, revision 5", twoPosts5},
		{"two posts, revision 1", twoPosts1},
		{"second WebSocket", secondWebSocket},
		{"two probes", twoProbes},
		{"probe that breaks", brokenProbe},
		{"forged disconnect", forgedDisconnect},
	}
}

// unknownIDs: ids are compared whole, mean nothing, and are never made a session.
func unknownIDs(h *hostile) {
	c := h.rev5()
	swapped := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r - 'a' + 'A'
		}
		return r
	}, c.sid)
	for _, id := range []string{
		"nosuch", "__proto__", "constructor", "toString", "hasOwnProperty", "null", "undefined", "0", "-1", "NaN", "true",
		"%00", "%2e%2e", "%2f", "a%20b", "%ff%fe", "😀", strings.Repeat("a", 5000),
		c.sid[:len(c.sid)-1], c.sid + "A", c.sid + "%00", swapped, c.sid[1:] + c.sid[:1],
	} {
		eio := "/socket.io/?EIO=4&transport=polling&sid=" + id
		h.check(eio, h.get(eio), 400, unknownSID)
		h.check(eio, h.post(eio, "40"), 400, unknownSID)
		h.refused("/socket.io/?EIO=4&transport=websocket&sid="+id, 400)
		if strings.Contains(id, "%2f") || strings.Contains(id, "%2e") {
			continue // another path
		}
		old := "/socket.io/1/xhr-polling/" + id
		h.check(old, h.get(old), 200, notKnown)
		h.check(old, h.post(old, "3:::x"), 200, "1")
		ws := h.dial("/socket.io/1/websocket/" + id)
		h.expect(ws, notKnown)
		h.ends(ws)
	}
	c.alive(h.T)
}

// refused checks that a WebSocket handshake is refused.
func (h *hostile) refused(target string, status int) {
	h.Helper()
	c, err := wstest.Dial(h.addr, target, nil)
	var refused *wstest.RefusedError
	switch {
	case err == nil:
		c.Close()
		h.Errorf("%s is taken", target)
	case !errors.As(err, &refused):
		h.Errorf("%s: %v", target, err)
	case refused.Response.StatusCode != status:
		h.Errorf("%s: %d, want %d", target, refused.Response.StatusCode, status)
	}
}

// otherGeneration: an id belongs to one generation, and one engine.
func otherGeneration(h *hostile) {
	five, one := h.rev5(), h.rev1()
	h.check("5 on 1", h.get("/socket.io/1/xhr-polling/"+five.sid), 200, notKnown)
	h.check("1 on 5", h.get("/socket.io/?EIO=4&transport=polling&sid="+one.sid), 400, unknownSID)
	h.check("5 on the bare engine", h.get("/engine.io/?EIO=4&transport=polling&sid="+five.sid), 400, unknownSID)
	h.check("disconnect of 5 by 1", h.get("/socket.io/1/xhr-polling/"+five.sid+"?disconnect=1"), 200, "")
	ws := h.dial("/socket.io/1/websocket/" + five.sid)
	h.expect(ws, notKnown)
	h.ends(ws)
	h.refused("/socket.io/?EIO=4&transport=websocket&sid="+one.sid, 400)
	five.alive(h.T)
	one.alive(h.T)
}

func otherVersion(h *hostile) {
	c := h.rev5()
	for _, eio := range []string{"3", "2", "5", "04", "4.0", "", "4%20"} {
		a := h.get("/socket.io/?EIO=" + eio + "&transport=polling&sid=" + c.sid)
		h.check("EIO="+eio, a, 400, `{"code":5,"message":"Unsupported protocol version"}`)
	}
	// On the right version but by another transport.
	h.check("polling", h.get("/socket.io/?EIO=4&transport=polling&sid="+c.sid), 400, `{"code":3,"message":"Bad request"}`)
	h.check("polling", h.post("/socket.io/?EIO=4&transport=polling&sid="+c.sid, "41"), 400, `{"code":3,"message":"Bad request"}`)
	c.alive(h.T)
}

// waiting begins a poll and returns its connection when the server waits with it:
// another poll of the same session would be told. There is no other sign of it, so
// the poll is sent with an event in front, whose answer comes on the same connection.
func (h *hostile) waiting(url string) (read func() answer) {
	h.Helper()
	c := h.connect()
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", url)
	return func() answer { return h.answer(c, bufio.NewReader(c)) }
}

// twoPolls5: "one ends with an error, neither hangs, nothing twice" (Engine.IO 4 test
// suite, "closes the session upon duplicate poll requests").
func twoPolls5(h *hostile) {
	url := h.polling5()
	first, second := h.waiting(url), h.waiting(url)
	a, b := first(), second()
	if a.status != 200 {
		a, b = b, a
	}
	h.check("one", a, 200, "1")
	if b.status != 400 {
		h.Errorf("the other: %+v", b)
	}
	h.gone5(url)
}

func twoPolls1(h *hostile) {
	url := h.polling1()
	polls := []func() answer{h.waiting(url), h.waiting(url)}
	done := make(chan answer, 2)
	for _, p := range polls {
		go func() { done <- p() }()
	}
	h.check("the replaced one", <-done, 200, "8::")
	h.check("event", h.post(url, "3:::x"), 200, "1")
	h.check("the other", <-done, 200, "3:::x")
}

// half sends a POST without the last byte of its body.
func (h *hostile) half(url, body string) (finish func() answer) {
	h.Helper()
	c := h.connect()
	fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", url, len(body))
	br := bufio.NewReader(c)
	// The server has begun to read the body.
	if line, err := br.ReadString('\n'); line != "HTTP/1.1 100 Continue\r\n" {
		h.Fatalf("got %q, %v", line, err)
	}
	_, _ = br.ReadString('\n')
	_, _ = io.WriteString(c, body[:len(body)-1])
	return func() answer {
		_, _ = io.WriteString(c, body[len(body)-1:])
		return h.answer(c, br)
	}
}

func twoPosts5(h *hostile) {
	url := h.polling5()
	finish := h.half(url, `42["message",1]`)
	a := h.post(url, `42["message",2]`)
	if a.status != 400 {
		h.Errorf("the second: %+v", a)
	}
	if a := finish(); a.status == 200 {
		h.Errorf("the first: %+v", a)
	}
	h.gone5(url)
}

// twoPosts1: "parallel POSTs are handled in order of arrival".
func twoPosts1(h *hostile) {
	url := h.polling1()
	finish := h.half(url, "3:::first")
	second := make(chan answer, 1)
	c := h.connect()
	fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 10\r\n\r\n3:::second", url)
	go func() { second <- h.answer(c, bufio.NewReader(c)) }()
	h.check("the first", finish(), 200, "1")
	h.check("the second", <-second, 200, "1")
	var got string
	for !strings.Contains(got, "second") {
		got += h.get(url).body
	}
	if strings.Index(got, "first") > strings.Index(got, "second") {
		h.Errorf("got %q", got)
	}
}

// secondWebSocket: a session born on a WebSocket takes no other, by whatever frames.
func secondWebSocket(h *hostile) {
	for _, packets := range [][]string{{"2probe", "5"}, {"5"}, {`42["message",1]`}, {"41"}, {"1"}} {
		c := h.rev5()
		second, err := wstest.Dial(h.addr, "/socket.io/?EIO=4&transport=websocket&sid="+c.sid, nil)
		if err == nil {
			_ = second.WriteText(packets[0])
			if len(packets) > 1 {
				_ = second.WriteText(packets[1])
			}
			h.ends(second)
			second.Close()
		}
		c.alive(h.T)
	}
}

// twoProbes: of two WebSockets at most one wins, and the session stays whole.
func twoProbes(h *hostile) {
	url := h.polling5()
	target := strings.Replace(url, "polling", "websocket", 1)
	first := h.dial(target)
	h.write(first, "2probe")
	h.expect(first, "3probe")
	second, err := wstest.Dial(h.addr, target, nil)
	if err == nil {
		defer second.Close()
		h.write(second, "2probe", "5")
		h.ends(second)
	}
	h.write(first, "5", `42["message","first"]`)
	h.expect(first, `42["message-back","first"]`)
}

// brokenProbe: whatever a probe says and however it ends, polling goes on.
func brokenProbe(h *hostile) {
	url := h.polling5()
	target := strings.Replace(url, "polling", "websocket", 1)
	for _, packets := range [][]string{nil, {"5"}, {"2"}, {"2other"}, {`42["message",1]`}, {"1"}, {""}, {"x"}, {"2probe", "2probe"}, {"2probe", `42["message",1]`}} {
		c := h.dial(target)
		h.write(c, packets...)
		c.Close()
	}
	// The last probe's end may be on its way: polls are answered with noops until then.
	h.check("event", h.post(url, `42["message","here"]`), 200, "ok")
	for {
		a := h.get(url)
		if a.status != 200 {
			h.Fatalf("poll: %+v", a)
		}
		if a.body == `42["message-back","here"]` {
			return
		}
		if a.body != "6" {
			h.Fatalf("poll: %+v", a)
		}
	}
}

// forgedDisconnect: "the disconnect query ends its own session and no other".
func forgedDisconnect(h *hostile) {
	c := h.rev1()
	for _, target := range []string{
		"/socket.io/1/xhr-polling/nosuch?disconnect=1", "/socket.io/1//nosuch/?disconnect", "/socket.io/1/?disconnect=1",
		"/socket.io/1/" + c.sid[1:] + "?disconnect", "/socket.io/1/xhr-polling/" + strings.ToLower(c.sid) + "?disconnect",
	} {
		h.get(target)
	}
	c.alive(h.T)
	h.check("its own", h.get("/socket.io/1//"+c.sid+"/?disconnect=1"), 200, "")
	h.ends(c.Conn)
}
