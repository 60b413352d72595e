package conn

import (
	"crypto/tls"
	"io"
	"time"
)

// goroutines is the engine that serves every net.Conn: a goroutine blocks in Read,
// with a small buffer and next to nothing on its stack, and another one exists while
// there is something to write, so that a peer that does not read keeps nobody from
// hearing it. A paused connection has no goroutine at all.
type goroutines struct{}

func (goroutines) start(c *Conn, leftover []byte) {
	c.reader = new(reader)
	c.reader.buf, c.reader.leftover = c.reader.small[:], leftover
	// No worker: its stack is larger, and an idle client would keep it.
	go c.begin() // ends with the connection, or when it is paused
}

func (goroutines) resume(c *Conn) { go c.read() } // the same

func (goroutines) flush(c *Conn) { c.group.workers.Go(job{c, (*Conn).write}) } // until all is sent

func (goroutines) shut(c *Conn) { c.group.workers.Go(job{c, (*Conn).shut}) } // it may block

func (c *Conn) shut() {
	c.closeNow()
	c.leave()
}

// fail ends the connection; the caller is one of its users.
func (c *Conn) fail(err error) {
	c.mu.Lock()
	ended := c.end(err)
	c.mu.Unlock()
	if ended {
		c.closeNow()
	}
}

// closeNow closes the connection, and so ends calls of Read and Write.
func (c *Conn) closeNow() {
	nc := c.nc
	// Close of TLS would try for 5 s to tell a peer that perhaps does not read. When
	// the connection ends in good order, CloseWrite has told it.
	if t, ok := nc.(*tls.Conn); ok {
		nc = t.NetConn()
	}
	_ = nc.Close()
}

// A reader is what the reading goroutine keeps between two messages.
type reader struct {
	buf     []byte
	at      int64 // when something arrived, in Unix nanoseconds
	fewer   bool  // the last read into a larger buffer would have fitted into the small one
	discard bool  // give the handler nothing any more

	leftover []byte // what was read before Adopt
	small    [smallSize]byte
}

// begin starts reading with what had already been read.
func (c *Conn) begin() {
	leftover := c.reader.leftover
	c.reader.leftover = nil
	if len(leftover) > 0 && !c.deliver(leftover) {
		return
	}
	if c.mayRead() {
		c.read()
	}
}

// read is where a connection waits. All else is done by functions that return before
// it waits again.
func (c *Conn) read() {
	for {
		n, err := c.nc.Read(c.reader.buf)
		if !c.arrived(n, err) {
			return
		}
	}
}

// idle: after so long a time between two messages, the reader starts afresh.
const idle = int64(time.Second)

// arrived handles what Read returned, and says whether the caller shall read again.
//
//go:noinline
func (c *Conn) arrived(n int, err error) bool {
	r := c.reader
	if n > 0 && !c.deliver(r.buf[:n]) {
		return false
	}
	if err != nil {
		c.readFailed(err)
		return false
	}
	r.fit(n)
	if !c.mayRead() {
		return false
	}
	// A stack that has grown to handle a message does not shrink to 2 KiB again, since
	// waiting needs more than a quarter of the next size. A new goroutine has a new
	// stack. For a client that sends now and then it costs nothing worth saving; one
	// that sends all the time keeps the stack, which it will need again.
	now := time.Now().UnixNano()
	fresh := now-r.at > idle
	r.at = now
	if fresh {
		go c.read() // in place of this one
	}
	return !fresh
}

// deliver hands p to the handler. If it returns false, the reader has left.
func (c *Conn) deliver(p []byte) bool {
	if c.reader.discard {
		return true
	}
	if err := c.h.Receive(p); err != nil {
		c.reader.release()
		c.fail(err)
		c.leave()
		return false
	}
	return true
}

// mayRead says whether to go on reading. If it returns false, the reader has left.
func (c *Conn) mayRead() bool {
	c.mu.Lock()
	if !c.ended {
		if !c.paused {
			c.mu.Unlock()
			return true
		}
		if c.finished {
			c.mu.Unlock()
			c.reader.discard = true
			return true
		}
	}
	c.reader.release() // before another reader may begin
	c.reading = false
	c.mu.Unlock()
	c.leave()
	return false
}

// readFailed ends reading, and the connection with it unless something is being sent.
func (c *Conn) readFailed(err error) {
	c.reader.release()
	c.mu.Lock()
	c.reading = false
	sending, ended := false, false
	if err == io.EOF {
		c.eof = true
		sending = c.writing && !c.ended
		if c.finished {
			err = nil
		}
	}
	if !sending {
		ended = c.end(err)
	}
	c.mu.Unlock()
	if sending {
		c.limitWrite()
	}
	if ended {
		c.closeNow()
	}
	c.leave()
}

// fit chooses the buffer for the next read by the size of the last one.
//
// The large buffer goes as soon as a read does not fill it. The medium one goes after
// two small reads in a row: messages that are a little larger than the small buffer
// would otherwise be read in two pieces every time, and heartbeats alone hold nothing.
func (r *reader) fit(n int) {
	size := len(r.buf)
	next := size
	switch {
	case n == size && size == smallSize:
		next = mediumSize
	case n == size:
		next = largeSize
	case size == largeSize:
		next = mediumSize
	case n <= smallSize && r.fewer:
		next = smallSize
	}
	r.fewer = size != smallSize && n <= smallSize
	if next == size {
		return
	}
	r.release()
	if next != smallSize {
		r.buf = lend(next)
	}
}

// release goes back to the small buffer.
func (r *reader) release() {
	giveBack(r.buf)
	r.buf = r.small[:]
}

// write sends until there is nothing to send.
func (c *Conn) write() {
	scratch := lend(scratchSize)
	for c.mayWrite() {
		p, last := c.h.Outgoing(scratch[:0])
		if p == nil && !last {
			if c.written() {
				break
			}
			continue
		}
		full := len(p) > len(scratch)/2
		if !c.send(p, last) {
			break
		}
		if full && len(scratch) < largeSize { // there is a backlog
			giveBack(scratch)
			scratch = lend(largeSize)
		}
	}
	giveBack(scratch)
	c.leave()
}

// mayWrite says whether Outgoing may be called, and begins a round of it.
func (c *Conn) mayWrite() bool {
	c.mu.Lock()
	c.dirty = false
	ok := !c.ended
	c.mu.Unlock()
	return ok
}

// written ends writing, unless there is something to send again.
func (c *Conn) written() bool {
	c.mu.Lock()
	if c.dirty {
		c.mu.Unlock()
		return false
	}
	c.writing = false
	ended := c.eof && c.end(io.EOF)
	c.mu.Unlock()
	if ended {
		c.closeNow()
	}
	return true
}

// send settles one result of Outgoing, and says whether to go on.
func (c *Conn) send(p []byte, last bool) bool {
	if last {
		c.limitWrite()
	}
	var err error
	if len(p) > 0 {
		_, err = c.nc.Write(p)
	}
	c.h.Sent(err)
	if err != nil {
		c.fail(err)
		return false
	}
	if last {
		c.finish()
	}
	return !last
}

// limitWrite bounds how long the last writes may take.
func (c *Conn) limitWrite() {
	_ = c.nc.SetWriteDeadline(time.Now().Add(c.group.linger()))
}

// finish closes the sending side and makes the reader wait for the peer to do the same.
func (c *Conn) finish() {
	c.mu.Lock()
	if c.ended { // the handler would not wait for the peer
		c.mu.Unlock()
		return
	}
	c.finished, c.writing = true, false
	if c.eof {
		c.mu.Unlock()
		c.fail(nil)
		return
	}
	read := !c.reading && !c.ended
	if read { // it was paused
		c.reading = true
		c.users++
		c.reader.discard = true
	}
	c.mu.Unlock()
	_ = c.nc.SetReadDeadline(time.Now().Add(c.group.linger()))
	if read {
		go c.read() // ends with the connection
	}
	// Without CloseWrite the peer must know from what it was sent.
	if half, ok := c.nc.(interface{ CloseWrite() error }); ok {
		if err := half.CloseWrite(); err != nil {
			c.fail(err)
		}
	}
}
