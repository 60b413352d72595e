// Package conntest is a kernel in memory: connections like those of TCP, and pollers
// that wait for them as epoll does on Linux. What waits, waits on channels of its own
// or on sync.Cond, so that testing/synctest can tell that nothing happens any more;
// nothing runs by itself but the timers of deadlines.
//
// Its connections behave as Linux's on the loopback device; script_linux_test.go has
// the two do the same. What differs:
//
//   - The network takes no time: what is written has arrived, as far as the receiver
//     has room. Buffers are as large as they are said to be.
//   - Every call happens under one lock, which orders memory for the race detector
//     more strictly than a system call does.
//   - Nagle's algorithm, urgent data, keepalives and retransmission do not exist.
//
// A mistake that Linux would let pass, or answer by an error that nobody looks at, is
// reported to Options.Fail: a descriptor that is used after its Close, or that is not
// this poller's; two calls of Wait at a time; a call after Stop.
package conntest

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"

	"github.com/sockeye-io/socketio/internal/conn"
)

// DefaultBuffer is the size of a buffer, in bytes.
const DefaultBuffer = 64 << 10

// firstFD is the lowest descriptor: 0 is what somebody forgot to set.
const firstFD = 3

// Options are those of a Kernel.
type Options struct {
	// Send and Receive are the sizes of the buffers that each end of a connection
	// has, in bytes; 0 means DefaultBuffer. What does not fit into the receiver's
	// stays in the sender's.
	Send, Receive int

	// Server and Client are the ends' addresses; nil means 192.0.2.1:80, and ports of
	// 192.0.2.7 that count up from 40000.
	Server, Client *net.TCPAddr

	// Faults is asked before each call of a poller, with no lock held, and by any
	// goroutine; nil means none. See Fault.
	Faults Faults

	// Fail is told what must not be done; testing.TB.Errorf will do. nil means panic.
	Fail func(format string, args ...any)
}

// A Kernel has connections in memory. It must be made in the bubble of synctest in
// which it is used. Its methods may be called by any goroutine at any time.
type Kernel struct {
	opts Options

	mu      sync.Mutex
	files   []*file // by descriptor, from firstFD; nil: free
	open    int
	pollers int
	pipes   int // ever made
	held    sync.Cond
	holds   int // Hold without Release
}

// A file is what a descriptor stands for.
type file struct {
	end      *end
	detached bool // a poller may use it
}

// New returns a kernel. opts may be nil.
func New(opts *Options) *Kernel {
	k := &Kernel{}
	k.held.L = &k.mu
	if opts != nil {
		k.opts = *opts
	}
	o := &k.opts
	if o.Send <= 0 {
		o.Send = DefaultBuffer
	}
	if o.Receive <= 0 {
		o.Receive = DefaultBuffer
	}
	if o.Server == nil {
		o.Server = &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 80}
	}
	if o.Fail == nil {
		o.Fail = func(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
	}
	return k
}

// Pipe returns the ends of a new connection. The server's has a descriptor, the lowest
// that is free.
func (k *Kernel) Pipe() (server *ServerConn, client *Conn) {
	k.mu.Lock()
	defer k.mu.Unlock()
	there, here := newEnd(k), newEnd(k)
	there.peer, here.peer = here, there
	from := k.opts.Client
	if from == nil {
		from = &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 40000 + k.pipes%20000}
	}
	k.pipes++
	server = &ServerConn{newConn(there, k.opts.Server, from)}
	server.fd = k.allocate(there)
	return server, newConn(here, from, k.opts.Server)
}

// allocate returns the lowest free descriptor. k.mu is held.
func (k *Kernel) allocate(e *end) (fd int) {
	k.open++
	for i, f := range k.files {
		if f == nil {
			k.files[i] = &file{end: e}
			return firstFD + i
		}
	}
	k.files = append(k.files, &file{end: e})
	return firstFD + len(k.files) - 1
}

// file returns what fd stands for, or nil. k.mu is held.
func (k *Kernel) file(fd int) *file {
	if i := fd - firstFD; i >= 0 && i < len(k.files) {
		return k.files[i]
	}
	return nil
}

// free gives fd back, and closes what it stands for. k.mu is held.
func (k *Kernel) free(fd int, reset bool) {
	f := k.file(fd)
	k.files[fd-firstFD] = nil
	k.open--
	if r := f.end.reg; r != nil {
		r.poller.remove(fd)
	}
	f.end.close(reset)
}

// Open returns how many descriptors have not been given back, those of server ends that
// were not detached included.
func (k *Kernel) Open() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.open
}

// Pollers returns how many pollers have not been stopped.
func (k *Kernel) Pollers() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.pollers
}

// Hold makes Wait report nothing until Release is called as often: what happens to a
// descriptor meanwhile is one event then.
func (k *Kernel) Hold() {
	k.mu.Lock()
	k.holds++
	k.mu.Unlock()
}

// Release ends Hold.
func (k *Kernel) Release() {
	k.mu.Lock()
	k.holds--
	wrong := k.holds < 0
	k.held.Broadcast()
	k.mu.Unlock()
	if wrong {
		k.opts.Fail("Release without Hold")
	}
}

// Report has fd's poller report what is wanted of ready once, though nothing is; it
// says whether there is anything to report. A descriptor that is not registered has
// nothing.
func (k *Kernel) Report(fd int, ready conn.Ready) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	f := k.file(fd)
	if f == nil || f.end.reg == nil {
		return false
	}
	return f.end.reg.report(ready)
}

var errStopped = errors.New("conntest: the poller was stopped")

// NewPoller implements conn.Kernel. It fails only if Faults says so.
func (k *Kernel) NewPoller() (conn.Poller, error) {
	f := k.fault(NewPoller, -1, 0)
	defer f.then()
	if f.Err != 0 {
		return nil, f.Err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.pollers++
	p := &poller{k: k, regs: map[int]*registration{}}
	p.change.L = &k.mu
	return p, nil
}

// failure formats what Fail is told.
func (k *Kernel) failure(op Op, fd int, why string) syscall.Errno {
	k.opts.Fail("conntest: %v of descriptor %d, %s", op, fd, why)
	return syscall.EBADF
}
