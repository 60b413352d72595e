package transport

import (
	"bytes"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/sockeye-io/socketio/internal/static"
)

const scriptBody = "io.connect();"

// withScript serves a client file, /socket.io/socket.io.js, from fsys.
func withScript(t *testing.T, fsys fs.FS) func(*Config) {
	files, err := static.New(fsys)
	if err == nil {
		err = files.SetDefault("")
	}
	if err != nil {
		t.Fatal(err)
	}
	return func(c *Config) { c.Static = files }
}

func scripts() fstest.MapFS {
	return fstest.MapFS{"4.8.4/socket.io.js": {Data: []byte(scriptBody)}}
}

func TestFileMethods(t *testing.T) {
	st := start(t, withScript(t, scripts()))
	for _, tt := range []struct {
		method, path string
		status       int
		body, allow  string
	}{
		{"GET", "/socket.io/socket.io.js", 200, scriptBody, ""},
		{"GET", "/socket.io/socket.io.js?v=1", 200, scriptBody, ""}, // [T static-default]
		{"GET", "/socket.io/socket.io%2Ejs", 200, scriptBody, ""},
		{"GET", "/socket.io/socket.io.v4.8.4.js", 200, scriptBody, ""},
		// Node's looks for files first, too (socket.io 4.8, index.js, attachServe).
		{"GET", "/socket.io/socket.io.js?EIO=4&transport=polling", 200, scriptBody, ""},
		{"GET", "/socket.io/1/socket.io.js?disconnect=1", 200, scriptBody, ""},
		{"HEAD", "/socket.io/socket.io.js", 200, "", ""},
		{"OPTIONS", "/socket.io/socket.io.js", 204, "", "GET, HEAD, OPTIONS"},
		{"POST", "/socket.io/socket.io.js", 405, "method not allowed", "GET, HEAD, OPTIONS"},
		{"PUT", "/socket.io/socket.io.js", 405, "method not allowed", "GET, HEAD, OPTIONS"},
		{"DELETE", "/socket.io/socket.io.js", 405, "method not allowed", "GET, HEAD, OPTIONS"},
		{"GET", "/socket.io/socket.io.min.js", 404, "not found", ""},
		{"GET", "/socket.io/socket.io.v4.8.3.js", 404, "not found", ""},
		{"GET", "/socket.io/static/flashsocket/WebSocketMain.swf", 404, "not found", ""},
		{"GET", "/socket.io/static/nosuch.swf", 404, "not found", ""},
		{"GET", "/socket.io/4.8.4/", 404, "not found", ""},
		{"GET", "/socket.io/..%2f4.8.4%2fsocket.io.j", 404, "not found", ""},
	} {
		r := st.do(tt.method, tt.path, "")
		if r.status != tt.status || r.body != tt.body || r.header.Get("Allow") != tt.allow {
			t.Errorf("%s %s: %+v", tt.method, tt.path, r)
		}
	}
	if n := st.Sessions(); n != 0 {
		t.Errorf("%d sessions were spent", n)
	}
	if r := start(t, nil).do("GET", "/socket.io/socket.io.js", ""); r.status != 404 {
		t.Errorf("without files: %+v", r)
	}
}

// TestFileLimits: what holds for requests holds for these.
func TestFileLimits(t *testing.T) {
	st := start(t, withScript(t, scripts()))
	var many []string
	for i := range 101 {
		many = append(many, fmt.Sprintf("X-%d: x", i))
	}
	if r := st.do("GET", "/socket.io/socket.io.js", "", many...); r.status != 431 {
		t.Errorf("many fields: %+v", r)
	}
	// A body has no place here, is not waited for, and is not the next request.
	w := st.dial()
	w.send("GET /socket.io/socket.io.js HTTP/1.1\r\nHost: x\r\nContent-Length: 10000\r\n\r\nGET / HTTP/1.1\r\n\r\n")
	if r := w.answer(); r.status != 200 || r.body != scriptBody || r.header.Get("Connection") != "close" {
		t.Errorf("with a body: %+v", r)
	}
	w.eof()
	st.Refuse()
	if r := st.do("GET", "/socket.io/socket.io.js", ""); r.status != 200 {
		t.Errorf("while the server stops: %+v", r)
	}
}

// TestFileCORS: every page may run a script; which may read it, or import it as a
// module, the same rules say as elsewhere. Caches are told that it depends.
func TestFileCORS(t *testing.T) {
	const a, b = "http://a.example", "http://b.example"
	for _, tt := range []struct{ why, origins, origin, allowed, credentials string }{
		{"a script tag, or no page", a, "", "", ""},
		{"listed", a, a, a, "true"},
		{"not listed", a, b, "", ""},
		{"null", a, "null", "", ""},
		{"own", "", "http://own.example", "http://own.example", "true"},
		{"own, by default only", "", a, "", ""},
		{"all: no origin", "*", "", "*", ""},
		{"all: any", "*", b, b, ""},
		{"all: null", "*", "null", "null", ""},
	} {
		var log bytes.Buffer
		st := start(t, func(c *Config) {
			withScript(t, scripts())(c)
			c.Origins = strings.Fields(tt.origins)
			c.Logger = slog.New(slog.NewTextHandler(&log, nil))
		})
		fields := []string{"Host: own.example"}
		if tt.origin != "" {
			fields = append(fields, "Origin: "+tt.origin)
		}
		for method, status := range map[string]int{"GET": 200, "HEAD": 200, "OPTIONS": 204} {
			r := st.do(method, "/socket.io/socket.io.js", "", fields...)
			h := r.header
			if r.status != status || h.Get("Access-Control-Allow-Origin") != tt.allowed || h.Get("Access-Control-Allow-Credentials") != tt.credentials {
				t.Errorf("%s: %s: %+v", tt.why, method, r)
			}
			if vary := h["Vary"]; !slices.Contains(vary, "Origin") || method != "OPTIONS" && !slices.Contains(vary, "Accept-Encoding") {
				t.Errorf("%s: %s: Vary is %q", tt.why, method, vary)
			}
			if allow := h.Get("Access-Control-Allow-Methods"); method == "OPTIONS" && allow != "GET, HEAD, OPTIONS" {
				t.Errorf("%s: methods %q", tt.why, allow)
			}
		}
		if log.Len() > 0 {
			t.Errorf("%s: logged %s", tt.why, &log)
		}
	}
	two := start(t, withScript(t, scripts())).do("GET", "/socket.io/socket.io.js", "", "Host: own.example", "Origin: http://own.example", "Origin: http://own.example")
	if two.status != 200 || two.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("two origins: %+v", two)
	}
}

// TestFileBehindProxy: the server's own origin is what a trusted proxy says.
func TestFileBehindProxy(t *testing.T) {
	st := start(t, func(c *Config) {
		withScript(t, scripts())(c)
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	r := st.do("GET", "/socket.io/socket.io.js", "", "X-Forwarded-Proto: https", "X-Forwarded-Host: own.example", "X-Forwarded-For: 1.2.3.4", "Origin: https://own.example")
	if r.status != 200 || r.header.Get("Access-Control-Allow-Origin") != "https://own.example" {
		t.Errorf("%+v", r)
	}
}

// gone is a file system whose files are there only for who lists them.
type gone struct{ fs.FS }

func (g gone) Open(name string) (fs.File, error) {
	if strings.HasSuffix(name, ".js") {
		return nil, &fs.PathError{Op: "open", Path: "/secret/" + name, Err: fs.ErrNotExist}
	}
	return g.FS.Open(name)
}

// TestFileGone: the log has the reason, the client has not.
func TestFileGone(t *testing.T) {
	var log bytes.Buffer
	st := start(t, func(c *Config) {
		withScript(t, gone{scripts()})(c)
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
	})
	r := st.do("GET", "/socket.io/socket.io.js", "")
	if r.status != 500 || r.body != "internal server error" || r.header.Get("Cache-Control") != "no-store" || r.header.Get("Etag") != "" {
		t.Errorf("%+v", r)
	}
	st.http.Close()
	if !strings.Contains(log.String(), "/secret/4.8.4/socket.io.js") {
		t.Errorf("the log has %s", &log)
	}
}
