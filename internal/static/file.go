package static

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"io/fs"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A File is what one name means.
type File struct {
	content     *content
	contentType string
	cache       string // Cache-Control
	sourceMap   string // SourceMap; empty: the file says so itself, or has none
	refused     string // what is answered instead; empty: the file
}

const (
	// What a plain name means may change with the server's next start; browsers ask
	// each time, and mostly hear that it has not (socket.io 4.8, index.js, serve).
	revalidate = "public, max-age=0"
	// A versioned name means the same for good.
	forever = "public, max-age=31536000, immutable"
)

// contentTypes are those of Node's servers (socket.io 4.8, index.js, serve;
// revision-1.md §9, but with a charset, which 0.9 left out).
var contentTypes = [...]struct{ suffix, contentType string }{
	{".js", "application/javascript; charset=utf-8"},
	{".map", "application/json; charset=utf-8"},
	{".swf", "application/x-shockwave-flash"},
}

func newFile(name string, c *content) *File {
	f := &File{content: c, cache: revalidate}
	for _, t := range contentTypes {
		if strings.HasSuffix(name, t.suffix) {
			f.contentType = t.contentType
		}
	}
	return f
}

// Serve answers a GET or a HEAD. If it fails, because the file cannot be read, it has
// written nothing. The caller has set what the answer says of origins.
func (f *File) Serve(w http.ResponseWriter, r *http.Request) error {
	if f.refused != "" {
		refuse(w, r, f.refused)
		return nil
	}
	// Ranges are of the file, not of what gzip makes of it: nobody needs those.
	gzipped := r.Header["Range"] == nil && acceptsGzip(r.Header["Accept-Encoding"])
	b, err := f.content.body(gzipped)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", f.contentType)
	h.Set("Cache-Control", f.cache)
	h.Set("Etag", b.etag)
	h.Add("Vary", "Accept-Encoding")
	h.Set("X-Content-Type-Options", "nosniff")
	if h.Get("Cross-Origin-Resource-Policy") == "" {
		// Anybody's page may run what npm gives to everybody, one that wants to be asked
		// (Cross-Origin-Embedder-Policy) too.
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	}
	if f.sourceMap != "" {
		h.Set("SourceMap", f.sourceMap) // goes before what the script says (ECMA-426)
	}
	if b.gzipped {
		h.Set("Content-Encoding", "gzip")
	}
	http.ServeContent(sized{w, len(b.data)}, r, "", time.Time{}, bytes.NewReader(b.data))
	return nil
}

// sized adds the length of an encoded answer, which http.ServeContent leaves out, and
// takes from one without a body what it leaves there.
type sized struct {
	http.ResponseWriter
	size int
}

func (w sized) WriteHeader(status int) {
	switch h := w.Header(); status {
	case http.StatusOK:
		h.Set("Content-Length", strconv.Itoa(w.size))
	case http.StatusPreconditionFailed:
		h.Del("Content-Encoding")
		h.Del("Content-Type")
	}
	w.ResponseWriter.WriteHeader(status)
}

// content is a file in the file system. It is read when it is first asked for, and kept:
// what is served under a name never changes while the server runs, and its tag is right.
type content struct {
	fsys fs.FS
	path string

	of     *content // what tail follows; nil: the file is all
	tail   string
	unkept bool // only one answer is made of it

	mu      sync.Mutex
	plain   *body
	gzip    *body               // plain, if gzip makes it no smaller
	choices map[string]*content // of transports, by their tails
}

// A body is one form of a content.
type body struct {
	data    []byte
	etag    string
	gzipped bool
}

// body returns the content, gzipped if that is wanted and worth it. It is not changed.
func (c *content) body(gzipped bool) (*body, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.plain == nil {
		data, err := c.read()
		if err != nil {
			return nil, err // the next one tries again
		}
		sum := sha256.Sum256(data)
		c.plain = &body{data: data, etag: `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`}
	}
	if !gzipped || c.unkept {
		return c.plain, nil
	}
	if c.gzip == nil {
		c.gzip = c.plain
		if data := compress(c.plain.data); len(data) < len(c.plain.data) {
			// Other bytes need another tag (RFC 9110 §8.8.3).
			c.gzip = &body{data, strings.TrimSuffix(c.plain.etag, `"`) + `-gzip"`, true}
		}
	}
	return c.gzip, nil
}

func (c *content) read() ([]byte, error) {
	if c.of == nil {
		return fs.ReadFile(c.fsys, c.path)
	}
	b, err := c.of.body(false)
	if err != nil {
		return nil, err
	}
	return slices.Concat(b.data, []byte(c.tail)), nil
}

func compress(data []byte) []byte {
	var out bytes.Buffer
	z, _ := gzip.NewWriterLevel(&out, gzip.BestCompression) // which is a level
	_, _ = z.Write(data)                                    // a Buffer takes all
	_ = z.Close()
	return out.Bytes()
}

// acceptsGzip reports whether the values of Accept-Encoding allow gzip (RFC 9110
// §12.5.3).
func acceptsGzip(fields []string) bool {
	all := false
	for _, field := range fields {
		for item := range strings.SplitSeq(field, ",") {
			coding, weight, _ := strings.Cut(item, ";")
			coding = strings.TrimSpace(coding)
			switch {
			case strings.EqualFold(coding, "gzip"), strings.EqualFold(coding, "x-gzip"):
				return isPositive(weight)
			case coding == "*":
				all = isPositive(weight)
			}
		}
	}
	return all
}

// isPositive reports whether a weight, "q=0.5", is not there or above zero.
func isPositive(weight string) bool {
	if strings.TrimSpace(weight) == "" {
		return true
	}
	name, value, _ := strings.Cut(weight, "=")
	q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	return err == nil && q > 0 && strings.EqualFold(strings.TrimSpace(name), "q")
}
