package store

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/needs"
)

// goFiles returns the parsed files of this package, without tests.
func goFiles(t *testing.T) (*token.FileSet, []*ast.File) {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	set := token.NewFileSet()
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return set, files
}

// noImports lets constants be evaluated without loading other packages.
type noImports struct{}

func (noImports) Import(path string) (*types.Package, error) {
	return nil, fmt.Errorf("%s is not loaded", path)
}

// allStatements returns every constant of type statement, by name, from the
// source of this package.
func allStatements(t *testing.T) map[string]statement {
	t.Helper()
	set, files := goFiles(t)
	conf := types.Config{Importer: noImports{}, Error: func(error) {}} // what needs imports is no constant of SQL
	pkg, _ := conf.Check("store", set, files, nil)
	all := map[string]statement{}
	for _, name := range pkg.Scope().Names() {
		c, ok := pkg.Scope().Lookup(name).(*types.Const)
		if ok && c.Type().String() == "store.statement" {
			all[name] = statement(constant.StringVal(c.Val()))
		}
	}
	return all
}

var sqlVerb = regexp.MustCompile(`(?s)^["` + "`" + `]\s*(SELECT|INSERT|UPDATE|DELETE|CREATE|DROP|ALTER|DECLARE|EXEC|WITH|IF|TRUNCATE|SET)\s`)

// TestStatementsAreConstants checks that all SQL for SQL Server is in constants of type
// statement, where TestTSQL finds it.
func TestStatementsAreConstants(t *testing.T) {
	set, files := goFiles(t)
	for _, f := range files {
		name := set.Position(f.Pos()).Filename
		if strings.HasPrefix(name, "sqlite") {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GenDecl:
				return n.Tok != token.CONST
			case *ast.CallExpr:
				if id, ok := n.Fun.(*ast.Ident); ok && id.Name == "statement" && name != "migrate.go" {
					t.Errorf("%s makes a statement of something else than a constant", set.Position(n.Pos()))
				}
			case *ast.BasicLit:
				if n.Kind == token.STRING && sqlVerb.MatchString(n.Value) {
					t.Errorf("%s: SQL outside a constant of type statement", set.Position(n.Pos()))
				}
			}
			return true
		})
	}
}

// TestStatementsOnSQLite prepares every statement that SQLite shares.
func TestStatementsOnSQLite(t *testing.T) {
	db := openTest(t)
	own := []string{"takeLock", "openStage", "createSchema", "createMigrations", "readWindows", "insertStaged", "insertNewStaged", "stagedConflicts"}
	for name, s := range allStatements(t) {
		if slices.Contains(own, name) {
			continue
		}
		for _, rows := range sizes(s) {
			stmt, err := db.writer.PrepareContext(t.Context(), db.text(s, rows))
			if err != nil {
				t.Errorf("%s with a list of %d: %v", name, rows, err)
				continue
			}
			stmt.Close()
		}
	}
}

// TestLongListsAreJoinedAsShortOnes holds that SQLite seeks the rows of a table for each row
// of a list, however long the list is. If it read the table instead, a message of 17 jobs
// would read all jobs of the run.
func TestLongListsAreJoinedAsShortOnes(t *testing.T) {
	t.Parallel()
	db := openTest(t)
	for name, s := range allStatements(t) {
		if columns, _ := s.list(); columns == nil {
			continue
		}
		want := sqlitePlan(t, db, s, 1)
		if strings.Contains(want, "AUTOMATIC") {
			t.Errorf("%s makes an index of its own: %s", name, want)
		}
		for _, rows := range listSizes {
			if got := sqlitePlan(t, db, s, rows); got != want {
				t.Errorf("%s with a list of %d: %s\nwith one of 1: %s", name, rows, got, want)
			}
		}
	}
}

var (
	parameter = regexp.MustCompile(`@[a-z_0-9]+`)
	// numbers are those of a plan that depend on the length of a list.
	numbers = regexp.MustCompile(`SCAN CONSTANT ROW|SCAN \d+ CONSTANT ROWS|SUBQUERY \d+`)
)

// sqlitePlan returns how SQLite executes s with a list of that many rows.
func sqlitePlan(t *testing.T, db *DB, s statement, rows int) string {
	t.Helper()
	text := parameter.ReplaceAllString(db.text(s, rows), "?")
	return numbers.ReplaceAllString(db.Plan(t, text, make([]any, strings.Count(text, "?"))...), "…")
}

// sizes returns the lengths that the list of s has; one 0 if it has no list.
func sizes(s statement) []int {
	if columns, _ := s.list(); columns == nil {
		return []int{0}
	}
	return listSizes[:]
}

// systemSchema stands for what every server has, which tsqlcheck does not know.
const systemSchema = `
CREATE PROCEDURE dbo.sp_getapplock @Resource nvarchar(255), @LockMode varchar(32), @LockOwner varchar(32), @LockTimeout int
AS RETURN 0`

// insertBulk is what the driver sends for a bulk copy.
const insertBulk = "INSERT BULK [#stage] ([sensor_id] int, [ts] datetime2(3), [value] float) WITH (ROWS_PER_BATCH = 1000,TABLOCK)"

// allTSQL returns every batch that the store can send to SQL Server.
func allTSQL(t *testing.T) string {
	t.Helper()
	statements := allStatements(t)
	if len(statements) < 40 {
		t.Fatalf("only %d statements found in the source", len(statements))
	}
	var b strings.Builder
	for name, s := range statements {
		for _, rows := range sizes(s) {
			fmt.Fprintf(&b, "-- %s, %d\n%s\nGO\n", name, rows, sqlserverText(s, rows, "dbo"))
		}
	}
	fmt.Fprintf(&b, "%s\n%s\nGO\n", sqlserverText(openStage, 0, "dbo"), insertBulk)
	return b.String()
}

// TestTSQL gives every T-SQL statement that the store can send, and the
// migrations, to Microsoft's own parser and schema model.
func TestTSQL(t *testing.T) {
	tool := needs.Tool(t, "tsqlcheck", "without it T-SQL is not checked by Microsoft's parser")
	folder := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	schema := write("schema.sql", string(createMigrations)+"\nGO\n"+allMigrations(t))
	system := write("system.sql", systemSchema)
	check := func(text string) (string, error) {
		out, err := exec.Command(tool, "--schema", schema, "--schema", system, schema, write("statements.sql", text)).CombinedOutput()
		return string(out), err
	}
	if out, err := check(allTSQL(t)); err != nil {
		t.Errorf("tsqlcheck: %v\n%s", err, out)
	}

	// It must also find what is wrong, batch by batch.
	wrong := []string{
		strings.Replace(string(getRun), "r.epoch", "r.era", 1),
		strings.Replace(string(getRun), "dbo.runs", "dbo.walks", 1),
		string(getRun) + " LIMIT 1",
	}
	out, err := check(strings.Join(wrong, "\nGO\n"))
	for _, finding := range []string{"era", "walks", "LIMIT"} {
		if err == nil || !strings.Contains(out, finding) {
			t.Errorf("tsqlcheck does not find what is wrong about %s: %v\n%s", finding, err, out)
		}
	}
}

func allMigrations(t *testing.T) string {
	t.Helper()
	scripts := (&sqlserver{}).migrations()
	names, err := fs.Glob(scripts, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, name := range names {
		script, err := fs.ReadFile(scripts, name)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(script)
		b.WriteString("\nGO\n")
	}
	return b.String()
}

// TestMigrationsOfBothDialects checks that each migration exists in both dialects.
func TestMigrationsOfBothDialects(t *testing.T) {
	a, _ := fs.Glob((&sqlite{}).migrations(), "*")
	b, _ := fs.Glob((&sqlserver{}).migrations(), "*")
	if len(a) == 0 || !slices.Equal(a, b) {
		t.Errorf("migrations differ: sqlite %v, sqlserver %v", a, b)
	}
	for i, name := range a {
		if m := migrationName.FindStringSubmatch(name); m == nil || m[1] != fmt.Sprintf("%04d", i+1) {
			t.Errorf("migration %d is named %s", i+1, name)
		}
	}
}
