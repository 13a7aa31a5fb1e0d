package config

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // settings name zones that not every machine knows

	"github.com/fleetscore/fleetscore/handler/azure"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ingest/mapping"
	"github.com/fleetscore/fleetscore/handler/ingest/rules"
	"github.com/fleetscore/fleetscore/handler/schedule/ncrontab"
	"github.com/fleetscore/fleetscore/handler/telemetry"
	"github.com/fleetscore/fleetscore/handler/timestamp"
)

// Config has the values of the settings.
type Config struct {
	Schedule          ncrontab.Schedule  // SCORE_SCHEDULE, by the clocks of SCORE_TIME_ZONE
	Parquet           bool               // OUTPUT has Parquet files
	Delay             time.Duration      // SCORE_DELAY
	SensorsPerMessage int                // SCORE_SENSORS_PER_MESSAGE
	Score             fleet.Settings     // SCORE_AGGREGATE and SCORE_MAX_FAILED, which new runs store
	Retention         time.Duration      // SCORE_RETENTION_DAYS
	MaxLookback       time.Duration      // SCORE_MAX_LOOKBACK
	SIMD              bool               // SCORE_SIMD
	Ingest            mapping.Options    // INGEST_FUTURE, INGEST_TIME_ZONE, INGEST_DATE_ORDER, INGEST_CSV
	Map               *mapping.Mapping   // INGEST_MAP; nil if it is in MapBlob
	MapBlob           string             // INGEST_MAP, if it is the name of a blob in the container config
	RulesBlob         string             // INGEST_RULES, likewise; otherwise the rules are in Ingest
	SQL               string             // SQL_DSN, or the default
	Data              azure.Connection   // DataStorage
	Telemetry         telemetry.Settings // OTEL_…
	// InAzure says that the process is an instance in Azure. Site and Instance are the
	// platform's names of the app and the instance.
	InAzure        bool
	Site, Instance string
}

// FileDSN returns the value of SQL_DSN for a SQLite file. It is a URI, in which #, ? and % of the
// path are escaped.
func FileDSN(path string) string {
	return "file:" + (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath()
}

// SQLiteFile returns the path of the SQLite file in c.SQL, "" for a server.
func (c Config) SQLiteFile() string {
	escaped, ok := strings.CutPrefix(c.SQL, "file:")
	if !ok {
		return ""
	}
	escaped, _, _ = strings.Cut(escaped, "?")
	path, err := url.PathUnescape(strings.TrimPrefix(escaped, "//"))
	if err != nil {
		return escaped // opening the file will fail, with an error that names it
	}
	return filepath.FromSlash(path)
}

// SQLite reports whether c.SQL is a SQLite file, and not a server.
func (c Config) SQLite() bool { return strings.HasPrefix(c.SQL, "file:") }

// The deadlines of the functions. They are well below functionTimeout of host.json. When an
// invocation reaches that, the host kills the handler, and all other invocations with it.
const (
	IngestDeadline   = 2 * time.Minute
	ScheduleDeadline = 8 * time.Minute
	ScoreDeadline    = 8 * time.Minute
	PoisonDeadline   = 8 * time.Minute
)

// FromEnv reads the settings. Its error joins all mistakes. Each names the setting and what to set
// it to.
func FromEnv(getenv func(string) string) (Config, error) {
	r := reader{getenv: getenv}
	c := Config{
		InAzure:           inAzure(getenv),
		Schedule:          r.schedule("SCORE_SCHEDULE").In(r.zone("SCORE_TIME_ZONE")),
		Delay:             r.duration("SCORE_DELAY", 24*time.Hour),
		SensorsPerMessage: r.number("SCORE_SENSORS_PER_MESSAGE", 1, fleet.MaxJobsPerMessage),
		Score:             fleet.Settings{Aggregate: r.aggregation("SCORE_AGGREGATE"), MaxFailed: r.budget("SCORE_MAX_FAILED")},
		Parquet:           r.output("OUTPUT"),
		Retention:         r.retention("SCORE_RETENTION_DAYS"),
		MaxLookback:       r.duration("SCORE_MAX_LOOKBACK", 366*24*time.Hour),
		SIMD:              r.truth("SCORE_SIMD"),
		Ingest: mapping.Options{
			Format: timestamp.Format{Zone: r.zone("INGEST_TIME_ZONE"), Order: r.dateOrder("INGEST_DATE_ORDER")},
			Future: r.duration("INGEST_FUTURE", 100*365*24*time.Hour),
			CSV:    r.columns("INGEST_CSV"),
		},
	}
	c.Map, c.MapBlob = r.mapping("INGEST_MAP")
	c.Ingest.Rules, c.RulesBlob = r.rules("INGEST_RULES")
	r.schedule("SCORE_TICK")
	c.Telemetry = r.telemetry()
	c.Site, c.Instance = getenv("WEBSITE_SITE_NAME"), cmp.Or(getenv("WEBSITE_INSTANCE_ID"), getenv("WEBSITE_POD_NAME"), getenv("CONTAINER_NAME"))
	if c.InAzure {
		c.SQL = r.azureSQL("SQL_DSN")
		c.Data = r.azureConnection("DataStorage")
		r.refuseSecret("EventHubConnection", "__fullyQualifiedNamespace")
		r.refuseSecret("AzureWebJobsStorage", "__accountName")
	} else {
		c.SQL = r.localSQL("SQL_DSN")
		c.Data = r.localConnection("DataStorage")
	}
	if err := errors.Join(r.mistakes...); err != nil {
		return Config{}, err
	}
	return c, nil
}

// inAzure reports whether the platform's variables are set. WEBSITE_INSTANCE_ID is set by all plans
// but the consumption plans, which set WEBSITE_POD_NAME or CONTAINER_NAME. CONTAINER_NAME may be
// set outside Azure too, so it counts only together with WEBSITE_SITE_NAME.
func inAzure(getenv func(string) string) bool {
	return getenv("WEBSITE_INSTANCE_ID") != "" || getenv("WEBSITE_POD_NAME") != "" ||
		getenv("CONTAINER_NAME") != "" && getenv("WEBSITE_SITE_NAME") != ""
}

// reader reads settings and collects the mistakes in them.
type reader struct {
	getenv   func(string) string
	mistakes []error
}

func (r *reader) mistake(format string, args ...any) {
	r.mistakes = append(r.mistakes, fmt.Errorf(format, args...))
}

// text returns the value of a setting, or its default if it is empty.
func (r *reader) text(name string) string {
	if v := strings.TrimSpace(r.getenv(name)); v != "" {
		return v
	}
	return Default(name)
}

// telemetry reads the variables of OpenTelemetry.
func (r *reader) telemetry() telemetry.Settings {
	s, err := telemetry.FromEnv(r.getenv)
	if err != nil {
		r.mistakes = append(r.mistakes, err)
	}
	return s
}

// output reads OUTPUT, and reports whether Parquet files are written.
func (r *reader) output(name string) bool {
	switch v := r.text(name); v {
	case "csv":
		return false
	case "both":
		return true
	case "parquet":
		r.mistake("%s is parquet: the CSVs are always written, because exactly-once depends on them; set it to both", name)
	default:
		r.mistake("%s is %q: set it to csv or both", name, v)
	}
	return false
}

func (r *reader) schedule(name string) ncrontab.Schedule {
	s, err := ncrontab.Parse(r.text(name))
	if err != nil {
		r.mistake("%s: %w; every hour is %q, every fifth minute %q", name, err, "0 0 * * * *", "0 */5 * * * *")
	}
	return s
}

func (r *reader) zone(name string) *time.Location {
	zone, err := time.LoadLocation(r.text(name))
	if err != nil || zone == time.Local {
		r.mistake("%s is %q: set it to the name of a zone in the IANA database, such as Europe/Berlin, or to UTC", name, r.text(name))
		return time.UTC
	}
	return zone
}

func (r *reader) duration(name string, most time.Duration) time.Duration {
	d, err := time.ParseDuration(r.text(name))
	if err != nil || d < 0 || d > most {
		r.mistake("%s is %q: set it to a duration such as 30s or 5m, from 0s to %v", name, r.text(name), most)
	}
	return d
}

func (r *reader) dateOrder(name string) timestamp.Order {
	order := timestamp.Order(r.text(name))
	if order != timestamp.Unsaid && order != timestamp.DayFirst && order != timestamp.MonthFirst {
		r.mistake("%s is %q: set it to dmy or mdy, or leave it empty to refuse dates that begin with day or month", name, order)
	}
	return order
}

func (r *reader) columns(name string) string {
	if err := mapping.CheckCSV(r.text(name)); err != nil {
		r.mistake("%s: %w", name, err)
	}
	return r.text(name)
}

// mapping returns a mapping, or the name of the blob that has it.
func (r *reader) mapping(name string) (*mapping.Mapping, string) {
	if blobName, ok := mapping.BlobName(r.text(name)); ok {
		return nil, blobName
	}
	m, err := mapping.Parse(r.text(name))
	if err != nil {
		r.mistake("%s: %w", name, err)
	}
	return m, ""
}

// rules returns rules, or the name of the blob that has them.
func (r *reader) rules(name string) (*rules.Rules, string) {
	text := r.text(name)
	if text == "" {
		return nil, ""
	}
	if blobName, ok := rules.BlobName(text); ok {
		return nil, blobName
	}
	all, err := rules.Parse([]byte(text))
	if err != nil {
		r.mistake("%s: %w", name, err)
	}
	return all, ""
}

func (r *reader) number(name string, least, most int) int {
	n, err := strconv.Atoi(r.text(name))
	if err != nil || n < least || n > most {
		r.mistake("%s is %q: set it to a whole number from %d to %d", name, r.text(name), least, most)
	}
	return n
}

// retention reads a number of days. One day is too short: a run that is re-opened needs a day until
// its files may be deleted.
func (r *reader) retention(name string) time.Duration {
	const most = 36500
	n, err := strconv.Atoi(r.text(name))
	if err != nil || n < 0 || n == 1 || n > most {
		r.mistake("%s is %q: set it to a whole number of days from 2 to %d, or to 0 to keep everything", name, r.text(name), most)
	}
	return time.Duration(n) * 24 * time.Hour
}

func (r *reader) truth(name string) bool {
	v := r.text(name)
	if v != "on" && v != "off" {
		r.mistake("%s is %q: set it to on or off", name, v)
	}
	return v == "on"
}

func (r *reader) aggregation(name string) string {
	if _, err := fleet.ParseAggregation(r.text(name)); err != nil {
		r.mistake("%s: %w; leave it empty to score the raw readings", name, err)
	}
	return r.text(name)
}

func (r *reader) budget(name string) string {
	text := r.text(name)
	if _, err := fleet.ParseBudget(text); err != nil {
		r.mistake("%s: %w; leave it empty for no limit", name, err)
	}
	if len(text) > 400 {
		r.mistake("%s has %d characters: 400 are enough", name, len(text))
	}
	return text
}

// localSQL returns the DSN of a SQLite file or of a server.
func (r *reader) localSQL(name string) string {
	dsn := r.text(name)
	switch {
	case dsn == "":
		return r.stateFile(name)
	case strings.HasPrefix(dsn, "file:") && strings.Contains(dsn, "#"):
		r.mistake("%s holds a #, at which the name of a SQLite file would end: write %%23 for it, and %%25 for %%", name)
	case !strings.HasPrefix(dsn, "file:") && !strings.HasPrefix(dsn, "sqlserver://"):
		r.mistake("%s is neither file:PATH nor sqlserver://SERVER?database=NAME: set it to one of them, or leave it empty", name)
	}
	return dsn
}

// stateFile returns the DSN of the default SQLite file. It is in the user's state folder, since the
// folder that the host runs in is deleted.
func (r *reader) stateFile(name string) string {
	state, home := r.getenv("XDG_STATE_HOME"), r.getenv("HOME")
	if state == "" && home != "" {
		state = filepath.Join(home, ".local", "state")
	}
	if state == "" {
		r.mistake("%s is empty, and without HOME there is no folder for its default: set it to file:PATH", name)
	}
	return FileDSN(filepath.Join(state, "fleetscore", "fleetscore.db"))
}

// localConnection reads a connection to a storage account. The default is the emulator.
func (r *reader) localConnection(name string) azure.Connection {
	c, err := azure.ReadConnection(name, func(setting string) string {
		v := r.getenv(setting)
		if setting == name && v == "" && r.getenv(name+"__blobServiceUri") == "" && r.getenv(name+"__accountName") == "" {
			return Default(name)
		}
		return v
	})
	if err != nil {
		r.mistakes = append(r.mistakes, err)
	}
	return c
}
