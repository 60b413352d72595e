package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"

	"github.com/alecthomas/kong"

	"github.com/sockeye-io/socketio"
	"github.com/sockeye-io/socketio/cmd/sockeye/internal/demo"
	"github.com/sockeye-io/socketio/internal/serve"
)

// Run serves until a signal comes.
func (c *serveCmd) Run(ctx *kong.Context) error {
	c.log()
	opts, err := c.options(ctx)
	if err != nil {
		return err
	}
	cert, err := c.certificate(ctx)
	if err != nil {
		return err
	}
	flash := &flashServer{flags: &c.Flash, origins: opts.Origins}
	defer flash.close()
	s := newSite(opts)
	program := serve.Program{
		Addr:        c.Addr,
		Certificate: cert,
		Handler:     s,
		Listening:   flash.listening,
		Started:     func(url string) { slog.Info("serving", "url", url, "version", shortVersion()) },
		Stopping: func() {
			s.stopping.Store(true)
			slog.Info("stopping", "sockets", s.sio.Len(), "delay", c.DrainDelay, "drain", c.Drain)
		},
		Delay:     c.DrainDelay,
		Drain:     s.drain,
		DrainTime: c.Drain,
	}
	return program.Run()
}

// log sets the log up.
func (c *serveCmd) log() {
	opts := &slog.HandlerOptions{Level: c.LogLevel}
	var h slog.Handler = slog.NewTextHandler(os.Stderr, opts)
	if c.LogFormat == formatJSON {
		opts.ReplaceAttr = durationText
		h = slog.NewJSONHandler(os.Stderr, opts)
	}
	slog.SetLogLoggerLevel(slog.LevelWarn) // what net/http has to say are warnings
	slog.SetDefault(slog.New(h))
}

// durationText writes durations as text logs do, since a bare number has no unit.
func durationText(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.StringValue(a.Value.Duration().String())
	}
	return a
}

// options returns the server's, or everything that is wrong with the flags.
func (c *serveCmd) options(ctx *kong.Context) (*socketio.Options, error) {
	var errs []error
	wrong := func(flag, text string) { errs = append(errs, wrongFlag(ctx, flag, text)) }
	if _, _, err := net.SplitHostPort(c.Addr); err != nil {
		wrong("addr", ": "+err.Error())
	}
	if c.Drain <= 0 {
		wrong("drain", " cannot be off")
	}
	if c.DrainDelay < 0 {
		wrong("drain-delay", " cannot be negative")
	}
	if c.TLSCert == "" && c.TLSKey != "" {
		wrong("tls-key", " needs --tls-cert")
	}
	if c.TLSCert != "" && c.TLSKey == "" {
		wrong("tls-cert", " needs --tls-key")
	}
	opts := c.Options.options()
	c.Flash.check(opts.Origins, wrong)
	var err error
	if opts.Client, err = c.clients(); err != nil {
		wrong("clients", ": "+err.Error())
	} else if several, ok := opts.Validate().(interface{ Unwrap() []error }); ok {
		for _, err := range several.Unwrap() {
			if wrong := (*socketio.OptionError)(nil); errors.As(err, &wrong) {
				err = wrongOption(ctx, wrong)
			}
			errs = append(errs, err)
		}
	}
	return opts, errors.Join(errs...)
}

// clients returns the official clients' files, or nil.
func (c *serveCmd) clients() (fs.FS, error) {
	if c.Clients == "" {
		return bundled(), nil
	}
	if _, err := os.ReadDir(c.Clients); err != nil {
		return nil, err
	}
	files := os.DirFS(c.Clients)
	if found, _ := fs.Glob(files, "*/socket.io.js"); found == nil {
		return nil, fmt.Errorf("%s has no VERSION/socket.io.js", c.Clients)
	}
	return files, nil
}

// certificate returns the one for TLS, or nil.
func (c *serveCmd) certificate(ctx *kong.Context) (*serve.Certificate, error) {
	if c.TLSCert == "" {
		return nil, nil
	}
	cert, err := serve.NewCertificate(c.TLSCert, c.TLSKey)
	flag := "tls-cert"
	if unread := (*fs.PathError)(nil); errors.As(err, &unread) {
		if unread.Path == c.TLSKey {
			flag = "tls-key"
		}
		err = unread
	}
	if err != nil {
		return nil, wrongFlag(ctx, flag, ": "+err.Error())
	}
	return cert, nil
}

// A site is everything that is served.
type site struct {
	sio      *socketio.Server
	page     http.Handler
	stopping atomic.Bool // no new clients are wanted
}

// newSite makes a site. opts are valid.
func newSite(opts *socketio.Options) *site {
	sio := socketio.NewServer(opts)
	return &site{sio: sio, page: demo.New(sio, opts.Client, shortVersion())}
}

// ServeHTTP routes around http.ServeMux, which redirects paths with two slashes;
// revision 1 clients ask for some.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch path := r.URL.Path; {
	case path == "/socket.io", strings.HasPrefix(path, "/socket.io/"):
		s.sio.ServeHTTP(w, r)
	case path == "/healthz":
		health(w, r, true)
	case path == "/readyz":
		health(w, r, !s.stopping.Load())
	default:
		s.page.ServeHTTP(w, r)
	}
}

// health answers a probe.
func health(w http.ResponseWriter, r *http.Request, ok bool) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	status, text := http.StatusOK, "ok\n"
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		h.Set("Allow", "GET, HEAD")
		status, text = http.StatusMethodNotAllowed, "GET and HEAD only\n"
	case !ok:
		status, text = http.StatusServiceUnavailable, "stopping\n"
	}
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text))
}

// drain ends the clients in the way that makes them come back.
func (s *site) drain(ctx context.Context) error {
	err := s.sio.Shutdown(ctx)
	if err != nil {
		slog.Warn("not everybody was told", "error", err)
	}
	slog.Info("stopped", "left", s.sio.Len())
	return nil
}
