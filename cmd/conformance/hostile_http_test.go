package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
)

// httpCases: THREATS.md, "HTTP".
func httpCases(h *hostile) []hostileCase {
	cases := []hostileCase{
		{"endless chunks", endlessChunks},
		{"body above the limit", bodyTooLarge},
		{"body shorter than its length", bodyCutOff},
		{"refused body is no request", refusedBody},
		{"length and chunks", lengthAndChunks},
		{"many header fields", manyFields},
		{"large head", largeHead},
		{"compressed body", compressedBody},
		{"methods", methods},
		{"trailers and chunk extensions", trailers},
	}
	for name, framing := range map[string]string{
		"two lengths":          "Content-Length: 2\r\nContent-Length: 3\r\n\r\n401",
		"odd coding":           "Transfer-Encoding: xchunked\r\n\r\n2\r\n40\r\n0\r\n\r\n",
		"double coding":        "Transfer-Encoding: chunked, chunked\r\n\r\n2\r\n40\r\n0\r\n\r\n",
		"two codings":          "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n2\r\n40\r\n0\r\n\r\n",
		"signed length":        "Content-Length: +2\r\n\r\n40",
		"negative length":      "Content-Length: -2\r\n\r\n40",
		"hexadecimal length":   "Content-Length: 0x2\r\n\r\n40",
		"blank before a colon": "Content-Length : 2\r\n\r\n40",
		"bare CR":              "X: a\rContent-Length: 2\r\n\r\n40",
		"two hosts":            "Host: y\r\nContent-Length: 2\r\n\r\n40",
	} {
		cases = append(cases, hostileCase{name, func(h *hostile) { ambiguous(h, framing) }})
	}
	for name, chunk := range map[string]string{
		"signed chunk": "+2\r\n40", "negative chunk": "-2\r\n40", "prefixed chunk": "0x2\r\n40",
		"huge chunk": "fffffffffffffffff\r\n40", "chunk without end": "2\r\n40401\r\n",
	} {
		cases = append(cases, hostileCase{name, func(h *hostile) {
			ambiguous(h, "Transfer-Encoding: chunked\r\n\r\n"+chunk+"\r\n0\r\n\r\n")
		}})
	}
	return cases
}

// ambiguous sends a POST whose end is doubtful, and a request behind it: the POST is
// refused, and the rest is never taken for a request.
func ambiguous(h *hostile, framing string) {
	for _, url := range []string{h.polling5(), h.polling1()} {
		a := h.ask("POST " + url + " HTTP/1.1\r\nHost: x\r\n" + framing + "GET /engine.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n")
		// 501: net/http's word for codings that it does not know.
		if a.status != 0 && a.status != 400 && a.status != 501 || !a.closed {
			h.Errorf("%s: %+v", url, a)
		}
	}
}

// lengthAndChunks: RFC 9112 §6.3 lets the coding win, and wants the connection to end.
func lengthAndChunks(h *hostile) {
	for url, done := range map[string]string{h.polling5(): "ok", h.polling1(): "1"} {
		body := "4\r\n3::x\r\n0\r\n\r\n"
		if done == "ok" {
			body = "1\r\n3\r\n0\r\n\r\n"
		}
		a := h.ask("POST " + url + " HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n" + body +
			"GET /engine.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n")
		if a.status != 400 && (a.status != 200 || a.body != done) || !a.closed {
			h.Errorf("%s: %+v", url, a)
		}
	}
}

func endlessChunks(h *hostile) {
	send := func(url string) answer {
		c := h.connect()
		fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", url)
		stop := make(chan struct{})
		go func() {
			defer close(stop)
			chunk := fmt.Sprintf("400\r\n%s\r\n", strings.Repeat("4", 0x400))
			for {
				if _, err := io.WriteString(c, chunk); err != nil {
					return
				}
			}
		}()
		a := h.answer(c, bufio.NewReader(c))
		c.Close()
		<-stop
		return a
	}
	url := h.polling5()
	if a := send(url); a.status != 413 && a.status != 0 || !a.closed {
		h.Errorf("revision 5: %+v", a)
	}
	h.gone5(url) // part of it may have been the client's last word
	url = h.polling1()
	if a := send(url); a.status != 413 && a.status != 0 || !a.closed {
		h.Errorf("revision 1: %+v", a)
	}
	h.here1(url) // [T post-too-large]: "the session lives on"
}

func bodyTooLarge(h *hostile) {
	for url, here := range map[string]func(string){h.polling5(): h.gone5, h.polling1(): h.here1} {
		a := h.post(url, strings.Repeat("3", hostileMax+1))
		if a.status != 413 || !a.closed {
			h.Errorf("%s: %+v", url, a)
		}
		here(url)
	}
}

func bodyCutOff(h *hostile) {
	for url, here := range map[string]func(string){h.polling5(): h.gone5, h.polling1(): h.here1} {
		c := h.connect()
		fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n42[\"message\",1]", url)
		c.(*net.TCPConn).CloseWrite()
		if a := h.answer(c, bufio.NewReader(c)); a.status != 0 && a.status != 400 {
			h.Errorf("%s: %+v", url, a)
		}
		here(url)
	}
}

// refusedBody: what a refused request carried is not taken for the next one.
func refusedBody(h *hostile) {
	evil := "GET /engine.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n"
	for _, target := range []string{
		"/socket.io/?EIO=4&transport=polling&sid=nosuch", "/socket.io/?EIO=4&transport=polling", "/socket.io/?EIO=9",
		"/socket.io/1/nosuch/x", "/socket.io/9/", "/socket.io/nothing",
	} {
		a := h.ask(fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", target, len(evil), evil))
		if a.status < 400 || !a.closed {
			h.Errorf("%s: %+v", target, a)
		}
	}
}

func manyFields(h *hostile) {
	for _, target := range []string{"/socket.io/?EIO=4&transport=polling", "/socket.io/1/"} {
		a := h.ask("GET " + target + " HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X: y\r\n", 101) + "\r\n")
		if a.status != 431 || !a.closed {
			h.Errorf("%s: %+v", target, a)
		}
		a = h.ask("GET " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + strings.Repeat("X: y\r\n", 99) + "\r\n")
		h.check("with 100 fields", a, 200, "")
	}
}

func largeHead(h *hostile) {
	a := h.ask("GET /socket.io/1/ HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("y", 32<<10) + "\r\n\r\n")
	if a.status != 431 || !a.closed {
		h.Errorf("%+v", a)
	}
}

func compressedBody(h *hostile) {
	for url, here := range map[string]func(string){h.polling5(): h.here5, h.polling1(): h.here1} {
		a := h.ask("POST " + url + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n3::")
		h.check("gzip", a, 415, "")
		here(url)
	}
}

// methods: ARCHITECTURE decision 19.
func methods(h *hostile) {
	five, one := h.polling5(), h.polling1()
	for _, m := range []string{"PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "HEAD", "BREW"} {
		for target, want := range map[string]int{
			five: 405, one: 405, "/socket.io/1/": 405,
			"/socket.io/?EIO=4&transport=polling": 400, // engine.io 6.6: code 2
		} {
			c := h.connect()
			fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", m, target)
			line, err := bufio.NewReader(c).ReadString('\n')
			c.Close()
			if status := fmt.Sprintf("HTTP/1.1 %d ", want); !strings.HasPrefix(line, status) && !(m == "CONNECT" && strings.HasPrefix(line, "HTTP/1.1 400 ")) {
				h.Errorf("%s %s: %q, %v, want %d", m, target, line, err, want)
			}
		}
	}
	h.here5(five)
	h.here1(one)
}

// trailers: chunk extensions and trailers are no part of the body, nor without end.
func trailers(h *hostile) {
	url := h.polling1()
	a := h.ask("POST " + url + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n3;a=b\r\n2::\r\n0\r\nX: y\r\n\r\n")
	h.check("small ones", a, 200, "1")
	url = h.polling1()
	a = h.ask("POST " + url + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;" + strings.Repeat("a", 64<<10) + "\r\n2::\r\n0\r\n\r\n")
	if a.status == 200 || !a.closed {
		h.Errorf("a large extension: %+v", a)
	}
	h.here1(url)
}
