//go:build clients

package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// tries runs a client in Node as a page does, and says which transports it has, and which
// it tries with a server that tells it of SERVED.
const tries = `
const page = { location: { protocol: "http:", hostname: "x", port: "" }, navigator: { userAgent: "", platform: "" } };
page.window = page;
page.document = { domain: "x", readyState: "loading", documentElement: { style: {} }, addEventListener() {}, getElementById: () => null,
	getElementsByTagName: () => [], createElement: () => ({}) };
page.addEventListener = () => {};
require("vm").runInNewContext(require("fs").readFileSync(0, "utf8"), page);
const socket = new page.io.Socket({ "auto connect": false });
const tried = page.io.util.intersect(process.env.SERVED.split(","), socket.options.transports);
console.log(page.io.version, page.io.transports.join(), tried.join());
`

// runs returns what tries says of a client's script.
func (p *program) runs(name, served string) string {
	p.Helper()
	res, script := p.do("GET", "/socket.io/"+name, "")
	if res.StatusCode != 200 {
		p.Fatalf("%s: %d %.100q", name, res.StatusCode, script)
	}
	node := exec.CommandContext(p.Context(), "node", "-e", tries)
	node.Env = append(os.Environ(), "SERVED="+served)
	node.Stdin = strings.NewReader(script)
	out, err := node.CombinedOutput()
	if err != nil {
		p.Errorf("%s: %v, …%s", name, err, out[max(0, len(out)-500):])
	}
	return strings.TrimSpace(string(out))
}

// TestBundledChoice: clients of 0.7 to 0.9 take the transports that their script's name
// says, and try these in this order.
func TestBundledChoice(t *testing.T) {
	p := start(t)
	const all = "websocket,flashsocket,htmlfile,xhr-polling,jsonp-polling"
	for name, want := range map[string]string{
		"socket.io+websocket.js":                            "0.9.17 websocket",
		"socket.io+xhr-polling+websocket.js":                "0.9.17 xhr-polling,websocket",
		"socket.io+xhr-polling+websocket.min.js":            "0.9.17 xhr-polling,websocket",
		"socket.io+xhr-polling+nosuch+websocket.v0.9.17.js": "0.9.17 xhr-polling,websocket",
		"socket.io+jsonp-polling.v0.9.17.min.js":            "0.9.17 jsonp-polling",
		"socket.io+xhr-polling+websocket.v0.8.7.js":         "0.8.7 xhr-polling,websocket",
		"socket.io+htmlfile+xhr-polling.v0.7.11.min.js":     "0.7.11 htmlfile,xhr-polling",
	} {
		_, list, _ := strings.Cut(want, " ")
		if got := p.runs(name, all); got != want+" "+list {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	p.answers("GET", "/socket.io/socket.io+nosuch.js", 500, "Error serving static /socket.io+nosuch.js")
}

// TestBundledOrder: what a client that was told nothing tries, and in which order, is
// what the server's handshake says.
func TestBundledOrder(t *testing.T) {
	const all = "websocket,flashsocket,htmlfile,xhr-polling,jsonp-polling"
	for _, transports := range []string{all, "xhr-polling,websocket", "jsonp-polling,xhr-polling,htmlfile,flashsocket,websocket"} {
		p := start(t, "--transports="+transports)
		_, handshake := p.do("GET", "/socket.io/1/", "")
		served := handshake[strings.LastIndexByte(handshake, ':')+1:]
		if got := p.runs("socket.io.v0.9.17.js", served); got != "0.9.17 "+all+" "+transports {
			t.Errorf("%s: %s", transports, got)
		}
	}
}
