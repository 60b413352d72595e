package static

import (
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// TestChoose: which script a name with transports is, and which transports it has.
func TestChoose(t *testing.T) {
	const none = "" // nothing is found
	for _, tt := range []struct{ def, name, path, transports string }{
		{old, "socket.io+websocket.js", "0.9.17/socket.io.js", "websocket"},
		{old, "socket.io+websocket+xhr-polling.js", "0.9.17/socket.io.js", "websocket xhr-polling"},
		{old, "socket.io+xhr-polling+websocket.js", "0.9.17/socket.io.js", "xhr-polling websocket"}, // in that order
		{old, "socket.io+jsonp-polling+htmlfile+flashsocket.js", "0.9.17/socket.io.js", "jsonp-polling htmlfile flashsocket"},
		{old, "socket.io+websocket+websocket.js", "0.9.17/socket.io.js", "websocket"},
		{old, "socket.io+nosuch+websocket+xhr-multipart.js", "0.9.17/socket.io.js", "websocket"}, // no client has that
		{old, "socket.io++websocket.js", "0.9.17/socket.io.js", "websocket"},                     // Node's pattern allows it
		{old, "socket.io+websocket.min.js", "0.9.17/socket.io.min.js", "websocket"},
		{old, "socket.io+websocket.v0.9.17.js", "0.9.17/socket.io.js", "websocket"},
		{old, "socket.io+websocket.v0.9.17.min.js", "0.9.17/socket.io.min.js", "websocket"},
		{old, "socket.io+websocket.v0.8.7.js", "0.8.7/socket.io.js", "websocket"},
		{"0.8", "socket.io+websocket.js", "0.8.7/socket.io.js", "websocket"},
		{"0.8", "socket.io+websocket.min.js", none, ""}, // the other version's is not mixed in
		// No page of another client asks for such a name.
		{recent, "socket.io+websocket.js", "0.9.17/socket.io.js", "websocket"},
		{"2", "socket.io+websocket.js", "0.9.17/socket.io.js", "websocket"},
		{old, "socket.io+websocket.v4.8.4.js", none, ""},

		{old, "socket.io+nosuch.js", "", "Error serving static /socket.io+nosuch.js"}, // [T static-default]
		{old, "socket.io+.js", "", "Error serving static /socket.io+.js"},
		{old, "socket.io+nosuch.v0.9.17.js", "", "Error serving static /socket.io+nosuch.v0.9.17.js"},
		{old, "socket.io+WebSocket.js", "", "Error serving static /socket.io+WebSocket.js"},
		{old, "socket.io+websocket.v0.9.16.js", none, ""},
		{old, "socket.io+nosuch.v0.9.16.js", none, ""},
		{old, "socket.io+websocket", none, ""},
		{old, "socket.io+websocket.", none, ""},
		{old, "socket.io+websocket.js.map", none, ""},
		{old, "socket.io+websocket.jsx", none, ""},
		{old, "socket.io+websocket.swf", none, ""},
		{old, `socket.io+"];alert(1);//.js`, none, ""},
		{old, "socket.io+<b>.js", none, ""},
		{old, "socket.io+é.js", none, ""},
		{old, "socket.io+websocket\x00.js", none, ""},
		{old, "socket.io+websocket.v../0.9.17/socket.io.js", "0.9.17/socket.io.js", ""}, // by its last piece, as all
	} {
		f := files(t, clients(), tt.def)
		for _, dir := range []string{"", "/socket.io/"} {
			path, transports := none, ""
			if found := f.Find(dir + tt.name); found != nil && found.refused != "" {
				transports = found.refused
			} else if found != nil {
				path = found.content.path
				list, _ := strings.CutPrefix(found.content.tail, "\n;io.transports=[\"")
				list, _ = strings.CutSuffix(list, "\"];\n")
				transports = strings.ReplaceAll(list, `","`, " ")
			}
			if path != tt.path || transports != tt.transports {
				t.Errorf("default %s: %s%s is %q with %q, want %q with %q", tt.def, dir, tt.name, path, transports, tt.path, tt.transports)
			}
		}
	}
}

// TestNoOld: without a client of the time there are no such names.
func TestNoOld(t *testing.T) {
	for _, fsys := range []fstest.MapFS{{}, tree("4.8.4/socket.io.js"), tree("0.6.17/socket.io.js", "0/socket.io.js")} {
		f := files(t, fsys, "")
		for _, name := range []string{"socket.io+websocket.js", "socket.io+nosuch.js", "socket.io+websocket.v4.8.4.js", "socket.io+websocket.v0.6.17.js"} {
			if f.Find(name) != nil {
				t.Errorf("%s is found", name)
			}
		}
	}
}

func TestServeChoice(t *testing.T) {
	f := files(t, build(), "4")
	const name, tail = "socket.io+websocket+htmlfile", "\n;io.transports=[\"websocket\",\"htmlfile\"];\n"
	for rest, cache := range map[string]string{".js": "public, max-age=0", ".v0.9.17.js": "public, max-age=31536000, immutable"} {
		for _, encoding := range []string{"identity", "gzip"} {
			res := ask(t, f, "GET", name+rest, "Accept-Encoding: "+encoding)
			if got := text(t, res); got != "0.9 "+source+tail {
				t.Errorf("%s: %.20q … %q", rest, got, got[len(got)-60:])
			}
			again := ask(t, f, "GET", name+rest, "Accept-Encoding: "+encoding, "If-None-Match: "+res.Header.Get("Etag"))
			if gzipped := res.Header.Get("Content-Encoding") == "gzip"; res.StatusCode != 200 || res.Header.Get("Cache-Control") != cache ||
				gzipped != (encoding == "gzip") || again.StatusCode != 304 {
				t.Errorf("%s %s: %v, again %d", rest, encoding, res.Header, again.StatusCode)
			}
		}
	}
	if text(t, ask(t, f, "GET", "socket.io.v0.9.17.js")) != "0.9 "+source {
		t.Error("the file itself has changed")
	}
	for _, method := range []string{"GET", "HEAD"} {
		want := "Error serving static /socket.io+nosuch.js"
		res := ask(t, f, method, "socket.io+nosuch.js")
		if res.StatusCode != 500 || res.Header.Get("Content-Length") != fmt.Sprint(len(want)) || res.Header.Get("Content-Type") != "text/plain; charset=utf-8" ||
			res.Header.Get("Cache-Control") != "no-store" || res.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%d %v", res.StatusCode, res.Header)
		}
		if got := text(t, res); got != want && (method == "GET" || got != "") {
			t.Errorf("%s: %q", method, got)
		}
	}
}

// TestChoicesBounded: whatever is asked for, no more than a few scripts are kept, each
// name has the same script and tag for good, and those kept are gzipped.
func TestChoicesBounded(t *testing.T) {
	f := files(t, build(), "0.9")
	base := f.Find("socket.io.js").content
	tags := make(map[string]string)
	for range 2 {
		for name := range permutations(choosable[:]) {
			res := ask(t, f, "GET", "socket.io"+name+".js", "Accept-Encoding: gzip")
			if got := text(t, res); !strings.HasSuffix(got, `["`+strings.ReplaceAll(name[1:], "+", `","`)+"\"];\n") {
				t.Fatalf("%s: … %q", name, got[len(got)-60:])
			}
			tag := res.Header.Get("Etag")
			if before, again := tags[name]; again && tag != before {
				t.Fatalf("%s: %s, before %s", name, tag, before)
			}
			tags[name] = tag
		}
	}
	if len(tags) != 325 || len(base.choices) != maxChoices {
		t.Errorf("%d names, %d scripts are kept", len(tags), len(base.choices))
	}
	gzipped := 0
	for _, tag := range tags {
		if strings.HasSuffix(tag, `-gzip"`) {
			gzipped++
		}
	}
	if gzipped != maxChoices {
		t.Errorf("%d are gzipped", gzipped)
	}
}

// permutations yields "+a", "+a+b" and so on: all that there are of some names.
func permutations(names []string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		var walk func(begin string, rest []string) bool
		walk = func(begin string, rest []string) bool {
			for i, name := range rest {
				longer := begin + "+" + name
				if !yield(longer) || !walk(longer, slices.Delete(slices.Clone(rest), i, i+1)) {
					return false
				}
			}
			return true
		}
		walk("", names)
	}
}

// FuzzChoice: whatever a name is, nothing of it but transports that there are reaches a
// script, and nothing that means anything to HTML an answer.
func FuzzChoice(f *testing.F) {
	for _, name := range []string{
		"socket.io+websocket+xhr-polling.js", "socket.io+websocket.v0.9.17.js", "socket.io+nosuch.js", "socket.io+.js",
		"socket.io++websocket++.min.js", `socket.io+"];alert(1)//.js`, "socket.io+websocket", "socket.io+a.b.js",
	} {
		f.Add(name)
	}
	all := files(f, clients(), "4")
	f.Fuzz(func(t *testing.T, name string) {
		names, rest, ok := parseChoice(name)
		if !ok {
			if strings.HasPrefix(name, chosen) && all.Find(name) != nil && !strings.Contains(name, "/") {
				t.Fatalf("%q is found", name)
			}
			return
		}
		for i, n := range names {
			if !slices.Contains(choosable[:], n) || slices.Contains(names[:i], n) || !strings.Contains(name, "+"+n) {
				t.Fatalf("%q: %q", name, names)
			}
		}
		if !strings.HasPrefix(name, chosen) || !strings.HasSuffix(name, "."+rest) || !strings.HasSuffix(rest, "js") {
			t.Fatalf("%q: rest %q", name, rest)
		}
		found := all.Find(name)
		if found == nil {
			return
		}
		w := httptest.NewRecorder()
		if err := found.Serve(w, httptest.NewRequest("GET", "/", nil)); err != nil {
			t.Fatal(err)
		}
		if refused := w.Code == 500; refused != (names == nil) || refused && strings.ContainsAny(w.Body.String(), "<>&\"'\r\n") {
			t.Fatalf("%q: %d %q", name, w.Code, w.Body)
		}
	})
}
