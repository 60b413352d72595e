package flashpolicy_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/socketio/flashpolicy"
)

func policy(t *testing.T) []byte {
	t.Helper()
	p, err := flashpolicy.New([]string{"good.example"}, 3000)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// ask connects, writes pieces, and returns all that comes.
func ask(t *testing.T, addr net.Addr, pieces ...string) string {
	t.Helper()
	nc, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	_ = nc.SetDeadline(time.Now().Add(time.Minute)) // against hanging
	for _, p := range pieces {
		if _, err := io.WriteString(nc, p); err != nil {
			t.Fatal(err)
		}
	}
	b, err := io.ReadAll(nc)
	if err != nil {
		t.Errorf("after %q: %v", pieces, err)
	}
	return string(b)
}

func TestServe(t *testing.T) {
	l, want := listen(t), policy(t)
	ended := make(chan error, 1)
	go func() { ended <- flashpolicy.Serve(l, want) }()
	for _, pieces := range [][]string{
		nil, {flashpolicy.Request}, {flashpolicy.Request[:10]}, {"GET / HTTP/1.1\r\n\r\n"}, {strings.Repeat("x", 500)},
	} {
		if got := ask(t, l.Addr(), pieces...); got != string(want) {
			t.Errorf("%q: got %q", pieces, got)
		}
	}
	l.Close()
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve ends with %v", err)
	}
}

// web starts a web server behind Listen, which says hello.
func web(t *testing.T) net.Addr {
	l := listen(t)
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "hello "+r.URL.Path)
	})}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(flashpolicy.Listen(l, policy(t))) }()
	t.Cleanup(func() {
		srv.Close()
		<-ended
	})
	return l.Addr()
}

func TestInline(t *testing.T) {
	addr, want := web(t), string(policy(t))
	for cut := range len(flashpolicy.Request) {
		if got := ask(t, addr, flashpolicy.Request[:cut], flashpolicy.Request[cut:]); got != want {
			t.Errorf("cut at %d: got %q", cut, got)
		}
	}
	if got := ask(t, addr, flashpolicy.Request+"and more"); got != want {
		t.Errorf("with more behind: got %q", got)
	}
	for _, other := range []string{"<policy-file-request/>x", "<html>", "<policy-file-request/>\x01", "<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<"} {
		if got := ask(t, addr, other); got != "" {
			t.Errorf("%q: got %q", other, got)
		}
	}
	got := ask(t, addr, "GET /there HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	if !strings.HasSuffix(got, "hello /there") {
		t.Errorf("HTTP is answered %q", got)
	}
}

// once is a listener with connections of its own.
type once chan net.Conn

func (l once) Accept() (net.Conn, error) {
	if nc, ok := <-l; ok {
		return nc, nil
	}
	return nil, net.ErrClosed
}
func (l once) Close() error   { return nil }
func (l once) Addr() net.Addr { return nil }

// TestHalf: half a request is given 5 s, and a client that is silent as long as the
// server gives it.
func TestHalf(t *testing.T) {
	for name, sent := range map[string]string{"half": flashpolicy.Request[:10], "one byte": "<"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				theirs, ours := net.Pipe()
				l := make(once, 1)
				l <- ours
				nc, err := flashpolicy.Listen(l, policy(t)).Accept()
				if err != nil {
					t.Fatal(err)
				}
				go io.WriteString(theirs, sent)
				begin := time.Now()
				n, err := nc.Read(make([]byte, 4096))
				if n != 0 || err != io.EOF || time.Since(begin) != 5*time.Second {
					t.Errorf("Read: %d, %v after %v", n, err, time.Since(begin))
				}
				if b, err := io.ReadAll(theirs); len(b) > 0 || err != nil {
					t.Errorf("the client reads %q, %v", b, err)
				}
			})
		})
	}
}

// TestServeUnread: a client that does not read is let go, and so is one that writes on.
func TestServeUnread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		theirs, ours := net.Pipe()
		l := make(once, 1)
		l <- ours
		close(l)
		begin := time.Now()
		if err := flashpolicy.Serve(l, policy(t)); err != net.ErrClosed {
			t.Errorf("Serve: %v", err)
		}
		// A pipe has no buffer, so the policy is stuck until the time is over.
		if _, err := theirs.Write([]byte("x")); err != io.ErrClosedPipe || time.Since(begin) != 5*time.Second {
			t.Errorf("Write: %v after %v", err, time.Since(begin))
		}
	})
}

// TestPlain: who takes a connection over gets it bare, once it is no player's.
func TestPlain(t *testing.T) {
	l := listen(t)
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	nc, err := flashpolicy.Listen(l, policy(t)).Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	plain := nc.(interface{ PlainTCP() *net.TCPConn })
	if plain.PlainTCP() != nil {
		t.Error("given away before its first byte")
	}
	io.WriteString(client, "GET")
	if b, err := bufio.NewReader(nc).Peek(3); string(b) != "GET" || err != nil {
		t.Errorf("read %q, %v", b, err)
	}
	if plain.PlainTCP() == nil {
		t.Error("not given away")
	}
}

// FuzzInline: whatever comes first, it reaches the server as it is, or ends at once.
func FuzzInline(f *testing.F) {
	f.Add([]byte(flashpolicy.Request), uint8(3))
	f.Add([]byte("GET / HTTP/1.1\r\n"), uint8(1))
	f.Add([]byte("<policy"), uint8(2))
	f.Fuzz(func(t *testing.T, in []byte, size uint8) {
		theirs, ours := net.Pipe()
		l := make(once, 1)
		l <- ours
		nc, _ := flashpolicy.Listen(l, policy(t)).Accept()
		answer := make(chan []byte, 1)
		go func() {
			b, _ := io.ReadAll(theirs)
			answer <- b
		}()
		go func() {
			for p := in; len(p) > 0; {
				n := min(len(p), int(size)+1)
				if _, err := theirs.Write(p[:n]); err != nil {
					return
				}
				p = p[n:]
			}
			if !strings.HasPrefix(string(in), flashpolicy.Request) {
				theirs.Close()
			}
		}()
		got, _ := io.ReadAll(nc)
		nc.Close()
		switch policyRequest := strings.HasPrefix(string(in), flashpolicy.Request); {
		case policyRequest && string(<-answer) != string(policy(t)):
			t.Errorf("%q is not answered", in)
		case !policyRequest && len(in) > 0 && in[0] != '<' && string(got) != string(in):
			t.Errorf("%q arrives as %q", in, got)
		case len(in) > 0 && in[0] == '<' && len(got) > 0:
			t.Errorf("%q arrives as %q", in, got)
		}
	})
}

// scarcely is a listener that fails for a while.
type scarcely struct {
	once
	errs []error
}

func (l *scarcely) Accept() (net.Conn, error) {
	if len(l.errs) > 0 {
		err := l.errs[0]
		l.errs = l.errs[1:]
		return nil, err
	}
	return l.once.Accept()
}

func (scarcely) Close() error   { return nil }
func (scarcely) Addr() net.Addr { return nil }

// TestServeScarce: what passes does not end a server; what does not, does.
func TestServeScarce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
		l := &scarcely{once: make(once), errs: []error{full, full, full, syscall.ECONNABORTED}}
		ended := make(chan error, 1)
		go func() { ended <- flashpolicy.Serve(l, []byte("policy")) }()
		here, there := net.Pipe()
		l.once <- there
		if b, err := io.ReadAll(here); string(b) != "policy" || err != nil {
			t.Errorf("got %q, %v", b, err)
		}
		close(l.once)
		if err := <-ended; !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
	broken := &scarcely{errs: []error{syscall.EINVAL}}
	if err := flashpolicy.Serve(broken, nil); err != syscall.EINVAL {
		t.Errorf("broken: %v", err)
	}
}
