// Package load drives a Socket.IO server hard and cheaply, and says what the
// server paid for it.
//
// Everything runs on one goroutine over one epoll: frames are made before the
// measured phase, an answer is compared with the bytes of one that was checked
// before, and a connection that has several answers in one read asks again
// with one write. So one core of load keeps one core of server busy, which is
// what the figures need: a server that waits for its load spends its time on
// falling asleep and waking up.
//
// What is measured is the server's CPU time, user and system, read from the
// kernel at both ends of the measured phase, divided by the operations between
// them. Throughput is not used.
package load

import (
	"fmt"
	"io"
	"time"

	"golang.org/x/sys/unix"
)

// A Target is a server to be driven.
type Target struct {
	Addr string // HOST:PORT, an IPv4 address
	PID  int
	// Rival is the process that shares the server's core with it on purpose,
	// or 0. Its CPU time is nobody's.
	Rival int
}

// A Result is what one measured phase gave.
type Result struct {
	Ops    int64         // operations, in the case's unit
	Server time.Duration // CPU time of the server
	Load   time.Duration // CPU time of this process
	Others time.Duration // CPU time of everything else on the machine
	Wall   time.Duration
	// Latency is set by Pace.
	Latency Latency
}

// PerOp is the server's CPU time for one operation, in microseconds.
func (r Result) PerOp() float64 {
	return float64(r.Server.Nanoseconds()) / float64(r.Ops) / 1000
}

// A workload is a number of clients and what they do.
type workload interface {
	// setup connects the clients; it may block.
	setup(l *loop) error
	// start sends the first requests.
	start() error
	// ready takes what one read of c brought and returns what is left of it:
	// the beginning of a message whose end has not come.
	ready(c *conn, data []byte) (rest []byte, err error)
	// ops counts finished operations.
	ops() int64
}

// Measure runs a workload of the case against the server: for warm to warm it
// up, then for d with the clock running.
func (c Case) Measure(t Target, warm, d time.Duration) (Result, error) {
	l, err := newLoop(t)
	if err != nil {
		return Result{}, err
	}
	defer l.close()
	w := c.build(c.proto)
	if err := w.setup(l); err != nil {
		return Result{}, fmt.Errorf("%s: connecting: %w", c.Name, err)
	}
	if err := w.start(); err != nil {
		return Result{}, fmt.Errorf("%s: starting: %w", c.Name, err)
	}
	if err := l.run(warm*max(1, c.warm), w); err != nil {
		return Result{}, fmt.Errorf("%s: warming up: %w", c.Name, err)
	}
	before, err := take(t, w)
	if err != nil {
		return Result{}, err
	}
	if err := l.run(d, w); err != nil {
		return Result{}, fmt.Errorf("%s: measuring: %w", c.Name, err)
	}
	after, err := take(t, w)
	if err != nil {
		return Result{}, err
	}
	r := after.since(before)
	if r.Ops == 0 {
		return r, fmt.Errorf("%s: the server stopped answering", c.Name)
	}
	return r, nil
}

// A sample is the state of all counters at one moment.
type sample struct {
	at                           time.Time
	ops                          int64
	server, load, rival, machine time.Duration
}

func take(t Target, w workload) (sample, error) {
	server, err := CPU(t.PID)
	if err != nil {
		return sample{}, err
	}
	load, err := CPU(unix.Getpid())
	if err != nil {
		return sample{}, err
	}
	var rival time.Duration
	if t.Rival != 0 {
		if rival, err = CPU(t.Rival); err != nil {
			return sample{}, err
		}
	}
	return sample{time.Now(), w.ops(), server, load, rival, machine()}, nil
}

func (s sample) since(b sample) Result {
	r := Result{
		Ops:    s.ops - b.ops,
		Server: s.server - b.server,
		Load:   s.load - b.load,
		Wall:   s.at.Sub(b.at),
	}
	r.Others = max(0, s.machine-b.machine-r.Server-r.Load-(s.rival-b.rival))
	return r
}

// A conn is one connection: a descriptor, and what a workload knows about it.
type conn struct {
	fd    int
	rest  []byte // the beginning of a message whose end has not come
	proto *protocol

	seq   int    // echo: number of the next request, modulo the frames
	due   int    // echo: number of the next answer
	index int    // latency: place in the turns of clients
	count int    // fan-out: messages received; latency: answers received
	group *group // fan-out
	poll  *poll  // polling
	life  *life  // churn
}

// write sends all of b. Requests are small and few are outstanding, so a full
// socket buffer is a mistake in the workload, not a thing to wait for.
func (c *conn) write(b []byte) error {
	n, err := sysWrite(c.fd, b)
	if err != nil {
		return fmt.Errorf("write: %w", err)
	}
	if n < len(b) {
		return fmt.Errorf("write: %w", io.ErrShortWrite)
	}
	return nil
}

// A loop reads from many connections on one goroutine.
type loop struct {
	target Target
	epfd   int
	seq    int           // connections made so far
	conns  map[int]*conn // by descriptor
	events [256]unix.EpollEvent
	buf    [64 << 10]byte
}

func newLoop(t Target) (*loop, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	return &loop{target: t, epfd: fd, conns: make(map[int]*conn)}, nil
}

// add hands c, connected, over to the loop.
func (l *loop) add(c *conn) error {
	if err := sysWatch(l.epfd, c.fd); err != nil {
		return err
	}
	l.conns[c.fd] = c
	return nil
}

// drop closes c, which leaves the epoll by that.
func (l *loop) drop(c *conn) {
	delete(l.conns, c.fd)
	sysClose(c.fd)
}

func (l *loop) close() {
	for _, c := range l.conns {
		unix.Close(c.fd)
	}
	unix.Close(l.epfd)
}

// run serves the connections for d.
func (l *loop) run(d time.Duration, w workload) error {
	for end := time.Now().Add(d); ; {
		left := time.Until(end)
		if left <= 0 {
			return nil
		}
		if err := l.turn(int(left/time.Millisecond)+1, w); err != nil {
			return err
		}
	}
}

// turn waits at most ms milliseconds and serves what is ready.
func (l *loop) turn(ms int, w workload) error {
	n, err := sysEpollWait(l.epfd, l.events[:], ms)
	if err == unix.EINTR {
		return nil
	}
	if err != nil {
		return fmt.Errorf("epoll_wait: %w", err)
	}
	for _, ev := range l.events[:n] {
		// A connection that the workload dropped in this very turn is not in
		// the map any more.
		if c := l.conns[int(ev.Fd)]; c != nil {
			if err := l.read(c, w); err != nil {
				return err
			}
		}
	}
	return nil
}

// read reads once and passes it on, after what was left from the last time.
// The end of the stream is passed on as no data at all.
func (l *loop) read(c *conn, w workload) error {
	have := copy(l.buf[:], c.rest)
	n, err := sysRead(c.fd, l.buf[have:])
	if err == unix.EAGAIN || err == unix.EINTR {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	data := l.buf[:have+n]
	if n == 0 {
		data = nil
	}
	rest, err := w.ready(c, data)
	if err != nil {
		return err
	}
	if len(rest) == len(l.buf) {
		return fmt.Errorf("read: a message of more than %d bytes", len(rest))
	}
	c.rest = append(c.rest[:0], rest...)
	return nil
}
