//go:build clients

package main

import (
	"strings"
	"testing"
)

// TestBundled: npm's clients are in the program, and are what they say.
func TestBundled(t *testing.T) {
	p := start(t)
	for target, want := range map[string]string{
		"/socket.io/socket.io.js":             "Socket.IO v4.8.4",
		"/socket.io/socket.io.min.js":         "Socket.IO v4.8.4",
		"/socket.io/socket.io.esm.min.js":     "Socket.IO v4.8.4",
		"/socket.io/socket.io.v4.8.4.js":      "Socket.IO v4.8.4",
		"/socket.io/socket.io.v0.9.17.js":     "io.version = '0.9.17'",
		"/socket.io/socket.io.v0.9.17.min.js": "0.9.17",
		"/socket.io/socket.io.v0.8.7.js":      "io.version = '0.8.7'",
		"/socket.io/socket.io.v0.7.11.js":     "io.version = '0.7.11'",
		"/socket.io/socket.io.v4.8.4.js.map":  `"version":3`,
	} {
		if res, body := p.do("GET", target, ""); want != "" && (res.StatusCode != 200 || !strings.Contains(body, want)) {
			t.Errorf("%s: %d %.100q", target, res.StatusCode, body)
		}
	}
	if _, list := p.do("GET", "/clients.json", ""); !strings.Contains(list, `"clients":["0.7.11","0.8.7","0.9.17","4.8.4"]`) {
		t.Errorf("the page is told %s", list)
	}
}
