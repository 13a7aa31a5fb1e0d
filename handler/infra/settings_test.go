package infra

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/config"
)

// platform are the settings that only the platform reads.
var platform = []string{
	"APPLICATIONINSIGHTS_CONNECTION_STRING", "APPLICATIONINSIGHTS_AUTHENTICATION_STRING", "AZURE_CLIENT_ID",
	"FUNCTIONS_EXTENSION_VERSION", "FUNCTIONS_WORKER_RUNTIME", "SCM_DO_BUILD_DURING_DEPLOYMENT", "ENABLE_ORYX_BUILD",
	"WEBSITE_RUN_FROM_PACKAGE", "WEBSITE_RUN_FROM_PACKAGE_BLOB_MI_RESOURCE_ID",
	"WEBSITE_CONTENTSHARE", "WEBSITE_CONTENTAZUREFILECONNECTIONSTRING", "WEBSITE_SKIP_CONTENTSHARE_VALIDATION",
}

// identityParts are what a connection by identity consists of.
var identityParts = map[string][]string{
	"AzureWebJobsStorage": {"blobServiceUri", "tableServiceUri", "credential", "clientId"},
	"DataStorage":         {"blobServiceUri", "queueServiceUri", "credential", "clientId"},
	"EventHubConnection":  {"fullyQualifiedNamespace", "credential", "clientId"},
}

// flexRefuses are settings that Flex Consumption does not start with.
var flexRefuses = []string{"FUNCTIONS_EXTENSION_VERSION", "FUNCTIONS_WORKER_RUNTIME", "WEBSITE_RUN_FROM_PACKAGE", "SCM_DO_BUILD_DURING_DEPLOYMENT", "ENABLE_ORYX_BUILD"}

func (s snapshot) settings(t *testing.T) map[string]string {
	t.Helper()
	all := s.all("Microsoft.Web/sites/config")
	if len(all) != 1 {
		t.Fatalf("%d maps of app settings", len(all))
	}
	var settings map[string]string
	all[0].decode(t, &settings)
	return settings
}

// TestSettings checks that every setting that the code or a function.json needs is set or
// has a default. Every other setting is one of the platform.
func TestSettings(t *testing.T) {
	needed := map[string]bool{}
	for _, s := range config.Settings {
		needed[s.Name] = s.Default == "" && s.Name != "SQL_DSN" || s.Host
	}
	needed["SQL_DSN"], needed["DataStorage"] = true, true // their defaults are for one machine
	needed["GOMEMLIMIT"], needed["SCORE_AGGREGATE"], needed["SCORE_MAX_FAILED"], needed["INGEST_CSV"], needed["INGEST_DATE_ORDER"], needed["INGEST_RULES"], needed["OTEL_EXPORTER_OTLP_ENDPOINT"], needed["OTEL_EXPORTER_OTLP_HEADERS"], needed["FUNCTIONS_WORKER_RUNTIME"] = false, false, false, false, false, false, false, false, false
	for _, name := range functionSettings(t) {
		if _, ok := needed[name]; !ok {
			t.Errorf("a function.json needs %s, which config does not know", name)
		}
	}
	each(t, func(t *testing.T, shape string, s snapshot) {
		settings := s.settings(t)
		known := slices.Clone(platform)
		for name := range needed {
			parts, connection := identityParts[name]
			if !connection {
				known = append(known, name)
				if needed[name] && settings[name] == "" {
					t.Errorf("%s is missing", name)
				}
				continue
			}
			for _, part := range parts {
				known = append(known, name+"__"+part)
				if settings[name+"__"+part] == "" {
					t.Errorf("%s__%s is missing", name, part)
				}
			}
			if settings[name+"__credential"] != "managedidentity" {
				t.Errorf("%s is not entered by identity", name)
			}
		}
		for name := range settings {
			if !slices.Contains(known, name) {
				t.Errorf("%s: nobody reads it", name)
			}
			if shape == "shapes/flex" && slices.Contains(flexRefuses, name) {
				t.Errorf("%s: Flex Consumption refuses it", name)
			}
		}
	})
}

// functionSettings returns the settings that functions/*/function.json name.
func functionSettings(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../../functions/*/function.json")
	if err != nil || len(files) < 6 {
		t.Fatalf("%d function.json: %v", len(files), err)
	}
	var names []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`%([^%"]+)%|"connection": "([^"]+)"`).FindAllStringSubmatch(string(text), -1) {
			names = append(names, m[1]+m[2])
		}
	}
	return names
}

// TestConfigAccepts gives each shape's settings to the handler's own reader,
// as an instance in Azure.
func TestConfigAccepts(t *testing.T) {
	each(t, func(t *testing.T, _ string, s snapshot) {
		settings := s.settings(t)
		c, err := config.FromEnv(func(name string) string {
			if name == "WEBSITE_INSTANCE_ID" {
				return "1"
			}
			return evaluate(settings[name])
		})
		if err != nil || !c.InAzure || c.SQLite() {
			t.Errorf("%+v: %v", c, err)
		}
	})
}

var (
	formatCall = regexp.MustCompile(`^\[format\('([^']*)'`)
	hole       = regexp.MustCompile(`\{\d+\}`)
)

// evaluate stands in for what Resource Manager does at run time: a format with
// a name in each hole, or a name for any other expression.
func evaluate(value string) string {
	if m := formatCall.FindStringSubmatch(value); m != nil {
		return hole.ReplaceAllString(m[1], "x")
	}
	if strings.HasPrefix(value, "[") {
		return "x"
	}
	return value
}

// TestScaleFitsSQL checks that all instances together can open no more connections than the
// database has workers for: 75 a serverless vCore.
func TestScaleFitsSQL(t *testing.T) {
	each(t, func(t *testing.T, _ string, s snapshot) {
		var site struct {
			SiteConfig        struct{ FunctionAppScaleLimit, MinimumElasticInstanceCount int }
			FunctionAppConfig struct {
				ScaleAndConcurrency struct{ MaximumInstanceCount int }
			}
		}
		s.all("Microsoft.Web/sites")[0].decode(t, &site)
		instances := site.SiteConfig.FunctionAppScaleLimit + site.FunctionAppConfig.ScaleAndConcurrency.MaximumInstanceCount
		var sku struct{ SKU struct{ Capacity int } }
		if err := json.Unmarshal([]byte(s.all("Microsoft.Sql/servers/databases")[0].raw), &sku); err != nil {
			t.Fatal(err)
		}
		if workers := 75 * sku.SKU.Capacity; instances == 0 || instances*8 > workers {
			t.Errorf("%d instances open %d connections; %d vCores have %d workers", instances, instances*8, sku.SKU.Capacity, workers)
		}
	})
}

func jsonText(t *testing.T, s string) string {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(b.String())
}

func compact(t *testing.T, text json.RawMessage) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, text); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
