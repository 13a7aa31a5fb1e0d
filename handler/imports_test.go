package handler

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"testing"
)

// arrows says, for a folder and those below it, which of ours it may import.
// The most specific row counts. Tests may import anything.
var arrows = map[string]string{
	"fleet":                     "",
	"spawn":                     "",
	"blob":                      "fleet blob",
	"azure":                     "telemetry fleet blob",
	"needs":                     "",
	"mutants":                   "spawn",
	"store":                     "telemetry fleet store needs",
	"ledger":                    "telemetry fleet blob spawn",
	"ingest":                    "telemetry fleet blob ingest/mapping ingest/rules ocf spawn",
	"export":                    "fleet blob ledger spawn",
	"schedule":                  "telemetry fleet blob ledger schedule/ncrontab",
	"score":                     "telemetry fleet blob ledger features model/predict series spawn",
	"runs":                      "fleet blob ledger spawn",
	"page":                      "fleet runs ledger",
	"telemetry":                 "fleet spawn",
	"timestamp":                 "fleet",
	"features":                  "fleet jsonfile",
	"jsonfile":                  "",
	"tabular":                   "fleet notation timestamp",
	"series":                    "fleet spawn",
	"offline":                   "fleet features ledger model score series spawn",
	"schedule/ncrontab":         "fleet",
	"protocol":                  "telemetry fleet spawn",
	"openapi":                   "protocol",
	"simulate":                  "fleet spawn",
	"model":                     "fleet blob features model spawn",
	"model/predict":             "",
	"model/predict/predicttest": "model/predict goldenfile",
	"goldenfile":                "",
	"loopback":                  "",
	"model/svm":                 "model/libm",
	"model/forest":              "model/libm",
	"model/libm":                "",
	"model/pickle":              "",
	"config":                    "telemetry fleet azure schedule/ncrontab ingest/mapping ingest/rules timestamp",
	"azurite":                   "azure",
	"release":                   "release/pack",
	"release/pack":              "",
	"devhost":                   "azure loopback schedule/ncrontab",
	"app":                       "telemetry openapi page export fleet blob azure store ledger ingest schedule score runs protocol model config spawn version",
	"cmd":                       "cmd/printable fleet spawn blob azure store schedule ingest runs model config app azurite devhost loopback simulate release tabular timestamp features series offline score version",
	"ingest/mapping":            "fleet ingest/rules notation ocf timestamp",
	"ingest/rules":              "fleet jsonfile",
	"ocf":                       "",
	"notation":                  "",
}

// owners says which folders alone may import what comes from elsewhere.
var owners = map[string]string{
	"github.com/labstack/": "protocol", "github.com/go-json-experiment/": "protocol", "github.com/Azure/": "azure release", "github.com/microsoft/go-mssqldb": "store",
	"github.com/santhosh-tekuri/": "jsonfile", "github.com/swaggest/": "openapi", "go.yaml.in/": "model", "github.com/parquet-go/": "tabular export", "github.com/itchyny/gojq": "ingest/mapping", "github.com/linkedin/goavro": "ocf", "github.com/ncruces/": "store", "database/sql": "store", "github.com/spf13/": "cmd", "github.com/schollz/": "cmd",
	"go.opentelemetry.io/": "telemetry", "golang.org/x/sync/errgroup": "spawn", "golang.org/x/sync/singleflight": "spawn",
}

func TestImports(t *testing.T) {
	const ours = "github.com/fleetscore/fleetscore/handler/"
	err := fs.WalkDir(os.DirFS("."), ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.Name() == "testdata" {
			return fs.SkipDir
		}
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") || file == "doc.go" {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		row := path.Dir(file)
		for _, known := arrows[row]; !known && row != "."; _, known = arrows[row] {
			row = path.Dir(row)
		}
		for _, imported := range parsed.Imports {
			name, _ := strconv.Unquote(imported.Path.Value)
			if own, ok := strings.CutPrefix(name, ours); ok && !within(own, strings.Fields(arrows[row])...) {
				t.Errorf("%s imports %s; the arrows allow %q", file, own, arrows[row])
			}
			for prefix, owner := range owners {
				if strings.HasPrefix(name, prefix) && !within(row, strings.Fields(owner)...) {
					t.Errorf("%s imports %s, which only %s may", file, name, owner)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func within(folder string, allowed ...string) bool {
	for _, a := range allowed {
		if folder == a || strings.HasPrefix(folder, a+"/") {
			return true
		}
	}
	return false
}
