package conntest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/sockeye-io/socketio/internal/conn"
)

// A script is what the two ends of a connection do, a line each, and what comes of it:
// "what = result". Without a result, it has to succeed. The server has a poller, whose
// interest is R, P and W at first (Readable, PeerDone, Writable; B is Broken), and calls
//
//	events              what is reported of its descriptor, - if nothing is
//	interest RPW        change it; - is none
//	read n, write n     results are numbers of bytes, or an error
//	fill                write until EAGAIN
//	finish, close       CloseWrite, Close
//
// and the client, whose calls wait,
//
//	c:write n, c:read n, c:finish, c:close
//	c:rest              read what fill has written
//	c:reset             close with SetLinger(0)
type script struct {
	name  string
	lines string
}

// scripts hold for Linux too: script_linux_test.go.
var scripts = []script{
	{"nothing", `events = W; read 9 = EAGAIN; interest RP; events = -; interest -; events = -`},
	{"data", `
		c:write 5; events = RW; interest RP; events = R; events = R
		read 3 = 3; events = R; read 9 = 2; events = -; read 9 = EAGAIN
		write 7 = 7; c:read 7 = 7`},
	{"only what is wanted", `
		interest W; c:write 5; events = W; interest P; events = -; c:finish; events = P; interest R; events = R
		interest -; events = -`},
	{"data and the end", `
		interest RP; c:write 5; c:finish; events = RP; read 9 = 5; events = RP; read 9 = 0; read 9 = 0; events = RP
		write 4 = 4; c:read 4 = 4; finish; events = RPB; c:read 1 = EOF
		read 9 = 0; write 1 = EPIPE; finish = ENOTCONN`},
	{"the server finishes first", `
		interest RP; write 4 = 4; finish; events = -; finish; write 1 = EPIPE; c:read 4 = 4; c:read 1 = EOF
		c:write 5; events = R; read 9 = 5; c:finish; events = RPB; read 9 = 0; read 9 = 0; finish = ENOTCONN`},
	{"both have finished, nothing wanted", `interest -; finish; events = -; c:finish; events = B`},
	{"finished, writable", `interest W; finish; events = W`},
	{"reset", `
		interest RP; c:reset; events = RPB; read 9 = ECONNRESET; events = RPB; read 9 = 0
		write 1 = EPIPE; finish = ENOTCONN; events = RPB`},
	{"reset, found by writing", `
		interest W; c:reset; events = WB; write 1 = ECONNRESET; write 1 = EPIPE; read 9 = 0; events = WB`},
	{"reset, nothing wanted", `interest -; c:reset; events = B`},
	{"reset after data", `
		interest RP; c:write 5; c:reset; events = RPB; read 3 = 3; read 9 = 2; read 9 = ECONNRESET; read 9 = 0`},
	{"reset after the end", `
		interest RP; c:write 5; c:finish; events = RP; c:reset; events = RPB
		read 9 = 5; read 9 = 0; write 1 = EPIPE; write 1 = EPIPE`},
	{"reset after the server finished", `
		interest RP; finish; c:read 1 = EOF; c:reset; events = RPB; read 9 = ECONNRESET; read 9 = 0`},
	{"reset by data that the client did not read", `
		interest RP; write 5 = 5; c:read 2 = 2; c:close; events = RPB; read 9 = ECONNRESET`},
	{"close", `
		interest RP; c:write 5; c:close; events = RP; read 9 = 5; read 9 = 0; events = RP
		write 5 = 5; events = RPB; read 9 = 0; write 1 = EPIPE; write 1 = EPIPE; finish = ENOTCONN`},
	{"close, answered by the end", `interest RP; c:close; events = RP; finish; events = RPB; read 9 = 0`},
	{"close after both have finished, with data not read", `
		interest RP; write 5 = 5; c:finish; events = RP; finish; events = RPB; c:close; read 9 = 0; events = RPB`},
	{"full", `
		fill; events = -; interest RPW; c:write 3; events = R; c:rest; events = RW; read 9 = 3; events = W; write 9 = 9`},
	{"full, and the client finishes", `
		fill; c:finish; events = RP; read 9 = 0; c:rest; events = RPW; finish; events = RPWB`},
	{"full, and the client resets", `fill; c:reset; events = RPWB; write 9 = ECONNRESET`},
	{"full, and then finished", `fill; finish; events = W; c:rest; c:read 1 = EOF`},
	{"the server closes", `c:write 5; events = RW; read 9 = 5; write 3 = 3; close; c:read 9 = 3; c:read 1 = EOF`},
	{"the server closes with data not read", `
		c:write 5; events = RW; read 2 = 2; write 3 = 3; close; c:read 3 = 3; c:read 1 = ECONNRESET; c:read 1 = EOF`},
	{"the server closes, the client writes", `close; c:read 1 = EOF; c:write 1; c:write 1 = EPIPE; c:read 1 = EOF`},
	{"the server closes a full connection", `fill; close; c:rest; c:read 1 = EOF`},
}

// A client is the other end of the connection.
type client interface {
	net.Conn
	CloseWrite() error
	SetLinger(int) error
}

// A stage is where a script is played.
type stage struct {
	testing.TB
	poller conn.Poller
	fd     int
	client client
	ask    func(events func() string, want string) string // the poller may take time
	filled int
}

// play runs a script.
func (s *stage) play(sc script) {
	s.Helper()
	if err := s.poller.Add(s.fd, 1, conn.Readable|conn.PeerDone|conn.Writable); err != nil {
		s.Fatal(err)
	}
	for line := range strings.SplitSeq(strings.ReplaceAll(sc.lines, "\n", ";"), ";") {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		what, want, _ := strings.Cut(line, " = ")
		verb, arg, _ := strings.Cut(what, " ")
		n, _ := strconv.Atoi(arg)
		var got string
		switch {
		case verb == "events":
			got = s.ask(s.events, want)
		case strings.HasPrefix(verb, "c:"):
			got = s.other(verb, n)
		default:
			got = s.server(verb, arg, n)
		}
		if got != want {
			s.Fatalf("%s: %s", line, got)
		}
	}
}

const letters = "RWPB" // in the order of the bits

func format(r conn.Ready) string {
	b := ""
	for _, bit := range "RPWB" {
		if r&(1<<strings.IndexRune(letters, bit)) != 0 {
			b += string(bit)
		}
	}
	if b == "" {
		return "-"
	}
	return b
}

// outcome says how a call ended.
func outcome(n int, err error) string {
	var errno syscall.Errno
	switch {
	case err == nil:
		return strconv.Itoa(n)
	case errors.As(err, &errno):
		for _, e := range []struct {
			errno syscall.Errno
			name  string
		}{
			{syscall.EAGAIN, "EAGAIN"}, {syscall.EPIPE, "EPIPE"}, {syscall.ECONNRESET, "ECONNRESET"},
			{syscall.ENOTCONN, "ENOTCONN"},
		} {
			if e.errno == errno {
				return e.name
			}
		}
	case err == io.EOF:
		return "EOF"
	}
	return fmt.Sprint(err)
}

// done is outcome of what has no result.
func done(err error) string {
	if err == nil {
		return ""
	}
	return outcome(0, err)
}

func (s *stage) server(verb, arg string, n int) string {
	switch verb {
	case "interest":
		var in conn.Ready
		for i, letter := range letters {
			if strings.ContainsRune(arg, letter) {
				in |= 1 << i
			}
		}
		return done(s.poller.Modify(s.fd, 1, in))
	case "read":
		return outcome(s.poller.Read(s.fd, make([]byte, n)))
	case "write":
		return outcome(s.poller.Write(s.fd, make([]byte, n), false))
	case "fill":
		return s.fill()
	case "finish":
		return done(s.poller.CloseWrite(s.fd))
	case "close":
		s.poller.Close(s.fd)
		s.fd = -1
		return ""
	}
	return "no such line"
}

// fill writes until nothing is taken any more. A network that takes its time makes room
// again, less than it takes to be writable.
func (s *stage) fill() string {
	for {
		n, err := s.poller.Write(s.fd, make([]byte, 10_000), false)
		s.filled += max(n, 0)
		if err != nil {
			if err == syscall.EAGAIN {
				return ""
			}
			return done(err)
		}
	}
}

func (s *stage) other(verb string, n int) string {
	switch verb {
	case "c:write":
		_, err := s.client.Write(make([]byte, n))
		return done(err)
	case "c:read":
		return outcome(io.ReadAtLeast(s.client, make([]byte, n), 1))
	case "c:rest":
		_, err := io.CopyN(io.Discard, s.client, int64(s.filled))
		s.filled = 0
		return done(err)
	case "c:finish":
		return done(s.client.CloseWrite())
	case "c:reset":
		if err := s.client.SetLinger(0); err != nil {
			return done(err)
		}
		return done(s.client.Close())
	case "c:close":
		return done(s.client.Close())
	}
	return "no such line"
}

func TestScripts(t *testing.T) {
	for _, sc := range scripts {
		t.Run(sc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := New(&Options{Fail: t.Errorf})
				server, client := k.Pipe()
				p, fd := poll(t, k, server)
				s := &stage{TB: t, poller: p, fd: fd, client: client}
				s.ask = func(events func() string, _ string) string { return events() }
				s.play(sc)
				client.Close()
				if s.fd >= 0 {
					p.Close(s.fd)
				}
				p.Stop()
				if k.Open() != 0 || k.Pollers() != 0 {
					t.Errorf("%d descriptors and %d pollers left", k.Open(), k.Pollers())
				}
			})
		})
	}
}

// poll makes a poller for a connection.
func poll(t testing.TB, k *Kernel, server *ServerConn) (conn.Poller, int) {
	t.Helper()
	p, err := k.NewPoller()
	if err != nil {
		t.Fatal(err)
	}
	fd, err := server.Detach()
	if err != nil {
		t.Fatal(err)
	}
	return p, fd
}

// events returns what is reported of the descriptor now. A poller of Linux's may be
// asked without waiting; the kernel's is given something else to report.
func (s *stage) events() string {
	var ready [4]conn.Event
	if p, ok := s.poller.(*poller); ok {
		bell, other := p.k.Pipe()
		defer other.Close()
		fd, err := bell.Detach()
		if err == nil {
			err = p.Add(fd, 2, conn.Writable)
		}
		if err != nil {
			s.Fatal(err)
		}
		defer p.Close(fd)
	}
	n, err := s.poller.Wait(ready[:])
	if err != nil {
		s.Fatal(err)
	}
	what := conn.Ready(0)
	for _, e := range ready[:n] {
		if e.Tag == 1 {
			what |= e.Ready
		}
	}
	return format(what)
}
