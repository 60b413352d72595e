package transport

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/sockeye-io/socketio/internal/websocket"
)

// A poller is what a client has before its WebSocket: it polls and posts as
// engine.io-client does, and ends with both when the WebSocket takes over. The client's
// lock guards it.
type poller struct {
	c       *client
	began   bool
	carries bool // the session is here, as far as the client knows
	sid     string
	probed  bool // the answer to the probe came

	get, post *web
	posts     []string // to be posted
	posting   bool
	over      bool // the server knows the session no more
}

// path is where it polls.
func (p *poller) path() string {
	return fmt.Sprintf("%spolling&c=%d&sid=%s", eio, p.c.id, p.sid)
}

// begin opens a session by polling.
func (p *poller) begin() {
	p.began, p.carries = true, true
	p.get, p.post = p.c.r.web(), p.c.r.web()
	_, body, err := p.get.do("GET", fmt.Sprintf("%spolling&c=%d", eio, p.c.id), "")
	if err != nil {
		p.c.r.mistake(err.Error())
	}
	p.c.mu.Lock()
	p.c.text(body)
	p.posts = append(p.posts, "40")
	p.c.mu.Unlock()
	go p.runPost() // these end with the session
	go p.runGet()  // or with quit
}

func (p *poller) quit() {
	if p.began {
		_ = p.get.nc.Close()
		_ = p.post.nc.Close()
	}
}

// busy says whether something is to be posted. c.mu is held.
func (p *poller) busy() bool { return !p.over && (len(p.posts) > 0 || p.posting) }

// runPost posts what there is, one body after the other.
func (p *poller) runPost() {
	c := p.c
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		for len(p.posts) == 0 && !c.closing {
			c.cond.Wait()
		}
		if c.closing {
			return
		}
		body := strings.Join(p.posts, "\x1e")
		p.posts, p.posting = nil, true
		path := p.path()
		c.mu.Unlock()
		status, _, err := p.post.do("POST", path, body)
		c.mu.Lock()
		p.posting = false
		c.cond.Broadcast()
		if err != nil || status != 200 {
			p.over = true
			return
		}
	}
}

// runGet polls until the WebSocket takes over.
func (p *poller) runGet() {
	c := p.c
	for {
		status, body, err := p.get.do("GET", p.path(), "")
		c.mu.Lock()
		if err != nil || status != 200 {
			p.over = true
			c.cond.Broadcast()
			c.mu.Unlock()
			return
		}
		for s := range strings.SplitSeq(body, "\x1e") {
			if b, ok := strings.CutPrefix(s, "b"); ok {
				data, _ := base64.StdEncoding.DecodeString(b)
				c.binary(data)
			} else {
				c.text(s)
			}
		}
		moved := p.move()
		c.mu.Unlock()
		if moved {
			return
		}
		if body == "6" { // as is each answer while the WebSocket's is on its way
			time.Sleep(roundTrip)
		}
	}
}

// move moves the session to the WebSocket if it may: its answer has come, no poll is
// under way, and all that was posted has been taken. c.mu is held.
func (p *poller) move() bool {
	c := p.c
	ready := func() bool { return p.probed && !c.dead && !c.broke && !c.gone && !c.closing }
	for ready() && p.busy() {
		c.cond.Wait()
	}
	if !ready() || p.over {
		return false
	}
	p.carries = false
	c.out = append(c.out, masked(websocket.Text, "5")...)
	c.cond.Broadcast()
	return true
}

// probe opens the WebSocket that is to take over.
func (p *poller) probe() {
	c := p.c
	c.open(fmt.Sprintf("%swebsocket&c=%d&sid=%s", eio, c.id, p.sid), []byte(masked(websocket.Text, "2probe")))
}
