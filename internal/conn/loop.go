package conn

import (
	"cmp"
	"io"
	"net"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
)

// A loop serves its share of a group's connections. One goroutine drives it: it waits
// until connections are ready, and serves one after the other: reads once, hands over
// what arrived, runs the jobs that this leads to, sends what there is to say. When all
// are served it sends what they had to say to others; that is a turn.
//
// The goroutine that drives the loop is another one after a job took long: see
// handoff.go. What a driver alone uses is handed over with the loop.
type loop struct {
	group  *Group
	team   *team
	poller Poller
	state  atomic.Uint64 // see handoff.go
	shy    atomic.Int32  // how many jobs the loop does not want

	// The driver's.
	buf     []byte // for reading
	scratch []byte // for writing
	events  [maxEvents]Event
	ready   [maxEvents]*Conn // whose events they are; nil: no longer there
	n, next int              // how many there are in this turn, and the next one to serve
	current *Conn            // whose jobs are being done
	jobs    []Job            // current's; guarded by its lock
	done    uint32           // jobs so far
	turns   uint32           // and turns

	mu       sync.Mutex
	conns    []slot
	free     []int32 // slots that are empty
	dirty    []*Conn // those that have something to send, and whose flags say so
	spare    []*Conn // memory for the next list
	turning  bool    // the driver is about to send what is in dirty
	flushing bool    // a flusher is
	stopped  bool
}

// maxEvents is how many connections are served in one turn.
const maxEvents = 128

// A slot has a connection of the loop. Its age tells it from those that were there
// before, as events may come late.
type slot struct {
	c   *Conn
	age uint32
}

// A team is the loops of a group, from its first connection that a loop can serve to
// its last connection.
type team struct {
	kernel  Kernel
	loops   []*loop
	next    int           // whose turn it is to get a connection; guarded by Group.mu
	watched atomic.Bool   // see handoff.go
	over    chan struct{} // closed when it ends
}

// newTeam starts as many loops as there are processors, or as few as there can be.
func newTeam(g *Group, k Kernel) *team {
	t := &team{kernel: k, over: make(chan struct{})}
	for range runtime.GOMAXPROCS(0) {
		p, err := k.NewPoller()
		if err != nil {
			break
		}
		t.loops = append(t.loops, &loop{group: g, team: t, poller: p})
	}
	for _, l := range t.loops {
		g.workers.Go(task{do: driveTask, l: l}) // ends with stop
	}
	return t
}

// stop ends the loops, which have no connections.
func (t *team) stop() {
	if t == nil {
		return
	}
	close(t.over)
	for _, l := range t.loops {
		l.stop()
	}
}

// tag names the connection to the poller.
func (c *Conn) tag() uint64 { return uint64(c.age)<<32 | uint64(uint32(c.slot)) }

// insert finds a slot for c, and returns its tag.
func (l *loop) insert(c *Conn) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.free); n > 0 {
		c.slot = l.free[n-1]
		l.free = l.free[:n-1]
	} else {
		c.slot = int32(len(l.conns))
		l.conns = append(l.conns, slot{})
	}
	s := &l.conns[c.slot]
	s.c = c
	s.age++
	c.age = s.age
	return c.tag()
}

// remove empties the slot of c.
func (l *loop) remove(c *Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.age == 0 { // it was closed before Adopt
		return
	}
	l.conns[c.slot].c = nil
	l.free = append(l.free, c.slot)
}

func driveTask(t task) { t.l.drive() }

// drive drives the loop until it is stopped or taken away.
func (l *loop) drive() {
	if l.buf == nil {
		l.buf, l.scratch = lend(largeSize), lend(scratchSize)
	}
	for {
		switch {
		case l.current != nil:
			if !l.finish() {
				return
			}
		case l.next < l.n:
			c, ready := l.ready[l.next], l.events[l.next].Ready
			l.ready[l.next] = nil
			l.next++
			if c != nil {
				l.serve(c, ready)
			}
		default:
			l.flushAll(l.scratch, &l.turning)
			// The loop may find something to do for ever, but mostly has to wait after
			// a small turn, and others run then.
			if l.turns++; l.n > few || l.turns%16 == 0 {
				runtime.Gosched()
			}
			if !l.wait() {
				giveBack(l.buf)
				giveBack(l.scratch)
				return
			}
		}
	}
}

// wait waits for the next turn, and looks up whose it is. It returns false if there
// will be none.
func (l *loop) wait() bool {
	n, err := l.poller.Wait(l.events[:])
	if err != nil {
		l.fail(err)
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.n, l.next = n, 0
	l.turning = true
	for i := range n {
		l.ready[i] = nil
		at := l.events[i].Tag
		if s := &l.conns[uint32(at)]; s.age == uint32(at>>32) {
			l.ready[i] = s.c
		}
	}
	return true
}

// stop ends the loop, which has no connections.
func (l *loop) stop() {
	l.mu.Lock()
	l.stopped = true
	l.mu.Unlock()
	l.poller.Stop()
}

// fail ends all connections, as nothing can be heard of them any more.
func (l *loop) fail(err error) {
	l.mu.Lock()
	var all []*Conn
	if !l.stopped {
		for _, s := range l.conns {
			if s.c != nil {
				all = append(all, s.c)
			}
		}
	}
	l.mu.Unlock()
	for _, c := range all {
		c.Close(err)
	}
}

// start implements engine. It is the first user of c, and also delivers leftover and
// sends the first bytes, for nobody else is awake who could.
func (l *loop) start(c *Conn, leftover []byte) {
	at := l.insert(c)
	var err error
	if len(leftover) > 0 {
		err = c.h.Receive(leftover)
	}
	if err == nil {
		c.mu.Lock()
		c.polled = c.wants()
		err = l.poller.Add(int(c.fd), at, c.polled)
		c.added = err == nil // a flusher may come before failed, and must not modify then
		c.mu.Unlock()
	}
	if err != nil {
		l.failed(c, err)
	}
	c.mu.Lock()
	flush := c.flushes()
	c.mu.Unlock()
	if flush {
		scratch := lend(scratchSize)
		l.write(c, scratch, true)
		giveBack(scratch)
	}
	l.leaveLater(c)
}

// leaveLater leaves like c.leave, but calls Closed on another goroutine.
func (l *loop) leaveLater(c *Conn) {
	c.mu.Lock()
	last := c.leaves()
	c.mu.Unlock()
	if last {
		l.group.workers.Go(task{do: releaseTask, c: c})
	}
}

func releaseTask(t task) { t.c.engine.release(t.c) }

// serve does what c is ready for. What remains, to do its jobs, to write and to leave,
// is up to finish.
func (l *loop) serve(c *Conn, ready Ready) {
	c.mu.Lock()
	if c.ended {
		c.mu.Unlock()
		return
	}
	c.users++
	write := c.blocked && ready&(Writable|Broken) != 0
	var rest []byte
	if write {
		rest, c.tail.rest = c.tail.rest, nil
		// Before the rest is written: afterwards it would undo what that asks for.
		c.blocked = false
		l.update(c)
	}
	next := l.decide(c, ready)
	c.serving = true
	c.mu.Unlock()
	l.current = c
	switch next {
	case toRead, toDiscard:
		l.read(c, next == toRead)
	case toTell:
		c.h.Leaving()
	case toEnd:
		if !write { // or writing will say why
			l.failed(c, syscall.ECONNRESET)
		}
	}
	if write && l.send(c, rest, c.tail.last, l.scratch, l.n <= few) {
		l.write(c, l.scratch, l.n <= few)
	}
}

// A decision is what is to be done about what a peer sends.
type decision uint8

const (
	nothing   decision = iota
	toRead             // and hand over
	toDiscard          // read, and see whether it ends
	toTell             // that the peer has finished
	toEnd              // it is broken
)

// decide looks at what c is ready for. c.mu is held.
func (l *loop) decide(c *Conn, ready Ready) decision {
	switch {
	case ready&(Readable|PeerDone|Broken) == 0:
		return nothing
	case c.eof:
		if ready&Broken != 0 {
			return toEnd
		}
		return nothing
	case c.discard:
		return toDiscard
	case !c.paused:
		return toRead
	case ready&Broken != 0:
		return toEnd
	}
	next := nothing
	if ready&Readable != 0 {
		c.muted = true
	}
	if ready&PeerDone != 0 && !c.left {
		c.left, next = true, toTell
	}
	l.update(c)
	return next
}

// wants returns what is to be reported of c. c.mu is held.
func (c *Conn) wants() (r Ready) {
	if !c.eof {
		if !c.muted {
			r |= Readable
		}
		if !c.left {
			r |= PeerDone
		}
	}
	if c.blocked {
		r |= Writable
	}
	return r
}

// update has the poller report what is wanted of c. c.mu is held, so that the last
// word is the last decision.
func (l *loop) update(c *Conn) {
	if r := c.wants(); r != c.polled && c.added && !c.ended {
		c.polled = r
		if err := l.poller.Modify(int(c.fd), c.tag(), r); err != nil {
			c.end(err) // the caller is a user, so c is released soon
		}
	}
}

// read reads once: who sends all the time shall not keep the others waiting.
func (l *loop) read(c *Conn, wanted bool) {
	n, err := l.poller.Read(int(c.fd), l.buf)
	switch {
	case err == syscall.EAGAIN:
	case err != nil:
		l.failed(c, err)
	case n == 0:
		l.readEnd(c)
	case wanted:
		if err := c.h.Receive(l.buf[:n]); err != nil {
			l.failed(c, err)
		}
	}
}

// failed ends c; the caller is one of its users.
func (l *loop) failed(c *Conn, err error) {
	c.mu.Lock()
	c.end(err)
	c.mu.Unlock()
}

// readEnd notes that the peer has finished, which ends c unless something is being
// sent.
func (l *loop) readEnd(c *Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.eof = true
	switch {
	case c.finished:
		c.end(nil)
	case c.writing, c.dirty: // what is to be said before the end is
		c.limit(l.group.linger())
		l.update(c)
	default:
		c.end(io.EOF)
	}
}

// finish does the jobs of the current connection and sends what it has to say. It
// returns false if the loop was taken away meanwhile.
func (l *loop) finish() bool {
	c := l.current
	for {
		c.mu.Lock()
		if len(l.jobs) == 0 {
			break
		}
		job := l.jobs[0]
		l.jobs = slices.Delete(l.jobs, 0, 1)
		c.mu.Unlock()
		if !l.do(job) {
			return false
		}
	}
	c.serving = false
	write := c.flushes()
	c.mu.Unlock()
	l.current = nil
	if write {
		l.write(c, l.scratch, l.n <= few)
	}
	c.leave()
	return true
}

// resume implements engine.
func (l *loop) resume(c *Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.paused || c.ended || !c.muted {
		return
	}
	c.muted = false
	c.users++ // update may end c
	l.update(c)
	if c.leaves() {
		l.group.workers.Go(task{do: releaseTask, c: c})
	}
}

// shut implements engine.
func (l *loop) shut(c *Conn) { l.leaveLater(c) }

// release implements engine.
func (l *loop) release(c *Conn) {
	if t := c.tail; t != nil && t.timer != nil {
		t.timer.Stop()
	}
	if c.blocked { // nobody will write the rest
		c.h.Sent(cmp.Or(c.err, net.ErrClosed))
	}
	l.remove(c)
	l.poller.Close(int(c.fd))
	l.group.leave()
	c.h.Closed(c.err)
}
