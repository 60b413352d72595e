package main

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/sockeye-io/socketio/examples/internal/visit"
)

const token = "swordfish"

func start(t *testing.T) (base string) {
	srv := newServer(fstest.MapFS{"4.8.4/socket.io.js": {Data: []byte("// client 4.8.4")}})
	base, _ = visit.Start(t, func(ctx context.Context, listener net.Listener) error {
		server := &http.Server{Handler: srv}
		context.AfterFunc(ctx, func() {
			srv.Close()
			server.Close()
		})
		_ = server.Serve(listener) // until it is closed
		return nil
	})
	return base
}

func TestTour(t *testing.T) {
	base := start(t)
	for _, mode := range visit.Modes {
		t.Run(mode.Name, func(t *testing.T) {
			c := visit.Dial(t, mode, base, token)
			if got := c.Ask("sum", `[20, 22.5]`); got != "[42.5]" {
				t.Errorf("got %s", got)
			}
			c.Call("introduce", "")
			id, ok := strings.CutPrefix(c.Next(), "your name?? ")
			if !ok {
				t.Fatalf("got %s", id)
			}
			c.Answer(strings.TrimSuffix(id, "[]"), `"Ann"`)
			c.Want(`answer 7["hello, Ann"]`)
			c.Leave()
			c.End()
		})
	}
}

// TestPicture: bytes for one, text for the other.
func TestPicture(t *testing.T) {
	base := start(t)
	old := visit.Dial(t, visit.Modes[0], base, token)
	young := visit.Dial(t, visit.Modes[2], base, token)
	young.Emit("draw", `"cat"`)
	old.Want(`picture["cat",{"base64":true,"data":"A4D/"}]`)
	old.Emit("draw", `"cat"`)
	young.Want(`picture["cat",{"_placeholder":true,"num":0}]`)
	young.Want("bytes 0380ff")
}

func TestNotAuthorized(t *testing.T) {
	base := start(t)
	for _, mode := range visit.Modes {
		c := visit.Open(t, mode, base, "guess")
		if strings.HasPrefix(mode.Name, "revision 1") {
			c.Want("refused 2") // unauthorized
		} else {
			c.Want(`refused {"message":"not authorized"}`)
		}
	}
}

func TestClientFile(t *testing.T) {
	if res, body := visit.Get(t, start(t)+"/socket.io/socket.io.js"); body != "// client 4.8.4" {
		t.Errorf("%s: %q", res.Status, body)
	}
}
