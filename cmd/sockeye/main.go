// Command sockeye serves a chat in which clients of every Socket.IO generation talk
// in one room. Open two windows on http://localhost:3000.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	addr := flag.String("addr", "localhost:3000", "`HOST:PORT` to listen on")
	flag.Parse()
	if err := run(*addr); err != nil {
		slog.Error("sockeye", "error", err)
		os.Exit(1)
	}
}

// drainTime bounds the stop: what peers have not read by then is cut off.
const drainTime = 8 * time.Second

func run(addr string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	chat := newChat()
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	srv := &http.Server{
		Handler:           chat,
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
	drain, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	if err := chat.sio.Shutdown(drain); err != nil {
		slog.Warn("not everybody was told", "error", err)
	}
	return srv.Close()
}
