package flashpolicy

import (
	"io"
	"net"
	"sync/atomic"
	"time"
)

// Listen returns a listener that answers the policy requests among l's connections, and
// leaves everything else to whoever accepts them, such as http.Serve: no request of
// HTTP, and no TLS, begins with a "<". Nothing waits in Accept; a connection that sends
// half a request has 5 s for the rest, in its first Read, and one that sends something
// similar is closed.
//
// Under TLS, wrap the plain listener: players ask before they encrypt.
func Listen(l net.Listener, policy []byte) net.Listener { return &listener{l, policy} }

type listener struct {
	net.Listener
	policy []byte
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &conn{Conn: nc, policy: l.policy}, nil
}

// A conn is a connection that a listener of this package accepted.
type conn struct {
	net.Conn
	policy []byte
	known  atomic.Bool // the first byte has come, and it was not a player's
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n == 0 || c.known.Load() {
		return n, err
	}
	if p[0] != Request[0] {
		c.known.Store(true)
		return n, err
	}
	c.player(p[:n])
	return 0, io.EOF // for the server there was nothing
}

// player answers a connection whose first bytes are a player's, if they are.
func (c *conn) player(first []byte) {
	var request [len(Request)]byte
	have := copy(request[:], first)
	_ = c.SetDeadline(time.Now().Add(patience))
	for have < len(request) && string(request[:have]) == Request[:have] {
		n, err := c.Conn.Read(request[have:])
		if have += n; err != nil {
			break
		}
	}
	if string(request[:have]) != Request {
		_ = c.Close()
		return
	}
	answer(c.Conn, c.policy)
}

// PlainTCP returns the connection itself once it is known not to be a player's, for
// servers that want to have it to themselves; nil before that, and if it is not TCP.
func (c *conn) PlainTCP() *net.TCPConn {
	if !c.known.Load() {
		return nil
	}
	t, _ := c.Conn.(*net.TCPConn)
	return t
}
