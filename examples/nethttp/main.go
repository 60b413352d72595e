// Nethttp serves Socket.IO and pages of its own with net/http alone.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/sockeye-io/socketio"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	listener, err := net.Listen("tcp", ":3000")
	if err != nil {
		log.Fatal(err)
	}
	if err := run(ctx, listener); err != nil {
		log.Fatal(err)
	}
}

// run serves until ctx ends, and then sends what is still queued.
func run(ctx context.Context, listener net.Listener) error {
	srv := socketio.NewServer(nil)
	socketio.Reply(srv, "say", func(s *socketio.Socket, text string) (int, error) {
		return srv.Len() - 1, s.Broadcast().Emit("said", text) // acknowledged: how many others there are
	})
	srv.OnDisconnect(func(_ *socketio.Socket, reason string) { srv.Emit("left", reason) })

	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "a page") })

	server := &http.Server{
		Handler:           route(srv, mux),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       30 * time.Second,
		MaxHeaderBytes:    12 << 10,
	}
	stopped := make(chan error, 1)
	context.AfterFunc(ctx, func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		// In this order: http.Server waits for polls, and knows nothing of WebSockets.
		stopped <- errors.Join(srv.Shutdown(ctx), server.Shutdown(ctx))
	})
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}

// route hands Socket.IO's requests over before the mux sees them. ServeMux redirects
// paths such as /socket.io/1//SID, by which 0.9 clients say goodbye when their page
// is closed and nobody follows a redirect any more.
func route(srv, mux http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path+"/", "/socket.io/") {
			srv.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}
