package socketio_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strings"
	"testing"
)

// TestSizes: what does not fit on a screen or two is read by nobody.
func TestSizes(t *testing.T) {
	const maxFile, maxFunc = 500, 60
	for _, f := range sources(t) {
		if ast.IsGenerated(f.ast) {
			continue
		}
		if n := f.fset.File(f.ast.Pos()).LineCount(); n > maxFile {
			t.Errorf("%s has %d lines, more than %d", f.path, n, maxFile)
		}
		for _, d := range f.ast.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if n := f.fset.Position(fn.End()).Line - f.at(fn).Line + 1; n > maxFunc {
				t.Errorf("%s: %s has %d lines, more than %d", f.at(fn), fn.Name.Name, n, maxFunc)
			}
		}
	}
}

// clocks are the functions by which a package takes its time from the system.
var clocks = regexp.MustCompile(`^(Now|Since|Until|After|AfterFunc|NewTimer|NewTicker|Tick|Sleep)$`)

// TestClocks: time is an argument below the transports, so tests of time are plain
// calls. The hub has a clock in its Config.
func TestClocks(t *testing.T) {
	for _, f := range sources(t) {
		if f.module != "." || f.test() || !layers[f.dir()].pure && f.dir() != "internal/hub" {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && isIdent(sel.X, "time") && clocks.MatchString(sel.Sel.Name) {
				t.Errorf("%s: time.%s", f.at(n), sel.Sel.Name)
			}
			return true
		})
	}
}

// TestVersions: a version is compared in internal/generation and nowhere else. This
// sees comparisons with the query's EIO and with the generations' values and numbers.
// Who needs to know puts a field into generation.Rules.
func TestVersions(t *testing.T) {
	for _, f := range sources(t) {
		if f.module != "." || f.test() || f.dir() == "internal/generation" {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			for _, e := range compared(n) {
				if what := version(e); what != "" {
					t.Errorf("%s: %s is compared", f.at(e), what)
				}
			}
			return true
		})
	}
}

// generations are the values, and not generation.EngineIO, which is a kind of request.
var generations = regexp.MustCompile(`^(Revision|EngineIO)\d`)

// TestVersionSeen shows what TestVersions takes for a comparison of versions.
func TestVersionSeen(t *testing.T) {
	for code, want := range map[string]bool{
		`q.EIO == "4"`:                             true,
		`eio < 4`:                                  true,
		`g != &generation.Revision5`:               true,
		`g.Codec == generation.Revision1.Codec`:    true,
		`s.Generation().Name == "revision 1"`:      true,
		`cfg.Generation.Index > 0`:                 true,
		`route.Kind == generation.EngineIO`:        false,
		`g.Rules.Upgrades == true`:                 false,
		`room.Name == "revision 1"`:                false,
		`generation.Revision1.Name + "/websocket"`: false,
	} {
		e, err := parser.ParseExpr(code)
		if err != nil {
			t.Fatal(err)
		}
		seen := false
		for _, operand := range compared(e) {
			seen = seen || version(operand) != ""
		}
		if seen != want {
			t.Errorf("%s: seen = %t", code, seen)
		}
	}
}

// compared returns what n compares.
func compared(n ast.Node) []ast.Expr {
	switch n := n.(type) {
	case *ast.BinaryExpr:
		switch n.Op {
		case token.EQL, token.NEQ, token.LSS, token.GTR, token.LEQ, token.GEQ:
			return []ast.Expr{n.X, n.Y}
		}
	case *ast.SwitchStmt:
		if n.Tag != nil {
			return []ast.Expr{n.Tag}
		}
	case *ast.CaseClause:
		return n.List
	}
	return nil
}

// version returns how e names a version of the protocol, or "".
func version(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.ParenExpr:
		return version(e.X)
	case *ast.UnaryExpr:
		return version(e.X)
	case *ast.Ident:
		if strings.EqualFold(e.Name, "eio") {
			return e.Name
		}
	case *ast.SelectorExpr:
		name := e.Sel.Name
		if strings.EqualFold(name, "eio") {
			return name
		}
		if isIdent(e.X, "generation") && generations.MatchString(name) {
			return "generation." + name
		}
		if name != "Name" && name != "Index" {
			return version(e.X) // generation.Revision1.Codec
		}
		if of := last(e.X); of == "g" || strings.EqualFold(of, "generation") {
			return of + "." + name
		}
	}
	return ""
}

// last returns the last name of an expression such as s.cfg.Generation or
// s.Generation().
func last(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.CallExpr:
		return last(e.Fun)
	}
	return ""
}

func isIdent(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name
}
