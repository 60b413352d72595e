package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/sockeye-io/socketio/internal/websocket"
	"github.com/sockeye-io/socketio/internal/websocket/wstest"
)

// A peer is a client's connection in a replay.
type peer struct {
	*mailbox
	websocket bool
	hixie     bool     // and in frames of the hixie drafts
	proof     bool     // before which the server has to prove that it read the keys
	flow      *flow    // an answer that goes on
	methods   []string // of requests that are not answered yet
	saidEnd   bool
}

// more reports whether something came that was not shown.
func (p *peer) more() bool {
	b, ended := p.peek()
	return len(b) > 0 || p.flow.more() || ended && !p.saidEnd
}

// next takes what came next, and shows it as a file does.
func (p *peer) next() []string {
	b, ended := p.peek()
	switch {
	case p.flow.more():
		return p.nextPiece(b)
	case len(b) == 0 && ended:
		p.saidEnd = true
		return []string{"ends"}
	case len(b) == 0:
		return []string{"nothing"}
	case p.hixie:
		return p.nextHixie(b)
	case p.websocket:
		return p.nextFrame(b)
	case p.flow != nil:
		return p.nextPiece(b)
	case !bytes.HasPrefix(b, []byte("HTTP/")):
		p.take(len(b))
		return []string{"raw " + escape(b)}
	}
	return p.nextAnswer(b)
}

const standardType = "text/plain; charset=UTF-8"

// nextAnswer shows an HTTP answer.
func (p *peer) nextAnswer(b []byte) []string {
	method := "GET"
	if len(p.methods) > 0 {
		method = p.methods[0]
	}
	rd := bytes.NewReader(b)
	br := bufio.NewReader(rd)
	res, err := http.ReadResponse(br, &http.Request{Method: method})
	if err != nil {
		p.take(len(b))
		return []string{fmt.Sprintf("broken (%v): %s", err, escape(b))}
	}
	if res.StatusCode == http.StatusSwitchingProtocols && res.Header.Get("Sec-Websocket-Accept") == "" {
		return p.hixieAnswer(b)
	}
	lines := []string{strconv.Itoa(res.StatusCode)}
	var body []byte
	if goesOn(res) {
		p.methods = p.methods[min(1, len(p.methods)):]
		return append(lines, p.startFlow(b, res)...)
	}
	if res.StatusCode >= 200 {
		body, err = readBody(res)
		if err != nil {
			lines = append(lines, "broken: "+err.Error())
		}
		if len(res.TransferEncoding) > 0 {
			lines = append(lines, "Transfer-Encoding: "+res.TransferEncoding[0])
		}
		p.methods = p.methods[min(1, len(p.methods)):]
	}
	p.take(len(b) - rd.Len() - br.Buffered())
	lines = append(lines, p.fields(res)...)
	switch {
	case res.StatusCode == http.StatusSwitchingProtocols:
		p.websocket = true
	case len(lines) == 2 && lines[0] == "200" && lines[1] == "Content-Type: "+standardType:
		lines = []string{strings.TrimRight("ok "+escape(body), " ")}
	case len(body) > 0:
		lines = append(lines, "", escape(body))
	}
	return lines
}

// fields shows the fields of an answer's head.
func (p *peer) fields(res *http.Response) []string {
	var lines []string
	for _, name := range shown {
		for _, v := range res.Header[name] {
			if !usual[name+": "+v] && (name != "Connection" || v == "close") {
				lines = append(lines, wireName[name]+": "+v)
			}
		}
	}
	return lines
}

// readBody reads a body as a browser would show it.
func readBody(res *http.Response) ([]byte, error) {
	var body io.Reader = res.Body
	if res.Header.Get("Content-Encoding") == "gzip" && res.Request.Method != "HEAD" {
		z, err := gzip.NewReader(body)
		if err != nil {
			return nil, err
		}
		body = z
	}
	return io.ReadAll(body)
}

// wireName is how fields are written in files.
var wireName = func() map[string]string {
	m := map[string]string{}
	for _, name := range shown {
		m[name] = strings.NewReplacer("Xss", "XSS", "Websocket", "WebSocket", "Etag", "ETag").Replace(name)
	}
	return m
}()

var opcodes = map[websocket.Opcode]string{
	websocket.Text: "text", websocket.Binary: "binary", websocket.Close: "close", websocket.Ping: "ping", websocket.Pong: "pong",
}

// nextFrame shows a frame of the server.
func (p *peer) nextFrame(b []byte) []string {
	raw := func() []string {
		p.take(len(b))
		return []string{"raw " + escape(b)}
	}
	if len(b) < 2 || b[0]&0xF0 != 0x80 || b[1] > 127 {
		return raw()
	}
	head, n, least := 2, uint64(b[1]), uint64(0)
	switch {
	case n == 126 && len(b) >= 4:
		head, n, least = 4, uint64(binary.BigEndian.Uint16(b[2:])), 126
	case n == 127 && len(b) >= 10:
		head, n, least = 10, binary.BigEndian.Uint64(b[2:]), 1<<16
	}
	name := opcodes[websocket.Opcode(b[0]&15)]
	if name == "" || uint64(len(b)-head) < n || n < least { // a server's lengths are in the shortest form
		return raw()
	}
	payload := b[head : head+int(n)]
	p.take(head + int(n))
	return []string{strings.TrimRight(name+" "+escape(payload), " ")}
}

// encode makes bytes of lines.
func (p *peer) encode(lines []string) ([]byte, error) {
	if p.websocket {
		var b []byte
		encodeFrame := encodeFrame
		if p.hixie {
			encodeFrame = encodeHixie
		}
		for _, l := range lines {
			f, err := encodeFrame(l)
			if err != nil {
				return nil, err
			}
			b = append(b, f...)
		}
		return b, nil
	}
	if !requestLine.MatchString(lines[0]) {
		return unescape(strings.Join(lines, ""))
	}
	return p.encodeRequest(lines)
}

var (
	requestLine = regexp.MustCompile(`^([A-Z]+) /`)
	hasHost     = regexp.MustCompile(`(?im)^host:`)
	// The eight bytes behind a hixie-76 handshake are no body.
	hasLength = regexp.MustCompile(`(?im)^(content-length|transfer-encoding|upgrade):`)
)

// encodeRequest adds what every request has: the version, Host, the body's length.
func (p *peer) encodeRequest(lines []string) ([]byte, error) {
	method := requestLine.FindStringSubmatch(lines[0])[1]
	p.methods = append(p.methods, method)
	head, rest, _ := strings.Cut(strings.Join(lines, "\n"), "\n\n")
	body, err := unescape(strings.ReplaceAll(rest, "\n", ""))
	if err != nil {
		return nil, err
	}
	if !strings.Contains(lines[0], " HTTP/1.") {
		head = strings.Replace(head, lines[0], lines[0]+" HTTP/1.1", 1)
	}
	if !hasHost.MatchString(head) {
		head += "\nHost: 127.0.0.1"
	}
	if !hasLength.MatchString(head) && (method == "POST" || len(body) > 0) {
		head += "\nContent-Length: " + strconv.Itoa(len(body))
	}
	return append([]byte(strings.ReplaceAll(head, "\n", "\r\n")+"\r\n\r\n"), body...), nil
}

// encodeFrame makes a client's frame: "text hello", or "frame 01/16 hello" with the
// first byte and the form of the length, or "raw" and bytes.
func encodeFrame(line string) ([]byte, error) {
	name, text, _ := strings.Cut(line, " ")
	f := wstest.Frame{}
	if name == "frame" {
		var first, form string
		first, text, _ = strings.Cut(text, " ")
		first, form, _ = strings.Cut(first, "/")
		b0, err := strconv.ParseUint(first, 16, 8)
		if err != nil {
			return nil, err
		}
		f.Op, f.More, f.RSV = websocket.Opcode(b0&15), b0&0x80 == 0, byte(b0>>4&7)
		f.Form, _ = strconv.Atoi(form)
	}
	payload, err := unescape(text)
	if err != nil || name == "raw" {
		return payload, err
	}
	for op, n := range opcodes {
		if n == name {
			f.Op = op
			name = "frame"
		}
	}
	if name != "frame" {
		return nil, fmt.Errorf("no frame is called %q", name)
	}
	f.Payload = payload
	return f.Append(nil), nil
}

// escape writes bytes as Go does in strings, but with " as it is and U+FFFD visible.
func escape(b []byte) string {
	q := strconv.Quote(string(b))
	s := strings.NewReplacer(`\\`, `\\`, `\"`, `"`, "\ufffd", `\ufffd`).Replace(q[1 : len(q)-1])
	if strings.HasSuffix(s, " ") {
		s = s[:len(s)-1] + `\x20` // which editors leave alone
	}
	return s
}

func unescape(s string) ([]byte, error) {
	u, err := strconv.Unquote(`"` + strings.ReplaceAll(s, `"`, `\"`) + `"`)
	if err != nil {
		err = fmt.Errorf("%w: %s", err, s)
	}
	return []byte(u), err
}
