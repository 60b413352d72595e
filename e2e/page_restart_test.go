package e2e

import (
	"syscall"
	"testing"

	"github.com/sockeye-io/socketio/e2e/browser"
)

// offline are the complaints of a page whose server is away.
const offline = `ERR_CONNECTION|ERR_EMPTY_RESPONSE|ERR_INCOMPLETE|WebSocket connection to .* failed`

// TestPageRestart: when the server ends, in order or not, the panes come back to the
// next one by themselves, as the people they were, whatever the transport.
func TestPageRestart(t *testing.T) {
	t.Parallel()
	for name, signal := range map[string]syscall.Signal{"ended": syscall.SIGTERM, "killed": syscall.SIGKILL} {
		for _, pair := range [][2]string{{"auto", "auto"}, {"websocket", "websocket"}, {"xhr-polling", "polling"}} {
			t.Run(name+"/"+pair[0]+"+"+pair[1], func(t *testing.T) {
				t.Parallel()
				s := serve(t)
				page, panes := scene(t, s, "the last", "0.9.17:"+pair[0], "4.8.4:"+pair[1])
				talk(t, panes[0], panes[1], "before")
				page.Excuse(offline)
				comeBack(t, s, signal, panes)
				for i, p := range panes {
					if pair[i] != "auto" { // 0.9.17 may fall back when websocket fails
						p.AwaitTransport(pair[i])
					}
					if !p.Heard("before") {
						t.Error("what was said before the restart is gone")
					}
				}
			})
		}
	}
}

// comeBack ends the server by a signal, starts another in its place, and waits until the
// panes of Ann and Bob are there again and talk.
func comeBack(t *testing.T, s *server, signal syscall.Signal, panes []*browser.Pane) *server {
	t.Helper()
	s.stop(t, signal)
	for _, p := range panes {
		p.Await(`doc.body.dataset.state !== "connected"`)
	}
	s = s.restart(t)
	for _, p := range panes {
		p.AwaitState("connected")
	}
	for _, p := range panes {
		p.AwaitPeople("Ann", "Bob")
	}
	talk(t, panes[0], panes[1], "after the restart")
	return s
}
