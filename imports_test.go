package socketio_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/sockeye-io/socketio"

// layers says what each package may import: of the project (by directory; "." is the
// root), and of other modules. Imports run one way, from the bottom of this table to
// its top. A package that is not here fails the test, so that a new one finds its
// place before it finds its users.
var layers = map[string]struct {
	imports string
	pure    bool // no I/O, no clock, no log: of the standard library only pureStd
	std     string
}{
	"packet":              {pure: true},
	"internal/timerwheel": {pure: true},
	"internal/table":      {pure: true},
	"internal/websocket":  {pure: true},
	"internal/worker":     {pure: true},
	"internal/conn":       {imports: "internal/worker"},
	"internal/parser":     {imports: "packet", pure: true},
	"internal/framing":    {imports: "packet", pure: true, std: "net/url"},
	"internal/value":      {imports: "internal/parser packet", pure: true, std: "crypto/rand fmt reflect"},
	"internal/generation": {imports: "internal/parser internal/framing", pure: true},
	"internal/session": {
		imports: "internal/generation internal/parser internal/framing internal/websocket packet", pure: true,
	},
	"adapter":         {imports: "packet"},
	"internal/hub":    {imports: "internal/session internal/parser internal/table internal/worker adapter packet"},
	"internal/static": {imports: "golang.org/x/mod/semver"},
	"internal/transport": {
		imports: "internal/session internal/generation internal/framing internal/websocket internal/timerwheel " +
			"internal/table internal/conn internal/static packet golang.org/x/time/rate",
	},
	"engineio": {imports: "internal/transport internal/session internal/generation internal/worker packet"},
	// Where all is put together.
	".": {
		imports: "internal/hub internal/transport internal/static internal/session internal/generation " +
			"internal/parser internal/value adapter packet",
	},
	"flashpolicy": {},

	// The start and the stop of a process, which every program writes once more.
	"internal/serve": {},

	// Programs see what users see, and how ours start and stop.
	"cmd/sockeye": {
		imports: ". engineio flashpolicy adapter packet cmd/sockeye/internal/demo internal/serve " +
			"github.com/alecthomas/kong",
	},
	"cmd/conformance": {imports: ". engineio flashpolicy adapter packet internal/serve"},

	// The page that sockeye shows.
	"cmd/sockeye/internal/demo": {imports: ". golang.org/x/mod/semver golang.org/x/time/rate"},

	// For tests, which may import anything; nothing else imports these.
	"adapter/adaptertest":       {imports: "adapter packet"},
	"internal/conn/conntest":    {imports: "internal/conn"},
	"internal/websocket/wstest": {imports: "internal/websocket"},
	"storm":                     {},
}

// pureStd is what the pure packages may have of the standard library. What is missing
// here brings I/O, a log, a context, or the state of the process.
var pureStd = strings.Fields(`
	bytes cmp crypto/md5 crypto/sha1 encoding/base64 encoding/binary encoding/hex encoding/json errors
	hash/maphash iter maps math math/bits slices sort strconv strings sync sync/atomic time
	unicode unicode/utf16 unicode/utf8 unsafe`)

func TestImports(t *testing.T) {
	for _, f := range sources(t) {
		if f.module != "." || f.test() {
			continue
		}
		layer, ok := layers[f.dir()]
		if !ok {
			t.Errorf("%s: package %s is not in the table of layers", f.path, f.dir())
			continue
		}
		for _, spec := range f.ast.Imports {
			p, _ := strconv.Unquote(spec.Path.Value)
			if !allowed(p, strings.Fields(layer.imports), strings.Fields(layer.std), layer.pure) {
				t.Errorf("%s: %s must not import %s", f.path, f.dir(), p)
			}
		}
	}
}

// allowed decides on one import.
func allowed(imported string, imports, std []string, pure bool) bool {
	if dir, ours := project(imported); ours {
		return slices.Contains(imports, dir)
	}
	if first, _, _ := strings.Cut(imported, "/"); strings.Contains(first, ".") {
		return slices.Contains(imports, imported)
	}
	return !pure || slices.Contains(pureStd, imported) || slices.Contains(std, imported)
}

// project returns the directory of one of the project's packages.
func project(imported string) (dir string, ours bool) {
	rest, ours := strings.CutPrefix(imported, module)
	if rest == "" {
		return ".", ours
	}
	return strings.TrimPrefix(rest, "/"), ours && rest[0] == '/'
}

// TestOutsideImports: what is outside the library's module uses it as its users do.
// internal/serve is for programs and knows nothing of the library.
func TestOutsideImports(t *testing.T) {
	for _, f := range sources(t) {
		if f.module == "." {
			continue
		}
		for _, spec := range f.ast.Imports {
			p, _ := strconv.Unquote(spec.Path.Value)
			if dir, ours := project(p); ours && strings.HasPrefix(dir, "internal/") && dir != "internal/serve" {
				t.Errorf("%s imports %s", f.path, p)
			}
		}
	}
}

// A source is a Go file of the repository, whatever systems it is for.
type source struct {
	path   string // from the root, with slashes
	module string // the directory of its module
	fset   *token.FileSet
	ast    *ast.File
}

func (f *source) dir() string { return path.Dir(f.path) }

func (f *source) test() bool { return strings.HasSuffix(f.path, "_test.go") }

func (f *source) at(n ast.Node) token.Position { return f.fset.Position(n.Pos()) }

// sources parses all Go files of all modules.
func sources(t *testing.T) (all []*source) {
	t.Helper()
	modules := map[string]bool{".": true}
	fset := token.NewFileSet()
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		if d.IsDir() {
			if base := d.Name(); name != "." && (base[0] == '.' || base == "node_modules" || base == "testdata") {
				return fs.SkipDir
			}
			if found, _ := filepath.Glob(filepath.Join(name, "go.mod")); found != nil {
				modules[name] = true
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		parsed, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		all = append(all, &source{path: name, fset: fset, ast: parsed, module: path.Dir(name)})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		for !modules[f.module] {
			f.module = path.Dir(f.module)
		}
	}
	return all
}
