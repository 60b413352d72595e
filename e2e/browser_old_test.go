package e2e

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/socketio"
	"github.com/sockeye-io/socketio/e2e/browser"
)

// TestBrowserOld has npm's browser builds of 0.7.11, 0.8.7 and 0.9.17 in Chromium, on
// every transport that it can do, htmlfile by a stand-in for what Internet Explorer
// had, from the server's own origin and from another that Origins lists.
func TestBrowserOld(t *testing.T) {
	need(t, sockeye)
	t.Parallel()
	for _, client := range oldClients {
		for _, transport := range []string{"websocket", "xhr-polling", "jsonp-polling", "htmlfile"} {
			for _, cross := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/cross=%v", client, transport, cross), func(t *testing.T) {
					t.Parallel()
					driveOld(t, client, transport, cross)
				})
			}
		}
	}
}

func driveOld(t *testing.T, client, transport string, cross bool) {
	l, home := listen(t)
	lines := &cuttable{Listener: l, conns: map[net.Conn]struct{}{}}
	options := &socketio.Options{Revision1: rev1Beat, Origins: []string{"http://nobody.example"}}
	if cross {
		// The page has a server of its own, which is not cut.
		pages, origin := listen(t)
		s := openSite(t, pages, nil)
		s.servePage(client)
		options.Origins, home = []string{origin}, origin
	}
	s := openSite(t, lines, options)
	s.servePage(client)

	expect := transport
	if transport == "htmlfile" && cross {
		// "We can probably do handling for sub-domains", says the client, and does not.
		transport, expect = "htmlfile+xhr-polling", "xhr-polling"
	}
	steps := []string{"texts", "acks", "burst", "kick", "disconnect", "cut"}
	if client == "0.8" && expect == "htmlfile" {
		// Only its timers could notice, and of those 0.8 stops the only one, the close
		// timeout, at the first packet.
		steps = steps[:len(steps)-1]
	}
	page := show(t, home+"/page?"+url.Values{
		"server": {s.url}, "transport": {transport}, "expect": {expect}, "steps": {strings.Join(steps, ",")},
	}.Encode())
	page.Excuse(`net::ERR_|WebSocket connection to`) // of connections that are cut
	for {
		page.Await(`(stage === "done" || stage === "down" || stage === "up" || stage.startsWith("left?")) || window.failure`)
		if failure := browser.Eval[string](page, `String(window.failure || "")`); failure != "" {
			t.Fatalf("%s\n%s", failure, browser.Eval[string](page, `document.body.innerText`))
		}
		stage := browser.Eval[string](page, `stage`)
		if stage == "done" {
			return
		}
		if _, id, ok := strings.Cut(stage, "left?"); ok {
			s.awaitLeft(t, id)
		} else {
			lines.turn(stage == "down")
		}
		browser.Eval[bool](page, `(stage = "going on", proceed(), true)`)
	}
}

// awaitLeft waits until the server has noticed that a client is gone.
func (s *site) awaitLeft(t *testing.T, id string) {
	t.Helper()
	var others []string
	for deadline := time.After(patience); ; {
		select {
		case left := <-s.left:
			if left == id {
				return
			}
			others = append(others, left)
		case <-deadline:
			t.Fatalf("%s does not leave, but %s did", id, slices.Sorted(slices.Values(others)))
		}
	}
}

// servePage has the site serve a page with a client's browser build.
func (s *site) servePage(client string) {
	files := map[string]string{
		"/client.js":  "clients/node_modules/socket.io-client-" + client + "/dist/socket.io.js",
		"/activex.js": "../cmd/sockeye/internal/demo/page/activex.js",
		"/page.js":    "clients/page.js",
	}
	for path, name := range files {
		s.files.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, name) })
	}
	s.files.HandleFunc("/favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	s.files.HandleFunc("/page", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, `<!doctype html><title>an old client</title><body>
<script src="client.js"></script><script src="page.js"></script>`)
	})
}
