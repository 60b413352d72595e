package transport

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"github.com/sockeye-io/socketio/internal/conn/conntest"
	"github.com/sockeye-io/socketio/internal/session"
	"github.com/sockeye-io/socketio/internal/websocket"
)

// A client is one of the model's: what it reads it decodes and checks; how much it
// reads, and when it writes, it is told. Two goroutines read and write its WebSocket,
// two more poll and post before it has one.
type client struct {
	r     *rig
	id    int
	rev1  bool
	hixie bool // on the WebSocket of that draft

	mu   sync.Mutex
	cond sync.Cond
	nc   *conntest.Conn // the WebSocket; nil: not yet
	fd   int

	credit  int // bytes that it may read; -1: all there are
	in      []byte
	http    bool // the answer to the handshake is due
	farbye  bool // a close frame came
	partial bool // a frame had begun when the connection ended
	refused bool // the WebSocket was
	dead    bool // reading has ended
	answers bool // heartbeats

	part    []int // the event whose attachment is due: its number, and size
	pushes  []int // what came, by number
	echoes  []int
	pings   int // of its own WebSocket pings that are not answered
	joined  bool
	flooded bool

	out     []byte // to be written
	writing bool
	fin     bool // no more, after out
	gone    bool // it has said goodbye on the WebSocket, in one way or another
	broke   bool // writing has failed
	closing bool // nothing more is written: quit

	pend []byte // what is sent, and kept back so far
	sent []int  // numbers of messages, pend's included

	poll poller

	// What the model knows, beside what may end the session.
	pushed []int
	may    map[session.Reason]bool
	moved  bool // the server has the session on the WebSocket
	lossy  bool // what was pushed may be lost
	cut    bool // what was sent may be lost
	torn   bool // a frame may be
	killed bool // the connection was, when the session was on it
	ended  bool // the server has ended the session
	said   bool // a close frame
	late   bool // its FIN came longer ago than anything lingers
	total  int  // bytes that were flushed
}

func newClient(r *rig, kind string) *client {
	c := &client{r: r, id: len(r.clients), credit: -1, answers: true, may: map[session.Reason]bool{}}
	c.rev1, c.hixie = kind == onRev1 || kind == onHixie, kind == onHixie
	c.cond.L = &c.mu
	c.poll.c = c
	r.clients = append(r.clients, c)
	return c
}

// open opens a WebSocket for path. first is sent with the request.
func (c *client) open(path string, first []byte) {
	nc := c.r.dial()
	c.mu.Lock()
	c.nc, c.http = nc, true
	c.out = append(c.out, "GET "+path+" HTTP/1.1\r\n"+c.opening()+string(first)...)
	c.mu.Unlock()
	go c.read(nc)  // these end with the connection
	go c.write(nc) // or with quit
	c.r.settle()
	if c.fd = c.r.plan.took(); c.fd == 0 { // it came too late
		_ = nc.Close()
		c.mu.Lock()
		c.nc = nil
		c.mu.Unlock()
		return
	}
	c.r.owners[c.fd] = c
}

// owns says whether the descriptor is still that of the client's WebSocket, or no
// other's at least.
func (c *client) owns() bool { return c.nc != nil && c.r.owners[c.fd] == c }

// read reads as much as it may.
func (c *client) read(nc *conntest.Conn) {
	buf := make([]byte, 32<<10)
	for {
		c.mu.Lock()
		for c.credit == 0 && !c.closing {
			c.cond.Wait()
		}
		n := len(buf)
		if c.credit >= 0 {
			n = max(1, min(n, c.credit))
		}
		c.mu.Unlock()
		n, err := nc.Read(buf[:n])
		c.mu.Lock()
		if c.credit > 0 {
			c.credit = max(0, c.credit-n)
		}
		c.feed(buf[:n])
		if err != nil {
			c.dead, c.partial = true, !c.closing && !c.refused && (len(c.in) > 0 || c.part != nil)
			c.cond.Broadcast()
			c.mu.Unlock()
			return
		}
		c.mu.Unlock()
	}
}

// write writes what there is.
func (c *client) write(nc *conntest.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		for len(c.out) == 0 && !c.fin && !c.closing {
			c.cond.Wait()
		}
		if c.closing {
			return
		}
		p, fin := c.out, c.fin && len(c.out) == 0
		c.out, c.writing = nil, true
		c.mu.Unlock()
		var err error
		if fin {
			err = nc.CloseWrite()
		} else {
			_, err = nc.Write(p)
		}
		c.mu.Lock()
		c.writing = false
		if err != nil || fin {
			c.broke = err != nil
			return
		}
	}
}

// quit ends the client, which has no more part in anything.
func (c *client) quit() {
	c.mu.Lock()
	c.closing = true
	nc := c.nc
	c.cond.Broadcast()
	c.mu.Unlock()
	if nc != nil {
		_ = nc.Close()
	}
	c.poll.quit()
}

// quiet says whether all that it sent is with the kernel. c.mu is held.
func (c *client) quiet() bool {
	return len(c.pend) == 0 && len(c.out) == 0 && !c.writing && !c.poll.busy()
}

// feed takes bytes that came. c.mu is held.
func (c *client) feed(p []byte) {
	c.in = append(c.in, p...)
	if c.http {
		head, rest, ok := bytes.Cut(c.in, []byte("\r\n\r\n"))
		if !ok {
			return
		}
		if !bytes.HasPrefix(head, []byte("HTTP/1.1 101 ")) {
			if c.poll.began { // its session has ended
				c.refused = true
				return
			}
			c.r.mistake(fmt.Sprintf("answer to the handshake: %q", head))
		}
		if rest, ok = c.accepted(rest); !ok {
			return
		}
		c.in, c.http = rest, false
	}
	for {
		op, payload, rest, ok := c.cutFrame(c.in)
		if !ok {
			return
		}
		c.in = rest
		if c.farbye {
			c.r.mistake("a frame after the close frame")
		}
		c.frame(op, payload)
	}
}

// cutFrame cuts a server's frame off p, if there is a whole one.
func cutFrame(p []byte) (op websocket.Opcode, payload, rest []byte, ok bool) {
	if len(p) < 2 {
		return 0, nil, nil, false
	}
	n, at := int(p[1]), 2
	switch {
	case n == 126 && len(p) >= 4:
		n, at = int(binary.BigEndian.Uint16(p[2:])), 4
	case n == 127 && len(p) >= 10:
		n, at = int(binary.BigEndian.Uint64(p[2:])), 10
	case n > 125:
		return 0, nil, nil, false
	}
	if len(p) < at+n {
		return 0, nil, nil, false
	}
	if p[0]&0xF0 != 0x80 { // final, and no extension
		return 0xF, nil, nil, true
	}
	return websocket.Opcode(p[0] & 0xF), p[at : at+n], p[at+n:], true
}

// frame takes a frame. c.mu is held.
func (c *client) frame(op websocket.Opcode, payload []byte) {
	switch op {
	case websocket.Text:
		c.text(string(payload))
	case websocket.Binary:
		c.binary(payload)
	case websocket.Pong:
		if c.pings--; c.pings < 0 || string(payload) != "ping" {
			c.r.mistake(fmt.Sprintf("pong %q", payload))
		}
	case websocket.Close:
		c.farbye = true
	default:
		c.r.mistake(fmt.Sprintf("frame %x %.40q", op, payload))
	}
}

// text takes a link message. c.mu is held.
func (c *client) text(s string) {
	if c.part != nil {
		c.r.mistake(fmt.Sprintf("%.40q where an attachment is due", s))
	}
	switch {
	case s == "2::":
		c.beat("2::")
	case c.rev1 && strings.HasPrefix(s, "5:::"):
		var e struct {
			Name string
			Args []json.RawMessage
		}
		if err := json.Unmarshal([]byte(s[4:]), &e); err != nil {
			c.r.mistake(err.Error())
			return
		}
		c.event(e.Name, e.Args)
	case c.rev1 && s == "1::", !c.rev1 && strings.HasPrefix(s, "40"):
		c.joined = true
	case c.rev1 && (s == "0::" || s == "7:::1+0"):
	case c.rev1:
		c.r.mistake(fmt.Sprintf("message %.40q", s))
	case s == "2":
		c.beat("3")
	case s == "3probe":
		c.poll.probed = true
		c.cond.Broadcast()
	case strings.HasPrefix(s, "42"), strings.HasPrefix(s, "451-"):
		var args []json.RawMessage
		if err := json.Unmarshal([]byte(s[strings.IndexByte(s, '['):]), &args); err != nil || len(args) == 0 {
			c.r.mistake(fmt.Sprintf("%.40q: %v", s, err))
			return
		}
		c.event(strings.Trim(string(args[0]), `"`), args[1:])
	case strings.HasPrefix(s, `0{"sid":"`):
		c.poll.sid, _, _ = strings.Cut(s[len(`0{"sid":"`):], `"`)
	case s == "1", s == "6":
	default:
		c.r.mistake(fmt.Sprintf("message %.40q", s))
	}
}

// event takes an event. c.mu is held.
func (c *client) event(name string, args []json.RawMessage) {
	var id, size int
	var content string
	if len(args) != 3 || json.Unmarshal(args[0], &id) != nil || json.Unmarshal(args[1], &size) != nil {
		c.r.mistake(fmt.Sprintf("event %q has %d arguments", name, len(args)))
		return
	}
	if args[2][0] == '{' {
		var object struct{ Data string }
		if err := json.Unmarshal(args[2], &object); err != nil {
			c.r.mistake(err.Error())
		}
		if !c.rev1 {
			c.part = []int{id, size}
			return
		}
		data, _ := base64.StdEncoding.DecodeString(object.Data)
		content = string(data)
	} else if err := json.Unmarshal(args[2], &content); err != nil {
		c.r.mistake(err.Error())
	}
	c.numbered(name, id, size, content)
}

// binary takes an attachment. c.mu is held.
func (c *client) binary(p []byte) {
	if c.part == nil {
		c.r.mistake("an attachment of nothing")
		return
	}
	id, size := c.part[0], c.part[1]
	c.part = nil
	c.numbered("p", id, size, string(p))
}

// numbered takes an event that is complete. c.mu is held.
func (c *client) numbered(name string, id, size int, content string) {
	if content != string(padding(id, size)) {
		c.r.mistake(fmt.Sprintf("event %d came damaged", id))
	}
	if name == "e" {
		c.echoes = append(c.echoes, id)
	} else {
		c.pushes = append(c.pushes, id)
	}
}

// beat answers a heartbeat, after all that was kept back. c.mu is held.
func (c *client) beat(answer string) {
	switch {
	case !c.answers:
		return
	case c.poll.carries:
		c.poll.posts = append(c.poll.posts, answer)
	case c.gone:
		return
	default:
		c.out = append(append(c.out, c.pend...), c.textFrame(answer)...)
		c.pend = nil
	}
	c.cond.Broadcast()
}

// pinged notes a ping. Of too many at once some are not answered. c.mu is held.
func (c *client) pinged() {
	c.pings++
	c.flooded = c.flooded || c.pings > maxPongs
}

// message returns the next message to send, in frames.
func (c *client) message(size int, attachment, fragments bool) (text string, frames []byte) {
	id := len(c.sent)
	c.sent = append(c.sent, id)
	body := fmt.Sprintf(`%d,%d,"%s"`, id, size, padding(id, size))
	text = `42["m",` + body + "]"
	if c.rev1 {
		text = `5:::{"name":"m","args":[` + body + "]}"
	}
	if attachment && !c.rev1 {
		text = fmt.Sprintf(`451-["m",%d,%d,{"_placeholder":true,"num":0}]`, id, size)
	}
	if fragments && !c.hixie {
		half := len(text) / 2
		begin, end := []byte(masked(websocket.Text, text[:half])), []byte(masked(websocket.Continuation, text[half:]))
		begin[0] &^= 0x80
		// Control frames may stand between (RFC 6455 §5.4).
		c.pinged()
		frames = append(append(begin, masked(websocket.Ping, "ping")...), end...)
	} else {
		frames = []byte(c.textFrame(text))
	}
	if attachment && !c.rev1 {
		frames = append(frames, masked(websocket.Binary, string(padding(id, size)))...)
		text += "\x1eb" + base64.StdEncoding.EncodeToString(padding(id, size))
	}
	return text, frames
}

// send sends a message, of which the WebSocket keeps all back until flush.
func (c *client) send(size int, attachment, fragments bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.poll.carries {
		text, _ := c.message(size, attachment, false)
		c.poll.posts = append(c.poll.posts, text)
		c.cond.Broadcast()
		return
	}
	_, frames := c.message(size, attachment, fragments)
	c.pend = append(c.pend, frames...)
}

// flush writes n bytes of what was kept back; -1: all.
func (c *client) flush(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n < 0 || n > len(c.pend) {
		n = len(c.pend)
	}
	c.out = append(c.out, c.pend[:n]...)
	c.pend = c.pend[n:]
	c.total += n
	c.cond.Broadcast()
}

// reads lets the client read n bytes more; -1: all there are; 0: nothing.
func (c *client) reads(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n > 0 && c.credit > 0 {
		n += c.credit
	}
	c.credit = n
	c.cond.Broadcast()
}
