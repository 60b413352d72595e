package socketio_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sockeye-io/socketio"
)

// unwrapping is a middleware's ResponseWriter of the good kind.
type unwrapping struct{ inner http.ResponseWriter }

func (w unwrapping) Header() http.Header         { return w.inner.Header() }
func (w unwrapping) Write(p []byte) (int, error) { return w.inner.Write(p) }
func (w unwrapping) WriteHeader(status int)      { w.inner.WriteHeader(status) }
func (w unwrapping) Unwrap() http.ResponseWriter { return w.inner }

// opaque is one of the bad kind.
type opaque struct{ http.ResponseWriter }

// TestMount: at any path, behind any mux and any middleware with Unwrap.
func TestMount(t *testing.T) {
	for _, path := range []string{"/socket.io/", "/", "/app/v1/rt/", "/v1/1/"} {
		t.Run(path, func(t *testing.T) {
			run(t, func(t *testing.T, m mode) {
				s := serve(t, nil, func(h http.Handler) http.Handler {
					mux := http.NewServeMux()
					mux.Handle(path, h)
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						mux.ServeHTTP(unwrapping{unwrapping{w}}, r)
					})
				})
				socketio.Reply(s, "hi", func(so *socketio.Socket, _ struct{}) (bool, error) {
					return strings.HasPrefix(so.Handshake().URL, path), nil
				})
				if got := s.connect(m, withPath(path)).ask("hi", ``); got != `[true]` {
					t.Errorf("got %s", got)
				}
			})
		})
	}
}

// TestOpaqueWriter: a middleware in the way is answered with 500 and named in the log.
func TestOpaqueWriter(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, nil, func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(opaque{w}, r) })
		})
		c, err := s.tryDial(m)
		if m.rev1 && !m.streaming() && err == nil { // its handshake needs no flush
			c.ended()
		} else if err == nil || !strings.Contains(err.Error(), "500") {
			t.Errorf("err = %v", err)
		}
		if !s.log.has("socketio_test.opaque", "Unwrap") {
			t.Error("the writer's type is not logged")
		}
	})
}

// TestServersInOneProcess: they share nothing, and number their generations as they
// like.
func TestServersInOneProcess(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		all := serve(t, nil)
		reversed := serve(t, &socketio.Options{Generations: []string{"revision 5", "revision 1"}})
		single := serve(t, &socketio.Options{Generations: []string{m.generation()}})
		for i, s := range []*site{all, reversed, single} {
			socketio.Reply(s, "which", func(*socketio.Socket, struct{}) (int, error) { return i, nil })
		}
		var clients []*client
		for i, s := range []*site{all, reversed, single} {
			c := s.connect(m)
			if got := c.ask("which", ``); got != "["+string('0'+rune(i))+"]" {
				t.Errorf("%d: got %s", i, got)
			}
			clients = append(clients, c)
		}
		all.Emit("e", []byte("bin"))
		if got := clients[0].next(); got.name != "e" {
			t.Errorf("got %s", got)
		}
		all.Close()
		clients[1].silence()
		clients[2].silence()
	})
}
