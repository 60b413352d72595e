package conn

import (
	"net"
	"os"
	"syscall"
	"time"
	"unsafe"
)

const haveEpoll = true

// pollable returns nc as a connection of Linux, if it is plain TCP. A connection that
// is wrapped has another type, whatever is in it; a wrapper that is done offers it by a
// method PlainTCP, as those of package flashpolicy do.
func pollable(nc net.Conn) (Pollable, bool) {
	t, ok := nc.(*net.TCPConn)
	if w, wrapped := nc.(interface{ PlainTCP() *net.TCPConn }); wrapped {
		// What wraps it has seen what it wanted to see.
		t = w.PlainTCP()
		ok = t != nil
	}
	return tcp{t}, ok
}

// tcp is a connection of Linux.
type tcp struct{ *net.TCPConn }

func (tcp) Kernel() Kernel { return linux{} }

// Detach duplicates the descriptor and closes the original: with it go what the net
// package keeps for it and its place in the runtime's own poller, which would be told
// of every event, too.
func (t tcp) Detach() (fd int, err error) {
	raw, err := t.SyscallConn()
	if err != nil {
		return 0, err
	}
	var errno syscall.Errno
	err = raw.Control(func(old uintptr) {
		var n uintptr
		n, _, errno = syscall.Syscall(syscall.SYS_FCNTL, old, syscall.F_DUPFD_CLOEXEC, 0)
		fd = int(n)
	})
	if err == nil && errno != 0 {
		err = errno
	}
	if err != nil {
		return 0, err
	}
	_ = t.Close() // the connection lives on by fd
	return fd, nil
}

// linux is the Kernel of real connections.
type linux struct{}

// epoll is a Poller on Linux.
//
// Its own descriptor is registered with the runtime's poller, and a goroutine that
// waits parks there as for any other descriptor. Waiting in epoll_wait would hold a
// thread, which the scheduler gives its processor back to late.
type epoll struct {
	fd     int
	file   *os.File
	raw    syscall.RawConn
	try    func(uintptr) bool // poll
	events [maxEvents]syscall.EpollEvent
	n      int
	err    error
}

func (linux) NewPoller() (Poller, error) {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	_ = syscall.SetNonblock(fd, true) // so that os.NewFile registers it
	e := &epoll{fd: fd, file: os.NewFile(uintptr(fd), "epoll")}
	e.try = e.poll
	// Fails if it is not registered.
	err = e.file.SetDeadline(time.Time{})
	if err == nil {
		e.raw, err = e.file.SyscallConn()
	}
	if err != nil {
		e.file.Close()
		return nil, err
	}
	return e, nil
}

// Wait implements Poller. Nothing but the looking happens inside of raw.Read, which
// holds a lock that Stop and the next Wait need.
func (e *epoll) Wait(ready []Event) (int, error) {
	if err := e.raw.Read(e.try); err != nil {
		return 0, err
	}
	if e.err != nil {
		return 0, e.err
	}
	n := min(e.n, len(ready))
	for i := range n {
		k := &e.events[i]
		ready[i] = Event{Tag: uint64(uint32(k.Fd)) | uint64(uint32(k.Pad))<<32, Ready: fromKernel(k.Events)}
	}
	return n, nil
}

// poll looks what is ready, and says whether it need not wait.
func (e *epoll) poll(uintptr) bool {
	for {
		n, _, errno := syscall.RawSyscall6(syscall.SYS_EPOLL_PWAIT, uintptr(e.fd),
			uintptr(unsafe.Pointer(&e.events[0])), maxEvents, 0, 0, 0)
		if errno == syscall.EINTR {
			continue
		}
		e.n, e.err = int(n), nil
		if errno != 0 {
			e.n, e.err = 0, os.NewSyscallError("epoll_pwait", errno)
		}
		return e.n > 0 || e.err != nil
	}
}

func fromKernel(events uint32) (r Ready) {
	if events&syscall.EPOLLIN != 0 {
		r |= Readable
	}
	if events&syscall.EPOLLOUT != 0 {
		r |= Writable
	}
	if events&syscall.EPOLLRDHUP != 0 {
		r |= PeerDone
	}
	if events&(syscall.EPOLLERR|syscall.EPOLLHUP) != 0 {
		r |= Broken
	}
	return r
}

func toKernel(r Ready) (events uint32) {
	if r&Readable != 0 {
		events |= syscall.EPOLLIN
	}
	if r&Writable != 0 {
		events |= syscall.EPOLLOUT
	}
	if r&PeerDone != 0 {
		events |= syscall.EPOLLRDHUP
	}
	return events
}

func (e *epoll) Add(fd int, tag uint64, in Ready) error {
	return e.control(syscall.EPOLL_CTL_ADD, fd, tag, in)
}

func (e *epoll) Modify(fd int, tag uint64, in Ready) error {
	return e.control(syscall.EPOLL_CTL_MOD, fd, tag, in)
}

func (e *epoll) control(op, fd int, tag uint64, in Ready) error {
	k := syscall.EpollEvent{Events: toKernel(in), Fd: int32(uint32(tag)), Pad: int32(uint32(tag >> 32))}
	_, _, errno := syscall.RawSyscall6(syscall.SYS_EPOLL_CTL, uintptr(e.fd), uintptr(op), uintptr(fd),
		uintptr(unsafe.Pointer(&k)), 0, 0)
	if errno != 0 {
		return os.NewSyscallError("epoll_ctl", errno)
	}
	return nil
}

func (e *epoll) Read(fd int, p []byte) (int, error) {
	for {
		n, _, errno := syscall.RawSyscall(syscall.SYS_READ, uintptr(fd),
			uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
		if errno == syscall.EINTR {
			continue
		}
		return result(n, errno)
	}
}

func (e *epoll) Write(fd int, p []byte, brief bool) (int, error) {
	for {
		var n uintptr
		var errno syscall.Errno
		if brief {
			n, _, errno = syscall.Syscall(syscall.SYS_WRITE, uintptr(fd),
				uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
		} else {
			n, _, errno = syscall.RawSyscall(syscall.SYS_WRITE, uintptr(fd),
				uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
		}
		if errno == syscall.EINTR {
			continue
		}
		return result(n, errno)
	}
}

// result returns what a call returned, without allocating for the commonest error.
func result(n uintptr, errno syscall.Errno) (int, error) {
	switch errno {
	case 0:
		return int(n), nil
	case syscall.EAGAIN:
		return 0, errAgain
	}
	return 0, errno
}

var errAgain error = syscall.EAGAIN

func (e *epoll) CloseWrite(fd int) error {
	return syscall.Shutdown(fd, syscall.SHUT_WR)
}

func (e *epoll) Close(fd int) { _ = syscall.Close(fd) }

func (e *epoll) Stop() { _ = e.file.Close() }
