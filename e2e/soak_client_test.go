package e2e

import (
	"bufio"
	order "encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// A rawClient is a WebSocket client of revision 1 or 5 in a few lines, apart from the
// server's own code: it reads when it likes, and goes without a word.
type rawClient struct {
	*net.TCPConn
	br   *bufio.Reader
	rev1 bool
	ids  int
}

// dialRaw connects and joins the main namespace.
func dialRaw(addr string, rev1 bool) (*rawClient, error) {
	target := "/socket.io/?EIO=4&transport=websocket"
	if rev1 {
		sid, err := handshakeRev1(addr)
		if err != nil {
			return nil, err
		}
		target = "/socket.io/1/websocket/" + sid
	}
	nc, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return nil, err
	}
	c := &rawClient{nc.(*net.TCPConn), bufio.NewReader(nc), rev1, 0}
	if err := c.join(addr, target); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// handshakeRev1: revision-1.md §4.1.
func handshakeRev1(addr string) (sid string, err error) {
	body, err := get("http://" + addr + "/socket.io/1/?t=1")
	sid, _, ok := strings.Cut(string(body), ":")
	if err == nil && !ok {
		err = fmt.Errorf("handshake: %q", body)
	}
	return sid, err
}

// get is a request on a connection of its own.
func get(url string) ([]byte, error) {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	res, err := client.Get(url)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", url, res.Status)
	}
	return body, err
}

func (c *rawClient) join(addr, target string) error {
	_ = c.SetDeadline(time.Now().Add(patience))
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", target, addr)
	res, err := http.ReadResponse(c.br, nil)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		return errors.New(res.Status)
	}
	if !c.rev1 {
		if err := c.write(0x81, "40"); err != nil {
			return err
		}
	}
	for {
		text, err := c.read()
		if err != nil || c.rev1 && text == "1::" || strings.HasPrefix(text, "40") {
			return err
		}
	}
}

// write sends one frame; b0 is its first byte.
func (c *rawClient) write(b0 byte, text string) error {
	_ = c.SetWriteDeadline(time.Now().Add(patience))
	b := []byte{b0}
	switch n := len(text); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = order.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = order.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	key := [4]byte{1, 2, 3, 4}
	b = append(b, key[:]...)
	for i := range len(text) {
		b = append(b, text[i]^key[i%4])
	}
	_, err := c.TCPConn.Write(b)
	return err
}

// read returns the next packet, and io.EOF at a close frame. Heartbeats it answers, and
// returns nothing.
func (c *rawClient) read() (string, error) {
	_ = c.SetReadDeadline(time.Now().Add(patience))
	var b [8]byte
	if _, err := io.ReadFull(c.br, b[:2]); err != nil {
		return "", err
	}
	op, n := b[0]&15, uint64(b[1])
	var err error
	switch n {
	case 126:
		_, err = io.ReadFull(c.br, b[:2])
		n = uint64(order.BigEndian.Uint16(b[:2]))
	case 127:
		_, err = io.ReadFull(c.br, b[:8])
		n = order.BigEndian.Uint64(b[:8])
	}
	if err != nil {
		return "", err
	}
	payload := make([]byte, n)
	if _, err := io.ReadFull(c.br, payload); err != nil {
		return "", err
	}
	text := string(payload)
	switch {
	case op == 8:
		return "", io.EOF
	case !c.rev1 && text == "2":
		return "", c.write(0x81, "3")
	case c.rev1 && text == "2::":
		return "", c.write(0x81, text)
	}
	return text, nil
}

// A rawMessage is an event, or an answer, whose name is empty.
type rawMessage struct {
	name, id string
	args     []json.RawMessage
}

// next returns the next event or answer.
func (c *rawClient) next() (m rawMessage, err error) {
	for ok := false; !ok && err == nil; {
		m, ok, err = c.step()
	}
	return m, err
}

// ready waits until there is something to read, but not longer than d.
func (c *rawClient) ready(d time.Duration) (bool, error) {
	_ = c.SetReadDeadline(time.Now().Add(d))
	_, err := c.br.Peek(1)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return false, nil
	}
	return err == nil, err
}

// step takes the next packet; ok if it is an event or an answer.
func (c *rawClient) step() (m rawMessage, ok bool, err error) {
	text, err := c.read()
	if err != nil || len(text) < 2 {
		return m, false, err
	}
	if c.rev1 {
		switch parts := strings.SplitN(text, ":", 4); {
		case parts[0] == "5" && len(parts) == 4:
			var e struct {
				Name string
				Args []json.RawMessage
			}
			err = json.Unmarshal([]byte(parts[3]), &e)
			return rawMessage{e.Name, strings.TrimSuffix(parts[1], "+"), e.Args}, true, err
		case parts[0] == "6" && len(parts) == 4:
			id, args, _ := strings.Cut(parts[3], "+")
			m.id = id
			return m, true, json.Unmarshal([]byte(args), &m.args)
		}
		return m, false, nil
	}
	if text[0] != '4' || text[1] != '2' && text[1] != '3' {
		return m, false, nil
	}
	rest := strings.TrimLeft(text[2:], "0123456789")
	m.id = text[2 : len(text)-len(rest)]
	if err := json.Unmarshal([]byte(rest), &m.args); err != nil || text[1] == '3' {
		return m, true, err
	}
	err = json.Unmarshal(m.args[0], &m.name)
	m.args = m.args[1:]
	return m, true, err
}

// emit sends an event, and asks for an answer if id is not empty.
func (c *rawClient) emit(id, name string, args ...any) error {
	if args == nil {
		args = []any{}
	}
	list, err := json.Marshal(args)
	if err != nil {
		return err
	}
	if c.rev1 {
		if id != "" {
			id += "+"
		}
		return c.write(0x81, fmt.Sprintf(`5:%s::{"name":%q,"args":%s}`, id, name, list))
	}
	text := strings.Replace(string(list), "[", fmt.Sprintf("[%q,", name), 1)
	return c.write(0x81, "42"+id+strings.Replace(text, ",]", "]", 1))
}

// answer answers an event.
func (c *rawClient) answer(m rawMessage, args ...any) error {
	list, err := json.Marshal(args)
	if err != nil {
		return err
	}
	if c.rev1 {
		return c.write(0x81, "6:::"+m.id+"+"+string(list))
	}
	return c.write(0x81, "43"+m.id+string(list))
}
