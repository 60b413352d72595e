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

func newPolling(clients int) *polling {
	return &polling{clients: clients, args: text(64),
		expect: answer{name: "message-back", args: text(64)}}
}

func (w *polling) ops() int64 { return w.done }

const pollPath = "/socket.io/?EIO=4&transport=polling"

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
		l.seq++
		fd, err := dial(l.target.Addr, l.seq)
		if err != nil {
			return nil, err
		}
		*c = &conn{fd: fd, proto: revision5, poll: p}
	}
	host := l.target.Addr
	r, err := p.get.request(getRequest(host, pollPath))
	if err != nil {
		return nil, err
	}
	_, rest, _ := bytes.Cut(r.body, []byte(`"sid":"`))
	sid, _, ok := bytes.Cut(rest, []byte(`"`))
	if r.status != 200 || !ok {
		return nil, fmt.Errorf("handshake answered %d %.100q", r.status, r.body)
	}
	path := pollPath + "&sid=" + string(sid)
	p.getRequest = getRequest(host, path)
	p.pongRequest = postRequest(host, path, revision5.pong)
	p.postRequest = postRequest(host, path, revision5.event("message", w.args))
	return p, p.join(postRequest(host, path, revision5.join))
}

func (p *poll) join(request []byte) error {
	r, err := p.post.request(request)
	if err != nil || string(r.body) != "ok" {
		return fmt.Errorf("POST answered %d %.100q, error %v", r.status, r.body, err)
	}
	for !p.joined || !p.auth {
		r, err := p.get.request(p.getRequest)
		if err != nil {
			return err
		}
		for packet := range bytes.SplitSeq(r.body, []byte{0x1e}) {
			switch {
			case bytes.HasPrefix(packet, []byte(revision5.joined)):
				p.joined = true
			case bytes.HasPrefix(packet, []byte(revision5.auth)):
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
	for packet := range bytes.SplitSeq(r.body, []byte{0x1e}) {
		ok, err := w.expect.is(revision5, packet)
		switch {
		case err != nil:
			return nil, err
		case ok:
			p.echoed = true
			w.done++
		case string(packet) == revision5.ping:
			p.pong = true
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
