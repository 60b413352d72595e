package conn

import "net"

// A Kernel makes what loops wait with. There are two: Linux (epoll_linux.go), and the
// one that tests have in memory (conntest), where anything can be made to go wrong.
type Kernel interface {
	NewPoller() (Poller, error)
}

// A Poller is one set of descriptors that a loop waits for, and the system calls on
// them, none of which blocks but Wait. It is level-triggered: a descriptor is reported
// again for as long as it is ready. Wait is called by one goroutine at a time, the
// others by any, even while Wait waits.
//
// Errors of Read, Write and CloseWrite are of type syscall.Errno.
type Poller interface {
	// Wait blocks until something is ready, and says what: n > 0, unless it fails,
	// which it does once Stop was called.
	Wait(ready []Event) (n int, err error)

	// Add begins to report fd under a tag. What is wrong with it (Broken) is always
	// reported, the rest if in says so.
	Add(fd int, tag uint64, in Ready) error
	// Modify changes what is reported of fd.
	Modify(fd int, tag uint64, in Ready) error

	// Read returns 0 and no error at the end of what the peer sends, and
	// syscall.EAGAIN if nothing has come.
	Read(fd int, p []byte) (n int, err error)
	// Write may take a part of p only; syscall.EAGAIN: nothing. brief is a promise
	// that little else is ready, so that it is worth telling Go's scheduler.
	Write(fd int, p []byte, brief bool) (n int, err error)
	// CloseWrite ends what this side sends.
	CloseWrite(fd int) error
	// Close gives fd back, which may be another's at once. It is not reported any more.
	Close(fd int)

	// Stop ends the poller. No method but Wait is called any more.
	Stop()
}

// An Event says what a descriptor is ready for.
type Event struct {
	Tag   uint64
	Ready Ready
}

// Ready is a set of things a descriptor may be ready for.
type Ready uint8

const (
	Readable Ready = 1 << iota // Read has something, or the end
	Writable                   // Write takes something
	PeerDone                   // the peer has finished sending
	Broken                     // reset, or finished by both sides
)

// A Pollable is a connection of a Kernel that is not Linux.
type Pollable interface {
	net.Conn
	// Kernel returns the kernel that the connection's descriptor is of.
	Kernel() Kernel
	// Detach returns the descriptor, which is the caller's from now on; the net.Conn
	// is of no use any more. If it fails, nothing has changed.
	Detach() (fd int, err error)
}
