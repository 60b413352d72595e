package socketio_test

import (
	"go/ast"
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
var (
	span    = regexp.MustCompile("`([^`]+)`")
	fileRef = regexp.MustCompile(`^([\w./-]+\.go)(?:: (.+))?$`)
	makeRef = regexp.MustCompile(`^make ([a-z-]+)`)
)

// TestDocs: what the documents say is there is there.
func TestDocs(t *testing.T) {
	var documents []string
	for _, pattern := range []string{"*.md", "*/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		documents = append(documents, found...)
	}
	makefile, err := os.ReadFile("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	declared := make(map[string]map[string]bool)
	for _, f := range sources(t) {
		declared[f.path] = declarations(f.ast)
	}
	for _, document := range documents {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range prose(string(text)) {
			for _, s := range span.FindAllStringSubmatch(line, -1) {
				if m := makeRef.FindStringSubmatch(s[1]); m != nil && !hasTarget(makefile, m[1]) {
					t.Errorf("%s:%d: the Makefile has no target %s", document, i+1, m[1])
				}
				for _, missing := range missing(path.Dir(filepath.ToSlash(document)), s[1], declared) {
					t.Errorf("%s:%d: there is no %s", document, i+1, missing)
				}
			}
		}
	}
}

// prose returns the lines of a document, with those of code blocks empty.
func prose(text string) []string {
	lines := strings.Split(text, "\n")
	code := false
	for i, line := range lines {
		fence := strings.HasPrefix(strings.TrimSpace(line), "```")
		if code || fence {
			lines[i] = ""
		}
		if fence {
			code = !code
		}
	}
	return lines
}

func hasTarget(makefile []byte, name string) bool {
	return regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + `:`).Match(makefile)
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
