package conntest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/sockeye-io/socketio/internal/conn"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var _ conn.Pollable = (*ServerConn)(nil)

// bubble runs f with a kernel that reports to t, and wants all descriptors back.
func bubble(t *testing.T, opts Options, f func(t *testing.T, k *Kernel)) {
	synctest.Test(t, func(t *testing.T) {
		opts.Fail = t.Errorf
		k := New(&opts)
		f(t, k)
		synctest.Wait()
		if k.Open() != 0 || k.Pollers() != 0 {
			t.Errorf("%d descriptors and %d pollers are left", k.Open(), k.Pollers())
		}
	})
}

func TestStream(t *testing.T) {
	bubble(t, Options{Send: 1000, Receive: 300}, func(t *testing.T, k *Kernel) {
		server, client := k.Pipe()
		sent := make([]byte, 100_000)
		for i := range sent {
			sent[i] = byte(i ^ i>>8)
		}
		for _, ends := range [][2]net.Conn{{server, client}, {client, server}} {
			go func() {
				if n, err := ends[0].Write(sent); n != len(sent) || err != nil {
					t.Errorf("Write: %d, %v", n, err)
				}
				ends[0].(interface{ CloseWrite() error }).CloseWrite()
			}()
			if got, err := io.ReadAll(ends[1]); !bytes.Equal(got, sent) || err != nil {
				t.Errorf("got %d bytes, %v", len(got), err)
			}
		}
		server.Close()
		client.Close()
	})
}

// TestDeadlines: they end calls that wait, and those that come later, even if there is
// something to read; moving them allows for more.
func TestDeadlines(t *testing.T) {
	bubble(t, Options{Send: 10, Receive: 10}, func(t *testing.T, k *Kernel) {
		server, client := k.Pipe()
		begin := time.Now()
		b := make([]byte, 8)
		expired := func(what string, after time.Duration, n, want int, err error) {
			t.Helper()
			var ne net.Error
			if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &ne) || !ne.Timeout() || n != want {
				t.Errorf("%s: %d, %v", what, n, err)
			}
			if d := time.Since(begin); d != after {
				t.Errorf("%s after %v, want %v", what, d, after)
			}
		}
		server.SetReadDeadline(begin.Add(time.Second))
		n, err := server.Read(b)
		expired("Read", time.Second, n, 0, err)
		client.Write(b[:1])
		n, err = server.Read(b)
		expired("Read of what is there", time.Second, n, 0, err)
		server.SetReadDeadline(time.Time{})
		if n, err := server.Read(b); n != 1 || err != nil {
			t.Errorf("Read: %d, %v", n, err)
		}

		server.SetWriteDeadline(begin.Add(2 * time.Second))
		n, err = server.Write(make([]byte, 50))
		expired("Write", 2*time.Second, n, 20, err)

		// A deadline that is moved while a call waits.
		server.SetDeadline(begin.Add(3 * time.Second))
		time.AfterFunc(500*time.Millisecond, func() { server.SetReadDeadline(begin.Add(time.Hour)) })
		time.AfterFunc(time.Minute, func() { server.SetReadDeadline(time.Unix(1, 0)) })
		n, err = server.Read(b)
		expired("Read", 2*time.Second+time.Minute, n, 0, err)
		server.Close()
		client.Close()
	})
}

// TestCloseEndsCalls: whoever waits is told, here and there.
func TestCloseEndsCalls(t *testing.T) {
	bubble(t, Options{Send: 10, Receive: 10}, func(t *testing.T, k *Kernel) {
		for name, tt := range map[string]struct {
			end         func(*ServerConn) error
			read, there error
		}{
			"close":  {func(c *ServerConn) error { return c.Close() }, net.ErrClosed, nil},
			"reset":  {func(c *ServerConn) error { return c.Reset() }, net.ErrClosed, syscall.ECONNRESET},
			"detach": {func(c *ServerConn) error { _, err := c.Detach(); return err }, net.ErrClosed, os.ErrDeadlineExceeded},
		} {
			server, client := k.Pipe()
			fd := server.fd
			errs := make(chan error, 2)
			go func() { _, err := server.Write(make([]byte, 50)); errs <- err }()
			go func() { _, err := server.Read(make([]byte, 50)); errs <- err }()
			synctest.Wait()
			if err := tt.end(server); err != nil {
				t.Error(err)
			}
			for range 2 {
				if err := <-errs; !errors.Is(err, tt.read) {
					t.Errorf("%s: a call ends with %v", name, err)
				}
			}
			// Not before: whoever reads lets the Write come to its end.
			client.SetReadDeadline(time.Now().Add(time.Second))
			if _, err := io.Copy(io.Discard, client); !errors.Is(err, tt.there) {
				t.Errorf("%s: the peer reads %v", name, err)
			}
			client.Close()
			if name == "detach" {
				p, err := k.NewPoller()
				if err != nil {
					t.Fatal(err)
				}
				p.Close(fd)
				p.Stop()
			}
			for what, err := range map[string]error{
				"Close": server.Close(), "SetDeadline": server.SetDeadline(time.Time{}), "CloseWrite": server.CloseWrite(),
				"Reset": server.Reset(),
			} {
				if !errors.Is(err, net.ErrClosed) {
					t.Errorf("%s after %s: %v", what, name, err)
				}
			}
			if _, err := server.Detach(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("Detach after %s: %v", name, err)
			}
		}
	})
}

// listener gives net/http one connection.
type listener chan net.Conn

func (l listener) Accept() (net.Conn, error) {
	if c, ok := <-l; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}
func (l listener) Close() error   { return nil }
func (l listener) Addr() net.Addr { return &net.TCPAddr{} }

// TestHijack: net/http serves the connection, and lets go of it.
func TestHijack(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, k *Kernel) {
		taken := make(chan *ServerConn, 1)
		srv := http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/" {
				fmt.Fprint(w, r.RemoteAddr)
				return
			}
			nc, rw, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			if b, _ := rw.Peek(rw.Reader.Buffered()); string(b) != "" {
				t.Errorf("left: %q", b)
			}
			taken <- nc.(*ServerConn)
		})}
		l := make(listener, 1)
		go srv.Serve(l)
		server, client := k.Pipe()
		l <- server
		rd := bufio.NewReader(client)
		fmt.Fprint(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		res, err := http.ReadResponse(rd, nil)
		if err != nil {
			t.Fatal(err)
		}
		if b, _ := io.ReadAll(res.Body); string(b) != "192.0.2.7:40000" {
			t.Errorf("from %q", b)
		}
		fmt.Fprint(client, "GET /hijack HTTP/1.1\r\nHost: x\r\n\r\n")
		p, fd := poll(t, k, <-taken)
		client.Write([]byte("after"))
		b := make([]byte, 10)
		if n, err := p.Read(fd, b); string(b[:n]) != "after" || err != nil {
			t.Errorf("%q, %v", b[:n], err)
		}
		p.Close(fd)
		p.Stop()
		client.Close()
		close(l)
		srv.Close()
	})
}
