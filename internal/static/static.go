// Package static serves the client's files under the names that Node's servers give
// them. It knows nothing of sessions, and of URLs only how they end.
//
// Names are looked up in a table that is made with the server: nothing of a request is
// ever part of a path in the file system. Versions here are those of the client's
// releases; which protocol a release speaks is not known and does not matter.
package static

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// Files are the names under which client files are served. Once SetDefault has been
// called they do not change, and may be used concurrently.
type Files struct {
	versions []*release // the newest first
	names    map[string]*File
	old      map[string]*File // of the release that names with transports mean
}

// A release is a version's directory.
type release struct {
	version version
	files   map[string]*content // by name in the directory
}

// New looks for the versions in fsys: directories such as "4.8.4", which have in them
// what the dist directory of the npm package socket.io-client has. Other directories,
// and files that no server serves, are passed over. Contents are not read yet.
func New(fsys fs.FS) (*Files, error) {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, err
	}
	f := &Files{}
	for _, entry := range entries {
		v, ok := parseVersion(entry.Name())
		if !ok || !isDir(fsys, entry) {
			continue
		}
		r, err := newRelease(fsys, v)
		if err != nil {
			return nil, err
		}
		if len(r.files) > 0 {
			f.versions = append(f.versions, r)
		}
	}
	slices.SortFunc(f.versions, func(a, b *release) int { return b.version.compare(a.version) })
	return f, nil
}

// isDir reports whether an entry is a directory, or a link to one.
func isDir(fsys fs.FS, entry fs.DirEntry) bool {
	if entry.Type()&fs.ModeSymlink == 0 {
		return entry.IsDir()
	}
	info, err := fs.Stat(fsys, entry.Name())
	return err == nil && info.IsDir()
}

func newRelease(fsys fs.FS, v version) (*release, error) {
	entries, err := fs.ReadDir(fsys, string(v))
	if err != nil {
		return nil, err
	}
	r := &release{version: v, files: make(map[string]*content)}
	for _, entry := range entries {
		if name := entry.Name(); !entry.IsDir() && (isScript(name) || isFlash(name)) {
			r.files[name] = &content{fsys: fsys, path: string(v) + "/" + name}
		}
	}
	return r, nil
}

// script is what the names of the client's builds, and of their maps, begin with.
const script = "socket.io."

// isScript reports whether name is that of a build, such as socket.io.esm.min.js, or of
// a build's map. Which builds there are changes from version to version.
func isScript(name string) bool {
	return strings.HasPrefix(name, script) && strings.HasSuffix(strings.TrimSuffix(name, ".map"), ".js")
}

// isFlash reports whether name is that of a WebSocket for browsers without one, of
// clients up to 0.9.
func isFlash(name string) bool {
	return name == "WebSocketMain.swf" || name == "WebSocketMainInsecure.swf"
}

// flashDir is where clients look for those (revision-1.md §9).
const flashDir = "static/flashsocket/"

// ErrNoVersion: there is no such version.
var ErrNoVersion = errors.New("there is no such version")

// SetDefault makes the table of names, in which those without a version mean that
// version of the client: "4.8.4", or the newest that begins with it up to a dot, as "4"
// and "4.8" do. Empty: the newest there is, if there is one. A pre-release counts as
// older than any release. It fails with ErrNoVersion.
func (f *Files) SetDefault(text string) error {
	i := slices.IndexFunc(f.versions, func(r *release) bool { return text == "" || r.version.begins(text) })
	if i < 0 && text != "" {
		return f.noVersion(text)
	}
	f.names = make(map[string]*File)
	for _, r := range f.versions {
		for name, c := range r.files {
			if isFlash(name) && f.names[flashDir+name] == nil {
				f.names[flashDir+name] = newFile(name, c) // whatever the default is: the oldest clients alone ask for it
			}
		}
	}
	if i >= 0 {
		for name, c := range f.versions[i].files {
			if isFlash(name) {
				name = flashDir + name
			}
			f.names[name] = newFile(name, c)
		}
	}
	for _, r := range f.versions {
		r.addVersioned(f.names)
	}
	f.setOld(i)
	return nil
}

func (f *Files) noVersion(text string) error {
	var have []string
	for _, r := range f.versions {
		have = append(have, string(r.version))
	}
	if have == nil {
		return fmt.Errorf("%w: %q, nor any other", ErrNoVersion, text)
	}
	return fmt.Errorf("%w: %q, but %s", ErrNoVersion, text, strings.Join(have, ", "))
}

// addVersioned adds the names that mean r whatever the default is, in the form of 0.9's
// server: socket.io.v0.9.17.js (revision-1.md §9).
func (r *release) addVersioned(names map[string]*File) {
	versioned := func(name string) string {
		return script + "v" + string(r.version) + "." + strings.TrimPrefix(name, script)
	}
	for name, c := range r.files {
		if !isScript(name) {
			continue
		}
		f := newFile(name, c)
		f.cache = forever
		if r.files[name+".map"] != nil {
			// The build names its map by the plain name, which is the default's.
			f.sourceMap = versioned(name + ".map")
		}
		names[versioned(name)] = f
	}
}

// Find returns the file that a URL's unescaped path ends in, or nil. Whatever is before
// is the place where the server is mounted. f may be nil.
func (f *Files) Find(path string) *File {
	if f == nil {
		return nil
	}
	dir, name := "", path
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		dir, name = path[:i+1], path[i+1:]
	}
	switch {
	case strings.HasPrefix(name, script):
		return f.names[name]
	case strings.HasPrefix(name, chosen):
		return f.choose(name)
	case isFlash(name) && (dir == flashDir || strings.HasSuffix(dir, "/"+flashDir)):
		return f.names[flashDir+name]
	}
	return nil
}
