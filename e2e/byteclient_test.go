package e2e

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A dialect is how the WebSockets of one draft begin; the bytes are the drafts' own.
type dialect struct {
	name   string
	fields string // of the request, without Host and Connection

	handshake string // fields of the request for the session
	origin    string // the name of the field
	third     string // eight bytes behind the request
	status    string
	answer    []string // lines that the answer has
	proof     string   // what follows the answer
	hixie     bool
}

const (
	hixieKeys = "Upgrade: WebSocket\r\n" +
		"Sec-WebSocket-Key1: 18x 6]8vM;54 *(5:  {   U1]8  z [  8\r\n" +
		"Sec-WebSocket-Key2: 1_ tx7X d  <  nw  334J702) 7]o}` 0\r\n"
	hybiKey = "Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: "
)

var hybiAnswer = []string{"Upgrade: websocket", "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="}

var dialects = []dialect{
	{
		name: "hixie-75", fields: "Upgrade: WebSocket\r\n", origin: "Origin", hixie: true,
		status: "HTTP/1.1 101 Web Socket Protocol Handshake",
		answer: []string{"Upgrade: WebSocket", "Connection: Upgrade", "WebSocket-Origin: {origin}", "WebSocket-Location: {location}"},
	},
	{
		name: "hixie-76", fields: hixieKeys, origin: "Origin", hixie: true, third: "Tm[K T2u", proof: "fQJ,fN/4F4!~K~MH",
		status: "HTTP/1.1 101 WebSocket Protocol Handshake",
		answer: []string{"Upgrade: WebSocket", "Connection: Upgrade", "Sec-WebSocket-Origin: {origin}", "Sec-WebSocket-Location: {location}"},
	},
	{name: "hybi-07", fields: hybiKey + "7\r\n", origin: "Sec-WebSocket-Origin", status: "HTTP/1.1 101 Switching Protocols", answer: hybiAnswer},
	{name: "hybi-08", fields: hybiKey + "8\r\n", origin: "Sec-WebSocket-Origin", status: "HTTP/1.1 101 Switching Protocols", answer: hybiAnswer},
	{name: "RFC 6455", fields: hybiKey + "13\r\n", origin: "Origin", status: "HTTP/1.1 101 Switching Protocols", answer: hybiAnswer},
}

// A byteClient speaks revision 1 over a connection of its own, byte by byte.
type byteClient struct {
	t  *testing.T
	nc net.Conn
	r  *bufio.Reader

	lines []string // of a WebSocket's answer
}

// dialBytes connects, by TLS with an address that begins with "tls:".
func dialBytes(t *testing.T, addr string) *byteClient {
	t.Helper()
	var nc net.Conn
	var err error
	if addr, secure := strings.CutPrefix(addr, "tls:"); secure {
		nc, err = tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
	} else {
		nc, err = net.Dial("tcp", addr)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(patience))
	return &byteClient{t: t, nc: nc, r: bufio.NewReader(nc)}
}

func (c *byteClient) write(format string, args ...any) {
	c.t.Helper()
	if _, err := fmt.Fprintf(c.nc, format, args...); err != nil {
		c.t.Fatal(err)
	}
}

// head reads the head of an answer, as lines.
func (c *byteClient) head() []string {
	c.t.Helper()
	var lines []string
	for {
		line, err := c.r.ReadString('\n')
		if err != nil {
			c.t.Fatalf("after %q: %v", lines, err)
		}
		if line == "\r\n" {
			return lines
		}
		lines = append(lines, strings.TrimSuffix(line, "\r\n"))
	}
}

func (c *byteClient) bytes(n int) string {
	c.t.Helper()
	p := make([]byte, n)
	if _, err := io.ReadFull(c.r, p); err != nil {
		c.t.Fatal(err)
	}
	return string(p)
}

// text reads the next frame.
func (c *byteClient) text(d dialect) string {
	c.t.Helper()
	if d.hixie {
		if first := c.bytes(1); first != "\x00" {
			c.t.Fatalf("frame begins with %q", first)
		}
		frame, err := c.r.ReadString(0xff)
		if err != nil {
			c.t.Fatal(err)
		}
		return strings.TrimSuffix(frame, "\xff")
	}
	head := c.bytes(2)
	n := int(head[1])
	if head[0] != 0x81 || n > 126 {
		c.t.Fatalf("frame begins with %x", head)
	}
	if n == 126 {
		long := c.bytes(2)
		n = int(long[0])<<8 | int(long[1])
	}
	return c.bytes(n)
}

// say writes a frame.
func (c *byteClient) say(d dialect, text string) {
	c.t.Helper()
	if d.hixie {
		c.write("\x00%s\xff", text)
		return
	}
	if len(text) > 125 {
		c.t.Fatal("too long for a short frame")
	}
	mask := [4]byte{0x37, 0xfa, 0x21, 0x3d}
	frame := append([]byte{0x81, 0x80 | byte(len(text))}, mask[:]...)
	for i := range len(text) {
		frame = append(frame, text[i]^mask[i%4])
	}
	c.write("%s", frame)
}

// handshake asks for a session, with more header lines if there are any.
func handshake(t *testing.T, addr, origin, fields string) (sid string) {
	t.Helper()
	c := dialBytes(t, addr)
	c.write("GET /socket.io/1/?t=1 HTTP/1.1\r\nHost: %s\r\nOrigin: %s\r\n%s\r\n", hostOf(addr), origin, fields)
	res, err := http.ReadResponse(c.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("handshake: %s, %q, %v", res.Status, body, err)
	}
	sid, _, _ = strings.Cut(string(body), ":")
	return sid
}

func hostOf(addr string) string { return strings.TrimPrefix(addr, "tls:") }

// upgrade opens a WebSocket and holds that its answer is the dialect's own, but for
// the reason and Connection, which proxies write anew. With late, the eight bytes
// follow when the answer has come.
func (d dialect) upgrade(t *testing.T, addr, origin string, late, exact bool) *byteClient {
	t.Helper()
	target := "/socket.io/1/websocket/" + handshake(t, addr, origin, d.handshake)
	c := dialBytes(t, addr)
	request := fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\n%s%s: %s\r\n\r\n", target, hostOf(addr), d.fields, d.origin, origin)
	if !late {
		request += d.third
	}
	c.write("%s", request)
	lines := c.head()
	if exact && lines[0] != d.status || !strings.HasPrefix(lines[0], "HTTP/1.1 101 ") {
		t.Fatalf("answer %q, want %q", lines[0], d.status)
	}
	c.lines = lines
	scheme := "ws"
	if strings.HasPrefix(addr, "tls:") {
		scheme = "wss"
	}
	fill := strings.NewReplacer("{origin}", origin, "{location}", scheme+"://"+hostOf(addr)+target)
	answer := strings.ToLower(strings.Join(lines, "\n"))
	for _, line := range d.answer {
		if !strings.Contains(answer, strings.ToLower(fill.Replace(line))) {
			t.Errorf("no line %q in the answer\n%s", fill.Replace(line), answer)
		}
	}
	if late {
		c.write("%s", d.third)
	}
	if proof := c.bytes(len(d.proof)); proof != d.proof {
		t.Fatalf("proof %q", proof)
	}
	return c
}

// converse holds that both sides hear each other, and whoever says goodbye.
func (c *byteClient) converse(d dialect) {
	c.t.Helper()
	for _, want := range []string{"1::", `5:::{"name":"auth","args":[{}]}`} {
		if got := c.text(d); got != want {
			c.t.Fatalf("got %q, want %q", got, want)
		}
	}
	c.say(d, "3:::é😀 \\ </script>")
	if got, want := c.text(d), "3:::é😀 \\ </script>"; got != want {
		c.t.Fatalf("got %q, want %q", got, want)
	}
	c.say(d, "0::")
	if got := c.text(d); got != "0::" {
		c.t.Fatalf("got %q as a goodbye", got)
	}
	if rest, err := io.ReadAll(c.r); err != nil || len(rest) > 0 && string(rest) != "\xff\x00" {
		c.t.Errorf("after the goodbye: %q, %v", rest, err)
	}
}
