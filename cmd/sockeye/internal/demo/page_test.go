package demo

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestPage(t *testing.T) {
	inHouse(t, nil, func(h *house) {
		for path, want := range map[string]struct {
			status  int
			kind    string
			content string
		}{
			"/":                     {200, "text/html; charset=utf-8", `<script type="module" src="index.js"></script>`},
			"/index.html":           {200, "text/html; charset=utf-8", `<script type="module" src="index.js"></script>`},
			"/pane.html?client=4":   {200, "text/html; charset=utf-8", `id="wire"`},
			"/pane.js":              {200, "text/javascript; charset=utf-8", "./tap.js"},
			"/adapter-0.9.js":       {200, "text/javascript; charset=utf-8", "io.connect"},
			"/pane.css":             {200, "text/css; charset=utf-8", "#wire"},
			"/icon.svg":             {200, "image/svg+xml", "<svg"},
			"/clients.json":         {200, "application/json", `{"version":"v1.2.3","clients":[]}`},
			"/nothing":              {404, "text/plain; charset=utf-8", ""},
			"/page/index.html":      {404, "text/plain; charset=utf-8", ""},
			"/../demo.go":           {404, "text/plain; charset=utf-8", ""},
			"/%2e%2e/demo.go":       {404, "text/plain; charset=utf-8", ""},
			"/socket.io":            {404, "text/plain; charset=utf-8", ""},
			"//socket.io/":          {404, "text/plain; charset=utf-8", ""},
			"//pane.html":           {404, "text/plain; charset=utf-8", ""},
			"/pane.html/":           {404, "text/plain; charset=utf-8", ""},
			"/clients.json/../x.js": {404, "text/plain; charset=utf-8", ""},
		} {
			res, body := h.request("GET", path, "", nil)
			if res.StatusCode != want.status || res.Header.Get("Content-Type") != want.kind || !strings.Contains(body, want.content) {
				t.Errorf("%s: %d %q %.100q", path, res.StatusCode, res.Header.Get("Content-Type"), body)
			}
			checkHeaders(t, path, res)
		}
	})
}

// checkHeaders: whatever the answer, nothing but the page's own files may run.
func checkHeaders(t *testing.T, path string, res *http.Response) {
	t.Helper()
	csp := res.Header.Get("Content-Security-Policy")
	for _, must := range []string{"default-src 'self'", "img-src 'self' blob: data:", "frame-ancestors 'self'", "base-uri 'none'"} {
		if !slices.Contains(strings.Split(csp, "; "), must) {
			t.Errorf("%s: the policy %q has no %q", path, csp, must)
		}
	}
	if strings.Contains(csp, "unsafe") || strings.Contains(csp, "*") {
		t.Errorf("%s: the policy is %q", path, csp)
	}
	if res.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%s: types may be guessed: %v", path, res.Header)
	}
}

// TestPageCache: browsers ask each time, and get a file only when it has changed.
func TestPageCache(t *testing.T) {
	inHouse(t, nil, func(h *house) {
		tags := map[string]bool{}
		for _, path := range []string{"/index.html", "/pane.html", "/pane.js", "/clients.json"} {
			res, body := h.request("GET", path, "", nil)
			tag := res.Header.Get("ETag")
			if res.Header.Get("Cache-Control") != "no-cache" || tag == "" || tags[tag] {
				t.Errorf("%s: %v", path, res.Header)
			}
			tags[tag] = true
			again, empty := h.request("GET", path, "", http.Header{"If-None-Match": {tag}})
			if again.StatusCode != 304 || empty != "" {
				t.Errorf("%s again: %d %.100q", path, again.StatusCode, empty)
			}
			checkHeaders(t, path, again)
			if other, _ := h.request("GET", path, "", http.Header{"If-None-Match": {`"old"`}}); other.StatusCode != 200 {
				t.Errorf("%s with an old tag: %d", path, other.StatusCode)
			}
			head, empty := h.request("HEAD", path, "", nil)
			if head.StatusCode != 200 || empty != "" || int(head.ContentLength) != len(body) {
				t.Errorf("HEAD %s: %d %d %.100q", path, head.StatusCode, head.ContentLength, empty)
			}
			for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS"} {
				if res, _ := h.request(method, path, "", nil); res.StatusCode != 405 || res.Header.Get("Allow") != "GET, HEAD" {
					t.Errorf("%s %s: %d %v", method, path, res.StatusCode, res.Header)
				}
			}
		}
	})
}

func TestClients(t *testing.T) {
	clients := fstest.MapFS{
		"4.8.4/socket.io.js":          {},
		"4.10.0/socket.io.js":         {},
		"0.9.17/socket.io.js":         {},
		"0.9.6/socket.io.js":          {},
		"1.0.0/socket.io.js":          {},
		"1.0.0-rc.10/socket.io.js":    {},
		"1.0.0-rc.2/socket.io.js":     {},
		"5.0.0/socket.io.min.js":      {}, // cannot be run by its name
		"6.0.0/socket.io.js/index.js": {}, // a directory
		"socket.io.js":                {},
		"README":                      {},
	}
	inHouse(t, clients, func(h *house) {
		_, body := h.request("GET", "/clients.json", "", nil)
		if want := `{"version":"v1.2.3","clients":["0.9.6","0.9.17","1.0.0-rc.2","1.0.0-rc.10","1.0.0","4.8.4","4.10.0"]}`; body != want {
			t.Errorf("got %s, want %s", body, want)
		}
	})
}

// TestNoMarkup: what strangers wrote is set as text. Nothing in the page's scripts
// makes elements or code of a string, and its documents have no script or style inside,
// which the policy would refuse.
func TestNoMarkup(t *testing.T) {
	markup := map[string]*regexp.Regexp{
		".js": regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|` +
			`DOMParser|createContextualFragment|setHTML|srcdoc|set(?:Timeout|Interval)\(['"` + "`]"),
		".html": regexp.MustCompile(`(?i)<script(?:[^>]*)>[^<]|<style|\sstyle=|\son\w+=|javascript:|src="https?:`),
		".svg":  regexp.MustCompile(`(?i)<script|<style|\son\w+=|href`),
	}
	for ext, sees := range map[string]string{
		".js": `e.innerHTML = x`, ".html": `<img src=x onerror="alert(1)">`, ".svg": `<svg onload="x">`,
	} {
		if !markup[ext].MatchString(sees) {
			t.Errorf("%s is not seen", sees)
		}
	}
	seen := map[string]int{}
	err := fs.WalkDir(embedded, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := fs.ReadFile(embedded, name)
		ext := path.Ext(name)
		seen[ext]++
		if re := markup[ext]; re != nil && re.Match(b) {
			t.Errorf("%s has %q", name, re.Find(b))
		}
		return err
	})
	if err != nil || seen[".js"] < 10 || seen[".html"] != 2 || seen[".svg"] != 1 {
		t.Errorf("looked into %v: %v", seen, err)
	}
}

// TestPageLimits: the page tells of the same limits as the server has.
func TestPageLimits(t *testing.T) {
	for name, want := range map[string][]string{
		"page/pane.html":  {`id="name" maxlength="40"`, `id="room" maxlength="40"`, `id="text" maxlength="2000"`},
		"page/picture.js": {`maxPicture = 500_000`},
		"page/people.js":  {`maxPeople = 100`},
	} {
		b, err := fs.ReadFile(embedded, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range want {
			if !strings.Contains(string(b), text) {
				t.Errorf("%s has no %s", name, text)
			}
		}
	}
	if limits := [...]int{maxName, maxText, maxPicture, maxPeople}; limits != [...]int{40, 2000, 500_000, 100} {
		t.Errorf("the server's are %v", limits)
	}
	if b, _ := json.Marshal(versions(nil)); string(b) != "[]" {
		t.Errorf("no clients are %s", b)
	}
}
