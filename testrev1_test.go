package socketio_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/sockeye-io/socketio/internal/websocket/wstest"
)

// What carries clients of revision 1, straight from its document and apart from what
// the server writes it with. Each opens target, the path of a session, and is a mode's
// dial.

func dialPolling(c *client, target string) (link, error) {
	return &pollLink{http: c.http, url: "http://example.com" + target, rev1: true}, nil
}

func dialWebSocket(c *client, target string) (link, error) {
	ws, err := c.webSocket(target)
	return wsLink{ws}, err
}

// dialHybi08 asks as Firefox 7 did (websocket-drafts.md §4).
func dialHybi08(c *client, target string) (link, error) {
	nc, err := c.conn()
	if err != nil {
		return nil, err
	}
	h := c.head.Clone()
	h["Sec-Websocket-Version"] = []string{"8"}
	h["Connection"] = []string{"keep-alive, Upgrade"}
	h["Sec-Websocket-Origin"] = h["Origin"]
	delete(h, "Origin")
	ws, err := wstest.Handshake(nc, "example.com", target, h)
	return wsLink{ws}, err
}

// formLink is jsonp-polling (revision-1.md §8.3).
type formLink struct {
	pollLink
	target string
	calls  int // of the page's callbacks
	forms  int
}

func dialForm(c *client, target string) (link, error) {
	c.head.Set("Referer", "http://example.com/page") // scripts and forms have no Origin
	return &formLink{pollLink: pollLink{http: c.http, rev1: true}, target: "http://example.com" + target}, nil
}

// write sends a form in the shape of one client, then in that of the other. The older
// writes no carriage return, which a browser makes more of.
func (l *formLink) write(frames []frame) error {
	payload := string(payloadRev1(frames))
	if l.forms++; l.forms%2 == 0 && !strings.Contains(payload, "\r") {
		payload = strings.ReplaceAll(payload, "\n", "\r\n")
	} else {
		payload = quote(payload)
	}
	body, err := l.do("POST", l.target+"?i=0", []byte("d="+url.QueryEscape(payload)))
	if err == nil && string(body) != "1" {
		err = fmt.Errorf("POST: %q", body)
	}
	return err
}

func (l *formLink) read() ([]frame, error) {
	l.calls++
	body, err := l.do("GET", fmt.Sprintf("%s?i=%d", l.target, l.calls), nil)
	if err != nil {
		return nil, err
	}
	literal, ok := strings.CutPrefix(string(body), fmt.Sprintf("io.j[%d](", l.calls))
	literal, end := strings.CutSuffix(literal, ");")
	var payload string
	if !ok || !end || json.Unmarshal([]byte(literal), &payload) != nil {
		return nil, fmt.Errorf("script %q", body)
	}
	return splitRev1(payload)
}

// flowLink is an answer that goes on, and POSTs.
type flowLink struct {
	pollLink
	body io.ReadCloser
	r    *bufio.Reader
	next func(*bufio.Reader) (packet string, err error)
}

func (l *flowLink) read() ([]frame, error) {
	packet, err := l.next(l.r)
	if err != nil {
		l.body.Close()
		return nil, err
	}
	return []frame{{data: packet}}, nil
}

// dialFlow begins an answer that goes on.
func dialFlow(c *client, target string) (*flowLink, *http.Response, error) {
	l := &flowLink{pollLink: pollLink{http: c.http, url: "http://example.com" + target, rev1: true}}
	req, err := http.NewRequestWithContext(c.ctx, "GET", l.url, nil)
	if err != nil {
		return nil, nil, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, nil, err
	}
	l.body, l.r = res.Body, bufio.NewReader(res.Body)
	if res.StatusCode != http.StatusOK {
		res.Body.Close()
		return nil, nil, errors.New(res.Status)
	}
	return l, res, nil
}

// dialHTMLFile reads an iframe as Internet Explorer does (revision-1.md §8.4).
func dialHTMLFile(c *client, target string) (link, error) {
	l, _, err := dialFlow(c, target)
	if err != nil {
		return nil, err
	}
	const begin = "<html><body><script>var _ = function (msg) { parent.s._(msg, document); };</script>"
	head := make([]byte, 256) // before which nothing is shown
	if _, err := io.ReadFull(l.r, head); err != nil || strings.TrimRight(string(head), " ") != begin {
		return nil, fmt.Errorf("head %q, %v", head, err)
	}
	l.next = func(r *bufio.Reader) (packet string, err error) {
		script, err := readTo(r, "</script>")
		if err != nil {
			return "", err
		}
		literal, ok := strings.CutPrefix(script, "<script>_(")
		literal, end := strings.CutSuffix(literal, ");")
		if !ok || !end || json.Unmarshal([]byte(literal), &packet) != nil {
			return "", fmt.Errorf("script %q", script)
		}
		return packet, nil
	}
	return l, nil
}

// dialMultipart reads parts as Firefox 3 does ([T v06-xhr-multipart]).
func dialMultipart(c *client, target string) (link, error) {
	l, res, err := dialFlow(c, target)
	if err != nil {
		return nil, err
	}
	kind, params, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	boundary := "--" + params["boundary"] + "\n"
	if first, readErr := l.r.ReadString('\n'); err != nil || kind != "multipart/x-mixed-replace" || first != boundary {
		return nil, fmt.Errorf("%s %v: %q %v", kind, err, first, readErr)
	}
	l.next = func(r *bufio.Reader) (packet string, err error) {
		part, err := readTo(r, "\n"+boundary)
		packet, ok := strings.CutPrefix(part, "Content-Type: text/plain\n\n")
		if err == nil && !ok {
			err = fmt.Errorf("part %q", part)
		}
		return packet, err
	}
	return l, nil
}

// readTo reads up to an end, which it leaves out.
func readTo(r *bufio.Reader, end string) (string, error) {
	var b []byte
	for !bytes.HasSuffix(b, []byte(end)) {
		c, err := r.ReadByte()
		if err != nil {
			return "", err
		}
		b = append(b, c)
	}
	return string(b[:len(b)-len(end)]), nil
}

// hixieLink is a WebSocket of the drafts without lengths (websocket-drafts.md §3).
type hixieLink struct {
	nc net.Conn
	r  *bufio.Reader
}

// dialHixie75 asks as Chrome 4 did, and looks at what it looked at.
func dialHixie75(c *client, target string) (link, error) {
	return c.hixie(target, "HTTP/1.1 101 Web Socket Protocol Handshake\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n",
		"WebSocket-", "\r\n", "")
}

// dialHixie76 asks as the Flash player does, all at once ([T flashsocket]).
func dialHixie76(c *client, target string) (link, error) {
	return c.hixie(target, "HTTP/1.1 101 WebSocket Protocol Handshake\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n",
		"Sec-WebSocket-", "Sec-WebSocket-Key1: 18x 6]8vM;54 *(5:  {   U1]8  z [  8\r\n"+
			"Sec-WebSocket-Key2: 1_ tx7X d  <  nw  334J702) 7]o}` 0\r\n\r\nTm[K T2u", "fQJ,fN/4F4!~K~MH")
}

func (c *client) hixie(target, head, prefix, rest, proof string) (link, error) {
	nc, err := c.conn()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "GET %s HTTP/1.1\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\nHost: example.com\r\n", target)
	_ = c.head.Write(&b) // a buffer takes all
	b.WriteString(rest)
	if _, err := nc.Write(b.Bytes()); err != nil {
		return nil, err
	}
	if origin := c.head.Get("Origin"); origin != "" {
		head += prefix + "Origin: " + origin + "\r\n"
	}
	head += prefix + "Location: ws://example.com" + target + "\r\n\r\n" + proof
	l := &hixieLink{nc, bufio.NewReader(nc)}
	got := make([]byte, len(head))
	for i := range got { // an answer that is another may be shorter
		if got[i], err = l.r.ReadByte(); err != nil || got[i] != head[i] {
			line, _ := l.r.ReadString('\n')
			return nil, fmt.Errorf("answer %q, %v", string(got[:i+1])+line, err)
		}
	}
	return l, nil
}

func (l *hixieLink) write(frames []frame) error {
	var b []byte
	for _, f := range frames {
		b = append(append(append(b, 0x00), f.data...), 0xFF)
	}
	_, err := l.nc.Write(b)
	return err
}

func (l *hixieLink) read() ([]frame, error) {
	switch kind, err := l.r.ReadByte(); {
	case err != nil:
		return nil, err
	case kind == 0xFF: // the closing, after which nothing may come
		rest, err := io.ReadAll(l.r)
		if err == nil && string(rest) != "\x00" {
			err = fmt.Errorf("after a closing: %q", rest)
		} else if err == nil {
			err = io.EOF
		}
		return nil, err
	case kind != 0x00:
		return nil, fmt.Errorf("frame of type %#x", kind)
	}
	text, err := l.r.ReadString(0xFF)
	return []frame{{data: strings.TrimSuffix(text, "\xff")}}, err
}
