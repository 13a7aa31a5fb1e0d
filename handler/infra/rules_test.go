package infra

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Roles by their ids, as Azure documents them.
var roleNames = map[string]string{
	"b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
	"ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Storage Blob Data Contributor",
	"2a2b9908-6ea1-4ae2-8e65-a410df84e7d1": "Storage Blob Data Reader",
	"974c5e8b-45b9-4653-ba55-5f855dd0fb88": "Storage Queue Data Contributor",
	"0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3": "Storage Table Data Contributor",
	"a638d3c7-ab3a-418d-83e6-5f17a39d4fde": "Event Hubs Data Receiver",
	"2b629674-e913-4c01-ae53-ef4638d8f975": "Event Hubs Data Sender",
	"3913510d-42f4-4e42-8a64-420c390055eb": "Monitoring Metrics Publisher",
}

const (
	hostStorage = "Microsoft.Storage/storageAccounts/sthost"
	dataStorage = "Microsoft.Storage/storageAccounts/stdata"
	container   = dataStorage + "/blobServices/default/containers/"
	queue       = dataStorage + "/queueServices/default/queues/"
	hub         = "Microsoft.EventHub/namespaces/evhns-/eventhubs/readings"
)

// wantRoles is everything that anybody may do.
var wantRoles = []string{
	"app: Event Hubs Data Receiver on " + hub,
	"app: Monitoring Metrics Publisher on Microsoft.Insights/components/appi-",
	"app: Storage Blob Data Contributor on " + container + "deadletter",
	"app: Storage Blob Data Contributor on " + container + "logs",
	"app: Storage Blob Data Contributor on " + container + "preds",
	"app: Storage Blob Data Contributor on " + container + "spill",
	"app: Storage Blob Data Owner on " + hostStorage,
	"app: Storage Blob Data Reader on " + container + "config",
	"app: Storage Blob Data Reader on " + container + "models",
	"app: Storage Queue Data Contributor on " + queue + "score-jobs",
	"app: Storage Queue Data Contributor on " + queue + "score-jobs-poison",
	"app: Storage Table Data Contributor on " + hostStorage,
	"capture: Storage Blob Data Contributor on " + container + "capture",
	"deployer: Event Hubs Data Sender on " + hub,
	"deployer: Storage Blob Data Contributor on " + dataStorage,
	"deployer: Storage Blob Data Contributor on " + hostStorage + "/blobServices/default/containers/releases",
}

func TestRoles(t *testing.T) {
	each(t, func(t *testing.T, _ string, s snapshot) {
		var got []string
		for _, r := range s.all("Microsoft.Authorization/roleAssignments") {
			var p struct{ PrincipalID, PrincipalType, RoleDefinitionID string }
			r.decode(t, &p)
			id := p.RoleDefinitionID[strings.LastIndex(p.RoleDefinitionID, "/")+1:]
			role := roleNames[id]
			if role == "" {
				t.Errorf("role %s is not in the table", id)
			}
			got = append(got, principal(t, p.PrincipalID)+": "+role+" on "+r.scope(t))
		}
		slices.Sort(got)
		want := slices.Sorted(slices.Values(wantRoles))
		if !slices.Equal(got, want) {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}

func principal(t *testing.T, id string) string {
	switch {
	case id == "00000000-0000-0000-0000-00000000000d":
		return "deployer"
	case strings.Contains(id, "'captureIdentity"):
		return "capture"
	case strings.Contains(id, "'identity"):
		return "app"
	}
	t.Errorf("unknown principal %s", id)
	return id
}

// TestNoSecrets looks for keys anywhere. One setting of contentShare may have
// one: Azure Files knows no identities there.
func TestNoSecrets(t *testing.T) {
	secret := regexp.MustCompile(`(?i)listKeys|listConnectionStrings|AccountKey=|SharedAccessKey|SharedAccessSignature|password|listSecrets`)
	each(t, func(t *testing.T, shape string, s snapshot) {
		found := 0
		for _, r := range s.PredictedResources {
			text := r.raw
			if r.Type == "Microsoft.Web/sites/config" {
				var settings map[string]string
				r.decode(t, &settings)
				if v, ok := settings["WEBSITE_CONTENTAZUREFILECONNECTIONSTRING"]; ok {
					found++
					text = strings.ReplaceAll(text, jsonText(t, v), "")
				}
			}
			if m := secret.FindString(text); m != "" {
				t.Errorf("%s has %q in it", r.ID, m)
			}
		}
		if want := strings.HasSuffix(shape, "contentshare"); (found == 1) != want {
			t.Errorf("%d settings hold a key", found)
		}
		for name, v := range s.Outputs {
			if text, ok := v.(string); ok && secret.MatchString(text) {
				t.Errorf("output %s holds a secret", name)
			}
		}
	})
}

// TestKeyless checks that every account that could be entered with a key or a password
// refuses them, but that of the share.
func TestKeyless(t *testing.T) {
	each(t, func(t *testing.T, shape string, s snapshot) {
		for _, r := range s.all("Microsoft.Storage/storageAccounts") {
			var p struct {
				AllowSharedKeyAccess, AllowBlobPublicAccess, SupportsHTTPSTrafficOnly bool
				MinimumTLSVersion, PublicNetworkAccess                                string
			}
			r.decode(t, &p)
			if p.AllowSharedKeyAccess != strings.HasPrefix(r.Name, "stshare") || p.AllowBlobPublicAccess || !p.SupportsHTTPSTrafficOnly || p.MinimumTLSVersion != "TLS1_2" {
				t.Errorf("%s: %+v", r.Name, p)
			}
			if (p.PublicNetworkAccess == "Disabled") != strings.HasSuffix(shape, "vnet") {
				t.Errorf("%s: public access is %s", r.Name, p.PublicNetworkAccess)
			}
		}
		for kind, want := range map[string]string{
			"Microsoft.EventHub/namespaces":                          `"disableLocalAuth":true`,
			"Microsoft.Insights/components":                          `"DisableLocalAuth":true`,
			"Microsoft.OperationalInsights/workspaces":               `"disableLocalAuth":true`,
			"Microsoft.Sql/servers":                                  `"azureADOnlyAuthentication":true`,
			"Microsoft.Web/sites":                                    `"httpsOnly":true`,
			"Microsoft.Web/sites/basicPublishingCredentialsPolicies": `"allow":false`,
		} {
			found := s.all(kind)
			if len(found) == 0 {
				t.Errorf("no %s", kind)
			}
			for _, r := range found {
				if !strings.Contains(compact(t, r.Properties), want) {
					t.Errorf("%s lacks %s", r.ID, want)
				}
			}
		}
	})
}

// TestCapture checks that events are also kept outside the hub.
func TestCapture(t *testing.T) {
	each(t, func(t *testing.T, _ string, s snapshot) {
		hubs := s.all("Microsoft.EventHub/namespaces/eventhubs")
		if len(hubs) != 1 {
			t.Fatalf("%d hubs", len(hubs))
		}
		var p struct {
			CaptureDescription struct {
				Enabled     bool
				Destination struct{ Identity struct{ Type string } }
			}
		}
		hubs[0].decode(t, &p)
		if c := p.CaptureDescription; !c.Enabled || c.Destination.Identity.Type != "UserAssigned" {
			t.Errorf("capture: %+v", c)
		}
	})
}

// limits are the longest names that Azure takes, and what they may be made of.
var limits = map[string]struct {
	most  int
	chars string
}{
	"Microsoft.Storage/storageAccounts":                {24, `[a-z0-9]`},
	"Microsoft.Web/sites":                              {32, `[a-z0-9-]`}, // longer ones share a host id
	"Microsoft.Web/serverfarms":                        {60, `[a-z0-9-]`},
	"Microsoft.EventHub/namespaces":                    {50, `[a-z0-9-]`},
	"Microsoft.Sql/servers":                            {63, `[a-z0-9-]`},
	"Microsoft.OperationalInsights/workspaces":         {63, `[a-z0-9-]`},
	"Microsoft.ManagedIdentity/userAssignedIdentities": {128, `[a-z0-9-]`},
	"Microsoft.Insights/components":                    {255, `[a-z0-9-]`},
	"Microsoft.Insights/workbooks":                     {36, `[a-f0-9-]`},
	"Microsoft.Resources/resourceGroups":               {90, `[a-z0-9-]`},
	"Microsoft.Network/virtualNetworks":                {64, `[a-z0-9-]`},
	"Microsoft.Network/privateEndpoints":               {80, `[a-z0-9-]`},
}

func TestNames(t *testing.T) {
	each(t, func(t *testing.T, _ string, s snapshot) {
		for _, r := range s.PredictedResources {
			limit, ok := limits[r.Type]
			if ok && !regexp.MustCompile(`^`+limit.chars+`{3,}$`).MatchString(r.Name) || ok && len(r.Name) > limit.most {
				t.Errorf("%s %q: at most %d of %s", r.Type, r.Name, limit.most, limit.chars)
			}
		}
	})
}

// untagged are the kinds that take no tags: parts of others.
var untagged = []string{"roleAssignments", "diagnosticSettings", "managementPolicies"}

func TestTags(t *testing.T) {
	each(t, func(t *testing.T, shape string, s snapshot) {
		for _, r := range s.PredictedResources {
			if part := strings.Count(r.Type, "/") > 1 && r.Type != "Microsoft.Sql/servers/databases"; part || slices.Contains(untagged, r.short()) {
				continue
			}
			if r.Tags["azd-env-name"] != "dev" || r.Tags["application"] != "fleetscore" {
				t.Errorf("%s %s: tags %v", r.Type, r.Name, r.Tags)
			}
			// azd may deploy to the app only where its zip deploy works.
			want := r.Type == "Microsoft.Web/sites" && strings.HasSuffix(shape, "contentshare")
			if (r.Tags["azd-service-name"] == "app") != want {
				t.Errorf("%s: azd-service-name is %q", r.Name, r.Tags["azd-service-name"])
			}
		}
	})
}

// wantDiagnostics is what each resource reports, and where.
var wantDiagnostics = []string{
	"Microsoft.EventHub/namespaces/evhns-: OperationalLogs ArchiveLogs AllMetrics",
	"Microsoft.Sql/servers/sql-/databases/fleetscore: Errors Timeouts Deadlocks Basic",
	"Microsoft.Sql/servers/sql-/databases/master: SQLSecurityAuditEvents",
	dataStorage + "/blobServices/default: StorageDelete Transaction",
	dataStorage + "/queueServices/default: StorageDelete Transaction",
	hostStorage + "/blobServices/default: StorageDelete",
	"Microsoft.Web/sites/func-: FunctionAppLogs AllMetrics, archived",
}

func TestDiagnostics(t *testing.T) {
	each(t, func(t *testing.T, _ string, s snapshot) {
		var got []string
		for _, r := range s.all("Microsoft.Insights/diagnosticSettings") {
			var p struct {
				WorkspaceID, StorageAccountID string
				Logs, Metrics                 []struct {
					Category string
					Enabled  bool
				}
			}
			r.decode(t, &p)
			line := r.scope(t) + ":"
			for _, c := range append(p.Logs, p.Metrics...) {
				if c.Enabled {
					line += " " + c.Category
				}
			}
			if p.StorageAccountID != "" {
				line += ", archived"
			}
			if p.WorkspaceID == "" {
				line += ", without workspace"
			}
			got = append(got, line)
		}
		slices.Sort(got)
		want := slices.Sorted(slices.Values(wantDiagnostics))
		if !slices.Equal(got, want) {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}
