package serve

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener in memory.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipes) Close() error {
	select {
	case <-l.closed:
	default:
		close(l.closed)
	}
	return nil
}

func (l *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// request makes one, and returns the connection.
func (l *pipes) request() net.Conn {
	client, server := net.Pipe()
	l.conns <- server
	_, _ = io.WriteString(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	return client
}

// TestEnd: how long an end takes, and who is cut off by it.
func TestEnd(t *testing.T) {
	const delay, bound = 5 * time.Second, 3 * time.Second
	atOnce := func(context.Context) error { return nil }
	untilDone := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	for name, c := range map[string]ending{
		"nobody is there":              {atOnce, 0, false, 0, 0},
		"nothing to drain":             {nil, 0, false, 0, 0},
		"an answer during the delay":   {atOnce, delay / 2, true, 0, 0},
		"an answer just after":         {atOnce, delay + finishTime/4, true, finishTime / 4, finishTime},
		"an answer that takes long":    {atOnce, delay + time.Hour, false, finishTime, finishTime},
		"a drain that takes all":       {untilDone, 0, false, bound, bound},
		"both, and no more than bound": {untilDone, delay + time.Hour, false, bound, bound},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { c.test(t, delay, bound) })
		})
	}
}

// An ending is how a program ends.
type ending struct {
	drain   func(context.Context) error
	answer  time.Duration // after the stop; 0: nobody asks
	whole   bool          // the answer arrives
	atLeast time.Duration // the end takes, after the delay
	atMost  time.Duration
}

func (c *ending) test(t *testing.T, delay, bound time.Duration) {
	stop := make(chan struct{})
	p := &Program{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			<-stop
			select {
			case <-time.After(c.answer):
				_, _ = io.WriteString(w, "whole")
			case <-r.Context().Done():
			}
		}),
		Stopping: func() { close(stop) },
		Delay:    delay, Drain: c.drain, DrainTime: bound,
	}
	srv, ln := p.server(), &pipes{make(chan net.Conn), make(chan struct{})}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }() // ends with p.end
	answers := make(chan string, 1)
	if c.answer > 0 {
		conn := ln.request()
		go func() { // ends with the connection
			defer conn.Close()
			b, _ := io.ReadAll(conn)
			answers <- string(b)
		}()
	} else {
		answers <- ""
	}
	synctest.Wait()
	begin := time.Now()
	if err := p.end(srv, served); err != nil {
		t.Error(err)
	}
	if d := time.Since(begin) - delay; d < c.atLeast || d > c.atMost {
		t.Errorf("it took the delay and %v, want %v to %v", d, c.atLeast, c.atMost)
	}
	if answer := <-answers; strings.HasSuffix(answer, "whole") != c.whole {
		t.Errorf("answer %q, whole = %t", answer, c.whole)
	}
	<-stop
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("Serve: %v", err)
	}
}

// TestDefaultBound: without a DrainTime the drain has the constant's.
func TestDefaultBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &Program{Drain: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}
		begin := time.Now()
		if err := p.end(p.server(), nil); err != nil || time.Since(begin) != DrainTime {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
	})
}

// TestServerFails: what ends by itself is an error, whether or not a signal has come.
func TestServerFails(t *testing.T) {
	p := &Program{Delay: time.Hour}
	broken := errors.New("broken")
	served := make(chan error, 2)
	served <- broken
	served <- broken
	if err := p.wait(t.Context(), served); err != broken {
		t.Errorf("before a signal: %v", err)
	}
	if err := p.end(p.server(), served); err != broken {
		t.Errorf("after it: %v", err)
	}
}

// TestLimits: heads, silent and idle connections are http.Server's to bound.
func TestLimits(t *testing.T) {
	srv := (&Program{}).server()
	if srv.ReadHeaderTimeout != 10*time.Second || srv.IdleTimeout != 30*time.Second || srv.MaxHeaderBytes != 12<<10 {
		t.Errorf("%v, %v, %d", srv.ReadHeaderTimeout, srv.IdleTimeout, srv.MaxHeaderBytes)
	}
	if srv.ReadTimeout != 0 || srv.WriteTimeout != 0 {
		t.Error("a server of polls and streams has no limit for whole requests")
	}
}

// TestListening: who looks at the listener first may end the program, whose port is free
// then.
func TestListening(t *testing.T) {
	refused := errors.New("refused")
	var addr net.Addr
	p := &Program{Addr: "127.0.0.1:0", Announce: io.Discard, Listening: func(ln net.Listener) (net.Listener, error) {
		addr = ln.Addr()
		return nil, refused
	}}
	if err := p.Run(); err != refused {
		t.Error(err)
	}
	ln, err := net.Listen("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()

	closed := errors.New("closed")
	p.Listening = func(ln net.Listener) (net.Listener, error) { return failing{ln, closed}, nil }
	if err := p.Run(); err != closed {
		t.Errorf("what it returns is accepted from: %v", err)
	}
}

// failing is a listener that fails.
type failing struct {
	net.Listener
	err error
}

func (l failing) Accept() (net.Conn, error) { return nil, l.err }
