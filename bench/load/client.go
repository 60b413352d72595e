package load

import (
	"bytes"
	"fmt"
	"io"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Every upgrade uses the key of RFC 6455 section 1.3, and so has its answer.
const (
	upgradeKey    = "dGhlIHNhbXBsZSBub25jZQ=="
	upgradeAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
)

// dial connects number seq to the server. Source addresses take turns through
// 127.0.0.2 to 127.0.0.251: one address has some 28,000 ports only.
func dial(addr string, seq int) (int, error) {
	to, err := netip.ParseAddrPort(addr)
	if err != nil {
		return -1, err
	}
	fd, err := sysSocket()
	if err != nil {
		return -1, fmt.Errorf("socket: %w", err)
	}
	from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, byte(2 + seq%250)}), 0)
	if err := connect(fd, from, to); err != nil {
		sysClose(fd)
		return -1, err
	}
	return fd, nil
}

func connect(fd int, from, to netip.AddrPort) error {
	// Lingering for no time makes closing a reset, which leaves no
	// connection behind in TIME_WAIT.
	for _, err := range []error{
		sysSetOption(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, int32(1)),
		sysSetOption(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, int32(1)),
		sysSetOption(fd, unix.SOL_SOCKET, unix.SO_LINGER, unix.Linger{Onoff: 1}),
		sysSetOption(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, unix.Timeval{Sec: 10}),
		sysAddress(unix.SYS_BIND, fd, from),
	} {
		if err != nil {
			return fmt.Errorf("preparing a socket: %w", err)
		}
	}
	for {
		err := sysAddress(unix.SYS_CONNECT, fd, to)
		// The runtime's signals interrupt; the connect went on meanwhile.
		if err == nil || err == unix.EISCONN {
			return nil
		}
		if err != unix.EINTR {
			return fmt.Errorf("connect: %w", err)
		}
	}
}

// upgradeRequest is what the ws library of Node's client sends, compression
// aside.
func upgradeRequest(host, path string) []byte {
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n"+
		"Connection: Upgrade\r\nUpgrade: websocket\r\nHost: %s\r\n\r\n", path, upgradeKey, host)
}

// join opens a WebSocket and the namespace / on it, blocking, and waits for
// the app's auth event. The connection is not in the loop yet.
func (l *loop) join(p *protocol) (*conn, error) {
	path := p.path
	if p.handshake {
		sid, err := l.handshake(p)
		if err != nil {
			return nil, err
		}
		path += sid
	}
	c, err := l.dial(p)
	if err != nil {
		return nil, err
	}
	if err := c.open(l.target.Addr, path); err != nil {
		sysClose(c.fd)
		return nil, err
	}
	return c, nil
}

// dial connects a client's next connection.
func (l *loop) dial(p *protocol) (*conn, error) {
	l.seq++
	fd, err := dial(l.target.Addr, l.seq)
	if err != nil {
		return nil, err
	}
	return &conn{fd: fd, proto: p}, nil
}

func (c *conn) open(host, path string) error {
	if err := c.upgrade(upgradeRequest(host, path)); err != nil {
		return err
	}
	if c.proto.hello != "" {
		if _, err := c.expect(c.proto.hello); err != nil {
			return err
		}
	}
	if c.proto.join != "" {
		if err := c.write(textFrame(c.proto.join)); err != nil {
			return err
		}
	}
	if _, err := c.expect(c.proto.joined); err != nil {
		return err
	}
	_, err := c.expect(c.proto.auth)
	return err
}

// fill reads more, blocking; it may return with nothing.
func (c *conn) fill() error {
	var buf [4096]byte
	n, err := unix.Read(c.fd, buf[:])
	if err == unix.EINTR {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	if n == 0 {
		return io.ErrUnexpectedEOF
	}
	c.rest = append(c.rest, buf[:n]...)
	return nil
}

// upgrade sends the request and takes its answer; frames may follow in rest.
func (c *conn) upgrade(request []byte) error {
	if err := c.write(request); err != nil {
		return err
	}
	for {
		ok, err := c.upgraded()
		if ok || err != nil {
			return err
		}
		if err := c.fill(); err != nil {
			return err
		}
	}
}

// upgraded looks for the answer to an upgrade in rest and takes it.
func (c *conn) upgraded() (bool, error) {
	r, rest, ok, err := nextResponse(c.rest)
	if !ok || err != nil {
		return false, err
	}
	if r.status != 101 || !bytes.Contains(c.rest, []byte(upgradeAccept)) {
		return false, fmt.Errorf("upgrade answered %d %.100q", r.status, r.body)
	}
	c.rest = bytes.Clone(rest)
	return true, nil
}

// expect takes the next message, which must have that prefix, blocking.
// Heartbeats that come before it are answered.
func (c *conn) expect(prefix string) ([]byte, error) {
	for {
		op, msg, rest, ok, err := nextFrame(c.rest)
		if err != nil {
			return nil, err
		}
		if !ok {
			if err := c.fill(); err != nil {
				return nil, fmt.Errorf("waiting for %s: %w", prefix, err)
			}
			continue
		}
		msg = bytes.Clone(msg)
		c.rest = bytes.Clone(rest)
		if op == opText && bytes.HasPrefix(msg, []byte(prefix)) {
			return msg, nil
		}
		if err := c.other(op, msg); err != nil {
			return nil, fmt.Errorf("waiting for %s: %w", prefix, err)
		}
	}
}

// other handles what is not the message that was waited for: heartbeats of
// both layers. Anything else is an error.
func (c *conn) other(op byte, msg []byte) error {
	switch {
	case op == opText && string(msg) == c.proto.ping:
		return c.write(textFrame(c.proto.pong))
	case op == opPing:
		return c.write(appendFrame(nil, opPong, msg))
	case op == opClose:
		return fmt.Errorf("the server closed: %.100q", msg)
	}
	return fmt.Errorf("unexpected message %.200q", msg)
}

// handshake asks for a session on a connection of its own, blocking, and
// returns its id.
func (l *loop) handshake(p *protocol) (string, error) {
	c, err := l.dial(p)
	if err != nil {
		return "", err
	}
	defer sysClose(c.fd)
	return c.handshake(l.target.Addr)
}

func (c *conn) handshake(host string) (string, error) {
	r, err := c.request(getRequest(host, c.proto.session))
	if err != nil {
		return "", fmt.Errorf("handshake: %w", err)
	}
	return c.proto.sessionID(r)
}

// sessionID reads the answer to a handshake.
func (p *protocol) sessionID(r response) (string, error) {
	sid, ok := p.sid(r.body)
	if r.status != 200 || !ok {
		return "", fmt.Errorf("handshake answered %d %.100q", r.status, r.body)
	}
	return sid, nil
}

// request sends an HTTP request and waits for its response.
func (c *conn) request(request []byte) (response, error) {
	if err := c.write(request); err != nil {
		return response{}, err
	}
	for {
		r, rest, ok, err := nextResponse(c.rest)
		if err != nil {
			return r, err
		}
		if ok {
			r.body = bytes.Clone(r.body)
			c.rest = bytes.Clone(rest)
			return r, nil
		}
		if err := c.fill(); err != nil {
			return r, err
		}
	}
}
