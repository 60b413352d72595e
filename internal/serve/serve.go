// Package serve starts and stops a program that serves. It knows http.Server and the
// signals of a process, and nothing of Socket.IO: what a stop means to clients is a
// function.
package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// DrainTime is the default bound of a drain. Supervisors kill after 10 s (docker stop)
// to 90 s (systemd).
const DrainTime = 8 * time.Second

// finishTime bounds the wait for requests that the drain knows nothing of, such as the
// download of a page.
const finishTime = time.Second

// A Program says what is served, where, and how it ends.
type Program struct {
	// Addr is the HOST:PORT to listen on; port 0 takes a free one.
	Addr string
	// Certificate is for TLS. Nil: plain HTTP.
	Certificate *Certificate
	// Handler serves the requests.
	Handler http.Handler

	// Listening is called with the listener before anything is accepted, and returns
	// what is accepted from: it, or one around it. Under TLS it sees what is still
	// encrypted. An error ends Run. Nil: not.
	Listening func(net.Listener) (net.Listener, error)

	// Started is called once connections are accepted. Nil: not.
	Started func(url string)
	// Stopping is called when a signal says that the program shall stop. Nil: not.
	Stopping func()
	// Delay is how long, after that, everything goes on as before, so that balancers
	// notice.
	Delay time.Duration
	// Drain ends what the handler has taken on, and returns when that is done or ctx is.
	Drain func(ctx context.Context) error
	// DrainTime bounds Drain. Zero: the constant DrainTime.
	DrainTime time.Duration

	// Announce gets the line "listening on URL". Nil: os.Stdout.
	Announce io.Writer
}

// Run serves until the process gets SIGTERM or SIGINT, drains then, and returns nil. A
// second such signal kills the process. SIGHUP reads the certificate's files again.
// An error says why it could not serve, or could no longer.
func (p *Program) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	ln, err := net.Listen("tcp", p.Addr)
	if err != nil {
		return err
	}
	if p.Listening != nil {
		plain := ln
		if ln, err = p.Listening(plain); err != nil {
			_ = plain.Close()
			return err
		}
	}
	srv := p.server()
	served := make(chan error, 1)
	url := "http://" + ln.Addr().String()
	if p.Certificate == nil {
		go func() { served <- srv.Serve(ln) }() // ends with Close
	} else {
		url = "https://" + ln.Addr().String()
		go func() { served <- srv.ServeTLS(ln, "", "") }() // likewise
	}
	if p.Started != nil {
		p.Started(url)
	}
	out := p.Announce
	if out == nil {
		out = os.Stdout
	}
	fmt.Fprintf(out, "listening on %s\n", url)
	if err := p.wait(ctx, served); err != nil {
		return err
	}
	stop() // a second signal kills
	return p.end(srv, served)
}

// server returns the http.Server. Its three limits belong to net/http and to nobody
// else: heads, silent and idle connections.
func (p *Program) server() *http.Server {
	srv := &http.Server{
		Handler:           p.Handler,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       30 * time.Second,
		MaxHeaderBytes:    12 << 10, // net/http adds 4 KiB
	}
	if p.Certificate != nil {
		srv.TLSConfig = &tls.Config{GetCertificate: p.Certificate.get}
	}
	return srv
}

// wait returns when ctx is done, or with an error when nothing is served any more.
func (p *Program) wait(ctx context.Context, served <-chan error) error {
	var renew chan os.Signal
	if p.Certificate != nil { // without one, SIGHUP means what it always does
		renew = make(chan os.Signal, 1)
		signal.Notify(renew, syscall.SIGHUP)
		defer signal.Stop(renew)
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-served:
			return err
		case <-renew:
			if err := p.Certificate.Load(); err != nil {
				slog.Error("the old certificate stays", "error", err)
			} else {
				slog.Info("certificate read again")
			}
		}
	}
}

// end drains and closes.
func (p *Program) end(srv *http.Server, served <-chan error) error {
	if p.Stopping != nil {
		p.Stopping()
	}
	if p.Delay > 0 {
		select {
		case err := <-served:
			return err
		case <-time.After(p.Delay):
		}
	}
	bound := p.DrainTime
	if bound == 0 {
		bound = DrainTime
	}
	ctx, cancel := context.WithTimeout(context.Background(), bound)
	defer cancel()
	if p.Drain != nil {
		if err := p.Drain(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			slog.Warn("drain", "error", err)
		}
	}
	// The drain's last answers are on their way, and HTTP/2 sends them by itself.
	finish, cancel := context.WithTimeout(ctx, finishTime)
	defer cancel()
	_ = srv.Shutdown(finish) // what is left, Close ends
	return srv.Close()
}
