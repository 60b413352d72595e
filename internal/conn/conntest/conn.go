package conntest

import (
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/sockeye-io/socketio/internal/conn"
)

// A Conn is one end of a connection, with the methods of a net.TCPConn that matter, and
// its errors.
type Conn struct {
	end           *end
	local, remote *net.TCPAddr
	fd            int // -1: none

	// The kernel's lock guards these.
	gone        bool // closed, or detached
	linger      bool // what was not sent is discarded by Close: it resets
	read, write deadline
}

// A ServerConn is the end of a connection that a server may take over.
type ServerConn struct{ *Conn }

func newConn(e *end, local, remote *net.TCPAddr) *Conn {
	return &Conn{end: e, local: local, remote: remote, fd: -1}
}

// A deadline is when calls of one kind fail.
type deadline struct {
	passed bool
	timer  *time.Timer
}

// set changes the deadline. The kernel's lock is held.
func (d *deadline) set(c *Conn, t time.Time) {
	if d.timer != nil {
		d.timer.Stop()
	}
	d.timer, d.passed = nil, false
	if t.IsZero() {
		return
	}
	left := time.Until(t)
	if left <= 0 {
		d.passed = true
		c.end.change.Broadcast()
		return
	}
	k := c.end.k
	var timer *time.Timer
	timer = time.AfterFunc(left, func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		if d.timer == timer { // not another one by now
			d.passed = true
			c.end.change.Broadcast()
		}
	})
	d.timer = timer
}

// await calls f until it has something to say. The kernel's lock is held.
func (c *Conn) await(d *deadline, f func() (int, syscall.Errno)) (int, error) {
	for {
		switch {
		case c.gone:
			return 0, net.ErrClosed
		case d.passed:
			return 0, os.ErrDeadlineExceeded
		}
		n, errno := f()
		if errno != syscall.EAGAIN {
			return n, result(errno)
		}
		c.end.change.Wait()
	}
}

// fail returns an error as package net does.
func (c *Conn) fail(op string, err error) error {
	if errno, ok := err.(syscall.Errno); ok {
		err = os.NewSyscallError(op, errno)
	}
	return &net.OpError{Op: op, Net: "tcp", Source: c.local, Addr: c.remote, Err: err}
}

// Read implements net.Conn.
func (c *Conn) Read(p []byte) (int, error) {
	c.end.k.mu.Lock()
	defer c.end.k.mu.Unlock()
	n, err := c.await(&c.read, func() (int, syscall.Errno) { return c.end.read(p) })
	switch {
	case err != nil:
		return 0, c.fail("read", err)
	case n == 0 && len(p) > 0:
		return 0, io.EOF
	}
	return n, nil
}

// Write implements net.Conn.
func (c *Conn) Write(p []byte) (n int, err error) {
	c.end.k.mu.Lock()
	defer c.end.k.mu.Unlock()
	for {
		m, err := c.await(&c.write, func() (int, syscall.Errno) { return c.end.write(p[n:]) })
		if err != nil {
			return n, c.fail("write", err)
		}
		if n += m; n == len(p) {
			return n, nil
		}
	}
}

// do calls f unless the connection is of no use any more.
func (c *Conn) do(op string, f func() error) error {
	c.end.k.mu.Lock()
	defer c.end.k.mu.Unlock()
	if c.gone {
		return c.fail(op, net.ErrClosed)
	}
	if err := f(); err != nil {
		return c.fail(op, err)
	}
	return nil
}

// CloseWrite ends what this side sends.
func (c *Conn) CloseWrite() error {
	return c.do("close", func() error {
		errno := c.end.shutdown()
		if errno == 0 {
			return nil
		}
		return os.NewSyscallError("shutdown", errno)
	})
}

// SetLinger makes Close reset the connection, if sec is 0. Otherwise, what was written
// is still delivered.
func (c *Conn) SetLinger(sec int) error {
	return c.do("set", func() error { c.linger = sec == 0; return nil })
}

// Close implements net.Conn.
func (c *Conn) Close() error {
	return c.do("close", func() error {
		c.leave()
		if c.fd < 0 {
			c.end.close(c.linger)
		} else {
			c.end.k.free(c.fd, c.linger)
		}
		return nil
	})
}

// Reset is Close with a reset.
func (c *Conn) Reset() error {
	if err := c.SetLinger(0); err != nil {
		return err
	}
	return c.Close()
}

// leave makes the connection one that is of no use any more. The kernel's lock is held.
func (c *Conn) leave() {
	c.gone = true
	c.read.set(c, time.Time{})
	c.write.set(c, time.Time{})
	c.end.change.Broadcast()
}

// LocalAddr implements net.Conn.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr implements net.Conn.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline implements net.Conn.
func (c *Conn) SetDeadline(t time.Time) error {
	return c.do("set", func() error { c.read.set(c, t); c.write.set(c, t); return nil })
}

// SetReadDeadline implements net.Conn.
func (c *Conn) SetReadDeadline(t time.Time) error {
	return c.do("set", func() error { c.read.set(c, t); return nil })
}

// SetWriteDeadline implements net.Conn.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	return c.do("set", func() error { c.write.set(c, t); return nil })
}

// Kernel implements conn.Pollable.
func (c *ServerConn) Kernel() conn.Kernel { return c.end.k }

// Detach implements conn.Pollable: the descriptor is the one that the connection had
// all the time, and calls under way fail.
func (c *ServerConn) Detach() (fd int, err error) {
	k := c.end.k
	f := k.fault(Detach, c.fd, 0)
	defer f.then()
	err = c.do("detach", func() error {
		if f.Err != 0 {
			return f.Err
		}
		c.leave()
		k.file(c.fd).detached = true
		return nil
	})
	if err != nil {
		return -1, err
	}
	return c.fd, nil
}
