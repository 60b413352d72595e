package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSite: who answers for which path.
func TestSite(t *testing.T) {
	p := start(t)
	for _, c := range []struct {
		method, target string
		status         int
		kind, body     string // the type of the content; what it has
	}{
		{"GET", "/", 200, "text/html; charset=utf-8", "<title>"},
		{"HEAD", "/", 200, "text/html; charset=utf-8", ""},
		{"GET", "/healthz", 200, "text/plain; charset=utf-8", "ok\n"},
		{"GET", "/readyz", 200, "text/plain; charset=utf-8", "ok\n"},
		{"POST", "/healthz", 405, "text/plain; charset=utf-8", "GET and HEAD only\n"},
		{"DELETE", "/readyz", 405, "text/plain; charset=utf-8", "GET and HEAD only\n"},
		{"GET", "/nothing", 404, "text/plain; charset=utf-8", ""},
		{"GET", "/socket.iox", 404, "text/plain; charset=utf-8", ""},
		// Without the slash, as clients of 4.6 and later may ask (addTrailingSlash).
		{"GET", "/socket.io?EIO=4&transport=polling", 200, "text/plain; charset=UTF-8", `0{"sid":`},
		{"GET", "//socket.io/", 404, "text/plain; charset=utf-8", ""},
		{"GET", "/socket.io/?EIO=4&transport=polling", 200, "text/plain; charset=UTF-8", `0{"sid":`},
		// http.ServeMux would redirect paths with two slashes, and no client of
		// revision 1 follows.
		{"GET", "/socket.io//1/", 200, "text/plain", ":60:60:"},
		{"GET", "/socket.io/1//nobody/?disconnect", 200, "", ""}, // ends a session, known or not
	} {
		res, body := p.do(c.method, c.target, "")
		kind := res.Header.Get("Content-Type")
		if res.StatusCode != c.status || c.kind != "" && kind != c.kind || !strings.Contains(body, c.body) {
			t.Errorf("%s %s: %d %q %.100q", c.method, c.target, res.StatusCode, kind, body)
		}
		if allow := res.Header.Get("Allow"); (c.status == 405) != (allow == "GET, HEAD") {
			t.Errorf("%s %s: Allow is %q", c.method, c.target, allow)
		}
		if strings.HasSuffix(c.target, "z") && (res.Header.Get("Cache-Control") != "no-store" || res.Header.Get("X-Content-Type-Options") != "nosniff") {
			t.Errorf("%s %s: %v", c.method, c.target, res.Header)
		}
	}
}

// TestServed: flags reach the server that is built of them.
func TestServed(t *testing.T) {
	p := start(t, "--generations=revision-1", "--revision1-heartbeat-timeout=70s", "--transports=xhr-polling", "--max-payload=100")
	if res, body := p.do("GET", "/socket.io/1/", ""); res.StatusCode != 200 || !strings.HasSuffix(body, ":70:60:xhr-polling") {
		t.Errorf("revision 1: %d %q", res.StatusCode, body)
	}
	if res, body := p.do("GET", "/socket.io/?EIO=4&transport=polling", ""); res.StatusCode != 400 {
		t.Errorf("revision 5: %d %q", res.StatusCode, body)
	}
	c := p.rev1("xhr-polling")
	if res, _ := p.do("POST", c.url, strings.Repeat("x", 101)); res.StatusCode != 413 {
		t.Errorf("101 bytes: %d", res.StatusCode)
	}
}

// TestClients: the official clients of a directory are served, and the page knows them.
func TestClients(t *testing.T) {
	dir := t.TempDir()
	for _, version := range []string{"0.9.17", "4.8.4"} {
		if err := os.Mkdir(filepath.Join(dir, version), 0o700); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"socket.io.js", "socket.io.min.js"} {
			if err := os.WriteFile(filepath.Join(dir, version, name), []byte("// "+name+" "+version), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct{ flag, version string }{
		{"", "4.8.4"}, // the newest
		{"0.9", "0.9.17"},
		{"4", "4.8.4"},
		{"0.9.17", "0.9.17"},
	} {
		p := start(t, "--clients", dir, "--client-default", c.flag)
		p.answers("GET", "/socket.io/socket.io.js", 200, "// socket.io.js "+c.version)
		p.answers("GET", "/socket.io/socket.io.v0.9.17.js", 200, "// socket.io.js 0.9.17")
		p.answers("GET", "/socket.io/socket.io.v4.8.4.min.js", 200, "// socket.io.min.js 4.8.4")
		if _, list := p.do("GET", "/clients.json", ""); !strings.Contains(list, `"clients":["0.9.17","4.8.4"]`) {
			t.Errorf("the page is told %s", list)
		}
	}
	for args, want := range map[string]string{
		"--client-default 5 --clients " + dir: "--client-default",
		"--client-default 4.8.4":              "--client-default",
	} {
		if _, stderr, status := output(t, nil, strings.Fields(args)...); status != 2 || !strings.HasPrefix(stderr, "sockeye: "+want) {
			t.Errorf("%s: %d %s", args, status, stderr)
		}
	}
}

// TestNoClients: without them the page still has its own script.
func TestNoClients(t *testing.T) {
	if bundled() != nil {
		t.Skip("they are built in")
	}
	p := start(t)
	if res, body := p.do("GET", "/socket.io/socket.io.js", ""); res.StatusCode != 404 {
		t.Errorf("/socket.io/socket.io.js: %d %.100q", res.StatusCode, body)
	}
	if _, list := p.do("GET", "/clients.json", ""); !strings.Contains(list, `"clients":[]`) && !strings.Contains(list, `"clients":null`) {
		t.Errorf("the page is told %s", list)
	}
}
