// Package demo is what sockeye shows at "/": a chat in which clients of every
// generation talk in one room, side by side, and the packets that they exchange. The
// chat knows no generation; it is an ordinary user of the library.
package demo

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/sockeye-io/socketio"
)

//go:embed page
var embedded embed.FS

// A Demo is the chat and its page. It is the http.Handler of the page's files; the
// chat's events come through the server that New was given.
type Demo struct {
	files map[string]file // by the request's path
	chat  *chat
}

// A file is one of the page's, which never change while the program runs.
type file struct {
	name, etag string
	content    []byte
}

// New registers the chat's handlers on the main namespace of sio, which must not have
// clients yet, and returns the page. clients are the client files that sio serves
// (socketio.Options.Client): each version there can be opened in the page. With nil,
// or none, the page's own script speaks for two generations. version is the program's,
// for the page to show.
func New(sio *socketio.Server, clients fs.FS, version string) *Demo {
	d := &Demo{files: map[string]file{}, chat: newChat(sio)}
	page, err := fs.Sub(embedded, "page")
	if err == nil {
		err = fs.WalkDir(page, ".", func(name string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			content, err := fs.ReadFile(page, name)
			d.add(name, content)
			return err
		})
	}
	if err != nil {
		panic(err) // of the embedded files, not of anybody's input
	}
	list, _ := json.Marshal(struct { // strings can be marshalled
		Version string   `json:"version"`
		Clients []string `json:"clients"`
	}{version, versions(clients)})
	d.add("clients.json", list)
	d.files["/"] = d.files["/index.html"]
	return d
}

func (d *Demo) add(name string, content []byte) {
	sum := sha256.Sum256(content)
	d.files["/"+name] = file{path.Base(name), `"` + hex.EncodeToString(sum[:12]) + `"`, content}
}

// policy is strict because the page shows what strangers wrote: no script, style or
// frame but its own files. The pictures in the chat are blobs.
const policy = "default-src 'self'; img-src 'self' blob: data:; base-uri 'none'; object-src 'none'; " +
	"form-action 'self'; frame-ancestors 'self'"

// ServeHTTP serves the page's files, to GET and HEAD.
func (d *Demo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	// The origin of the page is all that the library may want to see of it.
	h.Set("Referrer-Policy", "same-origin")
	f, ok := d.files[r.URL.Path]
	switch {
	case !ok:
		http.NotFound(w, r)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	default:
		// A new program has new files: browsers ask each time, and mostly hear 304.
		h.Set("Cache-Control", "no-cache")
		h.Set("ETag", f.etag)
		if strings.HasSuffix(f.name, ".js") {
			h.Set("Content-Type", "text/javascript; charset=utf-8") // whatever the system's table says
		}
		http.ServeContent(w, r, f.name, time.Time{}, bytes.NewReader(f.content))
	}
}
