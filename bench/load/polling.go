package load

import (
	"bytes"
	"fmt"
	"io"
)

// polling: every client has two connections, one for its GETs, of which one is
// always waiting, and one for its POSTs. It posts one message, and the next
// when that POST is answered and the echo has come. An operation is one echo.
type polling struct {
	proto   *protocol
	clients int
	args    string
	expect  answer

	polls []*poll
	done  int64
}

// A poll is one client.
type poll struct {
	get, post    *conn
	getRequest   []byte
	postRequest  []byte // with the message
	pongRequest  []byte
	posting      bool // a POST is not answered yet
	echoed       bool // the echo has come
	pong         bool // a heartbeat is not answered yet
	joined, auth bool
}

func newPolling(p *protocol, clients int) *polling {
	return &polling{proto: p, clients: clients, args: text(64),
		expect: answer{name: "message-back", args: text(64)}}
}

func (w *polling) ops() int64 { return w.done }

func postRequest(host, path, body string) []byte {
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nAccept: */*\r\n"+
		"Content-Type: text/plain;charset=UTF-8\r\nContent-Length: %d\r\n\r\n%s", path, host, len(body), body)
}

func getRequest(host, path string) []byte {
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nAccept: */*\r\n\r\n", path, host)
}

func (w *polling) setup(l *loop) error {
	for i := range w.clients {
		p, err := w.open(l)
		if err != nil {
			return fmt.Errorf("client %d: %w", i, err)
		}
		for _, c := range []*conn{p.get, p.post} {
			if err := l.add(c); err != nil {
				return err
			}
		}
		w.polls = append(w.polls, p)
	}
	return nil
}

// open makes a client: a session, the namespace / and the auth event.
func (w *polling) open(l *loop) (*poll, error) {
	p := new(poll)
	for _, c := range []**conn{&p.get, &p.post} {
		n, err := l.dial(w.proto)
		if err != nil {
			return nil, err
		}
		n.poll, *c = p, n
	}
	host := l.target.Addr
	sid, err := p.get.handshake(host)
	if err != nil {
		return nil, err
	}
	path := w.proto.pollPath + sid
	p.getRequest = getRequest(host, path)
	p.pongRequest = postRequest(host, path, w.proto.pong)
	p.postRequest = postRequest(host, path, w.proto.event("message", w.args))
	if w.proto.join != "" {
		r, err := p.post.request(postRequest(host, path, w.proto.join))
		if err != nil || string(r.body) != w.proto.posted {
			return nil, fmt.Errorf("POST answered %d %.100q, error %v", r.status, r.body, err)
		}
	}
	return p, p.join(w.proto)
}

// join polls until the namespace and the auth event have come, blocking.
func (p *poll) join(proto *protocol) error {
	for !p.joined || !p.auth {
		r, err := p.get.request(p.getRequest)
		if err != nil {
			return err
		}
		for packet := range proto.packets(r.body) {
			switch {
			case bytes.HasPrefix(packet, []byte(proto.joined)):
				p.joined = true
			case bytes.HasPrefix(packet, []byte(proto.auth)):
				p.auth = true
			default:
				return fmt.Errorf("GET answered %d %.200q", r.status, r.body)
			}
		}
	}
	return nil
}

func (w *polling) start() error {
	for _, p := range w.polls {
		if err := p.get.write(p.getRequest); err != nil {
			return err
		}
		p.posting = true
		if err := p.post.write(p.postRequest); err != nil {
			return err
		}
	}
	return nil
}

func (w *polling) ready(c *conn, data []byte) ([]byte, error) {
	if data == nil {
		return nil, io.ErrUnexpectedEOF
	}
	r, rest, ok, err := nextResponse(data)
	if !ok || err != nil {
		return rest, err
	}
	if r.status != 200 || len(rest) > 0 {
		return nil, fmt.Errorf("response %d %.100q and %d bytes after it", r.status, r.body, len(rest))
	}
	p := c.poll
	if c == p.post {
		p.posting = false
		return nil, p.next()
	}
	for packet := range w.proto.packets(r.body) {
		ok, err := w.expect.is(w.proto, packet)
		switch {
		case err != nil:
			return nil, err
		case ok:
			p.echoed = true
			w.done++
		case string(packet) == w.proto.ping:
			p.pong = true
		case string(packet) == w.proto.noop:
		default:
			return nil, fmt.Errorf("unexpected packet %.100q", packet)
		}
	}
	if err := c.write(p.getRequest); err != nil {
		return nil, err
	}
	return nil, p.next()
}

// next posts what is due, if a POST may be sent.
func (p *poll) next() error {
	switch {
	case p.posting:
		return nil
	case p.pong:
		p.posting, p.pong = true, false
		return p.post.write(p.pongRequest)
	case p.echoed:
		p.posting, p.echoed = true, false
		return p.post.write(p.postRequest)
	}
	return nil
}
