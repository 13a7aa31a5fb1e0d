package sklearn_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/model/sklearn"
)

var update = flag.Bool("update", false, "write docs/corpus.md anew")

// corpus counts models by estimator and version.
type corpus struct {
	versions []string
	models   map[string]map[string]int // by estimator, then by version
	files    map[string]int            // by version
}

// versionIn finds the version in the name of a file of goldens.
var versionIn = regexp.MustCompile(`(\d+(?:\.\d+)+)\.json`)

func (c *corpus) add(t *testing.T, path string, file []byte) {
	t.Helper()
	version := versionIn.FindStringSubmatch(path)[1]
	m, err := sklearn.Load(file)
	if err != nil {
		t.Fatal(path, err)
	}
	if c.models == nil {
		c.models, c.files = make(map[string]map[string]int), make(map[string]int)
	}
	c.files[version]++
	seen := make(map[string]bool)
	classesIn(m.Describe().Estimator, seen)
	for class := range seen {
		if c.models[class] == nil {
			c.models[class] = make(map[string]int)
		}
		c.models[class][version]++
	}
	if !slices.Contains(c.versions, version) {
		c.versions = append(c.versions, version)
		slices.SortFunc(c.versions, byVersion)
	}
}

func classesIn(s sklearn.Step, seen map[string]bool) {
	if module, name, found := cutLast(s.Class); found && strings.Contains(module, ".") || strings.HasPrefix(module, "sklearn") {
		seen[name] = true
	}
	for _, inner := range s.Steps {
		classesIn(inner, seen)
	}
}

func cutLast(s string) (before, after string, found bool) {
	i := strings.LastIndexByte(s, '.')
	if i < 0 {
		return "", s, false
	}
	return s[:i], s[i+1:], true
}

func byVersion(a, b string) int {
	var x, y [3]int
	fmt.Sscanf(a, "%d.%d.%d", &x[0], &x[1], &x[2])
	fmt.Sscanf(b, "%d.%d.%d", &y[0], &y[1], &y[2])
	return slices.Compare(x[:], y[:])
}

// table writes the number of models for each estimator and version.
func (c *corpus) table(b *strings.Builder) {
	fmt.Fprintf(b, "| estimator | %s |\n|---|%s\n", strings.Join(c.versions, " | "), strings.Repeat("---|", len(c.versions)))
	row := func(name string, counts map[string]int) {
		fmt.Fprintf(b, "| %s |", name)
		for _, v := range c.versions {
			if n := counts[v]; n > 0 {
				fmt.Fprintf(b, " %d |", n)
			} else {
				b.WriteString(" |")
			}
		}
		b.WriteByte('\n')
	}
	for _, class := range slices.Sorted(maps.Keys(c.models)) {
		row(class, c.models[class])
	}
	row("**models**", c.files)
}

// TestCorpus checks that docs/corpus.md counts the models that tests compare with their
// libraries.
func TestCorpus(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(`# The models that tests compare with their libraries

Each model was fitted and written by the real package of that version. A script beside the files (handler/model/**/testdata/*.py)
did it, and stored the results of the model's methods. The tests read the model and compare its results with these. Predictions must be
equal. Scores may differ by 1e-12 of the larger of 1 and the score, and must be equal to the bit where [model-files.md](model-files.md) says so.

A number in the tables is the number of models that contain the estimator. "go test ./handler/model/sklearn -run TestCorpus" checks this page;
with -update it writes it.

## scikit-learn

`)
	var learn, pyod, imbalanced corpus
	for _, path := range goldenFiles(t) {
		for _, g := range readGoldens(t, path) {
			learn.add(t, path, g.File)
		}
	}
	paths, err := filepath.Glob("../testdata/[ek][se]*-*.json.xz") // estimators and kept
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		for _, f := range readEstimators(t, path) {
			learn.add(t, path, f.bytes(t))
		}
	}
	learn.table(&b)
	b.WriteString("\n## PyOD\n\n")
	for _, path := range pyodFiles(t) {
		for _, g := range readPyOD(t, path) {
			pyod.add(t, path, g.File)
		}
	}
	pyod.table(&b)
	b.WriteString("\n## imbalanced-learn\n\n")
	const imblearn = "../testdata/imblearn-0.14.2.json.xz"
	for _, f := range readEstimators(t, imblearn) {
		imbalanced.add(t, imblearn, f.bytes(t))
	}
	imbalanced.table(&b)
	b.WriteString("\n## Others\n\n| written by | models |\n|---|---|\n")
	for _, library := range []struct{ name, files string }{
		{"XGBoost", "../xgboost/testdata/xgboost-*"}, {"LightGBM", "../lightgbm/testdata/lightgbm-*"}, {"skops", "../artifact/testdata/skops_*"}, {"MLflow", "../artifact/testdata/mlflow-*"},
	} {
		others(t, &b, library.name, library.files+".json.gz")
	}
	const page = "../../../docs/corpus.md"
	if *update {
		if err := os.WriteFile(page, []byte(b.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if data, err := os.ReadFile(page); err != nil || string(data) != b.String() {
		t.Errorf("docs/corpus.md is not what there is: go test ./handler/model/sklearn -run TestCorpus -update (%v)", err)
	}
}

// others writes a line for each file of another package. The tests of that package
// compare its models.
func others(t *testing.T, b *strings.Builder, name, files string) {
	paths, err := filepath.Glob(files)
	if err != nil || len(paths) == 0 {
		t.Fatal(name, "has no goldens", err)
	}
	slices.SortFunc(paths, func(p, q string) int {
		return byVersion(versionIn.FindStringSubmatch(p)[1], versionIn.FindStringSubmatch(q)[1])
	})
	for _, path := range paths {
		var all json.RawMessage
		readJSON(t, path, &all)
		var named struct{ Models map[string]json.RawMessage }
		var list []struct{ Predict json.RawMessage }
		count := 0
		if json.Unmarshal(all, &named) == nil {
			count = len(named.Models)
		} else if json.Unmarshal(all, &list) == nil {
			for _, m := range list { // some are refused
				if len(m.Predict) > 0 && string(m.Predict) != "null" {
					count++
				}
			}
		}
		fmt.Fprintf(b, "| %s %s | %d |\n", name, versionIn.FindStringSubmatch(path)[1], count)
	}
}
