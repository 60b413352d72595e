// Package conn moves the bytes of connections that were taken over from net/http: it
// reads what arrives, sends what there is to send, and ends the connection, once. It
// knows nothing of what the bytes mean. Whoever knows implements Handler, and embeds
// a Conn in its own structure.
//
// How the bytes are moved is an engine's matter, of which Handler and the methods of
// Conn show nothing. There is one so far, a goroutine that reads each connection and
// one that writes while there is something to write (goroutine.go); it serves every
// net.Conn.
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
// A Conn has one lock, the last in the lock order. It is held around no callback and
// no system call, so every method may be called with other locks held.
package conn

import (
	"net"
	"runtime"
	"sync"
	"time"

	"github.com/sockeye-io/socketio/internal/worker"
)

// MaxWrite is how much a handler should join for one write at most: beyond it, joining
// saves nothing and only copies.
const MaxWrite = 256 << 10

// DefaultLinger is how long a connection may take to end in good order.
const DefaultLinger = 5 * time.Second

// A Handler is what a connection drives. Its methods are called with no lock held;
// Receive on the one side and Outgoing and Sent on the other side may run at the same
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

	// Closed is called exactly once, when nothing else will be called any more. The
	// error is the first reason to end: that of Receive or Close, io.EOF if the peer
	// ended the connection, that of a failed call, os.ErrDeadlineExceeded if Linger
	// was not enough; nil if both sides have finished, the handler before the peer.
	// It may be called before Adopt returns, but not by Adopt or Close themselves.
	Closed(err error)
}

// An Engine is a way to serve connections.
type Engine uint8

const (
	Auto      Engine = iota // the cheapest that can serve the connection
	Goroutine               // a goroutine per connection, for every net.Conn
)

// A Group is the connections of one server and how they are served. Its zero value is
// ready for use. What engines keep for a group ends with its last connection.
type Group struct {
	// Engine forces an engine.
	Engine Engine

	// Linger bounds how long the end of a connection may take once one of the sides
	// has finished; 0 means DefaultLinger. A handler that wants no more of it calls
	// Close.
	Linger time.Duration

	mu      sync.Mutex
	conns   int               // those that have not ended
	workers *worker.Pool[job] // the goroutine engine's
}

// A job is what a worker does for a connection.
type job struct {
	c  *Conn
	do func(*Conn)
}

// maxWorkers is how many workers wait for jobs, for each core.
const maxWorkers = 32

func (g *Group) linger() time.Duration {
	if g.Linger == 0 {
		return DefaultLinger
	}
	return g.Linger
}

// join counts a connection, and readies what connections share.
func (g *Group) join() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.workers == nil {
		g.workers = worker.New(maxWorkers*runtime.GOMAXPROCS(0), func(j job) { j.do(j.c) })
	}
	if g.conns++; g.conns == 1 {
		g.workers.Open()
	}
}

// leave ends what connections share with the last of them.
func (g *Group) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.conns--; g.conns == 0 {
		g.workers.Release()
	}
}

// Adopt takes over nc, which nobody else may use any more, and serves it as c. First
// h receives leftover, if there is any: what the former owner had read and not used.
// Deadlines of nc are cleared. c must be new; but Wake, Pause and Close may have been
// called, and count.
func (g *Group) Adopt(c *Conn, nc net.Conn, leftover []byte, h Handler) {
	_ = nc.SetDeadline(time.Time{}) // if it fails, so will reading
	g.join()
	e := g.engine(nc)
	c.mu.Lock()
	c.engine, c.group, c.nc, c.h = e, g, nc, h
	if c.ended {
		c.users++
		c.mu.Unlock()
		e.shut(c)
		return
	}
	c.reading = true
	c.users++
	flush := c.flushes()
	c.mu.Unlock()
	e.start(c, leftover)
	if flush {
		e.flush(c)
	}
}

// engine chooses the engine for nc.
func (g *Group) engine(net.Conn) engine {
	return goroutines{}
}

// An engine moves the bytes of connections. None of its methods blocks. Each is told
// to do something that the state of the connection has reserved for it: there is one
// reader and one writer of a connection at a time, and each, as well as a call of
// shut, is one of its users until it calls leave.
type engine interface {
	start(c *Conn, leftover []byte) // begin to read
	resume(c *Conn)                 // go on reading, for c.reading was just set
	flush(c *Conn)                  // send what there is, for c.writing was just set
	shut(c *Conn)                   // close nc, for c.ended was just set
}

// A Conn is a connection. Its zero value is what Adopt needs; it must not be copied
// after that. All methods may be called by any goroutine at any time.
type Conn struct {
	// Set by Adopt.
	engine engine
	nc     net.Conn
	h      Handler
	group  *Group

	reader *reader // the goroutine engine's; owned by who has set reading

	mu       sync.Mutex
	err      error // the first reason to end
	users    int8  // those who may call the handler: reader, writer, closer
	reading  bool  // there is a reader
	writing  bool  // there is a writer
	dirty    bool  // Wake was called since Outgoing was
	paused   bool  // the handler wants no more
	eof      bool  // the peer has finished; there is no reader any more
	finished bool  // we have finished; there is no writer any more
	ended    bool  // close, and call Closed when the last user leaves
}

// Wake says that Outgoing has something to send. Calls that come while a flush is
// under way are served by it.
func (c *Conn) Wake() {
	c.mu.Lock()
	c.dirty = true
	flush := c.flushes()
	c.mu.Unlock()
	if flush {
		c.engine.flush(c)
	}
}

// flushes makes the caller start a writer if one is due. c.mu is held.
func (c *Conn) flushes() bool {
	if !c.dirty || c.writing || c.finished || c.ended || c.engine == nil {
		return false
	}
	c.writing = true
	c.users++
	return true
}

// Pause stops reading until Resume, and so lets the peer's data pile up in the kernel,
// and then in the peer. Called by Receive, it is at once; called elsewhere, one more
// call of Receive may follow. Sending goes on. That a paused connection has died is
// noticed at the latest by sending or by Resume. If the handler finishes meanwhile,
// the rest of what the peer sends is discarded.
func (c *Conn) Pause() {
	c.mu.Lock()
	c.paused = true
	c.mu.Unlock()
}

// Resume goes on reading after Pause.
func (c *Conn) Resume() {
	c.mu.Lock()
	c.paused = false
	resume := c.engine != nil && !c.reading && !c.eof && !c.ended
	if resume {
		c.reading = true
		c.users++
	}
	c.mu.Unlock()
	if resume {
		c.engine.resume(c)
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

// end ends the connection for a reason, unless it has ended, and says whether nc must
// be closed now. c.mu is held.
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
	c.users--
	closed := c.ended && c.users == 0
	err := c.err
	c.mu.Unlock()
	if closed {
		c.group.leave()
		c.h.Closed(err)
	}
}
