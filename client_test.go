package socketio_test

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/sockeye-io/socketio"
)

// clientFiles are those of two versions.
func clientFiles() fstest.MapFS {
	return fstest.MapFS{
		"0.9.17/socket.io.js":      {Data: []byte("old")},
		"0.9.17/WebSocketMain.swf": {Data: []byte("flash")},
		"4.8.4/socket.io.js":       {Data: []byte("new")},
		"4.8.4/socket.io.min.js":   {Data: []byte("small")},
		"4.8.4/socket.io.js.map":   {Data: []byte("{}")},
	}
}

// TestClientFiles: at any path, behind any mux, beside clients of every generation.
func TestClientFiles(t *testing.T) {
	for _, path := range []string{"/socket.io/", "/", "/app/v1/rt/", "/v1/1/"} {
		t.Run(path, func(t *testing.T) {
			run(t, func(t *testing.T, m mode) {
				s := serve(t, &socketio.Options{Client: clientFiles(), ClientDefault: "0.9"}, func(h http.Handler) http.Handler {
					mux := http.NewServeMux()
					mux.Handle(path, h)
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						mux.ServeHTTP(unwrapping{w}, r)
					})
				})
				for name, want := range map[string]string{
					"socket.io.js": "200 old", "socket.io.v4.8.4.js": "200 new", "socket.io.v4.8.4.min.js": "200 small",
					"static/flashsocket/WebSocketMain.swf": "200 flash", "socket.io.min.js": "404 not found",
				} {
					status, body := s.do(t, "GET", path+name, nil, nil)
					if got := strings.TrimSpace(map[int]string{200: "200 ", 404: "404 "}[status] + body); got != want {
						t.Errorf("%s: %d %s, want %s", name, status, body, want)
					}
				}
				socketio.Reply(s, "hi", func(*socketio.Socket, struct{}) (bool, error) { return true, nil })
				if got := s.connect(m, withPath(path)).ask("hi", ``); got != `[true]` {
					t.Errorf("got %s", got)
				}
			})
		})
	}
}

// TestClientFields: what browsers and caches need, through a whole HTTP server.
func TestClientFields(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := serve(t, &socketio.Options{Client: clientFiles(), Origins: []string{"https://a.example"}})
		tr := &http.Transport{DialContext: s.net.dialContext}
		defer tr.CloseIdleConnections()
		get := func(name string, fields ...string) *http.Response {
			r, _ := http.NewRequest("GET", "http://example.com/socket.io/"+name, nil)
			for _, field := range fields {
				key, value, _ := strings.Cut(field, ": ")
				r.Header.Set(key, value)
			}
			res, err := tr.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, res.Body)
			res.Body.Close()
			return res
		}
		first := get("socket.io.js", "Origin: https://a.example")
		if h := first.Header; first.StatusCode != 200 || h.Get("Access-Control-Allow-Origin") != "https://a.example" ||
			h.Get("Cache-Control") != "public, max-age=0" || h.Get("Content-Type") != "application/javascript; charset=utf-8" {
			t.Errorf("%d %v", first.StatusCode, h)
		}
		again := get("socket.io.js", "If-None-Match: "+first.Header.Get("Etag"))
		if again.StatusCode != 304 {
			t.Errorf("again: %d %v", again.StatusCode, again.Header)
		}
		versioned := get("socket.io.v4.8.4.js").Header
		if versioned.Get("SourceMap") != "socket.io.v4.8.4.js.map" || !strings.Contains(versioned.Get("Cache-Control"), "immutable") {
			t.Errorf("versioned: %v", versioned)
		}
	})
}

// TestNoClient: without Options.Client there are no such names.
func TestNoClient(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := serve(t, nil)
		for _, name := range []string{"socket.io.js", "socket.io.v4.8.4.js", "static/flashsocket/WebSocketMain.swf"} {
			if status, _ := s.do(t, "GET", "/socket.io/"+name, nil, nil); status != 404 {
				t.Errorf("%s: %d", name, status)
			}
		}
	})
}

// unlisted is a file system that cannot be listed.
type unlisted struct{}

func (unlisted) Open(string) (fs.File, error) { return nil, errors.New("the disk is gone") }

func TestClientOptions(t *testing.T) {
	files := clientFiles()
	for _, tt := range []struct {
		o              socketio.Options
		option, reason string // empty: nothing is wrong
	}{
		{socketio.Options{Client: files}, "", ""},
		{socketio.Options{Client: files, ClientDefault: "0.9"}, "", ""},
		{socketio.Options{Client: files, ClientDefault: "4.8.4"}, "", ""},
		{socketio.Options{Client: fstest.MapFS{}}, "", ""}, // built without
		{socketio.Options{Client: files, ClientDefault: "4.8.3"}, "ClientDefault", `there is no such version: "4.8.3", but 4.8.4, 0.9.17`},
		{socketio.Options{Client: files, ClientDefault: "0"}, "", ""},
		{socketio.Options{Client: files, ClientDefault: "."}, "ClientDefault", `there is no such version: ".", but 4.8.4, 0.9.17`},
		{socketio.Options{Client: fstest.MapFS{}, ClientDefault: "4"}, "ClientDefault", `there is no such version: "4", nor any other`},
		{socketio.Options{ClientDefault: "4"}, "ClientDefault", "there is no Client"},
		{socketio.Options{Client: unlisted{}}, "Client", "the disk is gone"},
	} {
		err := tt.o.Validate()
		if tt.option == "" {
			if err != nil {
				t.Errorf("%q: %v", tt.o.ClientDefault, err)
			}
			continue
		}
		var wrong *socketio.OptionError
		if !errors.As(err, &wrong) || wrong.Option != tt.option || wrong.Reason != tt.reason {
			t.Errorf("%q: %v", tt.o.ClientDefault, err)
		}
	}
}
