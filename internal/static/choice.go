package static

import (
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/semver"
)

// Clients of 0.7 to 0.9 have the transports of the page's choice, in its order, if the
// script's name says so: socket.io+websocket+xhr-polling.js (revision-1.md §9,
// [T static-default]). Node's server builds such a script from the parts of the client.
// The dist directory has none of these, but a script that looks for the transports in
// one list, io.transports, when it connects: a line behind it says which they are.

// chosen is what names with transports begin with.
const chosen = "socket.io+"

// choosable are the transports that those clients have.
var choosable = [...]string{"websocket", "flashsocket", "htmlfile", "xhr-polling", "jsonp-polling"}

// maxChoices bounds the scripts that are kept of one file. A site has one or two; of
// the 325 that there are, the others are made when they are asked for, and not gzipped.
const maxChoices = 8

// choosing reports whether v is of a client that looks at io.transports.
func (v version) choosing() bool {
	line := semver.MajorMinor(v.semver())
	return semver.Compare("v0.7", line) <= 0 && semver.Compare(line, "v1") < 0
}

// setOld says which release names with transports mean if they name no version: the
// default, or else the newest that knows what to do with them. No page for others asks
// for such a name.
func (f *Files) setOld(def int) {
	if def < 0 || !f.versions[def].version.choosing() {
		def = slices.IndexFunc(f.versions, func(r *release) bool { return r.version.choosing() })
	}
	f.old = make(map[string]*File)
	if def < 0 {
		return
	}
	for name, c := range f.versions[def].files {
		f.old[name] = newFile(name, c)
	}
}

// choose returns the file that a name with transports means, or nil if it is none.
func (f *Files) choose(name string) *File {
	names, rest, ok := parseChoice(name)
	if !ok {
		return nil
	}
	of := f.old[script+rest]
	if v := f.names[script+rest]; of == nil && strings.HasPrefix(rest, "v") && v != nil && v.content.choosing() {
		of = v
	}
	if of == nil {
		return nil
	}
	if names == nil {
		return &File{refused: "Error serving static /" + name} // [T static-default]
	}
	file := *of
	file.content = of.content.choice(names)
	return &file
}

// parseChoice splits a name such as socket.io+websocket+nosuch.v0.9.17.js into the
// transports that clients have, each once, and what remains of the name behind
// "socket.io.". It is none if anything else is in it than Node's server looks for.
func parseChoice(name string) (names []string, rest string, ok bool) {
	list, ok := strings.CutPrefix(name, chosen)
	list, rest, dot := strings.Cut(list, ".")
	if !ok || !dot || !strings.HasSuffix(rest, "js") {
		return nil, "", false
	}
	for i := range len(list) {
		switch c := list[i]; {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '_', c == '-', c == '+':
		default:
			return nil, "", false
		}
	}
	for name := range strings.SplitSeq(list, "+") {
		if slices.Contains(choosable[:], name) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, rest, true
}

// choosing reports whether c is of a release whose client looks at io.transports.
func (c *content) choosing() bool {
	dir, _, _ := strings.Cut(c.path, "/")
	v, ok := parseVersion(dir)
	return ok && v.choosing()
}

// choice returns c with a line that leaves the client the transports called names.
func (c *content) choice(names []string) *content {
	tail := "\n;io.transports=[\"" + strings.Join(names, `","`) + "\"];\n"
	c.mu.Lock()
	defer c.mu.Unlock()
	if kept := c.choices[tail]; kept != nil {
		return kept
	}
	choice := &content{path: c.path, of: c, tail: tail}
	if len(c.choices) == maxChoices {
		choice.unkept = true
		return choice
	}
	if c.choices == nil {
		c.choices = make(map[string]*content)
	}
	c.choices[tail] = choice
	return choice
}

// refuse answers with the text of an error, as Node's server does.
func refuse(w http.ResponseWriter, r *http.Request, text string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(http.StatusInternalServerError)
	if r.Method != http.MethodHead {
		_, _ = io.WriteString(w, text)
	}
}
