package engineio_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/socketio/engineio"
	"github.com/sockeye-io/socketio/internal/websocket"
	"github.com/sockeye-io/socketio/internal/websocket/wstest"
)

// A site is a server on a network in memory, which testing/synctest can wait for.
type site struct {
	*testing.T
	*engineio.Server
	http  http.Server
	conns chan net.Conn
	done  chan struct{}
}

// serve runs srv, and ends it with the test.
func serve(t *testing.T, srv *engineio.Server) *site {
	s := &site{T: t, Server: srv, conns: make(chan net.Conn), done: make(chan struct{})}
	s.http.Handler = srv
	go s.http.Serve(s) // ends with Close
	t.Cleanup(func() {
		gone, cancel := context.WithCancel(context.Background())
		cancel()
		_ = srv.Shutdown(gone) // at once
		s.http.Close()
		time.Sleep(time.Second) // net/http's, for connections that it refused to go on with
		synctest.Wait()
	})
	return s
}

func (s *site) Accept() (net.Conn, error) {
	select {
	case c := <-s.conns:
		return c, nil
	case <-s.done:
		return nil, net.ErrClosed
	}
}

func (s *site) Close() error {
	close(s.done)
	return nil
}

func (s *site) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 80} }

// A duplex is a connection of two pipes: unlike one, it can be closed by halves.
type duplex struct {
	net.Conn // what comes in
	out      net.Conn
}

func (d duplex) Write(p []byte) (int, error) { return d.out.Write(p) }
func (d duplex) CloseWrite() error           { return d.out.Close() }
func (d duplex) Close() error                { return errors.Join(d.Conn.Close(), d.out.Close()) }

func (s *site) dial() net.Conn {
	there, here := net.Pipe()
	back, forth := net.Pipe()
	select {
	case s.conns <- duplex{there, forth}:
	case <-s.done:
		there.Close()
		forth.Close()
	}
	return duplex{back, here}
}

const page = "/engine.io/?EIO=4&transport="

// A client speaks Engine.IO 4 as raw as it gets. It answers pings.
type client struct {
	s    *site
	sid  string
	http *http.Client
	got  chan string // "text …", "binary …", "end …"; closed after the end
	turn chan bool   // to write or post; a lock, for which a bubble would not wait

	mu   sync.Mutex
	ws   *wstest.Conn // nil: polling
	stop bool         // no further polls
	deaf bool         // no answer to pings
}

var modes = []string{"polling", "websocket", "upgrade"}

// connect opens a session in a mode, and reads from then on.
func (s *site) connect(mode string) *client {
	s.Helper()
	c := &client{s: s, got: make(chan string, 1<<16), turn: make(chan bool, 1)}
	tr := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return s.dial(), nil }}
	c.http = &http.Client{Transport: tr}
	s.Cleanup(tr.CloseIdleConnections)
	if mode == "websocket" {
		c.ws = s.webSocket("")
		p, err := c.ws.NextText()
		if err != nil {
			s.Fatal(err)
		}
		c.opened(p)
		go c.read() // ends with the connection
		return c
	}
	_, open := c.do("GET", "", nil)
	c.opened(open)
	polled := make(chan struct{})
	go func() { // ends with the session, or the upgrade
		defer close(polled)
		c.poll()
	}()
	if mode == "upgrade" {
		c.upgrade(polled)
	}
	return c
}

func (s *site) webSocket(query string) *wstest.Conn {
	s.Helper()
	ws, err := wstest.Handshake(s.dial(), "example.com", page+"websocket"+query, nil)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { ws.Close() })
	return ws
}

func (c *client) opened(p string) {
	c.s.Helper()
	var open struct{ SID string }
	if !strings.HasPrefix(p, "0") || json.Unmarshal([]byte(p[1:]), &open) != nil || open.SID == "" {
		c.s.Fatalf("open packet: %q", p)
	}
	c.sid = open.SID
}

// do makes a request and returns the answer's status and body; 0 if there is none.
func (c *client) do(method, body string, header http.Header) (int, string) {
	url := "http://example.com" + page + "polling"
	if c.sid != "" {
		url += "&sid=" + c.sid
	}
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	req.Header = header.Clone()
	res, err := c.http.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err.Error()
	}
	return res.StatusCode, string(b)
}

// upgrade moves to a WebSocket (Engine.IO 4, "Upgrade"). Polling ends with the noop.
func (c *client) upgrade(polled <-chan struct{}) {
	c.s.Helper()
	ws := c.s.webSocket("&sid=" + c.sid)
	c.mu.Lock()
	c.stop = true
	c.mu.Unlock()
	_ = ws.WriteText("2probe")
	if p, err := ws.NextText(); p != "3probe" {
		c.s.Fatalf("probe: %q, %v", p, err)
	}
	<-polled
	_ = ws.WriteText("5")
	c.mu.Lock()
	c.ws = ws
	c.mu.Unlock()
	go c.read()     // ends with the connection
	synctest.Wait() // the server has it, too
}

func (c *client) poll() {
	for {
		status, body := c.do("GET", "", nil)
		if status != http.StatusOK {
			c.end(fmt.Sprint(status))
			return
		}
		for _, p := range strings.Split(body, "\x1e") {
			if p == "1" {
				c.end("close packet")
				return
			}
			c.packet(p)
		}
		c.mu.Lock()
		stop := c.stop
		c.mu.Unlock()
		if stop {
			return
		}
	}
}

func (c *client) read() {
	for {
		op, p, err := c.ws.Next()
		switch {
		case err != nil:
			c.end("no more")
			return
		case op == websocket.Close && len(p) >= 2:
			_ = c.ws.WriteClose(int(p[0])<<8|int(p[1]), "")
			c.end(fmt.Sprint("close frame ", int(p[0])<<8|int(p[1])))
			c.ws.Close()
			return
		case op == websocket.Binary:
			c.got <- "binary " + string(p)
		case op == websocket.Text:
			c.packet(string(p))
		}
	}
}

func (c *client) end(how string) {
	c.got <- "end " + how
	close(c.got)
}

func (c *client) packet(p string) {
	c.mu.Lock()
	deaf := c.deaf
	c.mu.Unlock()
	switch {
	case p == "2" && !deaf:
		c.send("3")
	case strings.HasPrefix(p, "4"):
		c.got <- "text " + p[1:]
	case strings.HasPrefix(p, "b"):
		b, err := base64.StdEncoding.DecodeString(p[1:])
		c.got <- "binary " + string(b)
		if err != nil {
			c.got <- err.Error()
		}
	}
}

// send sends packets as a payload has them, and reports whether they were accepted; a
// WebSocket does not say.
func (c *client) send(packets ...string) bool {
	c.turn <- true
	defer func() { <-c.turn }()
	c.mu.Lock()
	ws := c.ws
	c.mu.Unlock()
	if ws == nil {
		status, body := c.do("POST", strings.Join(packets, "\x1e"), nil)
		return status == http.StatusOK && body == "ok"
	}
	for _, p := range packets {
		var err error
		if rest, ok := strings.CutPrefix(p, "b"); ok {
			b, _ := base64.StdEncoding.DecodeString(rest)
			err = ws.WriteBinary(b)
		} else {
			err = ws.WriteText(p)
		}
		if err != nil {
			return false
		}
	}
	return true
}

func (c *client) want(texts ...string) {
	c.s.Helper()
	for _, want := range texts {
		if got := <-c.got; got != want {
			c.s.Fatalf("got %.80q, want %.80q", got, want)
		}
	}
}

// each runs f in every mode, in a bubble of its own: time passes when nothing else
// happens.
func each(t *testing.T, f func(t *testing.T, mode string)) {
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, mode) })
		})
	}
}
