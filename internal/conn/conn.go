// Package conn moves the bytes of connections that were taken over from net/http: it
// reads what arrives, sends what there is to send, and ends the connection, once. It
// knows nothing of what the bytes mean. Whoever knows implements Handler, and embeds
// a Conn in its own structure.
//
// How the bytes are moved is an engine's matter. There are two:
//
//   - goroutines (goroutine.go): one reads each connection, and one writes while there
//     is something to write. It serves every net.Conn.
//   - loops (loop.go), one per processor: each waits for all of its connections at
//     once, and reads, handles and writes whatever is ready. An idle connection has
//     neither a goroutine nor a buffer. They serve plain TCP on Linux.
//
// # The life of a connection
//
// Adopt takes the connection over. From then on Receive is given what arrives, and
// Outgoing is asked for what to send after each Wake. The connection ends
//
//   - at once, when the handler or anyone else says so (Receive returns an error,
//     Close), or reading or writing fails;
//   - when the peer has finished sending, after what was being sent then, if that
//     takes no longer than Linger;
//   - when the handler has finished (Outgoing said last): after its bytes the sending
//     side is closed, and what arrives until the peer has finished too, for at most
//     Linger, still goes to Receive. Closing at once could destroy what was just
//     sent: TCP answers data that nobody reads with a reset, and a reset discards
//     what the peer has not read.
//
// Then Closed is called.
//
// # Locks
//
// A Conn has one lock, near the end of the lock order: after it come only a loop's and
// its group's. It is held around no callback and no system call that could block, so
// every method may be called with other locks held.
package conn

import (
	"io"
	"sync"
	"time"
)

// MaxWrite is how much a handler should join for one write at most: beyond it, joining
// saves nothing and only copies.
const MaxWrite = 256 << 10

// DefaultLinger is how long a connection may take to end in good order.
const DefaultLinger = 5 * time.Second

// A Handler is what a connection drives. Its methods are called with no lock held;
// Receive and Leaving on the one side and Outgoing and Sent on the other side may run at the same
// time, but each side one call at a time.
type Handler interface {
	// Receive is given what arrived, all of which it takes; p is valid during the
	// call only. An error ends the connection at once; whoever wants to say goodbye
	// returns nil and has Outgoing say last.
	Receive(p []byte) error

	// Outgoing returns the bytes to send now; nil, and not last, if there are none.
	// It may append them to scratch, which is empty and has room for some KiB, more
	// if there was much to send before; appending beyond the room only costs an
	// allocation. Or it returns memory of its own, which must not change until Sent.
	// A Wake that comes during the call leads to another one.
	//
	// last: nothing follows these bytes, of which there may be none, and Outgoing is
	// not called again.
	Outgoing(scratch []byte) (p []byte, last bool)

	// Sent says that what Outgoing returned (anything but nil, or last) is in the
	// kernel, or that it is not and the connection has failed. It is called exactly
	// once for each, before the next Outgoing and before Closed.
	Sent(err error)

	// Leaving says that the peer has finished sending, or is gone, while the connection
	// is paused: what it has sent can still be read. Called at most once; a connection
	// that a goroutine serves does not notice.
	Leaving()

	// Closed is called exactly once, when nothing else will be called any more. The
	// error is the first reason to end: that of Receive or Close, io.EOF if the peer
	// ended the connection, that of a failed call, os.ErrDeadlineExceeded if Linger
	// was not enough; nil if both sides have finished, the handler before the peer.
	// It may be called before Adopt returns, but not by Adopt or Close themselves.
	Closed(err error)
}

// A Job is work that a Handler's Receive leads to, and that may block.
type Job = interface{ Run() }

// A Conn is a connection. Its zero value is what Adopt needs; it must not be copied
// after that. All methods may be called by any goroutine at any time.
type Conn struct {
	engine engine // set by Adopt, as h is
	h      Handler

	mu       sync.Mutex
	err      error // the first reason to end
	users    int8  // those who may call the handler: reader, writer, closer
	reading  bool  // there is a reader; of goroutines
	writing  bool  // there is a writer, or the loop waits to go on writing
	dirty    bool  // Wake was called since Outgoing was
	paused   bool  // the handler wants no more
	eof      bool  // the peer has finished; there is no reader any more
	finished bool  // we have finished; there is no writer any more
	ended    bool  // close, and call Closed when the last user leaves

	// Of loops. An idle client is made of these: they are few and small.
	serving bool  // the loop handles what arrived, and writes afterwards
	blocked bool  // the kernel takes no more; writing is set
	muted   bool  // the loop does not look for what arrives, as c is paused
	left    bool  // Leaving was called
	discard bool  // what arrives is no good any more
	added   bool  // the poller knows c
	polled  Ready // what it was told to report
	fd      int32
	slot    int32 // where the loop has c
	age     uint32
	tail    *tail // nil: nothing remains to be done
}

// Wake says that Outgoing has something to send. Calls that come while a flush is
// under way are served by it.
func (c *Conn) Wake() {
	c.mu.Lock()
	c.dirty = true
	flush := !c.serving && c.flushes()
	if flush {
		c.users++
	}
	c.mu.Unlock()
	if flush {
		c.engine.flush(c)
	}
}

// flushes makes the caller, who must be a user, the writer if one is due. c.mu is held.
func (c *Conn) flushes() bool {
	if !c.dirty || c.writing || c.finished || c.ended || c.engine == nil {
		return false
	}
	c.writing = true
	return true
}

// mayWrite says whether Outgoing may be called, and begins a round of it.
func (c *Conn) mayWrite() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dirty = false
	return !c.ended
}

// written ends writing, unless there is something to send again. ended: with it ends
// the connection.
func (c *Conn) written() (done, ended bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dirty {
		return false, false
	}
	c.writing = false
	return true, c.eof && c.end(io.EOF)
}

// Pause stops reading until Resume, and so lets the peer's data pile up in the kernel,
// and then in the peer. Called by Receive, it is at once; called elsewhere, one more
// call of Receive may follow. Sending goes on. If the handler finishes meanwhile, the
// rest of what the peer sends is discarded.
//
// A loop notices at once when a paused connection breaks, which ends it, or when the
// peer finishes (Leaving). A goroutine notices by sending, or after Resume.
func (c *Conn) Pause() {
	c.mu.Lock()
	c.paused = true
	c.mu.Unlock()
}

// Resume goes on reading after Pause.
func (c *Conn) Resume() {
	c.mu.Lock()
	c.paused = false
	e := c.engine
	c.mu.Unlock()
	if e != nil {
		e.resume(c)
	}
}

// Go runs job soon, after the Receive that is under way, on the goroutine that serves
// the connection; it may block all the same, as another goroutine then goes on with
// everything else. If none is at hand, Go does nothing and returns false.
func (c *Conn) Go(job Job) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.serving && c.engine.run(job)
}

// Yield says that the caller, who may be a job of this connection's, is about to block.
// It costs nobody anything but a moment; without it the engine needs a few milliseconds
// to notice.
func (c *Conn) Yield() {
	c.mu.Lock()
	serving := c.serving
	c.mu.Unlock()
	if serving {
		c.engine.yield()
	}
}

// Close ends the connection at once, whatever is still to be sent, and returns before
// that is done. Handler.Closed follows and gets err, unless the connection has ended
// already.
func (c *Conn) Close(err error) {
	c.mu.Lock()
	shut := c.end(err) && c.engine != nil
	if shut {
		c.users++
	}
	c.mu.Unlock()
	if shut {
		c.engine.shut(c)
	}
}

// end ends the connection for a reason, unless it has ended, and says whether that is
// news. c.mu is held.
func (c *Conn) end(err error) bool {
	if c.ended {
		return false
	}
	c.ended, c.err = true, err
	return true
}

// leave is the last thing that a user does.
func (c *Conn) leave() {
	c.mu.Lock()
	last := c.leaves()
	c.mu.Unlock()
	if last {
		c.engine.release(c)
	}
}

// leaves makes the caller a user no more, and says whether it must release c. c.mu is
// held.
func (c *Conn) leaves() (last bool) {
	c.users--
	return c.ended && c.users == 0
}
