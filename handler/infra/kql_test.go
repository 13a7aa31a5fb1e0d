package infra

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/needs"
)

// tables are the schemas of the tables queried, as the Azure Monitor reference
// has them.
var tables = map[string]string{
	"AppTraces": `(TimeGenerated: datetime, Message: string, SeverityLevel: int, ItemCount: int, OperationName: string, OperationId: string,
		AppRoleName: string, AppRoleInstance: string, Properties: dynamic, SDKVersion: string, _ResourceId: string)`,
	"AppRequests": `(TimeGenerated: datetime, Name: string, Success: bool, ResultCode: string, DurationMs: real, ItemCount: int, OperationId: string,
		AppRoleName: string, AppRoleInstance: string, Properties: dynamic, _ResourceId: string)`,
	"AzureMetrics": `(TimeGenerated: datetime, ResourceProvider: string, Resource: string, MetricName: string, Total: real, Count: real, Maximum: real,
		Minimum: real, Average: real, TimeGrain: string, UnitName: string, _ResourceId: string)`,
}

// queries returns the texts of all queries, by file.
func queries(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, folder := range []string{"alerts", "workbook"} {
		files, err := filepath.Glob(filepath.Join(dir, folder, "*.kql"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no queries in %s: %v", folder, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			found[folder+"/"+filepath.Base(file)] = string(text)
		}
	}
	return found
}

// TestQueries analyses every query by Microsoft's own binder.
func TestQueries(t *testing.T) {
	out := analyse(t, queries(t))
	if out != "" {
		t.Error(out)
	}
	// And it is there to find something.
	bad := analyse(t, map[string]string{"bad.kql": "AppTraces | where Mesage == 1"})
	if !strings.Contains(bad, "KS142") {
		t.Errorf("a wrong column gives %q", bad)
	}
}

func analyse(t *testing.T, texts map[string]string) string {
	t.Helper()
	node := needs.Tool(t, "node", "install Node.js 20 or later")
	in, err := json.Marshal(map[string]any{"tables": tables, "queries": texts})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), node, "analyse.js")
	cmd.Dir, cmd.Stdin = checker(t), bytes.NewReader(in)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("analyse the queries: %v\n%s", err, out)
	}
	return string(out)
}

// checker returns a folder with the installed checker: in the user's cache,
// under the hash of what it is made of, complete once it is there.
func checker(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256.New()
	for _, name := range []string{"package.json", "package-lock.json", "analyse.js"} {
		content, err := os.ReadFile(filepath.Join("kql", name))
		if err != nil {
			t.Fatal(err)
		}
		hash.Write(content)
	}
	installed := filepath.Join(cache, "fleetscore", fmt.Sprintf("kql-%x", hash.Sum(nil)[:6]))
	if _, err := os.Stat(installed); err == nil {
		return installed
	}
	npm := needs.Tool(t, "npm", "install Node.js 20 or later, which brings it")
	if err := os.MkdirAll(filepath.Dir(installed), 0o755); err != nil {
		t.Fatal(err)
	}
	temp, err := os.MkdirTemp(filepath.Dir(installed), "installing-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(temp)
	if err := os.CopyFS(temp, os.DirFS("kql")); err != nil {
		t.Fatal(err)
	}
	ci := exec.CommandContext(t.Context(), npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
	ci.Dir = temp
	if out, err := ci.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	if err := os.Rename(temp, installed); err != nil {
		if _, there := os.Stat(installed); there != nil { // another test was not faster
			t.Fatal(err)
		}
	}
	return installed
}

// TestEveryQueryIsUsed checks that each file of a query is in a snapshot, as an alert or a
// chart, with the same text.
func TestEveryQueryIsUsed(t *testing.T) {
	each(t, func(t *testing.T, _ string, s snapshot) {
		var used []string
		for _, r := range s.all("Microsoft.Insights/scheduledQueryRules") {
			var p struct {
				Criteria struct {
					AllOf []struct{ Query, MetricMeasureColumn string }
				}
			}
			r.decode(t, &p)
			for _, c := range p.Criteria.AllOf {
				used = append(used, c.Query)
				if !strings.Contains(c.Query, c.MetricMeasureColumn+" = ") {
					t.Errorf("%s measures %s, which its query does not return", r.Name, c.MetricMeasureColumn)
				}
			}
		}
		for _, r := range s.all("Microsoft.Insights/workbooks") {
			var p struct{ SerializedData string }
			r.decode(t, &p)
			used = append(used, charts(t, p.SerializedData)...)
		}
		for file, text := range queries(t) {
			if !slices.Contains(used, text) {
				t.Errorf("%s is not deployed as it is", file)
			}
		}
	})
}

// charts returns the queries in a workbook. Its text may be an expression, in
// which JSON is a literal of a string.
func charts(t *testing.T, serialized string) []string {
	t.Helper()
	var found []string
	for _, m := range regexp.MustCompile(`"query":"((?:[^"\\]|\\.)*)"|'query', '((?:[^']|'')*)'`).FindAllStringSubmatch(serialized, -1) {
		text := strings.ReplaceAll(m[2], "''", "'")
		if m[2] == "" {
			if err := json.Unmarshal([]byte(`"`+m[1]+`"`), &text); err != nil {
				t.Fatal(err)
			}
		}
		found = append(found, text)
	}
	return found
}
