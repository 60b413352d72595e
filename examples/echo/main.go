// Echo serves Socket.IO behind an echo router and its middleware.
package main

import (
	"context"
	"errors"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"

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

	router := echo.New()
	router.Use(middleware.RequestLogger(), middleware.Recover(), middleware.Gzip())
	router.GET("/", func(c *echo.Context) error { return c.String(http.StatusOK, "a page") })
	router.Any("/socket.io/*", echo.WrapHandler(srv))
	router.Any("/socket.io", echo.WrapHandler(srv)) // of clients that write no slash

	server := &http.Server{
		Handler:           router,
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
