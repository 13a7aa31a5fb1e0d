package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

type env map[string]string

func (e env) get(name string) string { return e[name] }

func (e env) with(name, value string) env {
	c := env{name: value}
	for k, v := range e {
		if k != name {
			c[k] = v
		}
	}
	return c
}

var (
	laptop = env{"HOME": "/home/me"}
	// azureApp are the settings of infra.
	azureApp = env{
		"WEBSITE_INSTANCE_ID": "1", "HOME": "/home",
		"SQL_DSN":                                     "sqlserver://s.database.windows.net:1433?database=d&fedauth=ActiveDirectoryManagedIdentity&user+id=1",
		"DataStorage__blobServiceUri":                 "https://f.blob.core.windows.net",
		"DataStorage__queueServiceUri":                "https://f.queue.core.windows.net",
		"DataStorage__credential":                     "managedidentity",
		"DataStorage__clientId":                       "1",
		"AzureWebJobsStorage__accountName":            "f",
		"EventHubConnection__fullyQualifiedNamespace": "f.servicebus.windows.net",
	}
)

func TestDefaults(t *testing.T) {
	c, err := FromEnv(laptop.get)
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintln(c.Schedule, c.Delay, c.SensorsPerMessage, c.Score, c.SIMD, c.SQL, c.SQLite(), c.Data, c.InAzure)
	want := fmt.Sprintln("0 0 * * * *", time.Minute, 1, fleet.Settings{}, true, "file:/home/me/.local/state/fleetscore/fleetscore.db", true,
		"DataStorage (http://127.0.0.1:10000/devstoreaccount1)", false)
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestFileDSN checks that the DSN of a file names that file, whatever characters its path
// has.
func TestFileDSN(t *testing.T) {
	for _, path := range []string{"/home/me/f.db", "/a#b/c?d/e%20f/ü g%.db", "relative/x#.db"} {
		dsn := FileDSN(path)
		if got := (Config{SQL: dsn}).SQLiteFile(); got != path || strings.ContainsAny(dsn, "#?") {
			t.Errorf("%q gives %q, which names %q", path, dsn, got)
		}
	}
	for dsn, want := range map[string]string{"file:/a/b.db?mode=ro": "/a/b.db", "file:///a/b.db": "/a/b.db", "sqlserver://s?database=d": ""} {
		if got := (Config{SQL: dsn}).SQLiteFile(); got != want {
			t.Errorf("%q names %q, want %q", dsn, got, want)
		}
	}
	c, err := FromEnv(env{"HOME": "/home/#1 100%?"}.get)
	if want := "/home/#1 100%?/.local/state/fleetscore/fleetscore.db"; err != nil || c.SQLiteFile() != want {
		t.Errorf("the default is %q (%v), want %q", c.SQLiteFile(), err, want)
	}
}

func TestInAzure(t *testing.T) {
	for _, marks := range []env{{"WEBSITE_INSTANCE_ID": "x"}, {"WEBSITE_POD_NAME": "x"}, {"CONTAINER_NAME": "x", "WEBSITE_SITE_NAME": "x"}} {
		e := azureApp.with("WEBSITE_INSTANCE_ID", "")
		for name, value := range marks {
			e = e.with(name, value)
		}
		c, err := FromEnv(e.get)
		if err != nil || !c.InAzure || c.SQLite() {
			t.Errorf("%v: %+v, %v", marks, c, err)
		}
	}
	// A container that is not Azure's, and Core Tools.
	c, err := FromEnv(laptop.with("CONTAINER_NAME", "x").with("WEBSITE_HOSTNAME", "localhost:7071").get)
	if err != nil || c.InAzure {
		t.Errorf("elsewhere: %+v, %v", c, err)
	}
}

// TestMistakes has a mistake a row, and what its error must name. No row
// holds the text "c2Vj" but as a secret.
func TestMistakes(t *testing.T) {
	for _, c := range []struct {
		env         env
		name, value string
		want        string
	}{
		{laptop, "SCORE_SCHEDULE", "61 * * * * *", "SCORE_SCHEDULE"},
		{laptop, "SCORE_TIME_ZONE", "Europe/Entenhausen", `SCORE_TIME_ZONE is "Europe/Entenhausen"`},
		{laptop, "SCORE_TIME_ZONE", "Local", "such as Europe/Berlin"},
		{laptop, "OUTPUT", "parquet", "set it to both"},
		{laptop, "OUTPUT", "json", "set it to csv or both"},
		{laptop, "SCORE_TICK", "@hourly", "SCORE_TICK"},
		{laptop, "SCORE_DELAY", "5", `SCORE_DELAY is "5": set it to a duration`},
		{laptop, "SCORE_DELAY", "-1s", "SCORE_DELAY"},
		{laptop, "SCORE_DELAY", "25h", "SCORE_DELAY"},
		{laptop, "SCORE_SENSORS_PER_MESSAGE", "257", "from 1 to 256"},
		{laptop, "SCORE_SENSORS_PER_MESSAGE", "0", "from 1 to 256"},
		{laptop, "SCORE_SENSORS_PER_MESSAGE", "many", "from 1 to 256"},
		{laptop, "SCORE_AGGREGATE", "5m:median", "SCORE_AGGREGATE"},
		{laptop, "SCORE_SIMD", "avx", "on or off"},
		{laptop, "INGEST_TIME_ZONE", "Mars/Olympus", "INGEST_TIME_ZONE is \"Mars/Olympus\": set it to the name of a zone"},
		{laptop, "INGEST_TIME_ZONE", "Local", "INGEST_TIME_ZONE"},
		{laptop, "INGEST_DATE_ORDER", "ymd", "INGEST_DATE_ORDER is \"ymd\": set it to dmy or mdy"},
		{laptop, "INGEST_CSV", "a,,b", "INGEST_CSV"},
		{laptop, "INGEST_MAP", "wiede", "INGEST_MAP: invalid: there is no mapping \"wiede\""},
		{laptop, "INGEST_MAP", ".a |", "INGEST_MAP: invalid: mapping, line 1, column 5"},
		{laptop, "INGEST_FUTURE", "tomorrow", "INGEST_FUTURE is \"tomorrow\": set it to a duration"},
		{laptop, "SQL_DSN", "Server=s;Password=c2Vj", "file:PATH"},
		{laptop, "SQL_DSN", "file:/data/a#b.db", "%23"},
		{laptop, "HOME", "", "SQL_DSN is empty, and without HOME"},
		{laptop, "DataStorage", "AccountName=f;AccountKey=c2Vj!", "DataStorage"},
		{laptop, "DataStorage__blobServiceUri", "https://f.blob.core.windows.net", "DataStorage__queueServiceUri"},
		{azureApp, "SQL_DSN", "", "SQLite is for one machine"},
		{azureApp, "SQL_DSN", "file:/home/f.db", "SQLite is for one machine"},
		{azureApp, "SQL_DSN", "sqlserver://u:c2Vj@s?database=d&fedauth=ActiveDirectoryManagedIdentity", "password"},
		{azureApp, "SQL_DSN", "sqlserver://s?database=d&user+id=u&Password=c2Vj", "password"},
		{azureApp, "SQL_DSN", "sqlserver://s?database=d", "fedauth="},
		{azureApp, "SQL_DSN", "sqlserver://s:c2Vj c2Vj?database=d", "no address of a server"},
		{azureApp, "DataStorage", "UseDevelopmentStorage=true", "storage emulator"},
		{azureApp, "DataStorage", "AccountName=f;AccountKey=c2Vj", "key or signature"},
		{azureApp, "DataStorage__blobServiceUri", "", "DataStorage__blobServiceUri"},
		{azureApp, "EventHubConnection", "Endpoint=sb://x;SharedAccessKey=c2Vj", "EventHubConnection__fullyQualifiedNamespace"},
		{azureApp, "AzureWebJobsStorage", "AccountName=f;AccountKey=c2Vj", "AzureWebJobsStorage__accountName"},
	} {
		_, err := FromEnv(c.env.with(c.name, c.value).get)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s=%s: got %v, want %q in it", c.name, c.value, err, c.want)
		} else if strings.Contains(err.Error(), "c2Vj") {
			t.Errorf("%s: the error tells the secret: %v", c.name, err)
		}
	}
}

// TestLimits checks that the values at the limits of settings are accepted, and those beyond them
// are refused.
func TestLimits(t *testing.T) {
	for _, c := range []struct {
		name, value string
		get         func(Config) any
		want        any // nil for a mistake
	}{
		{"SCORE_DELAY", "0s", func(c Config) any { return c.Delay }, time.Duration(0)},
		{"SCORE_DELAY", "24h", func(c Config) any { return c.Delay }, 24 * time.Hour},
		{"SCORE_DELAY", "24h1ns", nil, nil},
		{"SCORE_DELAY", "-1ns", nil, nil},
		{"SCORE_MAX_LOOKBACK", "8784h", func(c Config) any { return c.MaxLookback }, 366 * 24 * time.Hour},
		{"SCORE_MAX_LOOKBACK", "8784h1ns", nil, nil},
		{"INGEST_FUTURE", "876000h", func(c Config) any { return c.Ingest.Future }, 876000 * time.Hour},
		{"INGEST_FUTURE", "876000h1ns", nil, nil},
		{"SCORE_SENSORS_PER_MESSAGE", "1", func(c Config) any { return c.SensorsPerMessage }, 1},
		{"SCORE_SENSORS_PER_MESSAGE", " 256 ", func(c Config) any { return c.SensorsPerMessage }, 256},
		{"SCORE_RETENTION_DAYS", "0", func(c Config) any { return c.Retention }, time.Duration(0)},
		{"SCORE_RETENTION_DAYS", "2", func(c Config) any { return c.Retention }, 48 * time.Hour},
		{"SCORE_RETENTION_DAYS", "36500", func(c Config) any { return c.Retention }, 876000 * time.Hour},
		{"SCORE_RETENTION_DAYS", "1", nil, nil},
		{"SCORE_RETENTION_DAYS", "-1", nil, nil},
		{"SCORE_RETENTION_DAYS", "36501", nil, nil},
		{"SCORE_MAX_FAILED", strings.Repeat("0", 399) + "7", func(c Config) any { return len(c.Score.MaxFailed) }, 400},
		{"SCORE_MAX_FAILED", strings.Repeat("0", 400) + "7", nil, nil},
		{"SCORE_SIMD", "off", func(c Config) any { return c.SIMD }, false},
		{"OUTPUT", "both", func(c Config) any { return c.Parquet }, true},
		{"OUTPUT", "csv", func(c Config) any { return c.Parquet }, false},
		{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318", func(c Config) any { return c.Telemetry.On() }, true},
		{"OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318", nil, nil},
	} {
		got, err := FromEnv(laptop.with(c.name, c.value).get)
		switch {
		case c.want == nil && (err == nil || !strings.Contains(err.Error(), c.name)):
			t.Errorf("%s=%.40s: got %v, want an error that names the setting", c.name, c.value, err)
		case c.want != nil && (err != nil || c.get(got) != c.want):
			t.Errorf("%s=%.40s: got %v, %v; want %v", c.name, c.value, c.get(got), err, c.want)
		}
	}
}

func TestAllMistakesAtOnce(t *testing.T) {
	_, err := FromEnv(env{"SCORE_SCHEDULE": "x", "SCORE_TICK": "x", "SCORE_DELAY": "x", "SCORE_SENSORS_PER_MESSAGE": "x",
		"SCORE_AGGREGATE": "x", "SQL_DSN": "x", "DataStorage": "x"}.get)
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) || len(joined.Unwrap()) != 7 {
		t.Errorf("want 7 mistakes, got: %v", err)
	}
}

// TestExample checks that local.settings.json.example is what the table of settings says.
func TestExample(t *testing.T) {
	values := map[string]string{}
	for _, s := range Settings {
		values[s.Name] = s.Default
	}
	var want bytes.Buffer
	encoder := json.NewEncoder(&want)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(struct {
		IsEncrypted bool
		Values      map[string]string
	}{false, values}); err != nil {
		t.Fatal(err)
	}
	const path = "../../local.settings.json.example"
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Errorf("%s is not what the table says (%v); it should be\n%s", path, err, &want)
	}
}

// TestDeadlines checks that each deadline is below functionTimeout, with the eighth that
// the protocol adds to it before it answers for a function that does not.
func TestDeadlines(t *testing.T) {
	content, err := os.ReadFile("../../host.json")
	if err != nil {
		t.Fatal(err)
	}
	var host struct{ FunctionTimeout string }
	if err := json.Unmarshal(content, &host); err != nil {
		t.Fatal(err)
	}
	var h, m, s int
	if _, err := fmt.Sscanf(host.FunctionTimeout, "%d:%d:%d", &h, &m, &s); err != nil {
		t.Fatalf("functionTimeout %q: %v", host.FunctionTimeout, err)
	}
	timeout := time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(s)*time.Second
	for _, d := range []time.Duration{IngestDeadline, ScheduleDeadline, ScoreDeadline, PoisonDeadline} {
		if d+d/8 > timeout-30*time.Second {
			t.Errorf("deadline %v is too near to functionTimeout %v", d, timeout)
		}
	}
}

// FuzzFromEnv looks for settings that crash it, or that it accepts though a
// run could not be opened with them.
func FuzzFromEnv(f *testing.F) {
	f.Add("0 0 * * * *", "1m", "1", "", "file:x", "UseDevelopmentStorage=true", "")
	f.Add("*/5 * * * MON-FRI", "0s", "256", "5m:mean,std", "sqlserver://s?fedauth=x", "", "1")
	f.Add("0 0 1 JAN *", "1h", "07", "1h:min", "sqlserver://u:p@s", "BlobEndpoint=http://[::1]:1;QueueEndpoint=http://h;SharedAccessSignature=?", "1")
	f.Fuzz(func(t *testing.T, schedule, delay, sensors, aggregate, dsn, data, instance string) {
		c, err := FromEnv(env{"SCORE_SCHEDULE": schedule, "SCORE_DELAY": delay, "SCORE_SENSORS_PER_MESSAGE": sensors, "SCORE_AGGREGATE": aggregate,
			"SQL_DSN": dsn, "DataStorage": data, "WEBSITE_INSTANCE_ID": instance, "HOME": "/h"}.get)
		if err != nil {
			return
		}
		if c.Delay < 0 || c.SensorsPerMessage < 1 || c.SensorsPerMessage > fleet.MaxJobsPerMessage || c.SQL == "" {
			t.Errorf("accepted as %+v", c)
		}
		if c.InAzure && (c.SQLite() || c.Data.Secret() || c.Data.Development()) {
			t.Errorf("accepted in Azure: %+v", c)
		}
		if _, err := fleet.ParseAggregation(c.Score.Aggregate); err != nil {
			t.Error(err)
		}
	})
}
