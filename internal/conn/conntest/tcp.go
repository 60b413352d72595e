package conntest

import (
	"sync"
	"syscall"

	"github.com/sockeye-io/socketio/internal/conn"
)

// An end is one side of a connection, as the kernel keeps it. All its methods are
// called with the kernel's lock held. The names in brackets are Linux's, whose net/ipv4
// is the source of what is done here.
type end struct {
	k      *Kernel
	peer   *end
	change sync.Cond     // anything is different
	reg    *registration // with a poller

	in     []byte        // what the peer sent and was not read; beyond the room, the peer has it still
	fin    bool          // this side has finished (SEND_SHUTDOWN)
	eof    bool          // so has the peer, and its FIN has arrived (RCV_SHUTDOWN, SOCK_DONE)
	dead   bool          // reset (TCP_CLOSE)
	err    syscall.Errno // why, until somebody is told (sk_err)
	closed bool          // nobody has this end any more (SOCK_DEAD)
}

func newEnd(k *Kernel) *end {
	e := &end{k: k}
	e.change.L = &k.mu
	return e
}

// arrived returns how many bytes can be read.
func (e *end) arrived() int { return min(len(e.in), e.k.opts.Receive) }

// room returns how many bytes can be written.
func (e *end) room() int { return e.k.opts.Receive + e.k.opts.Send - len(e.peer.in) }

// writable says whether it is worth writing: there is less in the sender's buffer than
// twice the room that it has left (sk_stream_is_writeable).
func (e *end) writable() bool {
	used := len(e.peer.in) - e.peer.arrived()
	return 2*(e.k.opts.Send-used) >= used && used < e.k.opts.Send
}

// over says whether both sides have finished, or one has been reset (TCP_CLOSE).
func (e *end) over() bool { return e.dead || e.fin && e.eof && e.peer.eof }

// ready returns what the end is ready for (tcp_poll).
func (e *end) ready() (r conn.Ready) {
	if e.eof || e.dead {
		r |= conn.Readable | conn.PeerDone
	}
	if e.arrived() > 0 {
		r |= conn.Readable
	}
	if e.fin || e.dead || e.writable() {
		r |= conn.Writable
	}
	if e.dead || e.fin && e.eof {
		r |= conn.Broken
	}
	return r
}

// changed wakes who waits for the end.
func (e *end) changed() {
	e.change.Broadcast()
	if e.reg != nil {
		e.reg.enqueue()
	}
}

// arrive notices the peer's FIN, which comes after all that the peer sent.
func (e *end) arrive() {
	if e.peer.fin && !e.dead && !e.eof && len(e.in) <= e.k.opts.Receive {
		e.eof = true
		e.changed()
	}
}

// takeError returns the error that is pending, and forgets it (sock_error).
func (e *end) takeError() syscall.Errno {
	err := e.err
	e.err = 0
	return err
}

// read is tcp_recvmsg: what has arrived goes before an end, and that before an error.
func (e *end) read(p []byte) (int, syscall.Errno) {
	switch {
	case len(p) == 0:
		return 0, 0
	case e.arrived() > 0:
		n := copy(p, e.in[:e.arrived()])
		if e.in = e.in[n:]; len(e.in) == 0 {
			e.in = nil // the memory
		}
		e.arrive()
		e.changed() // more has arrived
		e.peer.changed()
		return n, 0
	case e.eof:
		return 0, 0
	case e.err != 0:
		return 0, e.takeError()
	case e.dead:
		return 0, 0
	}
	return 0, syscall.EAGAIN
}

// write is tcp_sendmsg. What comes to an end that was closed is answered by a reset.
func (e *end) write(p []byte) (int, syscall.Errno) {
	switch {
	case e.err != 0:
		return 0, e.takeError()
	case e.fin || e.dead:
		return 0, syscall.EPIPE
	case len(p) == 0:
		return 0, 0
	case e.peer.closed:
		e.reset()
		return min(len(p), e.k.opts.Send), 0
	case e.room() <= 0:
		return 0, syscall.EAGAIN
	}
	n := min(len(p), e.room())
	e.peer.in = append(e.peer.in, p[:n]...)
	e.peer.changed()
	return n, 0
}

// reset is a RST that arrives: what has arrived can be read, what was on its way is
// lost (tcp_reset).
func (e *end) reset() {
	if e.closed || e.over() {
		return
	}
	e.in = e.in[:e.arrived()]
	e.err = syscall.ECONNRESET
	if e.eof && !e.fin { // CLOSE_WAIT
		e.err = syscall.EPIPE
	}
	e.dead = true
	e.changed()
}

// kill loses the connection, as a network may: both ends are reset, and the caller
// tells this one why.
func (e *end) kill() {
	e.peer.reset()
	e.reset()
	e.err = 0
}

// shutdown is inet_shutdown(SEND_SHUTDOWN).
func (e *end) shutdown() syscall.Errno {
	if e.over() {
		return syscall.ENOTCONN
	}
	e.finish()
	return 0
}

func (e *end) finish() {
	if !e.fin {
		e.fin = true
		e.peer.arrive()
		e.changed()
	}
}

// close gives the end up. The peer is told by a FIN, or by a RST if that is asked for
// or something was not read (tcp_close).
func (e *end) close(reset bool) {
	switch {
	case e.over():
	case reset || len(e.in) > 0:
		e.peer.reset()
	default:
		e.finish()
	}
	e.closed = true
	e.in = nil
	e.changed()
}
