//go:build clients

package main

import (
	"os/exec"
	"strings"
	"testing"
)

// tries runs a client in Node as a page does, and says which transports it will try
// with a server that has all.
const tries = `
const page = { location: { protocol: "http:", hostname: "x", port: "" }, navigator: { userAgent: "", platform: "" } };
page.window = page;
page.document = { domain: "x", readyState: "loading", documentElement: { style: {} }, addEventListener() {}, getElementById: () => null,
	getElementsByTagName: () => [], createElement: () => ({}) };
page.addEventListener = () => {};
require("vm").runInNewContext(require("fs").readFileSync(0, "utf8"), page);
const socket = new page.io.Socket({ "auto connect": false });
console.log(page.io.version, page.io.transports.join(), socket.options.transports.join());
`

// TestBundledChoice: the client of 0.9 takes the transports that its script's name says,
// and tries these in this order.
func TestBundledChoice(t *testing.T) {
	p := start(t)
	for name, want := range map[string]string{
		"socket.io.v0.9.17.js":                              "websocket,flashsocket,htmlfile,xhr-polling,jsonp-polling",
		"socket.io+websocket.js":                            "websocket",
		"socket.io+xhr-polling+websocket.js":                "xhr-polling,websocket",
		"socket.io+xhr-polling+websocket.min.js":            "xhr-polling,websocket",
		"socket.io+xhr-polling+nosuch+websocket.v0.9.17.js": "xhr-polling,websocket",
		"socket.io+jsonp-polling.v0.9.17.min.js":            "jsonp-polling",
	} {
		res, script := p.do("GET", "/socket.io/"+name, "")
		if res.StatusCode != 200 {
			t.Errorf("%s: %d %.100q", name, res.StatusCode, script)
			continue
		}
		node := exec.CommandContext(t.Context(), "node", "-e", tries)
		node.Stdin = strings.NewReader(script)
		out, err := node.CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != "0.9.17 "+want+" "+want {
			t.Errorf("%s: %v, …%s; want %s", name, err, got[max(0, len(got)-500):], want)
		}
	}
	p.answers("GET", "/socket.io/socket.io+nosuch.js", 500, "Error serving static /socket.io+nosuch.js")
}
