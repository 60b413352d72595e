package socketio_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/socketio"
	"github.com/sockeye-io/socketio/flashpolicy"
)

// TestArticleFlashPolicy: "a standalone server" and "an inline server that answers not
// only HTTP but also Flash requests".
func TestArticleFlashPolicy(t *testing.T) {
	policy, err := flashpolicy.New([]string{"example.com"}, 5000)
	if err != nil {
		t.Fatal(err)
	}
	srv := socketio.NewServer(nil)
	defer srv.Close()
	web := &http.Server{Handler: srv}
	for name, serve := range map[string]func(net.Listener) error{
		"standalone": func(l net.Listener) error { return flashpolicy.Serve(l, policy) },
		"inline":     func(l net.Listener) error { return web.Serve(flashpolicy.Listen(l, policy)) },
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- serve(l) }()
			if got := articleTCP(t, l.Addr(), "<policy-file-request/>\x00"); got != string(policy) {
				t.Errorf("got %q", got)
			}
			const handshake = "GET /socket.io/1/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
			if got := articleTCP(t, l.Addr(), handshake); name == "inline" && !strings.HasSuffix(got, articleTransports) {
				t.Errorf("HTTP: %q", got)
			}
			l.Close()
			<-ended
		})
	}
}

// articleTCP writes to a connection, and returns all that comes.
func articleTCP(t *testing.T, addr net.Addr, request string) string {
	t.Helper()
	nc, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	_ = nc.SetDeadline(time.Now().Add(time.Minute)) // against hanging
	if _, err := io.WriteString(nc, request); err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(nc)
	if err != nil {
		t.Errorf("%q, %v", b, err)
	}
	return string(b)
}

// A channel of the article: how a message is waited for, and how one is sent.
type articleChannel struct {
	name, get, post string
	streams         bool
	head            func(c *articleConn, t testing.TB) // of an answer that goes on
	packet          func(a *article, c *articleConn) string
}

func articleChannels() []articleChannel {
	return []articleChannel{
		{
			name: "xhr-polling", get: articlePoll, post: articlePost,
			packet: func(a *article, c *articleConn) string { _, body := c.answer(a.t); return body },
		},
		{
			name: "jsonp-polling", get: articlePollJSONP, post: articlePostJSONP,
			packet: func(a *article, c *articleConn) string {
				_, body := c.answer(a.t)
				return a.text(body, "io.j[0]")
			},
		},
		{
			name: "htmlfile", get: articleHTMLFile, post: articlePost, streams: true,
			head: func(c *articleConn, t testing.TB) {
				if _, err := readTo(c.Reader, "\r\n\r\n"); err != nil {
					t.Fatal(err)
				}
				articleChunk(t, c)
			},
			packet: func(a *article, c *articleConn) string { return a.text(articleScript(a.t, articleChunk(a.t, c)), "_") },
		},
	}
}

// articleChunk reads a chunk.
func articleChunk(t testing.TB, c *articleConn) string {
	t.Helper()
	line, err := readTo(c.Reader, "\r\n")
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.ParseInt(line, 16, 32)
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, n+2)
	if _, err := io.ReadFull(c.Reader, b); err != nil || string(b[n:]) != "\r\n" {
		t.Fatalf("%q, %v", b, err)
	}
	return string(b[:n])
}

// articleScript returns what is in a script element.
func articleScript(t testing.TB, element string) string {
	t.Helper()
	script, ok := strings.CutPrefix(element, "<script>")
	script, end := strings.CutSuffix(script, "</script>")
	if !ok || !end {
		t.Fatalf("element %q", element)
	}
	return script
}

// TestArticleTwoChannels: "one channel for sending messages and one channel for receiving
// them": a GET whose answer is late or goes on, and "a sequence of POST requests with
// simple confirmation responses", which are answered while it waits.
func TestArticleTwoChannels(t *testing.T) {
	for _, ch := range articleChannels() {
		t.Run(ch.name, func(t *testing.T) {
			bubbleArticle(t, func(t *testing.T, a *article) {
				c := a.send(ch.get)
				if ch.head != nil {
					ch.head(c, t)
				}
				if got := ch.packet(a, c); got != "1::" {
					t.Fatalf("first %q", got)
				}
				for range 3 {
					if !ch.streams {
						c = a.send(ch.get)
					}
					settle()
					a.confirms(ch.post)
					a.confirms(ch.post)
					if n := c.Buffered(); n > 0 {
						t.Errorf("%d bytes have come before there is anything", n)
					}
					a.nicknames()
					a.isNicknames(ch.packet(a, c))
				}
			})
		})
	}
}

// TestArticleReconnect: "you have to cache the messages that are sent during reconnection
// and then send them sequentially". They go as one payload, in order (revision-1.md §15).
func TestArticleReconnect(t *testing.T) {
	for _, ch := range articleChannels()[:2] {
		t.Run(ch.name, func(t *testing.T) {
			bubbleArticle(t, func(t *testing.T, a *article) {
				ch.packet(a, a.send(ch.get)) // 1::, and the client is away
				want := ""
				for i := range 5 {
					if err := a.Emit("n", i, "é😀"); err != nil {
						t.Fatal(err)
					}
					// 33 UTF-16 units: é is one, 😀 two.
					want += fmt.Sprintf("\ufffd33\ufffd5:::{\"name\":\"n\",\"args\":[%d,\"é😀\"]}", i)
					time.Sleep(time.Second)
				}
				if got := ch.packet(a, a.send(ch.get)); got != want {
					t.Errorf("got %q, want %q", got, want)
				}
			})
		})
	}
}

// TestArticlePolling: XHR Polling's "delayed response". The article's server "closes the
// connection. It could be a chunked response": it may also be kept, which is cheaper.
func TestArticlePolling(t *testing.T) {
	bubbleArticle(t, func(t *testing.T, a *article) {
		a.ask(articlePoll)
		c := a.send(articlePoll)
		settle()
		a.nicknames()
		res, body := c.answer(t)
		a.isNicknames(body)
		if kind := res.Header.Get("Content-Type"); kind != "text/plain; charset=UTF-8" || res.ContentLength >= 0 && res.ContentLength != 47 || res.Close {
			t.Errorf("%v", res.Header)
		}
	})
}

// TestArticlePollingPost: "When a client wants to send a message it creates a POST", whose
// query is "t1312200250539", without a "=", as clients of 0.7.0 write it.
func TestArticlePollingPost(t *testing.T) {
	bubbleArticle(t, func(t *testing.T, a *article) {
		a.ask(articlePoll)
		a.confirms(articlePost)
		// HTTP/1.0 in the article's answers is that of its server: the request has 1.1.
		if res, _ := a.ask(articlePost); !res.ProtoAtLeast(1, 1) || res.Header.Get("Content-Type") != "text/plain; charset=UTF-8" {
			t.Errorf("%s %v", res.Proto, res.Header)
		}
	})
}

// TestArticleJSONP: "You just have to wrap messages into JavaScript (notice the correct
// Content-Type)".
func TestArticleJSONP(t *testing.T) {
	bubbleArticle(t, func(t *testing.T, a *article) {
		a.ask(articlePollJSONP)
		c := a.send(articlePollJSONP)
		settle()
		a.nicknames()
		res, body := c.answer(t)
		a.isNicknames(a.text(body, "io.j[0]"))
		if res.Header.Get("Content-Type") != "text/javascript; charset=UTF-8" || len(body) != 69 || res.ContentLength >= 0 && res.ContentLength != 69 {
			t.Errorf("%q, %v", body, res.Header)
		}
	})
}

// TestArticleEscaping: "Don't forget to escape quotes when wrapping your message". That is
// not enough: a backslash, which is in every string with a quote inside JSON, must be
// escaped, too, and what ends a line of a script or the script itself (revision-1.md §8.3).
func TestArticleEscaping(t *testing.T) {
	const awkward = "\" \\ \\\" \n \u2028\u2029 </script><!-- é😀"
	for _, ch := range articleChannels()[1:] {
		t.Run(ch.name, func(t *testing.T) {
			bubbleArticle(t, func(t *testing.T, a *article) {
				c := a.send(ch.get)
				if ch.head != nil {
					ch.head(c, t)
				}
				ch.packet(a, c)
				if !ch.streams {
					c = a.send(ch.get)
				}
				settle()
				if err := a.Send(awkward); err != nil {
					t.Fatal(err)
				}
				script := ""
				if ch.streams {
					script = articleScript(t, articleChunk(t, c))
				} else {
					_, script = c.answer(t)
				}
				call := map[bool]string{true: "_", false: "io.j[0]"}[ch.streams]
				if got := a.text(script, call); got != "3:::"+awkward {
					t.Errorf("%q", got)
				}
				if strings.ContainsAny(script, "\n\u2028\u2029") || strings.Contains(script, "</") || strings.Contains(script, "<!") && ch.streams {
					t.Errorf("%q", script)
				}
			})
		})
	}
}

// TestArticleForm: "the request now is x-www-form-urlencoded with a d parameter with
// encoded message", raw, as clients before 0.8.6 wrote it; later ones write a literal
// (revision-1.md §8.3).
func TestArticleForm(t *testing.T) {
	bubbleArticle(t, func(t *testing.T, a *article) {
		a.ask(articlePollJSONP)
		a.confirms(articlePostJSONP)
		const literal = "d=%225%3A%3A%3A%7B%5C%22name%5C%22%3A%5C%22user+message%5C%22%2C%5C%22args%5C%22%3A%5B%5C%22hello%21%5C%22%5D%7D%22"
		head, _, _ := strings.Cut(articlePostJSONP, "\n\n")
		a.confirms(strings.Replace(head, "Content-Length: 85", fmt.Sprint("Content-Length: ", len(literal)), 1) + "\n\n" + literal)
	})
}

// TestArticleHTMLFile: "a chunked streaming response", from "100" to the first message:
// 83 characters, "Followed by 173 spaces", together 256 bytes; then a chunk a message, in
// a script element, of 50 (hexadecimal) bytes for the article's.
func TestArticleHTMLFile(t *testing.T) {
	bubbleArticle(t, func(t *testing.T, a *article) {
		c := a.send(articleHTMLFile)
		head, err := readTo(c.Reader, "\r\n\r\n")
		if err != nil {
			t.Fatal(err)
		}
		// The article has no charset: then Internet Explorer guesses one (revision-1.md §15).
		for _, line := range []string{"HTTP/1.1 200 OK", "Content-Type: text/html; charset=utf-8", "Transfer-Encoding: chunked"} {
			if !strings.Contains(strings.ToLower(head+"\r\n"), strings.ToLower(line+"\r\n")) {
				t.Errorf("no %q in %q", line, head)
			}
		}
		const page = "<html><body><script>var _ = function (msg) { parent.s._(msg, document); };</script>"
		begin := make([]byte, len("100\r\n")+256+len("\r\n"))
		if _, err := io.ReadFull(c.Reader, begin); err != nil || string(begin) != "100\r\n"+page+strings.Repeat(" ", 173)+"\r\n" {
			t.Fatalf("%q, %v", begin, err)
		}
		if got := articleChunk(t, c); got != `<script>_("1::");</script>` {
			t.Errorf("%q", got)
		}
		for range 3 { // it goes on
			settle()
			a.nicknames()
			chunk := articleChunk(t, c)
			a.isNicknames(a.text(articleScript(t, chunk), "_"))
			if len(chunk) != 0x50 {
				t.Errorf("%d bytes: %q", len(chunk), chunk)
			}
		}
	})
}

// TestArticleHTMLFilePost: the article's POST goes to xhr-polling. Clients ask for
// htmlfile; both are right (revision-1.md §8.4).
func TestArticleHTMLFilePost(t *testing.T) {
	bubbleArticle(t, func(t *testing.T, a *article) {
		c := a.send(articleHTMLFile)
		settle()
		a.confirms(articlePost)
		a.confirms(strings.Replace(articlePost, "xhr-polling", "htmlfile", 1))
		c.nc.Close()
	})
}
