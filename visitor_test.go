package socketio_test

import (
	"fmt"
	"testing"

	"github.com/sockeye-io/socketio"
)

// An exampleT makes the test client serve examples, which have no testing.T.
type exampleT struct {
	testing.TB
	cleanups []func()
}

func (*exampleT) Name() string { return "Example" }

func (*exampleT) Helper() {}

func (t *exampleT) Cleanup(f func()) { t.cleanups = append(t.cleanups, f) }

func (*exampleT) Fatal(args ...any) { panic(fmt.Sprint(args...)) }

func (*exampleT) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

func (t *exampleT) stop() {
	for i := len(t.cleanups) - 1; i >= 0; i-- {
		t.cleanups[i]()
	}
}

// visitor connects a client, waits until broadcasts see it, and returns how to end it
// all.
func visitor(srv *socketio.Server, m mode) (c *client, stop func()) {
	clients, stop := visitors(srv, m)
	return clients[0], stop
}

// visit connects a client of 2011 and one of today.
func visit(srv *socketio.Server) (old, young *client, stop func()) {
	clients, stop := visitors(srv, rev1Polling, rev5WebSocket)
	return clients[0], clients[1], stop
}

func visitors(srv *socketio.Server, modes ...mode) (clients []*client, stop func()) {
	t := &exampleT{}
	s := host(t, srv, srv)
	seen := make(chan struct{}, len(modes))
	srv.OnConnect(func(*socketio.Socket) error { seen <- struct{}{}; return nil })
	for _, m := range modes {
		clients = append(clients, s.connect(m))
		<-seen // the client hears of it before everybody else does
	}
	return clients, t.stop
}
