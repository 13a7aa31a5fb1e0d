package handler

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
)

// starters are the functions and methods that start a goroutine, by name. In
// package spawn they are caught; elsewhere a panic in one ends the process.
var starters = []string{"Go", "DoChan", "AfterFunc"}

// allowed says where else goroutines are started, and why they may be.
var allowed = map[string]string{
	"spawn":                      "catches what panics",
	"devhost":                    "is not in the handler: it is the host of a machine that has none",
	"azurite":                    "is not in the handler: it runs the storage emulator",
	"cmd/handler/run.go":         "closes the server, nothing else",
	"store/sqlserver_connect.go": "closes a connection, nothing else",
}

// TestGoroutines lists every goroutine that is started other than by spawn.
func TestGoroutines(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	err := fs.WalkDir(os.DirFS("."), ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || strings.HasSuffix(d.Name(), "test")) {
			return fs.SkipDir
		}
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		files := token.NewFileSet()
		parsed, err := parser.ParseFile(files, file, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if !startsGoroutine(n) {
				return true
			}
			for _, place := range []string{file, strings.SplitN(file, "/", 2)[0]} {
				if allowed[place] != "" {
					used[place] = true
					return true
				}
			}
			t.Errorf("%v starts a goroutine: start it with package spawn, or a panic in it ends the process", files.Position(n.Pos()))
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for place := range allowed {
		if !used[place] {
			t.Errorf("%s starts no goroutine: take it off the list", place)
		}
	}
}

func startsGoroutine(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.GoStmt:
		return true
	case *ast.CallExpr:
		called, ok := n.Fun.(*ast.SelectorExpr)
		if !ok || !slices.Contains(starters, called.Sel.Name) {
			return false
		}
		from, ok := called.X.(*ast.Ident)
		return !ok || from.Name != "spawn"
	}
	return false
}

// TestStartsGoroutine looks at each way to start one.
func TestStartsGoroutine(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]bool{
		"go f()": true, "var g sync.WaitGroup; g.Go(f)": true, "x.loads.DoChan(k, f)": true, "context.AfterFunc(ctx, f)": true,
		"time.AfterFunc(d, f)": true, "spawn.Go(f)": false, "g.Start(f)": false, "f()": false,
	} {
		parsed, err := parser.ParseFile(token.NewFileSet(), "", "package p; func _() { "+source+" }", 0)
		if err != nil {
			t.Fatal(err)
		}
		found := false
		ast.Inspect(parsed, func(n ast.Node) bool {
			found = found || startsGoroutine(n)
			return true
		})
		if found != want {
			t.Errorf("%s: %v, want %v", source, found, want)
		}
	}
}
