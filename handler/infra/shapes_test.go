package infra

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestLifecycle checks what is deleted after a time, and that nothing else is: no models,
// no packages, and nothing that is spilled, which is in no table yet.
func TestLifecycle(t *testing.T) {
	each(t, func(t *testing.T, _ string, s snapshot) {
		policies := s.all("Microsoft.Storage/storageAccounts/managementPolicies")
		if len(policies) != 1 || !strings.Contains(policies[0].ID, "/stdata") {
			t.Fatalf("%d policies", len(policies))
		}
		var p struct {
			Policy struct {
				Rules []struct {
					Enabled    bool
					Definition struct {
						Filters struct{ PrefixMatch []string }
						Actions struct {
							BaseBlob struct {
								Delete struct{ DaysAfterModificationGreaterThan int }
							}
						}
					}
				}
			}
		}
		policies[0].decode(t, &p)
		var got []string
		for _, r := range p.Policy.Rules {
			if r.Enabled {
				got = append(got, fmt.Sprint(r.Definition.Filters.PrefixMatch, r.Definition.Actions.BaseBlob.Delete.DaysAfterModificationGreaterThan))
			}
		}
		slices.Sort(got)
		want := []string{"[capture/] 30", "[deadletter/] 30", "[insights-logs-functionapplogs/] 30", "[logs/] 30", "[preds/] 90"}
		if !slices.Equal(got, want) {
			t.Errorf("deletes %q, want %q", got, want)
		}
		if days := s.settings(t)["SCORE_RETENTION_DAYS"]; !slices.Contains(got, "[preds/] "+days) {
			t.Errorf("the application keeps runs for %q days, the rules for files are %q", days, got)
		}
	})
}

// TestCheckpointsKeepNoDeleted checks what Event Hubs asks of the account that has its
// checkpoints: no soft delete, no versions.
func TestCheckpointsKeepNoDeleted(t *testing.T) {
	each(t, func(t *testing.T, _ string, s snapshot) {
		for _, r := range s.all("Microsoft.Storage/storageAccounts/blobServices") {
			var p struct {
				IsVersioningEnabled   bool
				DeleteRetentionPolicy struct{ Enabled bool }
			}
			r.decode(t, &p)
			if host := strings.Contains(r.ID, "/sthost"); p.IsVersioningEnabled || p.DeleteRetentionPolicy.Enabled == host {
				t.Errorf("%s: %+v", r.ID, p)
			}
		}
	})
}

// TestFlexScalesToZero checks that the default parameter file keeps no instance running, if
// only the plan is chosen.
func TestFlexScalesToZero(t *testing.T) {
	for name, s := range map[string]snapshot{"shape": load(t, "shapes/flex"), "azd": evaluated(t, "FLEETSCORE_PLAN=FC1")} {
		var p struct {
			FunctionAppConfig struct {
				ScaleAndConcurrency struct{ AlwaysReady []any }
			}
		}
		sites := s.all("Microsoft.Web/sites")
		sites[0].decode(t, &p)
		if len(sites) != 1 || len(p.FunctionAppConfig.ScaleAndConcurrency.AlwaysReady) != 0 {
			t.Errorf("%s: %s", name, sites[0].Properties)
		}
	}
}

// TestCombinations evaluates what no committed shape is.
func TestCombinations(t *testing.T) {
	for _, env := range []string{
		"FLEETSCORE_PLAN=FC1 FLEETSCORE_VNET=true", "FLEETSCORE_PLAN=EP3 FLEETSCORE_VNET=true FLEETSCORE_CONTENT_SHARE=true",
		"FLEETSCORE_PLAN=FC1 FLEETSCORE_CONTENT_SHARE=true", "AZURE_PRINCIPAL_TYPE=ServicePrincipal FLEETSCORE_ALERT_EMAIL=a@example.org",
	} {
		t.Run(env, func(t *testing.T) {
			s := evaluated(t, strings.Fields(env)...)
			_, skips := s.settings(t)["WEBSITE_SKIP_CONTENTSHARE_VALIDATION"]
			if want := strings.Contains(env, "EP3"); skips != want {
				t.Errorf("the validation of the share is skipped: %v", skips)
			}
		})
	}
}

// evaluated evaluates the default parameter file in an environment, given as
// NAME=value.
func evaluated(t *testing.T, env ...string) snapshot {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "infra")
	must(t, os.CopyFS(folder, os.DirFS(dir)))
	path := filepath.Join(folder, "main.bicepparam")
	content, err := os.ReadFile(path)
	must(t, err)
	text := string(content)
	for _, v := range env {
		name, value, _ := strings.Cut(v, "=")
		reads := regexp.MustCompile(`readEnvironmentVariable\('` + name + `', '[^']*'\)`)
		if !reads.MatchString(text) {
			t.Fatalf("main.bicepparam does not read %s", name)
		}
		text = reads.ReplaceAllString(text, "'"+value+"'")
	}
	must(t, os.WriteFile(path, []byte(text), 0o600))
	return parse(t, "main with "+strings.Join(env, " "), []byte(predict(t, path)))
}
