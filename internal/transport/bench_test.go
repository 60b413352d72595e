package transport

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/socketio/internal/session"
	"github.com/sockeye-io/socketio/internal/websocket"
	"github.com/sockeye-io/socketio/packet"
)

// quiet is a handler that answers and keeps nothing.
type quiet struct{}

func (quiet) Opened(*session.Session)  {}
func (quiet) Leaving(*session.Session) {}
func (quiet) Taken(*session.Session)   {}
func (quiet) Message(s *session.Session, p packet.Packet) error {
	if t, _ := s.Push(session.NewSingle(p, false)); t != nil {
		t.Wake()
	}
	return nil
}
func (quiet) Closed(*session.Session, session.Reason) {}

func benchServer(b *testing.B) *site {
	return start(b, func(c *Config) {
		for _, s := range c.Sessions {
			s.Handler = quiet{}
		}
	})
}

// BenchmarkWebSocketEcho is one message there and back over loopback; the client
// allocates nothing.
func BenchmarkWebSocketEcho(b *testing.B) {
	st := benchServer(b)
	w, _ := st.openWS()
	out := []byte(masked(websocket.Text, "4"+strings.Repeat("x", 64)))
	in := make([]byte, 2+65)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if _, err := w.Write(out); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(w.r, in); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkWebSocketPipeline keeps 16 messages under way.
func BenchmarkWebSocketPipeline(b *testing.B) {
	st := benchServer(b)
	w, _ := st.openWS()
	out := []byte(strings.Repeat(masked(websocket.Text, "4"+strings.Repeat("x", 64)), 16))
	in := make([]byte, 16*(2+65))
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; n += 16 {
		if _, err := w.Write(out); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(w.r, in); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPollExchange is a POST and the poll that brings its echo, on one kept
// connection, with a client that allocates nothing. net/http's own share is measured
// by BenchmarkBareHTTP.
func BenchmarkPollExchange(b *testing.B) {
	st := benchServer(b)
	path := eio + "polling&sid=" + st.open()
	body := "4" + strings.Repeat("x", 64)
	exchanges(b, st.http.Listener.Addr(), post(path, length(body), body), "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n")
}

// BenchmarkBareHTTP is the same two requests to a handler that reads and answers.
func BenchmarkBareHTTP(b *testing.B) {
	hs := newServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := make([]byte, r.ContentLength)
		_, _ = io.ReadFull(r.Body, body)
		w.Header().Set("Content-Type", "text/plain")
		_, _ = w.Write([]byte("ok"))
	}), func(*http.Server) {})
	defer hs.Close()
	body := "4" + strings.Repeat("x", 64)
	exchanges(b, hs.Listener.Addr(), post("/x", length(body), body), "GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
}

func exchanges(b *testing.B, addr net.Addr, requests ...string) {
	c, err := net.Dial("tcp", addr.String())
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	r := bufio.NewReader(c)
	raw := make([][]byte, len(requests))
	for i := range requests {
		raw[i] = []byte(requests[i])
	}
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		for _, req := range raw {
			if _, err := c.Write(req); err != nil {
				b.Fatal(err)
			}
			if err := skipAnswer(r); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// skipAnswer reads an answer with a Content-Length.
func skipAnswer(r *bufio.Reader) error {
	n := 0
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) <= 2 {
			_, err = r.Discard(n)
			return err
		}
		const name = "Content-Length: "
		if len(line) > len(name) && string(line[:len(name)]) == name {
			n, _ = strconv.Atoi(string(line[len(name) : len(line)-2]))
		}
	}
}

// BenchmarkPollHandler is the part of BenchmarkPollExchange that is this package's and
// its session's: the same two requests, without net/http and the kernel.
func BenchmarkPollHandler(b *testing.B) {
	s := benchServer(b).Server
	b.Run("engineio", func(b *testing.B) {
		var w sink
		s.ServeHTTP(&w, request("GET", eio+"polling", ""))
		_, sid, _ := strings.Cut(w.body.String(), `"sid":"`)
		sid, _, _ = strings.Cut(sid, `"`)
		handle(b, s, eio+"polling&sid="+sid, "4"+strings.Repeat("x", 64))
	})
	b.Run("revision1", func(b *testing.B) {
		var w sink
		s.ServeHTTP(&w, request("GET", "/socket.io/1/", ""))
		sid, _, _ := strings.Cut(w.body.String(), ":")
		handle(b, s, "/socket.io/1/xhr-polling/"+sid, "3:::"+strings.Repeat("x", 64))
	})
}

func handle(b *testing.B, s *Server, path, body string) {
	var w sink
	get, post := request("GET", path, ""), request("POST", path, body)
	rd := strings.NewReader(body)
	post.Body = io.NopCloser(rd)
	b.ReportAllocs()
	for b.Loop() {
		for _, r := range []*http.Request{post, get} {
			rd.Reset(body)
			w.header, w.status = nil, 0
			w.body.Reset()
			s.ServeHTTP(&w, r)
		}
	}
	if w.status != 0 || !strings.Contains(w.body.String(), "xxx") {
		b.Fatalf("%d %q", w.status, w.body.String())
	}
}

func request(method, target, body string) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header = http.Header{"Accept": {"*/*"}, "Content-Type": {"text/plain;charset=UTF-8"}}
	return r
}

// sink is an http.ResponseWriter.
type sink struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *sink) Header() http.Header {
	if w.header == nil {
		w.header = make(http.Header)
	}
	return w.header
}
func (w *sink) WriteHeader(status int)            { w.status = status }
func (w *sink) Write(b []byte) (int, error)       { return w.body.Write(b) }
func (w *sink) WriteString(s string) (int, error) { return w.body.WriteString(s) }
func (w *sink) FlushError() error                 { return nil }
func (w *sink) SetReadDeadline(time.Time) error   { return nil }
func (w *sink) SetWriteDeadline(time.Time) error  { return nil }
