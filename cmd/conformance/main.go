// Command conformance is a small Socket.IO application that is the same for every
// server under comparison: any client of any generation can drive it. It serves
// Socket.IO under /socket.io/ and an echo of bare Engine.IO under /engine.io/.
//
// When it accepts connections it prints one line, "listening on http://HOST:PORT".
// SIGTERM and SIGINT drain it; its status is 0 then.
package main

import (
	"flag"
	"fmt"
	"log/slog"
	"os"
	"runtime/pprof"
	"time"

	"github.com/sockeye-io/socketio/internal/serve"
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
	a := newApp(c)
	program := serve.Program{
		Addr: c.addr, Handler: a, Drain: a.shutdown,
		Stopping: pprof.StopCPUProfile, // the drain is not what is measured
	}
	return program.Run()
}
