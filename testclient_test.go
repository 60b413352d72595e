package socketio_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sockeye-io/socketio/internal/websocket/wstest"
)

// A msg is what a client got, whatever its generation. Tests compare its String.
type msg struct {
	kind string // connect, disconnect, refused, event, ack, text, json, end
	ns   string
	id   string // of the answer that is wanted or given
	name string
	data string   // arguments as a JSON array, else what the packet says
	bin  []string // attachments
}

// String returns
//
//	hello["a",1]       an event; hello+["a"] if it wants an answer
//	ack 3["x"]         an answer
//	connect, disconnect, refused {…}, text hello, json {…}
//	end                of the session
//
// with the namespace in front unless it is the main one.
func (m msg) String() string {
	s := ""
	if m.ns != "" && m.ns != "/" {
		s = m.ns + " "
	}
	switch m.kind {
	case "event":
		if m.id != "" {
			return s + m.name + "+" + m.data
		}
		return s + m.name + m.data
	case "ack":
		return s + "ack " + m.id + m.data
	case "connect", "disconnect", "end":
		return s + m.kind
	}
	return s + m.kind + " " + m.data
}

// A client speaks one generation over one transport, as raw as it gets.
type client struct {
	place // the main namespace
	t     testing.TB
	m     mode
	site  *site
	url   string // path of the server
	head  http.Header
	sid   string
	http  *http.Client

	sent    atomic.Int64 // batches that the server took
	got     chan msg
	out     chan []frame
	done    chan struct{} // closed by cut
	ctx     context.Context
	stop    context.CancelFunc // ends ctx; called by cut
	pausing chan chan struct{}

	writing sync.Mutex // held while link is used to write
	link    link
	partial *msg // its attachments are due

	mu    sync.Mutex
	conns []net.Conn
	lastT int
	deaf  chan struct{} // open while the client does not read
}

// A place is a namespace, as a client sees it.
type place struct {
	c  *client
	ns string
}

// on returns the client's place in a namespace.
func (c *client) on(ns string) place { return place{c, ns} }

// A dialOption changes how a client comes in.
type dialOption func(*client)

func withQuery(q string) dialOption { return func(c *client) { c.url += "&" + q } }

func withHeader(name, value string) dialOption {
	return func(c *client) { c.head.Add(name, value) }
}

func withPath(path string) dialOption {
	return func(c *client) { c.url = path + c.url[strings.Index(c.url, "?"):] }
}

// dial opens a session. A client of revision 5 has not joined "/" then.
func (s *site) dial(m mode, opts ...dialOption) *client {
	s.t.Helper()
	c, err := s.tryDial(m, opts...)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

func (s *site) tryDial(m mode, opts ...dialOption) (*client, error) {
	c := &client{
		t: s.t, m: m, site: s, url: "/socket.io/?t=1", head: http.Header{},
		got: make(chan msg, 1<<16), out: make(chan []frame, 1<<16),
		done: make(chan struct{}), pausing: make(chan chan struct{}),
	}
	c.ctx, c.stop = context.WithCancel(context.Background())
	c.place = c.on("/")
	for _, o := range opts {
		o(c)
	}
	tr := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return c.conn() }}
	c.http = &http.Client{Transport: headers{c.head, tr}}
	s.t.Cleanup(func() {
		c.cut()
		tr.CloseIdleConnections()
	})
	if err := m.open(c); err != nil {
		return nil, err
	}
	go c.reads(c.link) // ends with the link
	go c.writes()      // ends with cut
	return c, nil
}

// headers sends fields with every request.
type headers struct {
	add http.Header
	rt  http.RoundTripper
}

func (h headers) RoundTrip(r *http.Request) (*http.Response, error) {
	for name, values := range h.add {
		r.Header[name] = values
	}
	return h.rt.RoundTrip(r)
}

// connect opens a session and waits until the main namespace is joined.
func (s *site) connect(m mode, opts ...dialOption) *client {
	s.t.Helper()
	c := s.dial(m, opts...)
	if !m.rev1 {
		c.join("")
	}
	c.want("connect")
	if m.upgrades {
		c.upgrade()
	}
	return c
}

func (c *client) conn() (net.Conn, error) {
	dial := c.site.net.dial
	if c.m.loop {
		dial = c.site.net.dialKernel
	}
	nc, err := dial()
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.done: // net/http tries again what a lost connection did not answer
		nc.Close()
		return nil, net.ErrClosed
	default:
	}
	c.conns = append(c.conns, nc)
	return nc, nil
}

// webSocket makes a WebSocket handshake.
func (c *client) webSocket(target string) (*wstest.Conn, error) {
	nc, err := c.conn()
	if err != nil {
		return nil, err
	}
	return wstest.Handshake(nc, "example.com", target, c.head)
}

func openRev1(c *client) error {
	path, query, _ := strings.Cut(c.url, "?")
	body, err := (&pollLink{http: c.http}).do("GET", "http://example.com"+path+"1/?"+query, nil)
	if err != nil {
		return err
	}
	c.sid, _, _ = strings.Cut(string(body), ":")
	c.link, err = c.m.dial(c, path+"1/"+c.m.carrier+"/"+c.sid)
	return err
}

func openRev5(c *client) error {
	target := c.url + "&EIO=4&transport="
	poll := &pollLink{c.http, "http://example.com" + target + "polling", false}
	c.link = poll
	if c.m.websocket {
		ws, err := c.webSocket(target + "websocket")
		if err != nil {
			return err
		}
		c.link = wsLink{ws}
	}
	frames, err := c.link.read()
	if err != nil {
		return err
	}
	var open struct{ Sid string }
	if data, ok := strings.CutPrefix(frames[0].data, "0"); !ok || json.Unmarshal([]byte(data), &open) != nil {
		return fmt.Errorf("open packet: %q", frames[0].data)
	}
	c.sid = open.Sid
	poll.url += "&sid=" + open.Sid
	return nil
}

// upgrade moves a polling session of Engine.IO to a WebSocket ("Upgrade").
func (c *client) upgrade() {
	c.t.Helper()
	ws, err := c.webSocket(c.url + "&EIO=4&transport=websocket&sid=" + c.sid)
	if err != nil {
		c.t.Fatal(err)
	}
	if err := ws.WriteText("2probe"); err != nil {
		c.t.Fatal(err)
	}
	if s, err := ws.NextText(); s != "3probe" || err != nil {
		c.t.Fatalf("probe: %q, %v", s, err)
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	paused := make(chan struct{})
	c.pausing <- paused // the server ends the poll that waits
	<-paused
	if err := ws.WriteText("5"); err != nil {
		c.t.Fatal(err)
	}
	c.link = wsLink{ws}
	go c.reads(c.link) // ends with the link
}

// reads hands over what the link brings.
func (c *client) reads(l link) {
	for {
		frames, err := l.read()
		if err != nil {
			var end errEnd
			if !errors.As(err, &end) {
				end = "lost"
			}
			c.got <- msg{kind: "end", data: string(end)}
			return
		}
		for _, f := range frames {
			if end := c.receive(f); end != "" {
				c.got <- msg{kind: "end", data: end}
				return
			}
		}
		if _, polling := l.(*pollLink); polling {
			select {
			case paused := <-c.pausing:
				close(paused)
				return
			default:
			}
		}
		c.mu.Lock()
		deaf := c.deaf
		c.mu.Unlock()
		if deaf != nil {
			select {
			case <-deaf:
			case <-c.done:
			}
		}
	}
}

// mute makes the client read no more, once what it waits for has come.
func (c *client) mute() {
	c.mu.Lock()
	c.deaf = make(chan struct{})
	c.mu.Unlock()
}

// unmute ends mute.
func (c *client) unmute() {
	c.mu.Lock()
	close(c.deaf)
	c.deaf = nil
	c.mu.Unlock()
}

func (c *client) writes() {
	for {
		select {
		case batch := <-c.out:
			c.writing.Lock()
			err := c.link.write(batch)
			c.writing.Unlock()
			if err != nil {
				return // the reader says so
			}
			c.sent.Add(1)
		case <-c.done:
			return
		}
	}
}

// raw sends frames in one body, or as so many messages of a stream. It does not wait.
func (c *client) raw(frames ...string) {
	batch := make([]frame, len(frames))
	for i, f := range frames {
		batch[i].data = f
	}
	c.out <- batch
}

// cut loses the client's connections.
func (c *client) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.done:
	default:
		close(c.done)
	}
	c.stop()
	for _, nc := range c.conns {
		nc.Close()
	}
	c.conns = nil
}

// close ends the session as a good client does.
func (c *client) close() {
	switch ws, ok := c.link.(wsLink); {
	case c.m.rev1:
		c.raw("0::")
	case ok:
		_ = ws.WriteClose(1000, "")
	default:
		c.raw("1")
	}
}

// next returns what comes next.
func (c *client) next() msg {
	c.t.Helper()
	select {
	case m := <-c.got:
		return m
	case <-time.After(5 * time.Minute): // of a bubble's time
		c.t.Fatal("nothing comes")
		panic("unreachable")
	}
}

// want checks what comes next.
func (c *client) want(texts ...string) {
	c.t.Helper()
	for _, want := range texts {
		if got := c.next(); got.String() != want {
			c.t.Fatalf("got %s (%s), want %s", got, got.data, want)
		}
	}
}

// silence checks that nothing has come, or is on its way.
func (c *client) silence() {
	c.t.Helper()
	settle()
	select {
	case m := <-c.got:
		c.t.Fatalf("got %s, want nothing", m)
	default:
	}
}

// ended waits for the session's end and returns how the client was told.
func (c *client) ended() string {
	c.t.Helper()
	for {
		if m := c.next(); m.kind == "end" {
			return m.data
		}
	}
}

// join asks to join the namespace.
func (p place) join(auth string) { p.c.raw(p.c.m.codec.join(p.ns, auth)) }

// leave leaves it.
func (p place) leave() { p.c.raw(p.c.m.codec.leave(p.ns)) }

// emit sends an event whose arguments are JSON text with commas.
func (p place) emit(name, args string) { p.c.raw(p.c.m.codec.event(p.ns, "", name, args)) }

// call sends an event that wants an answer.
func (p place) call(name, args string) (id string) {
	p.c.mu.Lock()
	p.c.lastT++
	id = fmt.Sprint(p.c.lastT)
	p.c.mu.Unlock()
	p.c.raw(p.c.m.codec.event(p.ns, id, name, args))
	return id
}

// ask is call, and waits for the answer.
func (p place) ask(name, args string) string {
	p.c.t.Helper()
	id := p.call(name, args)
	m := p.c.next()
	if m.kind != "ack" || m.id != id || cmp.Or(m.ns, "/") != p.ns {
		p.c.t.Fatalf("got %s, want the answer to %s", m, id)
	}
	return m.data
}

// answer answers what wanted an answer.
func (p place) answer(id, args string) { p.c.raw(p.c.m.codec.ack(p.ns, id, args)) }

// wantCall checks that the next is an event that wants an answer, and returns its id.
func (p place) wantCall(name, args string) (id string) {
	p.c.t.Helper()
	m := p.c.next()
	if want := (msg{kind: "event", ns: p.ns, id: "1", name: name, data: args}); m.String() != want.String() {
		p.c.t.Fatalf("got %s, want %s", m, want)
	}
	return m.id
}

// compact makes equal JSON equal.
func compact(s string) string {
	var b bytes.Buffer
	if json.Compact(&b, []byte(s)) != nil {
		return s
	}
	return b.String()
}
