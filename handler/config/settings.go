package config

// Setting is a row of [Settings].
type Setting struct {
	Name    string
	Default string // the value if it is unset or empty; local.settings.json.example has it too
	Meaning string
	// Secret says that the value may be a credential, which must not be printed.
	Secret bool
	// Host says that only the Functions host reads it, and not the handler.
	Host bool
}

// Settings is the table of all settings.
var Settings = []Setting{
	{Name: "SCORE_SCHEDULE", Default: "0 0 * * * *", Meaning: "when windows end: an NCRONTAB expression of six fields. A window reaches from one time at which it fires to the next"},
	{Name: "SCORE_TIME_ZONE", Default: "UTC", Meaning: "time zone of SCORE_SCHEDULE, such as Europe/Berlin. If the clocks skip an hour, a schedule that would fire in it fires once, at its end. If an hour comes twice, the schedule fires in the first of the two. fleetscore schedule preview shows the windows"},
	{Name: "SCORE_TICK", Default: "0 * * * * *", Meaning: "NCRONTAB expression of the timer that opens, repairs and ends runs"},
	{Name: "SCORE_DELAY", Default: "1m", Meaning: "time between a window's end and its scoring, in which late readings may still arrive"},
	{Name: "SCORE_SENSORS_PER_MESSAGE", Default: "1", Meaning: "number of sensors in a queue message, 1 to 256. With more, a large fleet costs less; with fewer, the work spreads better over instances"},
	{Name: "SCORE_AGGREGATE", Default: "", Meaning: "score aggregates of readings, such as 5m:mean or 1h:mean,min,max. The functions are mean, min, max, std, count, sum, first and last. Empty: score the raw readings"},
	{Name: "SCORE_MAX_FAILED", Default: "", Meaning: "how many jobs of a run may go wrong (bad_model, bad_data, failed) before the run ends as failed and not as degraded: a number such as 5, or a percentage such as 2%. A single outcome may have its own limit, as in 2%,bad_model=0,no_data=10%. Empty: a run ends as failed if nothing was scored. A run with a job that went wrong never ends as succeeded"},
	{Name: "OUTPUT", Default: "csv", Meaning: "what a run writes to the container preds. csv: a CSV for each job. both: also a Parquet file for each device and run, in folders date=…/device=… (see docs/results.md)"},
	{Name: "SCORE_RETENTION_DAYS", Default: "0", Meaning: "days for which runs, predictions and readings are kept, 2 or more. 0: for ever. The age of a reading is that of its own time, not of its arrival. In Azure a rule of the storage account deletes the files after the same number of days"},
	{Name: "SCORE_MAX_LOOKBACK", Default: "192h", Meaning: "longest time that the rows of a device model may look back before a window. A late reading re-opens every run that looks back to it"},
	{Name: "SCORE_SIMD", Default: "on", Meaning: "off: score without vector instructions. It is slower, and gives the same bits"},
	{Name: "INGEST_MAP", Default: "auto", Meaning: "how events are read: the name of a built-in mapping, a program in jq, or config/NAME.jq for a blob in the container config, which is read again when it changes. See docs/ingest.md"},
	{Name: "INGEST_CSV", Default: "", Meaning: "names of the columns of CSV events, such as device,sensor,ts,value, or header if the first line names them. Empty: no event is CSV"},
	{Name: "INGEST_TIME_ZONE", Default: "UTC", Meaning: "time zone of times in events that have no offset, such as Europe/Berlin"},
	{Name: "INGEST_DATE_ORDER", Default: "", Meaning: "order of dates such as 03/04/2026 and 03.04.2026: dmy or mdy. Empty: such dates are refused"},
	{Name: "INGEST_FUTURE", Default: "24h", Meaning: "how much later than its event's arrival in the hub a reading's time may be. A reading with a later time goes to the dead letter: the device's clock is wrong. 0s: no limit"},
	{Name: "INGEST_RULES", Default: "", Meaning: "rules that readings must meet before they are stored: JSON, or config/NAME.json for a blob in the container config, which is read again when it changes. Empty: no rules. See docs/ingest.md"},
	{Name: "SQL_DSN", Default: "", Meaning: "file:PATH for SQLite or sqlserver://… for Azure SQL (with fedauth= for identities); empty: a SQLite file in the user's state folder ($XDG_STATE_HOME or ~/.local/state)/fleetscore", Secret: true},
	{Name: "DataStorage", Default: "UseDevelopmentStorage=true", Meaning: "the account of models, predictions and queues: a connection string, or DataStorage__blobServiceUri and DataStorage__queueServiceUri with DataStorage__credential and DataStorage__clientId", Secret: true},
	{Name: "EventHubConnection", Default: "Endpoint=sb://localhost;SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true;", Meaning: "the Event Hubs namespace: a connection string (here the emulator's), or EventHubConnection__fullyQualifiedNamespace with __credential and __clientId", Secret: true, Host: true},
	{Name: "EVENTHUB_NAME", Default: "readings", Meaning: "the event hub that readings come from", Host: true},
	{Name: "EVENTHUB_CONSUMER_GROUP", Default: "$Default", Meaning: "the consumer group with which it is read; no other application may use it", Host: true},
	{Name: "AzureWebJobsStorage", Default: "UseDevelopmentStorage=true", Meaning: "the host's own account (leases, checkpoints, keys): a connection string, or AzureWebJobsStorage__accountName with __credential and __clientId", Secret: true, Host: true},
	{Name: "FUNCTIONS_WORKER_RUNTIME", Default: "custom", Meaning: "always custom: the handler is a custom handler", Host: true},
	{Name: "OTEL_EXPORTER_OTLP_ENDPOINT", Default: "", Meaning: "address of an OpenTelemetry collector that takes OTLP over HTTP, such as http://localhost:4318. Traces and metrics are sent to it. Empty: nothing is sent. The other variables of OpenTelemetry work too, such as OTEL_SERVICE_NAME and OTEL_TRACES_SAMPLER; see docs/operate.md"},
	{Name: "OTEL_EXPORTER_OTLP_HEADERS", Default: "", Meaning: "HTTP headers for the collector, such as api-key=…", Secret: true},
	{Name: "GOMEMLIMIT", Default: "", Meaning: "soft limit of the handler's memory, such as 2GiB. Empty: six tenths of the memory of the machine or container"},
}

// Default returns the default of the setting name, or "" if there is no such
// setting.
func Default(name string) string {
	for _, s := range Settings {
		if s.Name == name {
			return s.Default
		}
	}
	return ""
}
