package transport

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/socketio/internal/session"
)

// everyTransport enables what is off until asked for, too.
func everyTransport(c *Config) {
	c.Hixie75 = true
	c.Transports = []string{
		"websocket", "flashsocket", "htmlfile", "xhr-polling", "jsonp-polling", "xhr-multipart", "polling",
	}
}

var flows = []string{"htmlfile", "xhr-multipart"}

// A page is what reads an answer that goes on.
type page struct {
	t        testing.TB
	r        *bufio.Reader
	boundary string // empty: htmlfile
}

// newPage looks at the head of an answer.
func newPage(t testing.TB, res *http.Response) *page {
	t.Helper()
	p := &page{t: t, r: bufio.NewReader(res.Body)}
	if res.StatusCode != 200 || res.Header.Get("Cache-Control") != "no-store" || res.Header.Get("X-Accel-Buffering") != "no" {
		t.Fatalf("answer %+v", res)
	}
	kind, params, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	p.boundary = params["boundary"]
	head := htmlHead
	switch {
	case kind == "multipart/x-mixed-replace" && p.boundary != "":
		head = "--" + p.boundary + "\n"
	case kind != "text/html" || params["charset"] != "UTF-8":
		t.Fatalf("Content-Type: %q", res.Header.Get("Content-Type"))
	}
	got := make([]byte, len(head))
	if _, err := io.ReadFull(p.r, got); err != nil || string(got) != head {
		t.Fatalf("head %q, %v", got, err)
	}
	return p
}

// htmlHead: [T htmlfile].
var htmlHead = "<html><body><script>var _ = function (msg) { parent.s._(msg, document); };</script>" + strings.Repeat(" ", 173)

// next returns the next packet, or io.EOF at the answer's good end.
func (p *page) next() (text string, err error) {
	begin, end := "<script>_(", ");</script>"
	if p.boundary != "" {
		begin, end = "Content-Type: text/plain\n\n", "\n--"+p.boundary+"\n"
	}
	var b []byte
	for !bytes.HasSuffix(b, []byte(end)) {
		c, err := p.r.ReadByte()
		if err == io.EOF && len(b) > 0 {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return "", err
		}
		b = append(b, c)
	}
	text, ok := strings.CutPrefix(string(b[:len(b)-len(end)]), begin)
	if !ok {
		return "", errors.New("part " + text)
	}
	if p.boundary == "" {
		err = json.Unmarshal([]byte(text), &text)
	}
	return text, err
}

func (p *page) want(texts ...string) {
	p.t.Helper()
	for _, want := range texts {
		if got, err := p.next(); err != nil || got != want {
			p.t.Fatalf("got %q, %v, want %q", got, err, want)
		}
	}
}

// ended checks that the answer comes to its end, and says no more.
func (p *page) ended() {
	p.t.Helper()
	if got, err := p.next(); err != io.EOF {
		p.t.Fatalf("got %q, %v, want the end", got, err)
	}
}

// handshaken makes a session over w and returns its path after the transport's name.
func (w *wire) handshaken() string {
	sid, _, _ := strings.Cut(w.get("/socket.io/1/").body, ":")
	return "/" + sid
}

// page begins an answer that goes on.
func (w *wire) page(path string) *page {
	w.t.Helper()
	w.send("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n")
	res, err := http.ReadResponse(w.r, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return newPage(w.t, res)
}

// post sends a body that must be taken.
func (w *wire) post(path, body string) {
	w.t.Helper()
	w.send(post(path, length(body), body))
	if r := w.answer(); r.status != 200 || r.body != "1" {
		w.t.Fatalf("POST: %+v", r)
	}
}

// byFlows runs f in a bubble for each transport. path is that of an opened session,
// whose first packet has come.
func byFlows(t *testing.T, edit func(*Config), f func(t *testing.T, st *site, dial func() *wire, w *wire, p *page, path string)) {
	for _, name := range flows {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(c *Config) {
				everyTransport(c)
				if edit != nil {
					edit(c)
				}
			}, func(t *testing.T, st *site, dial func() *wire) {
				path := "/socket.io/1/" + name + dial().handshaken()
				w := dial()
				p := w.page(path)
				p.want("1::")
				f(t, st, dial, w, p, path)
			})
		})
	}
}

func (st *site) byPath(path string) *session.Session {
	st.t.Helper()
	return st.session(path[strings.LastIndexByte(path, '/')+1:])
}

// TestHTMLFileBytes: [T htmlfile], chunk by chunk.
func TestHTMLFileBytes(t *testing.T) {
	bubble(t, nil, func(t *testing.T, st *site, dial func() *wire) {
		path := "/socket.io/1/htmlfile" + dial().handshaken()
		w := dial()
		w.send("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n")
		for line := ""; line != "\r\n"; {
			var err error
			if line, err = w.r.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
		}
		w.bytes("100\r\n" + htmlHead + "\r\n" + "1a\r\n<script>_(\"1::\");</script>\r\n")
		dial().post(path, `3:::</script>/"\<!--`+"\u2028")
		w.bytes("3a\r\n" + `<script>_("3:::<\/script>\/\"\\\u003c!--\u2028");</script>` + "\r\n")
	})
}

// TestBoundary is no session's twice, and nobody knows one to write it into a packet.
func TestBoundary(t *testing.T) {
	byFlows(t, nil, func(t *testing.T, st *site, dial func() *wire, _ *wire, p *page, path string) {
		other := dial().page("/socket.io/1/xhr-multipart" + dial().handshaken())
		if other.boundary == p.boundary {
			t.Errorf("boundary %q", p.boundary)
		}
		post := dial()
		for _, text := range []string{"\n--socketio\n", "\n--" + other.boundary + "\n", "</script>", "<!--<script", "\ufffd5\ufffd"} {
			post.post(path, "3:::"+text)
			p.want("3:::" + text)
		}
	})
}

// TestFlowEchoes: one part for each packet, however they came.
func TestFlowEchoes(t *testing.T) {
	byFlows(t, nil, func(t *testing.T, st *site, dial func() *wire, _ *wire, p *page, path string) {
		post := dial()
		post.post(path, "\ufffd5\ufffd3:::a\ufffd5\ufffd3:::b\ufffd5\ufffd3:::c")
		p.want("3:::a", "3:::b", "3:::c")
		// Any of the names will do (revision-1.md §8.1).
		post.post(strings.Replace(path, path[len("/socket.io/1/"):strings.LastIndexByte(path, '/')], "xhr-polling", 1), "3:::d")
		p.want("3:::d")

		slow := dial()
		slow.send("POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n3::")
		synctest.Wait()
		send(st.byPath(path), text("meanwhile"))
		p.want("3:::meanwhile")
		slow.send(":e")
		if r := slow.answer(); r.body != "1" {
			t.Errorf("POST: %+v", r)
		}
		p.want("3:::e")
	})
}

// TestFlowHeartbeats go down the stream; only their answer is one.
func TestFlowHeartbeats(t *testing.T) {
	byFlows(t, nil, func(t *testing.T, st *site, dial func() *wire, _ *wire, p *page, path string) {
		post := dial()
		for range 3 {
			took(t, 25*time.Second, func() { p.want("2::") })
			post.post(path, "2::")
		}
		took(t, 25*time.Second, func() { p.want("2::") })
		took(t, 60*time.Second, func() {
			post.post(path, "3:::x") // revision-1.md §7.1: "no other packet"
			p.want("3:::x")
			p.ended()
		})
		if r := <-st.h.reasons; r != session.PingTimeout {
			t.Errorf("reason %q", r)
		}
		synctest.Wait() // it is told before it is forgotten
		if n := st.Sessions(); n != 0 {
			t.Errorf("%d sessions", n)
		}
	})
}

// TestFlowEnds: who ends it, and what is said then.
func TestFlowEnds(t *testing.T) {
	for name, tt := range map[string]struct {
		end    func(st *site, s *session.Session, dial func() *wire, path string)
		says   []string
		reason session.Reason
	}{
		"kick": {func(st *site, s *session.Session, _ func() *wire, _ string) {
			send(s, text("last words"))
			s.End(st.Now(), session.Kick, session.ServerDisconnect)
		}, []string{"3:::last words", "0::"}, session.ServerDisconnect},
		"shutdown": {func(st *site, s *session.Session, _ func() *wire, _ string) {
			send(s, text("last words"))
			if err := st.Shutdown(context.Background(), session.ServerShutdown); err != nil {
				st.t.Error(err)
			}
		}, []string{"3:::last words", "7:::1+0"}, session.ServerShutdown}, // revision-1.md §7.5
		"close": {func(st *site, s *session.Session, _ func() *wire, _ string) { st.Close() }, []string{"7:::1+0"}, session.ServerShutdown},
		"goodbye": {func(_ *site, _ *session.Session, dial func() *wire, path string) {
			dial().post(path, "0::")
		}, []string{"0::"}, session.ClientDisconnect},
		"disconnect": {func(_ *site, _ *session.Session, dial func() *wire, path string) {
			dial().get(path + "?disconnect")
		}, []string{"0::"}, session.ClientDisconnect},
	} {
		t.Run(name, func(t *testing.T) {
			byFlows(t, nil, func(t *testing.T, st *site, dial func() *wire, _ *wire, p *page, path string) {
				said := make(chan struct{})
				go func() { // ends with the answer
					defer close(said)
					p.want(tt.says...)
					p.ended()
				}()
				took(t, 0, func() {
					tt.end(st, st.byPath(path), dial, path)
					<-said
				})
				if r := <-st.h.reasons; r != tt.reason {
					t.Errorf("reason %q", r)
				}
			})
		})
	}
}

// TestFlowConnectionEnds: with it the session, at once; it cannot be had again.
func TestFlowConnectionEnds(t *testing.T) {
	byFlows(t, nil, func(t *testing.T, st *site, dial func() *wire, w *wire, _ *page, path string) {
		took(t, 0, func() {
			w.Close()
			if r := <-st.h.reasons; r != session.TransportClose {
				t.Errorf("reason %q", r)
			}
		})
		again := dial().page(path)
		again.want("7:::1+0") // [T xhr-polling-bad-session], in the transport's own words
		again.ended()
		dial().post(path, "3:::x")
	})
}

// TestFlowSlowReader: a client that does not read has the time of one write.
func TestFlowSlowReader(t *testing.T) {
	byFlows(t, nil, func(t *testing.T, st *site, dial func() *wire, w *wire, _ *page, path string) {
		took(t, 20*time.Second, func() {
			send(st.byPath(path), text("unread"))
			if r := <-st.h.reasons; r != session.TransportError {
				t.Errorf("reason %q", r)
			}
		})
		synctest.Wait()
		if n := st.Sessions(); n != 0 {
			t.Errorf("%d sessions", n)
		}
	})
}

// TestFlowOutbox: beyond its bound the session ends, and what hangs in a write soon.
func TestFlowOutbox(t *testing.T) {
	edit := func(c *Config) { c.Sessions[1].Limits.OutboxCasts = 10 }
	byFlows(t, edit, func(t *testing.T, st *site, dial func() *wire, _ *wire, p *page, path string) {
		s := st.byPath(path)
		for range 12 { // one is under way, one too many
			send(s, text("unread"))
			synctest.Wait()
		}
		if r := <-st.h.reasons; r != session.OutboxFull {
			t.Errorf("reason %q", r)
		}
		took(t, 0, func() { // what had begun to be written goes on while it is read
			if got, err := p.next(); got != "3:::unread" {
				t.Errorf("got %q, %v", got, err)
			}
			p.ended()
		})

		path = "/socket.io/1/htmlfile" + dial().handshaken()
		w := dial()
		w.page(path).want("1::")
		s = st.byPath(path)
		for range 12 {
			send(s, text("unread"))
			synctest.Wait()
		}
		time.Sleep(st.linger() + time.Second)
		if _, err := io.ReadAll(w.r); err != nil {
			t.Errorf("the connection: %v", err)
		}
	})
}

// TestFlowRefused: what is no such request opens nothing.
func TestFlowRefused(t *testing.T) {
	for _, name := range flows {
		var log bytes.Buffer
		wrap := func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Opaque") != "" {
					w = plainWriter{w}
				}
				h.ServeHTTP(w, r)
			})
		}
		st := start(t, func(c *Config) {
			everyTransport(c)
			c.Logger = slog.New(slog.NewTextHandler(&log, nil))
		}, wrap)
		path := "/socket.io/1/" + name + "/" + st.handshakeRev1()
		if r := st.do("HEAD", path, ""); r.status != 405 {
			t.Errorf("HEAD: %+v", r)
		}
		if r := st.do("GET", path, "3:::x"); r.status != 400 {
			t.Errorf("GET with a body: %+v", r)
		}
		if r := st.do("GET", path, "", "Opaque: x"); r.status != 500 || !strings.Contains(log.String(), "plainWriter") {
			t.Errorf("a writer that cannot flush: %+v, %s", r, log.String())
		}
		if r := st.do("GET", path, "", "Origin: http://evil.example"); r.status != 403 {
			t.Errorf("another origin: %+v", r)
		}
		if len(st.h.opened) > 0 {
			t.Error("the session was opened")
		}
		without := start(t, nil)
		if r := without.do("GET", "/socket.io/1/xhr-multipart/x", ""); r.status != 400 {
			t.Errorf("xhr-multipart, not asked for: %+v", r)
		}
	}
}

// aborting panics at the first byte of an answer, as a middleware may.
type aborting struct{ http.ResponseWriter }

func (aborting) Write([]byte) (int, error)     { panic(http.ErrAbortHandler) }
func (a aborting) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// TestFlowPanics: the session does not stay with a request that is over.
func TestFlowPanics(t *testing.T) {
	for _, name := range flows {
		st := start(t, everyTransport, func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.Contains(r.URL.Path, name) {
					w = aborting{w}
				}
				h.ServeHTTP(w, r)
			})
		})
		if r, err := st.try("GET", "/socket.io/1/"+name+"/"+st.handshakeRev1(), ""); err == nil {
			t.Errorf("answer %+v", r)
		}
		get(t, st.h.reasons, "the end")
		until(t, "it is forgotten", func() bool { return st.Sessions() == 0 })
	}
}

// TestFlowHTTP10: no chunks, and the end is the connection's.
func TestFlowHTTP10(t *testing.T) {
	bubble(t, everyTransport, func(t *testing.T, st *site, dial func() *wire) {
		for _, name := range flows {
			path := "/socket.io/1/" + name + dial().handshaken()
			w := dial()
			w.send("GET " + path + " HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n")
			res, err := http.ReadResponse(w.r, nil)
			if err != nil || len(res.TransferEncoding) > 0 || res.ContentLength != -1 {
				t.Fatalf("%+v, %v", res, err)
			}
			p := newPage(t, res)
			p.want("1::")
			dial().post(path, "3:::x")
			p.want("3:::x")
			dial().post(path, "0::")
			p.want("0::")
			w.eof()
		}
	})
}

// TestFlowHTTP2: an answer is not ended because nothing was written for a while.
func TestFlowHTTP2(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newEcho()
		cfg := config(h)
		everyTransport(cfg)
		s := New(cfg)
		st := &site{Server: s, t: t, h: h}
		l := &pipes{make(chan net.Conn), make(chan struct{})}
		protocols := new(http.Protocols)
		protocols.SetUnencryptedHTTP2(true)
		hs := &http.Server{Handler: s, Protocols: protocols}
		go hs.Serve(l) // ends with Close
		tr := &http.Transport{Protocols: protocols, DialContext: func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			l.conns <- server
			return client, nil
		}}
		ask := func(ctx context.Context, method, path, body string) *http.Response {
			req, err := http.NewRequestWithContext(ctx, method, "http://x"+path, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			res, err := tr.RoundTrip(req)
			if err != nil || res.ProtoMajor != 2 {
				t.Fatalf("%+v, %v", res, err)
			}
			return res
		}
		read := func(res *http.Response) string {
			b, err := io.ReadAll(res.Body)
			if err != nil {
				t.Error(err)
			}
			return string(b)
		}
		for _, name := range flows {
			sid, _, _ := strings.Cut(read(ask(t.Context(), "GET", "/socket.io/1/", "")), ":")
			path := "/socket.io/1/" + name + "/" + sid
			ctx, cancel := context.WithCancel(t.Context())
			p := newPage(t, ask(ctx, "GET", path, ""))
			p.want("1::")
			for range 3 {
				took(t, 25*time.Second, func() { p.want("2::") })
				if got := read(ask(t.Context(), "POST", path, "2::")); got != "1" {
					t.Errorf("POST: %q", got)
				}
			}
			cancel() // as a page that is left does
			if r := <-st.h.reasons; r != session.TransportClose {
				t.Errorf("reason %q", r)
			}
		}
		s.Close()
		tr.CloseIdleConnections()
		hs.Close()
		synctest.Wait()
	})
}
