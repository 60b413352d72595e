package socketio_test

import (
	"go/ast"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Documents name code between backticks, in these forms; the names are those of
// declarations in that file, and of fields of structs and methods of interfaces there.
// Paths start at the root, or at the document's directory.
//
//	`internal/hub/room.go`
//	`internal/hub/room.go: shard`
//	`internal/hub/room.go: (*Socket).Join, shard.mu, ErrRoomName`
//	`make check`
//	`--drain`                 in a manual, a flag of sockeye's
//	`SOCKEYE_DRAIN`           likewise, its variable
//
// Commands in blocks of code are looked at, too, and so are links to files here.
var (
	span     = regexp.MustCompile("`([^`]+)`")
	fileRef  = regexp.MustCompile(`^([\w./-]+\.go)(?:: (.+))?$`)
	makeRef  = regexp.MustCompile(`^make ([a-z-]+)`)
	pathRef  = regexp.MustCompile(`^go (?:run|build|test|install) .*?(\./[\w/-]+)`)
	flagRef  = regexp.MustCompile(`--([a-z][a-z0-9-]*)|SOCKEYE_([A-Z0-9_]+)`)
	linkRef  = regexp.MustCompile(`\]\(([^)\s]+)\)|(?:src|srcset|href)="([^"]+)"`)
	isManual = map[string]bool{"README.md": true, "docs/daemon.md": true, "docs/revision-1.md": true, "docs/upgrade.md": true}
	external = regexp.MustCompile(`^(?:[a-z]+:|#)`)
)

// TestDocs: what the documents say is there is there.
func TestDocs(t *testing.T) {
	makefile := read(t, "Makefile")
	declared := make(map[string]map[string]bool)
	flags := map[string]bool{"help": true, "version": true}
	for _, f := range sources(t) {
		declared[f.path] = declarations(f.ast)
		if f.path == "cmd/sockeye/flags.go" {
			addFlags(flags, f.ast)
		}
	}
	for _, document := range documents(t) {
		prose, code := lines(read(t, document))
		for i, line := range prose {
			for _, s := range span.FindAllStringSubmatch(line, -1) {
				code[i] = append(code[i], s[1])
			}
			for _, m := range linkRef.FindAllStringSubmatch(line, -1) {
				if to := m[1] + m[2]; !external.MatchString(to) && !exists(path.Dir(document), to) {
					t.Errorf("%s:%d: there is no %s to link to", document, i+1, to)
				}
			}
		}
		for i, snippets := range code {
			for _, s := range snippets {
				if m := makeRef.FindStringSubmatch(s); m != nil && !hasTarget(makefile, m[1]) {
					t.Errorf("%s:%d: the Makefile has no target %s", document, i+1, m[1])
				}
				// What is run in bench is said to be.
				if m := pathRef.FindStringSubmatch(s); m != nil && !exists(".", m[1]) && !exists("bench", m[1]) {
					t.Errorf("%s:%d: there is no %s", document, i+1, m[1])
				}
				for _, flag := range flagsIn(s) {
					if isManual[document] && !flags[flag] {
						t.Errorf("%s:%d: sockeye has no flag --%s", document, i+1, flag)
					}
				}
				for _, missing := range missing(path.Dir(document), s, declared) {
					t.Errorf("%s:%d: there is no %s", document, i+1, missing)
				}
			}
		}
	}
}

// documents returns the paths of all documents of the repository.
func documents(t *testing.T) (all []string) {
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && (d.Name()[0] == '.' || d.Name() == "node_modules" || d.Name() == "testdata"):
			return fs.SkipDir
		case strings.HasSuffix(name, ".md"):
			all = append(all, filepath.ToSlash(name))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// exists reports whether a link in a document in dir leads to a file or directory.
func exists(dir, to string) bool {
	to, _, _ = strings.Cut(to, "#")
	_, err := os.Stat(filepath.FromSlash(path.Join(dir, to)))
	return err == nil
}

// lines returns the lines of a document: those of prose, and those of blocks of code,
// where the others are empty.
func lines(text string) (prose []string, code [][]string) {
	prose = strings.Split(text, "\n")
	code = make([][]string, len(prose))
	inside := false
	for i, line := range prose {
		line = strings.TrimSpace(line)
		fence := strings.HasPrefix(line, "```")
		if inside || fence {
			prose[i] = ""
		}
		if inside && !fence {
			code[i] = []string{line}
		}
		if fence {
			inside = !inside
		}
	}
	return prose, code
}

// flagsIn returns the flags of sockeye's that code names: flags or variables.
func flagsIn(code string) (names []string) {
	for _, m := range flagRef.FindAllStringSubmatch(code, -1) {
		names = append(names, m[1]+strings.ReplaceAll(strings.ToLower(m[2]), "_", "-"))
	}
	return names
}

func hasTarget(makefile, name string) bool {
	return regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + `:`).MatchString(makefile)
}

// missing returns what a reference in a document in dir names and nothing declares.
func missing(dir, reference string, declared map[string]map[string]bool) (out []string) {
	m := fileRef.FindStringSubmatch(reference)
	if m == nil || m[1][0] == '.' {
		return nil // no reference, or one such as .go
	}
	names := declared[m[1]]
	if names == nil {
		names = declared[path.Join(dir, m[1])]
	}
	if names == nil {
		return []string{m[1]}
	}
	if m[2] == "" {
		return nil
	}
	for name := range strings.SplitSeq(m[2], ", ") {
		if !names[name] {
			out = append(out, m[1]+": "+name)
		}
	}
	return out
}

// declarations returns the names that a file declares: F, T, (*T).M, T.M, T.field.
func declarations(f *ast.File) map[string]bool {
	names := make(map[string]bool)
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			names[funcName(d)] = true
		case *ast.GenDecl:
			for _, s := range d.Specs {
				addSpec(names, s)
			}
		}
	}
	return names
}

func addSpec(names map[string]bool, s ast.Spec) {
	switch s := s.(type) {
	case *ast.ValueSpec:
		for _, id := range s.Names {
			names[id.Name] = true
		}
	case *ast.TypeSpec:
		names[s.Name.Name] = true
		var members *ast.FieldList
		switch def := s.Type.(type) {
		case *ast.StructType:
			members = def.Fields
		case *ast.InterfaceType:
			members = def.Methods
		}
		if members == nil {
			return
		}
		for _, field := range members.List {
			for _, id := range field.Names {
				names[s.Name.Name+"."+id.Name] = true
			}
		}
	}
}

func funcName(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return d.Name.Name
	}
	receiver := d.Recv.List[0].Type
	star, pointer := receiver.(*ast.StarExpr)
	if pointer {
		receiver = star.X
	}
	switch generic := receiver.(type) {
	case *ast.IndexExpr:
		receiver = generic.X
	case *ast.IndexListExpr:
		receiver = generic.X
	}
	name := last(receiver)
	if pointer {
		name = "(*" + name + ")"
	}
	return name + "." + d.Name.Name
}

// TestDocsForms shows which references are found missing.
func TestDocsForms(t *testing.T) {
	declared := map[string]map[string]bool{
		"internal/hub/room.go": {"shard": true, "shard.mu": true, "(*Socket).Join": true},
	}
	for reference, want := range map[string]int{
		"internal/hub/room.go":                          0,
		"internal/hub/room.go: shard":                   0,
		"internal/hub/room.go: (*Socket).Join":          0,
		"internal/hub/room.go: shard.mu, shard":         0,
		"internal/hub/room.go: Socket.Join":             1,
		"internal/hub/room.go: shard.rooms, shard.room": 2,
		"hub/room.go": 0,
		"room.go":     1,
		"go test":     0,
		".go":         0,
		"shard.mu":    0,
		"README.md":   0,
	} {
		if got := missing("internal", reference, declared); len(got) != want {
			t.Errorf("%q: missing %q, want %d", reference, got, want)
		}
	}
}
