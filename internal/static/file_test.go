package static

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
)

// source is worth to be compressed, and long enough for ranges.
var source = strings.Repeat("io.connect();\n", 1000)

func build() fstest.MapFS {
	return fstest.MapFS{
		"0.9.17/socket.io.js":      {Data: []byte("0.9 " + source)},
		"0.9.17/WebSocketMain.swf": {Data: []byte("CWS\x0a\x8f\x01")},
		"4.8.4/socket.io.js":       {Data: []byte("4.8 " + source)},
		"4.8.4/socket.io.js.map":   {Data: []byte(`{"version":3}`)},
	}
}

// ask sends a request for a name; fields are "Name: value".
func ask(t testing.TB, f *Files, method, name string, fields ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, "/socket.io/"+name, nil)
	for _, field := range fields {
		key, value, _ := strings.Cut(field, ": ")
		r.Header.Add(key, value)
	}
	w := httptest.NewRecorder()
	found := f.Find(r.URL.Path)
	if found == nil {
		t.Fatalf("there is no %s", name)
	}
	if err := found.Serve(w, r); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return w.Result()
}

// text returns what an answer brings, after its encoding.
func text(t testing.TB, res *http.Response) string {
	t.Helper()
	var r io.Reader = res.Body
	if res.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(r)
		if err != nil {
			t.Fatal(err)
		}
		r = z
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestServe(t *testing.T) {
	f := files(t, build(), "4")
	const js, plain, long = "application/javascript; charset=utf-8", "public, max-age=0", "public, max-age=31536000, immutable"
	for _, tt := range []struct{ name, body, contentType, cache, sourceMap string }{
		{"socket.io.js", "4.8 " + source, js, plain, ""},
		{"socket.io.js.map", `{"version":3}`, "application/json; charset=utf-8", plain, ""},
		// The script names its map without a version.
		{"socket.io.v4.8.4.js", "4.8 " + source, js, long, "socket.io.v4.8.4.js.map"},
		{"socket.io.v4.8.4.js.map", `{"version":3}`, "application/json; charset=utf-8", long, ""},
		{"socket.io.v0.9.17.js", "0.9 " + source, js, long, ""},
		{"static/flashsocket/WebSocketMain.swf", "CWS\x0a\x8f\x01", "application/x-shockwave-flash", plain, ""},
	} {
		for _, method := range []string{"GET", "HEAD"} {
			res := ask(t, f, method, tt.name)
			h, body := res.Header, tt.body
			if res.StatusCode != 200 || h.Get("Content-Type") != tt.contentType || h.Get("Cache-Control") != tt.cache ||
				h.Get("SourceMap") != tt.sourceMap || h.Get("Vary") != "Accept-Encoding" || h.Get("X-Content-Type-Options") != "nosniff" ||
				h.Get("Content-Length") != strconv.Itoa(len(body)) || h.Get("Content-Encoding") != "" || h.Get("Cross-Origin-Resource-Policy") != "cross-origin" {
				t.Errorf("%s %s: %d %v", method, tt.name, res.StatusCode, h)
			}
			if method == "HEAD" {
				body = ""
			}
			if got := text(t, res); got != body {
				t.Errorf("%s %s: %.40q", method, tt.name, got)
			}
		}
	}
}

// TestGzip: what is compressed has its own length and its own tag, for HEAD too.
func TestGzip(t *testing.T) {
	f := files(t, build(), "4")
	plain := ask(t, f, "GET", "socket.io.js")
	for _, method := range []string{"GET", "HEAD"} {
		res := ask(t, f, method, "socket.io.js", "Accept-Encoding: gzip, deflate, br")
		raw, _ := io.ReadAll(res.Body)
		n, err := strconv.Atoi(res.Header.Get("Content-Length"))
		if res.StatusCode != 200 || err != nil || n >= len(source)/10 || res.Header.Get("Content-Encoding") != "gzip" ||
			res.Header.Get("Vary") != "Accept-Encoding" || res.Header.Get("Etag") == plain.Header.Get("Etag") {
			t.Errorf("%s: %d %v", method, res.StatusCode, res.Header)
		}
		if method == "HEAD" {
			if len(raw) != 0 {
				t.Errorf("HEAD has %d bytes", len(raw))
			}
			continue
		}
		res.Body = io.NopCloser(bytes.NewReader(raw))
		if len(raw) != n || text(t, res) != "4.8 "+source {
			t.Errorf("%d bytes, announced %d", len(raw), n)
		}
	}
	// Nothing is won here.
	for _, name := range []string{"static/flashsocket/WebSocketMain.swf", "socket.io.js.map"} {
		if res := ask(t, f, "GET", name, "Accept-Encoding: gzip"); res.Header.Get("Content-Encoding") != "" || text(t, res) == "" {
			t.Errorf("%s: %v", name, res.Header)
		}
	}
}

func TestAcceptsGzip(t *testing.T) {
	for fields, want := range map[string]bool{
		"": false, "gzip": true, "GZIP": true, "x-gzip": true, "deflate, gzip": true, "deflate,gzip;q=0.1": true, "gzip ; q=1": true,
		"gzip;q=0": false, "gzip; q=0.000": false, "br": false, "identity": false, "*": true, "*;q=0": false, "gzip;q=0, *": false,
		"*, gzip;q=0": false, "br|gzip": true, "gzip;q=x": false, "gzip;": true, "gzip;level=9": false, "gzipped": false, "identity;q=1, *;q=0": false,
	} {
		if got := acceptsGzip(strings.Split(fields, "|")); got != want {
			t.Errorf("%q: %t", fields, got)
		}
	}
	if acceptsGzip(nil) {
		t.Error("no field")
	}
}

func TestConditions(t *testing.T) {
	f := files(t, build(), "4")
	plain := ask(t, f, "GET", "socket.io.js").Header.Get("Etag")
	zipped := ask(t, f, "GET", "socket.io.js", "Accept-Encoding: gzip").Header.Get("Etag")
	versioned := ask(t, f, "GET", "socket.io.v4.8.4.js").Header.Get("Etag")
	other := ask(t, f, "GET", "socket.io.v0.9.17.js").Header.Get("Etag")
	if plain != versioned || plain == other || len(plain) < 20 || !strings.HasPrefix(plain, `"`) || !strings.HasSuffix(zipped, `"`) {
		t.Fatalf("tags: %s, versioned %s, of another %s, zipped %s", plain, versioned, other, zipped)
	}
	for _, tt := range []struct {
		fields []string
		status int
	}{
		{[]string{"If-None-Match: " + plain}, 304},
		{[]string{"If-None-Match: W/" + plain}, 304},
		{[]string{`If-None-Match: "x", W/"y",` + plain + `, "z"`}, 304},
		{[]string{"If-None-Match: *"}, 304},
		{[]string{"If-None-Match: " + zipped}, 200},
		{[]string{"If-None-Match: " + other}, 200},
		{[]string{"If-None-Match: 0.9.16:1"}, 200}, // [T static-default]: without quotes
		{[]string{"If-None-Match: " + strings.Trim(plain, `"`)}, 200},
		{[]string{"If-None-Match: " + zipped, "Accept-Encoding: gzip"}, 304},
		{[]string{"If-None-Match: " + plain, "Accept-Encoding: gzip"}, 200},
		{[]string{"If-Match: " + other}, 412},
		{[]string{"If-Match: " + other, "Accept-Encoding: gzip"}, 412},
		{[]string{"If-Match: " + plain}, 200},
		{[]string{"If-Modified-Since: Sat, 01 Jan 2101 00:00:00 GMT"}, 200}, // of no age
	} {
		for _, method := range []string{"GET", "HEAD"} {
			res := ask(t, f, method, "socket.io.js", tt.fields...)
			h := res.Header
			body, _ := io.ReadAll(res.Body)
			if res.StatusCode != tt.status || (len(body) != 0) != (method == "GET" && tt.status == 200) {
				t.Errorf("%s %q: %d, %d bytes", method, tt.fields, res.StatusCode, len(body))
			}
			if tt.status != 200 && (h.Get("Content-Length") != "" || h.Get("Content-Encoding") != "") {
				t.Errorf("%q: %v", tt.fields, h)
			}
			// RFC 9110 §15.4.5: what a 200 would say to caches.
			if tt.status == 304 && (h.Get("Etag") == "" || h.Get("Cache-Control") == "" || h.Get("Vary") == "") {
				t.Errorf("%q: %v", tt.fields, h)
			}
		}
	}
}

// TestRanges are of the file itself, whoever accepts gzip.
func TestRanges(t *testing.T) {
	f := files(t, build(), "4")
	whole := "4.8 " + source
	etag := ask(t, f, "GET", "socket.io.js").Header.Get("Etag")
	for _, tt := range []struct {
		fields string
		status int
		body   string
	}{
		{"Range: bytes=0-9", 206, whole[:10]},
		{"Range: bytes=-5", 206, whole[len(whole)-5:]},
		{"Range: bytes=100-", 206, whole[100:]},
		{"Range: bytes=0-9|Accept-Encoding: gzip", 206, whole[:10]},
		{"Range: bytes=0-9|If-Range: " + etag, 206, whole[:10]},
		{`Range: bytes=0-9|If-Range: "x"|Accept-Encoding: gzip`, 200, whole},
		{"Range: bytes=99999-", 416, "-"},
		{"Range: lines=1-2", 416, "-"},
	} {
		res := ask(t, f, "GET", "socket.io.js", strings.Split(tt.fields, "|")...)
		body := text(t, res)
		if res.StatusCode != tt.status || tt.body != "-" && (body != tt.body || res.Header.Get("Content-Length") != strconv.Itoa(len(body))) || res.Header.Get("Content-Encoding") != "" {
			t.Errorf("%s: %d, %d bytes, %v", tt.fields, res.StatusCode, len(body), res.Header)
		}
	}
}

// TestOwnResourcePolicy: a middleware that has one knows better.
func TestOwnResourcePolicy(t *testing.T) {
	w := httptest.NewRecorder()
	w.Header().Set("Cross-Origin-Resource-Policy", "same-site")
	if err := files(t, build(), "").Find("socket.io.js").Serve(w, httptest.NewRequest("GET", "/socket.io.js", nil)); err != nil || w.Header().Get("Cross-Origin-Resource-Policy") != "same-site" {
		t.Errorf("%v, %v", w.Header(), err)
	}
}

// counting counts how often files are opened.
type counting struct {
	fs.FS
	opened atomic.Int64
}

func (c *counting) Open(name string) (fs.File, error) {
	if strings.HasSuffix(name, ".js") {
		c.opened.Add(1)
	}
	return c.FS.Open(name)
}

// TestReadOnce: a file is read when it is first asked for, under whatever name, and by
// however many at once.
func TestReadOnce(t *testing.T) {
	fsys := build()
	c := &counting{FS: fsys}
	f := files(t, c, "4")
	if n := c.opened.Load(); n != 0 {
		t.Errorf("%d files were read at once", n)
	}
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			res := ask(t, f, "GET", [...]string{"socket.io.js", "socket.io.v4.8.4.js"}[i%2], "Accept-Encoding: "+[...]string{"gzip", "br"}[i/2%2])
			if got := text(t, res); got != "4.8 "+source {
				t.Errorf("got %.20q", got)
			}
		})
	}
	all.Wait()
	fsys["4.8.4/socket.io.js"] = &fstest.MapFile{Data: []byte("changed")}
	if got := text(t, ask(t, f, "GET", "socket.io.js")); got != "4.8 "+source {
		t.Errorf("a name means something else now: %.20q", got)
	}
	if n := c.opened.Load(); n != 1 {
		t.Errorf("read %d times", n)
	}
}

// TestUnreadableFile: the caller is told before anything is written, and the next
// request tries again.
func TestUnreadableFile(t *testing.T) {
	b := &broken{build(), map[string]bool{"4.8.4/socket.io.js": true}}
	f := files(t, b, "4")
	w := httptest.NewRecorder()
	r := httptest.NewRequest("GET", "/socket.io/socket.io.js", nil)
	if err := f.Find("socket.io.js").Serve(w, r); !errors.Is(err, fs.ErrPermission) || len(w.Header()) != 0 || w.Body.Len() != 0 {
		t.Errorf("%v, %v", err, w.Header())
	}
	clear(b.names)
	if res := ask(t, f, "GET", "socket.io.js"); res.StatusCode != 200 {
		t.Errorf("%d", res.StatusCode)
	}
}

// FuzzServe: whatever the fields are, what comes is the file, a part of it, or nothing.
func FuzzServe(f *testing.F) {
	f.Add("gzip", `"x"`, "", "")
	f.Add("*;q=0.5", "*", "bytes=0-0,5-6", `W/"x"`)
	f.Add("x-gzip;q=,", `W/`, "bytes=-1", "")
	whole := "4.8 " + source
	all := files(f, build(), "4")
	f.Fuzz(func(t *testing.T, accept, none, rng, ifRange string) {
		var fields []string
		for name, value := range map[string]string{"Accept-Encoding": accept, "If-None-Match": none, "Range": rng, "If-Range": ifRange} {
			if value != "" {
				fields = append(fields, name+": "+value)
			}
		}
		res := ask(t, all, "GET", "socket.io.js", fields...)
		switch body := text(t, res); res.StatusCode {
		case 200:
			if body != whole {
				t.Fatalf("%q: %d bytes", fields, len(body))
			}
		case 206:
			if rng == "" || !strings.HasPrefix(res.Header.Get("Content-Type"), "multipart/") && !strings.Contains(whole, body) {
				t.Fatalf("%q: %q", fields, body)
			}
		case 304:
			if none == "" || body != "" {
				t.Fatalf("%q: %q", fields, body)
			}
		case 416:
			if rng == "" {
				t.Fatalf("%q", fields)
			}
		default:
			t.Fatalf("%q: %d", fields, res.StatusCode)
		}
	})
}
