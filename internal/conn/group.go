package conn

import (
	"net"
	"runtime"
	"sync"
	"time"

	"github.com/sockeye-io/socketio/internal/worker"
)

// An Engine is a way to serve connections.
type Engine uint8

const (
	Auto      Engine = iota // the cheapest that can serve the connection
	Goroutine               // a goroutine per connection, for every net.Conn
	Epoll                   // a loop per processor, where it can be; see Available
)

// Available says whether e can serve any connection on this system. Those that Epoll
// cannot, TLS and wrapped ones, a goroutine serves.
func (e Engine) Available() bool { return e != Epoll || haveEpoll }

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
	conns   int // those that have not ended
	workers *worker.Pool[task]
	team    *team // the loops, if there are any
}

// A task is what a worker does for a connection or for a loop.
type task struct {
	do func(task)
	c  *Conn
	l  *loop
}

// maxWorkers is how many workers wait for tasks, for each core.
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
		g.workers = worker.New(maxWorkers*runtime.GOMAXPROCS(0), func(t task) { t.do(t) })
	}
	if g.conns++; g.conns == 1 {
		g.workers.Open()
	}
}

// leave ends what connections share with the last of them.
func (g *Group) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.conns--; g.conns > 0 {
		return
	}
	g.team.stop()
	g.team = nil
	g.workers.Release()
}

// Adopt takes over nc, which nobody else may use any more, and serves it as c. First
// h receives leftover, if there is any: what the former owner had read and not used.
// Deadlines of nc are cleared. c must be new; but Wake, Pause and Close may have been
// called, and count.
func (g *Group) Adopt(c *Conn, nc net.Conn, leftover []byte, h Handler) {
	_ = nc.SetDeadline(time.Time{}) // if it fails, so will reading
	g.join()
	var e engine
	if l, fd := g.loop(nc); l != nil {
		e, c.fd = l, int32(fd)
	} else {
		e = newGoroutine(g, nc)
	}
	c.mu.Lock()
	c.engine, c.h = e, h
	c.reading = true
	c.users++
	ended := c.ended
	c.mu.Unlock()
	if ended {
		e.shut(c)
		return
	}
	e.start(c, leftover)
}

// loop returns the loop that is to serve nc, and nc's descriptor, which is the loop's
// then; nil if a goroutine must.
func (g *Group) loop(nc net.Conn) (*loop, int) {
	if g.Engine == Goroutine {
		return nil, 0
	}
	p, ok := nc.(Pollable)
	if !ok {
		if p, ok = pollable(nc); !ok {
			return nil, 0
		}
	}
	l := g.assign(p.Kernel())
	if l == nil {
		return nil, 0
	}
	fd, err := p.Detach()
	if err != nil { // no descriptor is left, perhaps
		return nil, 0
	}
	return l, fd
}

// assign returns the loop for the next connection of k, or nil if there is none.
func (g *Group) assign(k Kernel) *loop {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.team == nil {
		g.team = newTeam(g, k)
	}
	if t := g.team; t.kernel == k && len(t.loops) > 0 {
		t.next = (t.next + 1) % len(t.loops)
		return t.loops[t.next]
	}
	return nil
}

// An engine moves the bytes of connections. None of its methods blocks, and none calls
// Closed. start (by whoever set c.reading), flush and shut are called by a user of the
// connection, who leaves.
type engine interface {
	start(c *Conn, leftover []byte) // begin to read, and to write if something is due
	resume(c *Conn)                 // go on reading, if c is not paused
	flush(c *Conn)                  // send what there is, for c.writing was just set
	shut(c *Conn)                   // close the connection, for c.ended was just set
	release(c *Conn)                // the last user has left: call Closed
	run(Job) bool                   // after Receive; c.serving is set, c.mu held
	yield()                         // see Conn.Yield; c.serving was set
}
