package socketio

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"

	"github.com/sockeye-io/socketio/internal/hub"
	"github.com/sockeye-io/socketio/internal/session"
	"github.com/sockeye-io/socketio/internal/transport"
)

// A Server serves Socket.IO clients of every generation. It is an http.Handler that
// any mux can mount at any path; clients expect "/socket.io/". Its main namespace is
// embedded: handlers for "/" are registered on the Server itself. Create one with
// NewServer. Its methods may be called concurrently.
type Server struct {
	*Namespace
	hub  *hub.Hub
	http *transport.Server
}

// NewServer returns a server that works as opts says; nil: with all defaults. It
// panics with what opts.Validate reports, as http.ServeMux does for a bad pattern,
// and with the error of a bus that cannot be joined.
func NewServer(opts *Options) *Server {
	if err := opts.Validate(); err != nil {
		panic(err)
	}
	o := opts.withDefaults()
	if o.NodeID == "" {
		o.NodeID = randomNode()
	}
	files, err := o.clientFiles()
	if err != nil {
		panic(err) // Validate has just read them
	}
	s := &Server{}
	s.hub = hub.New(hub.Config{
		Context:        o.Context,
		Logger:         o.Logger,
		NodeID:         o.NodeID,
		InboxEvents:    o.MaxInboxEvents,
		InboxBytes:     o.MaxInboxBytes,
		MaxNamespaces:  o.MaxNamespaces,
		MaxRooms:       o.MaxRooms,
		MaxPendingAcks: o.MaxPendingAcks,
		ConnectTimeout: o.ConnectTimeout,
	})
	s.http = transport.New(o.transport(s.hub, files))
	s.hub.SetClock(s.http.Now)
	s.Namespace = s.Of("/")
	if o.Bus != nil {
		if err := s.hub.JoinBus(o.Context, o.Bus); err != nil {
			panic(fmt.Errorf("socketio: cannot join the bus: %w", err))
		}
	}
	return s
}

func randomNode() string {
	var b [6]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// Of returns the namespace called name, which clients may join from now on. A missing
// slash at its beginning is added.
func (s *Server) Of(name string) *Namespace {
	if name == "" || name[0] != '/' {
		name = "/" + name
	}
	return (*Namespace)(s.hub.Namespace(name))
}

// ServeHTTP serves the requests of clients. It relies on no mount path and works
// behind middleware whose ResponseWriter has an Unwrap method.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.http.ServeHTTP(w, r) }

// Shutdown ends the server without losing anything: it takes no new sessions (503)
// and reads no more events, waits until the events it has read are handled, sends
// what is queued, and then ends the connections in the way that makes clients come
// back. If ctx ends before, the rest is cut off and ctx's error is returned.
//
// http.Server.Shutdown knows nothing of WebSockets and waits for polls, so call this
// one first, or register it:
//
//	httpServer.RegisterOnShutdown(func() { srv.Shutdown(ctx) })
func (s *Server) Shutdown(ctx context.Context) error {
	s.http.Refuse()
	drained := s.hub.Drain(ctx)
	ended := s.http.Shutdown(ctx, session.ServerShutdown)
	// OnDisconnect handlers run now.
	handled := s.hub.Drain(ctx)
	left := s.hub.LeaveBus()
	return errors.Join(first(drained, ended, handled), left)
}

// Close cuts off everything at once. It does not wait for handlers: those of events
// that were read before still run.
func (s *Server) Close() error {
	s.http.Close()
	return s.hub.LeaveBus()
}

// first returns the first error.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
