package conn

import (
	"crypto/tls"
	"io"
	"net"
	"time"
)

// goroutine is the engine that serves every net.Conn: a goroutine blocks in Read, with
// a small buffer and next to nothing on its stack, and another one exists while there
// is something to write, so that a peer that does not read keeps nobody from hearing
// it. A paused connection has no goroutine at all.
type goroutine struct {
	group *Group
	nc    net.Conn
	reader
}

func newGoroutine(group *Group, nc net.Conn) *goroutine {
	g := &goroutine{group: group, nc: nc}
	g.buf = g.small[:]
	return g
}

func (g *goroutine) start(c *Conn, leftover []byte) {
	c.mu.Lock()
	flush := c.flushes()
	if flush {
		c.users++
	}
	c.mu.Unlock()
	// No worker: its stack is larger, and an idle client would keep it.
	go g.begin(c, leftover) // ends with the connection, or when it is paused
	if flush {
		g.flush(c)
	}
}

func (g *goroutine) resume(c *Conn) {
	c.mu.Lock()
	read := !c.paused && !c.reading && !c.eof && !c.ended
	if read {
		c.reading = true
		c.users++
	}
	c.mu.Unlock()
	if read {
		go g.read(c) // ends with the connection, or when it is paused
	}
}

func (g *goroutine) flush(c *Conn) { g.group.workers.Go(task{do: writeTask, c: c}) } // until all is sent

func (g *goroutine) shut(c *Conn) { g.group.workers.Go(task{do: shutTask, c: c}) } // it may block

func (g *goroutine) release(c *Conn) {
	g.group.leave()
	c.h.Closed(c.err)
}

// A reader is not kept for jobs that may block.
func (g *goroutine) run(Job) bool { return false }
func (g *goroutine) yield()       {}

func writeTask(t task) { t.c.engine.(*goroutine).write(t.c) }

func shutTask(t task) {
	t.c.engine.(*goroutine).close()
	t.c.leave()
}

// fail ends the connection; the caller is one of its users.
func (g *goroutine) fail(c *Conn, err error) {
	c.mu.Lock()
	ended := c.end(err)
	c.mu.Unlock()
	if ended {
		g.close()
	}
}

// close closes the connection, and so ends calls of Read and Write.
func (g *goroutine) close() {
	nc := g.nc
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

	small [smallSize]byte
}

// begin starts reading with what had already been read.
func (g *goroutine) begin(c *Conn, leftover []byte) {
	if len(leftover) > 0 && !g.deliver(c, leftover) {
		return
	}
	if g.mayRead(c) {
		g.read(c)
	}
}

// read is where a connection waits. All else is done by functions that return before
// it waits again.
func (g *goroutine) read(c *Conn) {
	for {
		n, err := g.nc.Read(g.buf)
		if !g.arrived(c, n, err) {
			return
		}
	}
}

// idle: after so long a time between two messages, the reader starts afresh.
const idle = int64(time.Second)

// arrived handles what Read returned, and says whether the caller shall read again.
//
//go:noinline
func (g *goroutine) arrived(c *Conn, n int, err error) bool {
	r := &g.reader
	if n > 0 && !g.deliver(c, r.buf[:n]) {
		return false
	}
	if err != nil {
		g.readFailed(c, err)
		return false
	}
	r.fit(n)
	if !g.mayRead(c) {
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
		go g.read(c) // in place of this one
	}
	return !fresh
}

// deliver hands p to the handler. If it returns false, the reader has left.
func (g *goroutine) deliver(c *Conn, p []byte) bool {
	if g.discard {
		return true
	}
	if err := c.h.Receive(p); err != nil {
		g.drop()
		g.fail(c, err)
		c.leave()
		return false
	}
	return true
}

// mayRead says whether to go on reading. If it returns false, the reader has left.
func (g *goroutine) mayRead(c *Conn) bool {
	c.mu.Lock()
	if !c.ended {
		if !c.paused {
			c.mu.Unlock()
			return true
		}
		if c.finished {
			c.mu.Unlock()
			g.discard = true
			return true
		}
	}
	g.drop() // before another reader may begin
	c.reading = false
	c.mu.Unlock()
	c.leave()
	return false
}

// readFailed ends reading, and the connection with it unless something is being sent.
func (g *goroutine) readFailed(c *Conn, err error) {
	g.drop()
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
		g.limitWrite()
	}
	if ended {
		g.close()
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
	r.drop()
	if next != smallSize {
		r.buf = lend(next)
	}
}

// drop goes back to the small buffer.
func (r *reader) drop() {
	giveBack(r.buf)
	r.buf = r.small[:]
}

// write sends until there is nothing to send.
func (g *goroutine) write(c *Conn) {
	scratch := lend(scratchSize)
	for c.mayWrite() {
		p, last := c.h.Outgoing(scratch[:0])
		if p == nil && !last {
			done, ended := c.written()
			if ended {
				g.close()
			}
			if done {
				break
			}
			continue
		}
		full := len(p) > len(scratch)/2
		if !g.send(c, p, last) {
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

// send settles one result of Outgoing, and says whether to go on.
func (g *goroutine) send(c *Conn, p []byte, last bool) bool {
	if last {
		g.limitWrite()
	}
	var err error
	if len(p) > 0 {
		_, err = g.nc.Write(p)
	}
	c.h.Sent(err)
	if err != nil {
		g.fail(c, err)
		return false
	}
	if last {
		g.finish(c)
	}
	return !last
}

// limitWrite bounds how long the last writes may take.
func (g *goroutine) limitWrite() {
	_ = g.nc.SetWriteDeadline(time.Now().Add(g.group.linger()))
}

// finish closes the sending side and makes the reader wait for the peer to do the same.
func (g *goroutine) finish(c *Conn) {
	c.mu.Lock()
	if c.ended { // the handler would not wait for the peer
		c.mu.Unlock()
		return
	}
	c.finished, c.writing = true, false
	if c.eof {
		c.mu.Unlock()
		g.fail(c, nil)
		return
	}
	read := !c.reading && !c.ended
	if read { // it was paused
		c.reading = true
		c.users++
		g.discard = true
	}
	c.mu.Unlock()
	_ = g.nc.SetReadDeadline(time.Now().Add(g.group.linger()))
	if read {
		go g.read(c) // ends with the connection
	}
	// Without CloseWrite the peer must know from what it was sent.
	if half, ok := g.nc.(interface{ CloseWrite() error }); ok {
		if err := half.CloseWrite(); err != nil {
			g.fail(c, err)
		}
	}
}
