package static

import (
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// tree returns a file system in which each file has its path for a content.
func tree(paths ...string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for _, p := range paths {
		fsys[p] = &fstest.MapFile{Data: []byte(p)}
	}
	return fsys
}

// clients are those of three generations, and what lies about in a directory.
func clients() fstest.MapFS {
	return tree(
		"0.9.17/socket.io.js", "0.9.17/socket.io.min.js", "0.9.17/WebSocketMain.swf", "0.9.17/WebSocketMainInsecure.swf",
		"0.8.7/socket.io.js", "0.8.7/WebSocketMain.swf",
		"2.5.0/socket.io.js", "2.5.0/socket.io.slim.dev.js",
		"4.8.4/socket.io.js", "4.8.4/socket.io.js.map", "4.8.4/socket.io.min.js", "4.8.4/socket.io.min.js.map",
		"4.8.4/socket.io.esm.min.js", "4.8.4/socket.io.esm.min.js.map", "4.8.4/socket.io.msgpack.min.js",
		"4.10.0/socket.io.js", "5.0.0-alpha.1/socket.io.js",
		"4.8.4/package.json", "4.8.4/socket.io.d.ts", "4.8.4/lib/socket.io.js", "4.8.4/other.js", "4.8.4/WebSocketMain.fla",
		"node_modules/socket.io.js", "socket.io.js", "v3/socket.io.js", ".git/config", "6.0.0/README.md", "7.0.0",
	)
}

func files(t testing.TB, fsys fs.FS, def string) *Files {
	t.Helper()
	f, err := New(fsys)
	if err == nil {
		err = f.SetDefault(def)
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}

const old, recent = "0.9", "4.8"

type findTest struct{ def, path, want string }

func findTests() []findTest {
	return []findTest{
		{recent, "/socket.io/socket.io.js", "4.8.4/socket.io.js"},
		{old, "/socket.io/socket.io.js", "0.9.17/socket.io.js"},
		{"", "/socket.io/socket.io.js", "4.10.0/socket.io.js"},
		{recent, "/socket.io/socket.io.min.js", "4.8.4/socket.io.min.js"},
		{recent, "/socket.io/socket.io.esm.min.js", "4.8.4/socket.io.esm.min.js"},
		{recent, "/socket.io/socket.io.msgpack.min.js", "4.8.4/socket.io.msgpack.min.js"},
		{recent, "/socket.io/socket.io.js.map", "4.8.4/socket.io.js.map"},
		{old, "/socket.io/socket.io.js.map", ""}, // another version's map would lead astray
		{old, "/socket.io/socket.io.esm.min.js", ""},
		{"2", "/socket.io/socket.io.slim.dev.js", "2.5.0/socket.io.slim.dev.js"},

		{recent, "/socket.io/socket.io.v0.9.17.js", "0.9.17/socket.io.js"},
		{recent, "/socket.io/socket.io.v0.9.17.min.js", "0.9.17/socket.io.min.js"},
		{recent, "/socket.io/socket.io.v4.8.4.js", "4.8.4/socket.io.js"},
		{old, "/socket.io/socket.io.v4.8.4.esm.min.js", "4.8.4/socket.io.esm.min.js"},
		{old, "/socket.io/socket.io.v4.8.4.esm.min.js.map", "4.8.4/socket.io.esm.min.js.map"},
		{old, "/socket.io/socket.io.v5.0.0-alpha.1.js", "5.0.0-alpha.1/socket.io.js"},
		{recent, "/socket.io/socket.io.v0.9.16.js", ""},
		{recent, "/socket.io/socket.io.v4.js", ""}, // cached for a year, so it must not move

		{old, "/socket.io/static/flashsocket/WebSocketMain.swf", "0.9.17/WebSocketMain.swf"},
		{old, "/socket.io/static/flashsocket/WebSocketMainInsecure.swf", "0.9.17/WebSocketMainInsecure.swf"},
		{recent, "/socket.io/static/flashsocket/WebSocketMain.swf", "0.9.17/WebSocketMain.swf"},
		{"0.8", "/socket.io/static/flashsocket/WebSocketMain.swf", "0.8.7/WebSocketMain.swf"},
		{"0.8", "/socket.io/static/flashsocket/WebSocketMainInsecure.swf", "0.9.17/WebSocketMainInsecure.swf"},
		{old, "static/flashsocket/WebSocketMain.swf", "0.9.17/WebSocketMain.swf"}, // the prefix stripped
		{old, "/socket.io/WebSocketMain.swf", ""},
		{old, "/socket.io/xstatic/flashsocket/WebSocketMain.swf", ""},
		{old, "/socket.io/static/flashsocket/", ""},
	}
}

// pathTests are of what is before a name, and of what is none.
func pathTests() []findTest {
	return []findTest{
		{recent, "/socket.io.js", "4.8.4/socket.io.js"}, // mounted at the root
		{recent, "socket.io.js", "4.8.4/socket.io.js"},
		{recent, "/a/b/c/socket.io.js", "4.8.4/socket.io.js"},
		{recent, "/socket.io/x/socket.io.js", "4.8.4/socket.io.js"}, // [T static-default]
		{recent, "/socket.io/1/socket.io.js", "4.8.4/socket.io.js"}, // decision 19: before revision 1's
		{recent, "/socket.io/socket.io.js/", ""},
		{recent, "/socket.io/SOCKET.IO.JS", ""},
		{recent, "/socket.io/socket.io.jsx", ""},
		{recent, "/socket.io/socket.io.js.", ""},
		{recent, "/socket.io/socket.io.", ""},
		{recent, "/socket.io", ""},
		{recent, "/socket.io/", ""},
		{recent, "", ""},
		{recent, "/", ""},
		{recent, "/socket.io/4.8.4/socket.io.js", "4.8.4/socket.io.js"}, // by its last piece
		{recent, "/socket.io/4.8.4/package.json", ""},
		{recent, "/socket.io/socket.io.d.ts", ""},
		{recent, "/socket.io/other.js", ""},
		{recent, "/socket.io/../4.8.4/package.json", ""},
		{recent, "/socket.io/socket.io.v../../etc/passwd", ""},
		{recent, `/socket.io/socket.io.v..\..\x.js`, ""},
		{recent, "/socket.io/socket.io.js\x00", ""},
	}
}

func TestFind(t *testing.T) {
	for _, tt := range slices.Concat(findTests(), pathTests()) {
		got := ""
		if f := files(t, clients(), tt.def).Find(tt.path); f != nil {
			got = f.content.path
		}
		if got != tt.want {
			t.Errorf("default %q: %q is %q, want %q", tt.def, tt.path, got, tt.want)
		}
	}
}

// TestNoNames: without files, or without a default, nothing is found, and nothing breaks.
func TestNoNames(t *testing.T) {
	var none *Files
	empty := files(t, fstest.MapFS{}, "")
	unset, err := New(clients())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []*Files{none, empty, unset} {
		for _, path := range []string{"/socket.io/socket.io.js", "/static/flashsocket/WebSocketMain.swf"} {
			if f.Find(path) != nil {
				t.Errorf("%s is found", path)
			}
		}
	}
}

func TestSetDefault(t *testing.T) {
	for def, want := range map[string]string{
		"": "4.10.0", "4": "4.10.0", "4.8": "4.8.4", "4.8.4": "4.8.4", "0": "0.9.17", "0.8": "0.8.7", "2.5": "2.5.0",
		"5": "5.0.0-alpha.1", "5.0.0-alpha": "5.0.0-alpha.1", // no release of it yet
		"4.1": "", "4.": "", "4.8.": "", "6": "", "7": "", "v3": "", "x": "", "4.8.4.1": "", ".": "", "node_modules": "",
	} {
		f, err := New(clients())
		if err != nil {
			t.Fatal(err)
		}
		err = f.SetDefault(def)
		if want == "" {
			if !errors.Is(err, ErrNoVersion) || !strings.Contains(err.Error(), `"`+def+`", but 4.10.0, 4.8.4, 2.5.0, 0.9.17, 0.8.7, 5.0.0-alpha.1`) {
				t.Errorf("default %q: %v", def, err)
			}
			continue
		}
		if err != nil || f.Find("socket.io.js").content.path != want+"/socket.io.js" {
			t.Errorf("default %q: %v, %v", def, f.Find("socket.io.js"), err)
		}
	}
	f, _ := New(fstest.MapFS{})
	if err := f.SetDefault("4"); !errors.Is(err, ErrNoVersion) {
		t.Errorf("no versions: %v", err)
	}
}

// TestOrder: versions are compared as numbers, pre-releases as Semantic Versioning says.
func TestOrder(t *testing.T) {
	want := strings.Fields("1.0.0-pre 1.0.0-pre2 2.0.0-1 2.0.0-2 2.0.0-10 2.0.0-a 2.0.0-a.1 2.0.0-a.b 0.6 0.6.17 0.9 0.9.2 0.9.17 1.0 1.0.0 4.8.4 4.10 10.0.0")
	var got []version
	for _, text := range slices.Sorted(slices.Values(want)) {
		v, ok := parseVersion(text)
		if !ok {
			t.Fatalf("%s is no version", text)
		}
		got = append(got, v)
	}
	slices.SortFunc(got, version.compare)
	for i, v := range got {
		if string(v) != want[i] {
			t.Errorf("%d: %s, want %s", i, v, want[i])
		}
	}
	for _, text := range []string{"", "v1", "1.", ".1", "1..2", "1.x", "-1", "+1", "1-", "1-ä", "1.0/..", "4.08", "1.0.0+b", "1 "} {
		if _, ok := parseVersion(text); ok {
			t.Errorf("%q is a version", text)
		}
	}
}

// broken is a file system in which some names cannot be opened.
type broken struct {
	fs.FS
	names map[string]bool
}

func (b *broken) Open(name string) (fs.File, error) {
	if b.names[name] {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return b.FS.Open(name)
}

func TestUnreadable(t *testing.T) {
	for _, name := range []string{".", "4.8.4"} {
		if _, err := New(&broken{clients(), map[string]bool{name: true}}); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := New(&broken{clients(), map[string]bool{"node_modules": true, "4.8.4/socket.io.js": true}}); err != nil {
		t.Errorf("what is not looked at: %v", err)
	}
}

// TestNames: all that is served is what the table says.
func TestNames(t *testing.T) {
	f := files(t, tree("1.0/socket.io.js", "1.0/socket.io.js.map", "0.9/socket.io.js", "0.9/WebSocketMain.swf"), "")
	got := slices.Sorted(maps.Keys(f.names))
	want := []string{"socket.io.js", "socket.io.js.map", "socket.io.v0.9.js", "socket.io.v1.0.js", "socket.io.v1.0.js.map", "static/flashsocket/WebSocketMain.swf"}
	if !slices.Equal(got, want) {
		t.Errorf("names %q", got)
	}
}

// FuzzFind: whatever a path is, it leads to nothing but a file that is served, and only
// its end counts.
func FuzzFind(f *testing.F) {
	for _, path := range []string{
		"/socket.io/socket.io.js", "/socket.io/socket.io.v4.8.4.min.js.map", "/static/flashsocket/WebSocketMain.swf",
		"/socket.io/1/websocket/abc", "//", "/socket.io/socket.io.v../4.8.4/package.json", "socket.io+websocket+xhr-polling.js",
	} {
		f.Add(path)
	}
	all := files(f, clients(), "4.8.4")
	f.Fuzz(func(t *testing.T, path string) {
		found := all.Find(path)
		mounted := all.Find("/mounted/" + path)
		if (mounted == nil) != (found == nil) || found != nil && found.refused != mounted.refused {
			t.Fatalf("%q: %v, mounted %v", path, found, mounted)
		}
		if found == nil || found.refused != "" {
			return
		}
		if found.content.path != mounted.content.path || found.content.tail != mounted.content.tail {
			t.Fatalf("%q: %v, mounted %v", path, found.content, mounted.content)
		}
		p := found.content.path
		name := p[strings.IndexByte(p, '/')+1:]
		if !isScript(name) && !isFlash(name) {
			t.Fatalf("%q leads to %s", path, p)
		}
		if _, err := found.content.body(true); err != nil {
			t.Fatalf("%q: %v", path, err)
		}
	})
}
