package socketio_test

import (
	"go/ast"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// origin is what stands above a block of Go code in a document that is a part of a
// program: its path from the root.
var origin = regexp.MustCompile(`^<!-- ([\w./-]+\.go) -->$`)

// TestSnippets: what README.md shows of Go is part of a program that is compiled and
// tested; in other documents, what says so is.
func TestSnippets(t *testing.T) {
	for _, document := range documents(t) {
		for _, s := range snippets(read(t, document)) {
			switch {
			case s.file == "" && document == "README.md":
				t.Errorf("%s:%d: the code is not said to be part of a program", document, s.line)
			case s.file != "" && !exists(".", s.file):
				t.Errorf("%s:%d: there is no %s", document, s.line, s.file)
			case s.file != "" && !within(read(t, s.file), s.code):
				t.Errorf("%s:%d: %s has no such lines", document, s.line, s.file)
			}
		}
	}
}

// A snippet is a block of Go code in a document.
type snippet struct {
	line int
	file string // it is part of; empty: none is named
	code []string
}

func snippets(document string) (all []snippet) {
	var inside *snippet
	file := ""
	for i, line := range strings.Split(document, "\n") {
		m := origin.FindStringSubmatch(line)
		switch {
		case inside != nil && strings.HasPrefix(line, "```"):
			all, inside = append(all, *inside), nil
		case inside != nil:
			inside.code = append(inside.code, line)
		case line == "```go":
			inside = &snippet{line: i + 1, file: file}
			file = ""
		case m != nil:
			file = m[1]
		case line != "":
			file = ""
		}
	}
	return all
}

// within reports whether file has the lines of code, one after the other and as they
// are, but that all may be indented by the same tabs.
func within(file string, code []string) bool {
	lines := strings.Split(file, "\n")
	if len(code) == 0 {
		return false
	}
	for i := range len(lines) - len(code) + 1 {
		indent, ok := strings.CutSuffix(lines[i], code[0])
		if !ok || strings.Trim(indent, "\t") != "" {
			continue
		}
		same := true
		for j, line := range code {
			same = same && (lines[i+j] == indent+line || line == "" && lines[i+j] == "")
		}
		if same {
			return true
		}
	}
	return false
}

// TestWithin shows which code is found.
func TestWithin(t *testing.T) {
	const file = "func f() {\n\ta()\n\n\tif b {\n\t\tc()\n\t}\n}\n"
	for code, want := range map[string]bool{
		"a()":                     true,
		"a()\n\nif b {\n\tc()\n}": true,
		"func f() {\n\ta()":       true,
		"if b {\n\tc()":           true,
		"if b {\nc()":             false, // indented otherwise
		"a()\nif b {":             false, // without what is between
		"b {":                     false, // part of a line
		"d()":                     false,
		"}\n}\n":                  false,
		"":                        true, // there is an empty line
	} {
		if got := within(file, strings.Split(code, "\n")); got != want {
			t.Errorf("%q: %t", code, got)
		}
	}
}

// addFlags adds the flags that kong makes of the structs in f: fields with a help.
func addFlags(flags map[string]bool, f *ast.File) {
	prefixes := make(map[string]string) // by the type of the struct
	ast.Inspect(f, func(n ast.Node) bool {
		if field, ok := n.(*ast.Field); ok && tag(field, "prefix") != "" {
			prefixes[last(field.Type)] = tag(field, "prefix")
		}
		return true
	})
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok {
			return true
		}
		def, ok := spec.Type.(*ast.StructType)
		if !ok {
			return true
		}
		for _, field := range def.Fields.List {
			for _, id := range field.Names {
				if name := tag(field, "name"); name != "" {
					flags[name] = true
				} else if tag(field, "help") != "" {
					flags[prefixes[spec.Name.Name]+kebab(id.Name)] = true
				}
			}
		}
		return true
	})
}

func tag(field *ast.Field, key string) string {
	if field.Tag == nil {
		return ""
	}
	text, _ := strconv.Unquote(field.Tag.Value)
	return reflect.StructTag(text).Get(key)
}

// kebab writes MaxPayload as max-payload.
func kebab(name string) string {
	var b strings.Builder
	for i, r := range name {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
