package socketio_test

import (
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sockeye-io/socketio"
)

// articleHeadings are the article's, its title included; parts of a transport's section
// belong to the transport.
var articleHeadings = []string{
	"Socket.IO for backend developers", "Handshake", "Tranport priority", "Cross-Domain connections", "Flash policy server",
	"Transports", "XHR Polling", "JSONP Polling", "Htmlfile", "Horizontal scaling", "Comments",
}

// TestArticleTable: docs/revision-1.md names tests that are there, for each heading of
// the article, and every test of the article.
func TestArticleTable(t *testing.T) {
	_, table, ok := strings.Cut(read(t, "docs/revision-1.md"), "\n## The article\n")
	if !ok {
		t.Fatal("docs/revision-1.md has no table")
	}
	declared := make(map[string]map[string]bool)
	missing := make(map[string]string) // tests of the article, and their files
	for _, f := range sources(t) {
		declared[f.path] = declarations(f.ast)
		for name := range declared[f.path] {
			if strings.HasPrefix(name, "TestArticle") && name != t.Name() {
				missing[name] = f.path
			}
		}
	}
	var headings []string
	for _, row := range tableRows(table) {
		if len(row) != 4 {
			t.Fatalf("row %q", row)
		}
		if heading, test, file := row[0], row[2], row[3]; !declared[file][test] || row[1] == "" {
			t.Errorf("%s: there is no %s in %s", heading, test, file)
		} else if headings = append(headings, heading); missing[test] == file {
			delete(missing, test)
		}
	}
	if got := slices.Compact(headings); !slices.Equal(got, articleHeadings) {
		t.Errorf("headings %q, want %q", got, articleHeadings)
	}
	for name, file := range missing {
		t.Errorf("%s: %s is not in the table", file, name)
	}
}

// tableRows returns the cells of a table's rows, without its head.
func tableRows(text string) (rows [][]string) {
	for line := range strings.SplitSeq(text, "\n") {
		cells, ok := strings.CutPrefix(line, "| ")
		if cells, end := strings.CutSuffix(cells, " |"); ok && end {
			rows = append(rows, strings.Split(cells, " | "))
		}
	}
	return rows[2:]
}

// TestOldAPITable: the expressions that docs/revision-1.md gives for the notions of the
// 0.9 server are lines of a test.
func TestOldAPITable(t *testing.T) {
	_, table, _ := strings.Cut(read(t, "docs/revision-1.md"), "\n## The old API's notions\n")
	table, _, _ = strings.Cut(table, "\n| reason in 0.9")
	code := read(t, "api09_test.go")
	n := 0
	for _, row := range tableRows(table) {
		for _, cell := range row[1:] {
			for _, expression := range span.FindAllStringSubmatch(cell, -1) {
				if name := expression[1]; strings.ContainsAny(name, ".:(") && !strings.Contains(code, name) {
					t.Errorf("%s: api09_test.go has no %s", row[0], name)
				}
				n++
			}
		}
	}
	if n < 30 {
		t.Errorf("only %d expressions are found", n)
	}
}

// optionRef matches the name of an option.
var optionRef = regexp.MustCompile("`(Options|Revision1)\\.([A-Z]\\w*)`")

// TestOptionNames: options that documents name are there.
func TestOptionNames(t *testing.T) {
	types := map[string]reflect.Type{
		"Options": reflect.TypeFor[socketio.Options](), "Revision1": reflect.TypeFor[socketio.Revision1](),
	}
	named := make(map[string]bool)
	for _, document := range []string{"docs/revision-1.md", "docs/upgrade.md"} {
		for _, m := range optionRef.FindAllStringSubmatch(read(t, document), -1) {
			if _, ok := types[m[1]].FieldByName(m[2]); !ok {
				t.Errorf("%s: there is no %s", document, m[0])
			}
			named[m[1]+"."+m[2]] = true
		}
	}
	for field := range types["Revision1"].Fields() {
		if !named["Revision1."+field.Name] {
			t.Errorf("no document tells of Revision1.%s: %q", field.Name, slices.Sorted(maps.Keys(named)))
		}
	}
}
