package conntest

import (
	"net"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/sockeye-io/socketio/internal/conn"
)

// epoll is Linux, as plain as can be: Wait does not wait.
type epoll int

var bits = []struct {
	ready  conn.Ready
	events uint32
}{
	{conn.Readable, syscall.EPOLLIN}, {conn.Writable, syscall.EPOLLOUT}, {conn.PeerDone, syscall.EPOLLRDHUP},
	{conn.Broken, syscall.EPOLLHUP | syscall.EPOLLERR},
}

func (e epoll) Wait(ready []conn.Event) (n int, err error) {
	events := make([]syscall.EpollEvent, len(ready))
	n, err = syscall.EpollWait(int(e), events, 0)
	for i := range max(n, 0) {
		ready[i] = conn.Event{Tag: uint64(events[i].Fd)}
		for _, b := range bits {
			if events[i].Events&b.events != 0 {
				ready[i].Ready |= b.ready
			}
		}
	}
	return n, err
}

func (e epoll) control(op, fd int, tag uint64, in conn.Ready) error {
	ev := syscall.EpollEvent{Fd: int32(tag)}
	for _, b := range bits[:3] {
		if in&b.ready != 0 {
			ev.Events |= b.events
		}
	}
	return syscall.EpollCtl(int(e), op, fd, &ev)
}

func (e epoll) Add(fd int, tag uint64, in conn.Ready) error {
	return e.control(syscall.EPOLL_CTL_ADD, fd, tag, in)
}

func (e epoll) Modify(fd int, tag uint64, in conn.Ready) error {
	return e.control(syscall.EPOLL_CTL_MOD, fd, tag, in)
}

func (epoll) Read(fd int, p []byte) (int, error)          { return syscall.Read(fd, p) }
func (epoll) Write(fd int, p []byte, _ bool) (int, error) { return syscall.Write(fd, p) }
func (epoll) CloseWrite(fd int) error                     { return syscall.Shutdown(fd, syscall.SHUT_WR) }
func (epoll) Close(fd int)                                { syscall.Close(fd) }
func (e epoll) Stop()                                     { syscall.Close(int(e)) }

// TestScriptsOnLinux plays the same scripts with the system's epoll and TCP.
func TestScriptsOnLinux(t *testing.T) {
	for _, sc := range scripts {
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			e, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
			if err != nil {
				t.Fatal(err)
			}
			fd, client := loopback(t)
			s := &stage{TB: t, poller: epoll(e), fd: fd, client: client, ask: await}
			defer s.poller.Stop()
			defer client.Close()
			s.play(sc)
			if s.fd >= 0 {
				s.poller.Close(s.fd)
			}
		})
	}
}

// await waits until what is wanted has happened, however slow the machine.
func await(events func() string, want string) (got string) {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); runtime.Gosched() {
		if got = events(); got == want {
			break
		}
	}
	return got
}

// The server's buffer is so much larger than the client's that what still arrives when
// it is full does not make it writable.
const sendBuffer, receiveBuffer = 200_000, 32_000

// loopback returns a server's descriptor and its client.
func loopback(t *testing.T) (fd int, client *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	d := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) error {
		return control(raw, syscall.SO_RCVBUF, receiveBuffer)
	}}
	c, err := d.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	nc, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	raw, err := nc.(*net.TCPConn).SyscallConn()
	if err == nil {
		err = control(raw, syscall.SO_SNDBUF, sendBuffer)
	}
	if err == nil {
		err = raw.Control(func(old uintptr) { fd, _ = syscall.Dup(int(old)) })
	}
	if err != nil {
		t.Fatal(err)
	}
	return fd, c.(*net.TCPConn)
}

// control sets an option of a socket.
func control(raw syscall.RawConn, option, value int) error {
	var err error
	if failed := raw.Control(func(fd uintptr) {
		err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, option, value)
	}); failed != nil {
		return failed
	}
	return err
}
