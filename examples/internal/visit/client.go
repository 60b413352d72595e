// Package visit lets clients of every generation visit the example programs. They
// speak the wire themselves, so that nothing of the server's is on their side.
package visit

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// A Mode is a generation over a transport.
type Mode struct {
	Name      string
	rev1      bool
	websocket bool // from the beginning
	upgrade   bool // from polling to WebSocket
}

// Modes are all that the server offers.
var Modes = []Mode{
	{Name: "revision 1, websocket", rev1: true, websocket: true},
	{Name: "revision 1, xhr-polling", rev1: true},
	{Name: "revision 5, websocket", websocket: true},
	{Name: "revision 5, polling"},
	{Name: "revision 5, upgrade", upgrade: true},
}

// Polls reports whether the mode is polling and stays so.
func (m Mode) Polls() bool { return !m.websocket && !m.upgrade }

// A Client is one client. What comes is in the order of the wire.
type Client struct {
	t    *testing.T
	mode Mode
	ctx  context.Context
	http *http.Client
	base string // http://host:port/socket.io
	sid  string

	poll     string // URL
	packed   atomic.Bool
	ws       *websocket.Conn
	polled   chan struct{} // closed when the polls have ended
	stop     atomic.Bool   // no further poll
	received chan string
}

// Dial connects a client to the server at base, such as http://127.0.0.1:3000, and
// waits until it has joined the main namespace. The client ends with the test.
func Dial(t *testing.T, mode Mode, base, token string) *Client {
	t.Helper()
	c := Open(t, mode, base, token)
	c.Want("connect")
	if mode.upgrade {
		c.upgradeNow()
	}
	return c
}

// Open is Dial, but does not wait for what the server says to it. The token, if there
// is one, is in revision 1's query and in revision 5's auth payload.
func Open(t *testing.T, mode Mode, base, token string) *Client {
	t.Helper()
	// A bound against hanging; nothing is decided by it.
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	transport := &http.Transport{} // which asks for gzip
	c := &Client{
		t: t, mode: mode, ctx: ctx, base: base + "/socket.io",
		http: &http.Client{Transport: transport, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
			return fmt.Errorf("redirected to %s", r.URL)
		}},
		received: make(chan string, 1000), polled: make(chan struct{}),
	}
	t.Cleanup(func() {
		cancel()
		if c.ws != nil {
			_ = c.ws.CloseNow()
		}
		for range c.received { // until the readers have ended
		}
		transport.CloseIdleConnections()
	})
	c.open(token)
	if !mode.rev1 {
		auth := ""
		if token != "" {
			auth = fmt.Sprintf(`{"token":%q}`, token)
		}
		c.Send("40" + auth)
	}
	return c
}

// open makes the session, and begins to read.
func (c *Client) open(token string) {
	c.t.Helper()
	switch {
	case c.mode.rev1:
		handshake, err := c.do("GET", c.base+"/1/?token="+url.QueryEscape(token), "")
		if err != nil {
			c.fail(err)
		}
		c.sid, _, _ = strings.Cut(handshake, ":")
		c.poll = c.base + "/1/xhr-polling/" + c.sid
		if c.mode.websocket {
			c.ws = c.dial("/1/websocket/" + c.sid)
		}
	case c.mode.websocket:
		c.ws = c.dial("/?EIO=4&transport=websocket")
	default:
		c.poll = c.base + "/?EIO=4&transport=polling"
		packet, err := c.do("GET", c.poll, "")
		if err != nil {
			c.fail(err)
		}
		c.sid = sidOf(packet)
		c.poll += "&sid=" + c.sid
	}
	if c.ws != nil {
		go c.readSocket() // ends with the connection
		return
	}
	go c.readPolls() // ends with the session, or when it is upgraded
}

// fail ends the test before anything reads.
func (c *Client) fail(err error) {
	c.t.Helper()
	close(c.received)
	c.t.Fatalf("%s: %v", c.mode.Name, err)
}

func sidOf(open string) string {
	var v struct{ Sid string }
	_ = json.Unmarshal([]byte(strings.TrimPrefix(open, "0")), &v) // else it is refused
	return v.Sid
}

func (c *Client) dial(path string) *websocket.Conn {
	c.t.Helper()
	ws, res, err := websocket.Dial(c.ctx, c.base+path, &websocket.DialOptions{HTTPClient: c.http})
	if err != nil {
		if res != nil {
			err = fmt.Errorf("%s: %w", res.Status, err)
		}
		c.fail(err)
	}
	return ws
}

func (c *Client) do(method, url, body string) (string, error) {
	req, err := http.NewRequestWithContext(c.ctx, method, url, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	if body != "" {
		req.Header.Set("Content-Type", "text/plain;charset=UTF-8")
	}
	res, err := c.http.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	if res.Uncompressed {
		c.packed.Store(true)
	}
	b, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s: %s", method, url, res.Status, b)
	}
	return string(b), err
}

// Compressed reports whether an answer came compressed.
func (c *Client) Compressed() bool { return c.packed.Load() }

// upgradeNow moves the session to a WebSocket (Engine.IO 4, "Upgrade").
func (c *Client) upgradeNow() {
	c.t.Helper()
	ws, _, err := websocket.Dial(c.ctx, c.base+"/?EIO=4&transport=websocket&sid="+c.sid,
		&websocket.DialOptions{HTTPClient: c.http})
	if err != nil {
		c.t.Fatal(err)
	}
	c.stop.Store(true)
	if err := ws.Write(c.ctx, websocket.MessageText, []byte("2probe")); err != nil {
		c.t.Fatal(err)
	}
	if _, b, err := ws.Read(c.ctx); string(b) != "3probe" {
		c.t.Fatalf("%q, %v", b, err)
	}
	<-c.polled // the server answers the one that waits
	if err := ws.Write(c.ctx, websocket.MessageText, []byte("5")); err != nil {
		c.t.Fatal(err)
	}
	c.ws = ws
	go c.readSocket() // ends with the connection
	if err := ws.Ping(c.ctx); err != nil {
		c.t.Fatal(err) // when it is answered, what was sent before has been read
	}
}

func (c *Client) readSocket() {
	defer close(c.received)
	for {
		kind, b, err := c.ws.Read(c.ctx)
		if err != nil {
			c.received <- "end: " + websocket.CloseStatus(err).String()
			return
		}
		if kind == websocket.MessageBinary {
			c.received <- fmt.Sprintf("bytes %x", b)
		} else if !c.receive(string(b)) {
			return
		}
	}
}

func (c *Client) readPolls() {
	defer close(c.polled)
	for !c.stop.Load() {
		body, err := c.do("GET", c.poll, "")
		if err != nil {
			c.received <- "end: " + err.Error()
			close(c.received)
			return
		}
		packets := strings.Split(body, "\x1e")
		if c.mode.rev1 {
			packets = split(body)
		}
		for _, packet := range packets {
			if !c.receive(packet) {
				close(c.received)
				return
			}
		}
	}
}
