package socketio_test

import (
	"encoding/json"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	required = regexp.MustCompile(`(?m)^(?:require |tool |\t)([\w.-]+\.[a-z]+/[^ \n]+)(?: v[^ \n]+)?$`) // and not indirect
	major    = regexp.MustCompile(`/v\d+$`)
)

// TestDependencies: docs/design.md gives the reason for everything that a go.mod or a
// package.json asks for.
func TestDependencies(t *testing.T) {
	_, reasons, found := strings.Cut(read(t, "docs/design.md"), "\n## Dependencies\n")
	if !found {
		t.Fatal("docs/design.md has no section for them")
	}
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || name != "." && d.Name()[0] == '.') {
			return fs.SkipDir
		}
		for _, dependency := range dependencies(t, name, d.Name()) {
			if !strings.Contains(reasons, dependency) {
				t.Errorf("%s: docs/design.md does not say what %s is for", name, dependency)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// dependencies returns what a file asks for, if it is one that does: modules without
// their major version, and packages by the names under which npm has them.
func dependencies(t *testing.T, path, name string) (all []string) {
	switch name {
	case "go.mod":
		for _, m := range required.FindAllStringSubmatch(read(t, path), -1) {
			if _, ours := project(m[1]); !ours {
				all = append(all, major.ReplaceAllString(m[1], ""))
			}
		}
	case "package.json":
		var p struct{ Dependencies, DevDependencies map[string]string }
		if err := json.Unmarshal([]byte(read(t, path)), &p); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		for _, group := range []map[string]string{p.Dependencies, p.DevDependencies} {
			for alias, version := range group {
				if of, aliased := strings.CutPrefix(version, "npm:"); aliased {
					alias, _, _ = strings.Cut(of, "@")
				}
				all = append(all, alias)
			}
		}
	}
	return all
}
