package socketio_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/socketio"
)

// Tests of "Socket.IO for backend developers", the article of 2011 that taught revision
// 1 to those who write servers, paragraph by paragraph: its requests as they stand there,
// but for the id of the session, and what it says of the answers. Where it is wrong, a
// test says so, and why (revision-1.md §15). docs/revision-1.md has the table.

// An article is a server as the article has one.
type article struct {
	*site
	sid   string
	heard chan string // user messages
}

// articleIDs are the article's.
var articleIDs = []string{"15725592722050266739", "4168417008084729"}

// articleTransports are its "Transport priority".
const articleTransports = "websocket,flashsocket,htmlfile,xhr-polling,jsonp-polling"

// bubbleArticle runs f with a server that waits 15 and 25 s, as the article's, and lets
// all pages in; all else are defaults. It has a session.
func bubbleArticle(t *testing.T, f func(t *testing.T, a *article)) {
	bubble(t, func(t *testing.T) {
		srv := socketio.NewServer(&socketio.Options{
			Origins: []string{"*"},
			Revision1: socketio.Revision1{
				HeartbeatInterval: 10 * time.Second, // with 15, as then, clients of 0.9 fall off
				HeartbeatTimeout:  15 * time.Second,
				CloseTimeout:      25 * time.Second,
			},
			Logger: slog.New(slog.DiscardHandler),
		})
		a := &article{host(t, srv, srv), "", make(chan string, 100)}
		socketio.On(srv, "user message", func(_ *socketio.Socket, text string) { a.heard <- text })
		_, body := a.ask("GET /socket.io/1/?t=1312877027739 HTTP/1.1\nHost: localhost:5000")
		a.sid, _, _ = strings.Cut(body, ":")
		f(t, a)
	})
}

// An articleConn is a connection, of which it is read what the server says.
type articleConn struct {
	*bufio.Reader
	nc     net.Conn
	method string
}

// send sends a request as the article prints it, on a connection of its own.
func (a *article) send(block string) *articleConn {
	a.t.Helper()
	head, body, _ := strings.Cut(block, "\n\n")
	for _, id := range articleIDs {
		head = strings.ReplaceAll(head, id, a.sid)
	}
	nc, err := a.net.dial()
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(func() { nc.Close() })
	if _, err := io.WriteString(nc, strings.ReplaceAll(head, "\n", "\r\n")+"\r\n\r\n"+body); err != nil {
		a.t.Fatal(err)
	}
	method, _, _ := strings.Cut(head, " ")
	return &articleConn{bufio.NewReader(nc), nc, method}
}

// answer reads a whole answer, which is a good one.
func (c *articleConn) answer(t testing.TB) (*http.Response, string) {
	t.Helper()
	res, err := http.ReadResponse(c.Reader, &http.Request{Method: c.method})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s %q, %v", res.Status, body, err)
	}
	return res, string(body)
}

func (a *article) ask(block string) (*http.Response, string) {
	a.t.Helper()
	return a.send(block).answer(a.t)
}

// nicknames emits what the article's server says, to everybody.
func (a *article) nicknames() {
	if err := a.Emit("nicknames", map[string]string{"vti": "vti"}); err != nil {
		a.t.Error(err)
	}
}

// articleNicknames is what comes then.
const articleNicknames = `5:::{"args":[{"vti":"vti"}],"name":"nicknames"}`

// isNicknames checks an event against the article's. The order of keys is the
// server's: clients parse JSON (revision-1.md §15).
func (a *article) isNicknames(packet string) {
	a.t.Helper()
	var got, want any
	text, ok := strings.CutPrefix(packet, "5:::")
	if err := json.Unmarshal([]byte(text), &got); !ok || err != nil || len(packet) != len(articleNicknames) {
		a.t.Fatalf("%q, %v", packet, err)
	}
	_ = json.Unmarshal([]byte(articleNicknames[4:]), &want) // which is JSON
	if !reflect.DeepEqual(got, want) {
		a.t.Errorf("%s, want %s", packet, articleNicknames)
	}
}

// confirms posts a message and checks that the answer is "a simple 200 response".
func (a *article) confirms(block string) {
	a.t.Helper()
	res, body := a.ask(block)
	if body != "1" || res.ContentLength != 1 {
		a.t.Errorf("POST: %q of %d bytes", body, res.ContentLength)
	}
	if got := <-a.heard; got != "hello!" {
		a.t.Errorf("the application gets %q", got)
	}
}

// text returns the packet in a script's call, such as io.j[0]("…");.
func (a *article) text(script, call string) (packet string) {
	a.t.Helper()
	literal, ok := strings.CutPrefix(script, call+"(")
	literal, end := strings.CutSuffix(literal, ");")
	if !ok || !end || json.Unmarshal([]byte(literal), &packet) != nil {
		a.t.Fatalf("script %q", script)
	}
	return packet
}

const (
	articleHandshakeJSONP = `GET /socket.io/1/?t=1312877027739&jsonp=0 HTTP/1.1
Host: localhost:5000
Connection: keep-alive`

	articlePoll = `GET /socket.io/1/xhr-polling/15725592722050266739/?t=1312200210467 HTTP/1.1
Host: 127.0.0.1:5000
Connection: Keep-Alive`

	articlePost = `POST /socket.io/1/xhr-polling/15725592722050266739?t1312200250539 HTTP/1.1
Host: 127.0.0.1:5000
Content-Length: 45
Connection: Keep-Alive

5:::{"name":"user message","args":["hello!"]}`

	articlePollJSONP = `GET /socket.io/1/jsonp-polling/4168417008084729/?t=1312874409449&i=0 HTTP/1.1
Host: localhost:5000
Connection: keep-alive`

	articlePostJSONP = `POST /socket.io/1/jsonp-polling/4168417008084729?t=1312874410509&i=0 HTTP/1.1
Host: localhost:5000
Connection: keep-alive
Content-Type: application/x-www-form-urlencoded
Content-Length: 85

d=5%3A%3A%3A%7B%22name%22%3A%22user+message%22%2C%22args%22%3A%5B%22hello%21%22%5D%7D`

	articleHTMLFile = `GET /socket.io/1/htmlfile/4168417008084729/?t=1312874409449 HTTP/1.1
Host: localhost:5000
Connection: keep-alive`
)

// TestArticleHandshake: "specify a correct Content-Type for the handshake response. I set
// text/plain", and its fields.
func TestArticleHandshake(t *testing.T) {
	bubbleArticle(t, func(t *testing.T, a *article) {
		res, body := a.ask("GET /socket.io/1/?t=1312877027739 HTTP/1.1\nHost: localhost:5000\nConnection: keep-alive")
		sid, rest, _ := strings.Cut(body, ":")
		if rest != "15:25:"+articleTransports || sid == "" || res.Header.Get("Content-Type") != "text/plain" {
			t.Errorf("%q, %v", body, res.Header)
		}
		// Its 73 bytes have an id of ten.
		if n := len(body) - len(sid) + len("1234567890"); n != 73 || res.ContentLength >= 0 && res.ContentLength != int64(len(body)) {
			t.Errorf("%d bytes with an id of ten, Content-Length %d", n, res.ContentLength)
		}
	})
}

// TestArticlePriority: "The recommended transport priority", which is the default, and
// the setting's order.
func TestArticlePriority(t *testing.T) {
	for want, names := range map[string][]string{
		articleTransports:                nil,
		"xhr-polling,htmlfile,websocket": {"xhr-polling", "polling", "htmlfile", "websocket"},
	} {
		t.Run(want, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				srv := socketio.NewServer(&socketio.Options{Transports: names})
				_, body := (&article{site: host(t, srv, srv)}).ask("GET /socket.io/1/ HTTP/1.1\nHost: localhost:5000")
				if !strings.HasSuffix(body, ":60:60:"+want) {
					t.Errorf("%q", body)
				}
			})
		})
	}
}

// TestArticleJSONPHandshake: "make sure it supports cross-domain jsonp calls".
func TestArticleJSONPHandshake(t *testing.T) {
	bubbleArticle(t, func(t *testing.T, a *article) {
		res, body := a.ask(articleHandshakeJSONP)
		sid, rest, _ := strings.Cut(a.text(body, "io.j[0]"), ":")
		if rest != "15:25:"+articleTransports || res.Header.Get("Content-Type") != "application/javascript" {
			t.Errorf("%q, %v", body, res.Header)
		}
		// The article says 90, at which browsers wait for more; its body has 85.
		if n := len(body) - len(sid) + len("1234567890"); n != 85 || res.ContentLength >= 0 && res.ContentLength != int64(len(body)) {
			t.Errorf("%d bytes with an id of ten, Content-Length %d", n, res.ContentLength)
		}
	})
}

// TestArticleCallback: "0 is from request jsonp=0 query string", and so is any number;
// but only a number (revision-1.md §4.2).
func TestArticleCallback(t *testing.T) {
	bubbleArticle(t, func(t *testing.T, a *article) {
		for value, call := range map[string]string{"0": "io.j[0]", "7": "io.j[7]", "007": "io.j[7]"} {
			_, body := a.ask(strings.Replace(articleHandshakeJSONP, "jsonp=0", "jsonp="+value, 1))
			a.text(body, call)
		}
		res, body := a.ask(strings.Replace(articleHandshakeJSONP, "jsonp=0", "jsonp=alert(1)", 1))
		if res.Header.Get("Content-Type") != "text/plain" || strings.Contains(body, "alert") {
			t.Errorf("no number: %q, %v", body, res.Header)
		}
	})
}

// TestArticleAllowOrigin: "Every next response should contain the following header:
// Access-Control-Allow-Origin: *". With an Origin it is that one, as browsers refuse *
// for requests with credentials, which clients of 0.9 make (revision-1.md §2).
func TestArticleAllowOrigin(t *testing.T) {
	bubbleArticle(t, func(t *testing.T, a *article) {
		a.ask(articlePoll) // is answered 1::
		for _, origin := range []string{"", "\nOrigin: http://other.example"} {
			want := "*"
			if origin != "" {
				want = "http://other.example"
			}
			with := func(block string) string { return strings.Replace(block, " HTTP/1.1", " HTTP/1.1"+origin, 1) }
			a.nicknames()
			for _, block := range []string{articleHandshakeJSONP, articlePoll, articlePost, articlePollJSONP, articlePostJSONP, articleHTMLFile} {
				c := a.send(with(block))
				settle()
				if block == articlePollJSONP {
					a.nicknames()
				}
				res, err := http.ReadResponse(c.Reader, &http.Request{Method: c.method})
				if err != nil || res.StatusCode != 200 || res.Header.Get("Access-Control-Allow-Origin") != want {
					t.Errorf("%.40s…: %v, %v", block, res, err)
				}
				c.nc.Close()
				settle()
				if block == articleHTMLFile {
					_, body := a.ask("GET /socket.io/1/ HTTP/1.1\nHost: localhost:5000")
					a.sid, _, _ = strings.Cut(body, ":") // the end of a stream is the session's
					a.ask(articlePoll)
				}
			}
		}
	})
}

// TestArticleTransports: "we have to implement the following transports". Each is, under
// its name, and nothing under another.
func TestArticleTransports(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		if !m.rev1 {
			return
		}
		first, _ := m.transports()
		if !slices.Contains(append(strings.Split(articleTransports, ","), "xhr-multipart"), first) {
			t.Errorf("the article knows no %s", first)
		}
		s := serve(t, nil)
		socketio.On(s.Server, "user message", func(so *socketio.Socket, text string) { so.Emit("heard", text) })
		c := s.connect(m)
		c.raw(articlePost[strings.Index(articlePost, "5:::"):])
		c.want(`heard["hello!"]`)
	})
}

// TestArticleMultipart: "XHR Multipart is disabled in the latest Socket.IO version". So
// it is here until it is named.
func TestArticleMultipart(t *testing.T) {
	bubbleArticle(t, func(t *testing.T, a *article) {
		const get = "GET /socket.io/1/xhr-multipart/4168417008084729/ HTTP/1.1\nHost: localhost:5000"
		res, err := http.ReadResponse(a.send(get).Reader, nil)
		if err != nil || res.StatusCode != http.StatusBadRequest {
			t.Errorf("%v, %v", res, err)
		}
		s := serve(t, nil) // with all that there are
		b := &article{site: s}
		_, body := b.ask("GET /socket.io/1/ HTTP/1.1\nHost: localhost:5000")
		if !strings.HasSuffix(body, ":60:60:websocket,flashsocket,htmlfile,xhr-polling,jsonp-polling,xhr-multipart") {
			t.Errorf("%q", body)
		}
		b.sid, _, _ = strings.Cut(body, ":")
		res, err = http.ReadResponse(b.send(get).Reader, nil)
		if err != nil || res.StatusCode != 200 || !strings.HasPrefix(res.Header.Get("Content-Type"), "multipart/x-mixed-replace") {
			t.Errorf("named: %v, %v", res, err)
		}
	})
}

// TestArticleFlashsocket: "These two transports are exactly the same on the server side":
// the same bytes come, but for the name in the location.
func TestArticleFlashsocket(t *testing.T) {
	bubbleArticle(t, func(t *testing.T, a *article) {
		answers := make(map[string]string)
		for _, name := range []string{"websocket", "flashsocket"} {
			_, body := a.ask("GET /socket.io/1/ HTTP/1.1\nHost: localhost:5000")
			a.sid, _, _ = strings.Cut(body, ":")
			c := a.send("GET /socket.io/1/" + name + "/4168417008084729 HTTP/1.1\nUpgrade: WebSocket\nConnection: Upgrade\nHost: localhost:5000\n" +
				"Origin: http://localhost\nSec-WebSocket-Key1: 18x 6]8vM;54 *(5:  {   U1]8  z [  8\n" +
				"Sec-WebSocket-Key2: 1_ tx7X d  <  nw  334J702) 7]o}` 0\n\nTm[K T2u")
			answer, err := readTo(c.Reader, "\x001::\xff")
			if err != nil {
				t.Fatal(err)
			}
			answers[name] = strings.ReplaceAll(strings.Replace(answer, "/"+name+"/", "/…/", 1), a.sid, "…")
		}
		if got := answers["flashsocket"]; got != answers["websocket"] || !strings.HasSuffix(got, "\r\n\r\nfQJ,fN/4F4!~K~MH") {
			t.Errorf("%q, %q", got, answers["websocket"])
		}
	})
}

// TestArticleScaling: "you have to make sure different processes can communicate". A
// broadcast reaches the clients of all; see TestCluster for who gets what.
func TestArticleScaling(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		sites, clients, _ := pair(t, m)
		for i, s := range sites {
			if err := s.Emit("nicknames", i); err != nil {
				t.Error(err)
			}
			settle()
			for _, c := range clients {
				c.want(fmt.Sprintf("nicknames[%d]", i))
			}
		}
	})
}
