// Command conformance is a small Socket.IO application that is the same for every
// server under comparison: any client of any generation can drive it. It serves
// Socket.IO under /socket.io/ and an echo of bare Engine.IO under /engine.io/.
//
// When it accepts connections it prints one line, "listening on http://HOST:PORT".
// SIGTERM and SIGINT drain it; its status is 0 then.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/pprof"
	"syscall"
	"time"
)

func main() {
	c := config{}
	flag.StringVar(&c.addr, "addr", "127.0.0.1:3000", "`HOST:PORT` to listen on")
	flag.DurationVar(&c.pingInterval, "ping-interval", 25*time.Second, "interval of heartbeats")
	flag.DurationVar(&c.pingTimeout, "ping-timeout", 20*time.Second, "time to answer a heartbeat")
	flag.IntVar(&c.maxPayload, "max-payload", 1_000_000, "`BYTES` of the largest message or body")
	flag.StringVar(&c.engine, "engine", "", "`NAME` of what serves WebSockets, epoll or goroutine (epoll where there is one)")
	flag.StringVar(&c.profile, "cpuprofile", "", "`FILE` for a CPU profile of the whole run")
	flag.Parse()
	flag.Visit(func(f *flag.Flag) { c.timersSet = c.timersSet || f.Name == "ping-interval" || f.Name == "ping-timeout" })
	if err := run(&c); err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}

// drainTime bounds the stop: what peers have not read by then is cut off.
const drainTime = 8 * time.Second

func run(c *config) error {
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if c.profile != "" {
		f, err := os.Create(c.profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	if err := c.options().Validate(); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	a := newApp(c)
	ln, err := net.Listen("tcp", c.addr)
	if err != nil {
		return err
	}
	// These three belong to http.Server: heads, silent and idle connections.
	srv := &http.Server{
		Handler:           a,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       30 * time.Second,
		MaxHeaderBytes:    12 << 10,
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }() // ends with Close below
	fmt.Printf("listening on http://%s\n", ln.Addr())
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	stop() // a second signal kills
	pprof.StopCPUProfile()
	drain, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	if err := a.shutdown(drain); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		slog.Warn("drain", "error", err)
	}
	return srv.Close()
}
