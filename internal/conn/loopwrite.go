package conn

import (
	"os"
	"syscall"
	"time"
)

// few is up to how many writes in a row the scheduler is told of each. A system call
// that it does not know of is cheaper, by a third of an echo; but if the thread has to
// wait for its core in the middle of it, so has everything else. With little to do
// that is what counts, and with much to do the price is.
const few = 2

// maxRounds is how often one connection may write in a row while others wait.
const maxRounds = 8

// A tail is what remains to be done for a connection.
type tail struct {
	rest  []byte // of what Outgoing returned, while c.blocked
	last  bool   // as it said
	timer *time.Timer
}

// tails returns the tail of c. c.mu is held.
func (c *Conn) tails() *tail {
	if c.tail == nil {
		c.tail = new(tail)
	}
	return c.tail
}

// limit gives c time d to end. c.mu is held.
func (c *Conn) limit(d time.Duration) {
	t := c.tails()
	if t.timer != nil {
		t.timer.Reset(d)
		return
	}
	t.timer = time.AfterFunc(d, func() { c.Close(os.ErrDeadlineExceeded) })
}

// flush implements engine: c waits for the driver to finish its turn, or, if that is
// not about to happen, for a flusher. More will wait with it until that has begun, and
// what they have to say by then leaves in one write for each.
func (l *loop) flush(c *Conn) {
	l.mu.Lock()
	l.dirty = append(l.dirty, c)
	// A job may take long, and the driver with it.
	start := !l.flushing && (!l.turning || l.working())
	if start {
		l.flushing = true
	}
	l.mu.Unlock()
	if start {
		l.group.workers.Go(task{do: flushTask, l: l}) // ends when all is written
	}
}

func flushTask(t task) {
	scratch := lend(scratchSize)
	t.l.flushAll(scratch, &t.l.flushing)
	giveBack(scratch)
}

// flushAll writes for all that wait, until there is none; then it clears the flag that
// says that it will.
func (l *loop) flushAll(scratch []byte, flag *bool) {
	for {
		l.mu.Lock()
		list := l.dirty
		if len(list) == 0 {
			*flag = false
			l.mu.Unlock()
			return
		}
		l.dirty, l.spare = l.spare, nil
		l.mu.Unlock()
		for _, c := range list {
			l.write(c, scratch, len(list) <= few)
			c.leave()
		}
		clear(list)
		l.mu.Lock()
		if cap(list) > cap(l.spare) {
			l.spare = list[:0]
		}
		l.mu.Unlock()
	}
}

// write sends what c has to say until there is nothing more or the kernel takes no
// more. The caller is a user of c, and has set c.writing.
func (l *loop) write(c *Conn, scratch []byte, brief bool) {
	for range maxRounds {
		if !c.mayWrite() {
			return
		}
		p, last := c.h.Outgoing(scratch[:0])
		if p == nil && !last {
			if done, _ := c.written(); done {
				return
			}
			continue
		}
		if !l.send(c, p, last, scratch, brief) {
			return
		}
	}
	c.mu.Lock()
	c.users++
	c.mu.Unlock()
	l.flush(c)
}

// send writes p, and says whether to go on. What the kernel does not take it will be
// asked to take later: then p stays the handler's business until Sent.
func (l *loop) send(c *Conn, p []byte, last bool, scratch []byte, brief bool) (more bool) {
	var n int
	var err error
	if len(p) > 0 {
		n, err = l.poller.Write(int(c.fd), p, brief)
	}
	if err == syscall.EAGAIN {
		n, err = 0, nil
	}
	if err == nil && n < len(p) {
		rest := p[n:]
		if &p[0] == &scratch[0] { // which others will use
			rest = append([]byte(nil), rest...)
		}
		l.block(c, rest, last)
		return false
	}
	c.h.Sent(err)
	switch {
	case err != nil:
		l.failed(c, err)
		return false
	case last:
		l.closeWrite(c)
		return false
	}
	return true
}

// block has rest wait until the kernel takes it.
func (l *loop) block(c *Conn, rest []byte, last bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.tails()
	t.rest, t.last = rest, last
	c.blocked = true
	if last || c.eof {
		c.limit(l.group.linger())
	}
	l.update(c)
}

// closeWrite closes the sending side; what the peer has still to say is read.
func (l *loop) closeWrite(c *Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended { // the handler would not wait for the peer
		return
	}
	c.finished, c.writing = true, false
	if c.eof {
		c.end(nil)
		return
	}
	c.discard = c.paused // but whether there is more is to be seen
	c.muted = false
	c.limit(l.group.linger())
	l.update(c)
	if err := l.poller.CloseWrite(int(c.fd)); err != nil {
		c.end(err)
	}
}
