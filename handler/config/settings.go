package config

// Setting is a row of [Settings].
type Setting struct {
	Name    string
	Default string // what an unset or empty one means; also in local.settings.json.example
	Meaning string
	// Secret says that the value may let someone in, and is not to be printed.
	Secret bool
	// Host says that only the Functions host reads it, by a function.json or
	// on its own.
	Host bool
}

// Settings is the table of all settings.
var Settings = []Setting{
	{Name: "SCORE_SCHEDULE", Default: "0 0 * * * *", Meaning: "NCRONTAB of six fields: when windows end. Each window reaches from one to the next"},
	{Name: "SCORE_TIME_ZONE", Default: "UTC", Meaning: "the zone by whose clocks SCORE_SCHEDULE goes, such as Europe/Berlin. When clocks skip an hour, what would fire in it fires once, at its end; an hour that comes twice counts once. fleetscore schedule preview shows the windows"},
	{Name: "SCORE_TICK", Default: "0 * * * * *", Meaning: "NCRONTAB of the timer that opens, mends and ends runs"},
	{Name: "SCORE_DELAY", Default: "1m", Meaning: "how long after a window's end its readings may still arrive before it is scored"},
	{Name: "SCORE_SENSORS_PER_MESSAGE", Default: "1", Meaning: "sensors per queue message, 1 to 256: more make large fleets cheaper, fewer spread better"},
	{Name: "SCORE_AGGREGATE", Default: "", Meaning: "score aggregates, such as 5m:mean or 1h:mean,min,max (of mean, min, max, std, count, sum, first, last); empty: the raw readings"},
	{Name: "SCORE_MAX_FAILED", Default: "", Meaning: "how many jobs of a run may go wrong (bad_model, bad_data, failed) before the run is failed and not only degraded: a number such as 5, or per cent such as 2%; also for one outcome, as in 2%,bad_model=0,no_data=10%. Empty: a run is failed if nothing was scored. Whatever is set, a run with a job that went wrong has never succeeded"},
	{Name: "OUTPUT", Default: "csv", Meaning: "what a run writes to preds: csv, a CSV a job; both, and a Parquet file a device and run, in folders date=…/device=… (see docs/results.md)"},
	{Name: "SCORE_RETENTION_DAYS", Default: "0", Meaning: "days that runs, their predictions and readings are kept, 2 or more; in Azure a rule of the storage account deletes the files, with the same figure. 0: for ever. Readings older than this are deleted whenever they were sent"},
	{Name: "SCORE_MAX_LOOKBACK", Default: "192h", Meaning: "how long before a window the rows of a device model may look back; eight days unless set. A late reading re-opens every run that looks back to it"},
	{Name: "SCORE_SIMD", Default: "on", Meaning: "off scores without vector instructions: slower, and the same bits"},
	{Name: "INGEST_MAP", Default: "auto", Meaning: "how events become readings: the name of a built-in mapping, a program in jq, or config/NAME.jq for a blob in the container config, which is read again when it changes. See docs/ingest.md"},
	{Name: "INGEST_CSV", Default: "", Meaning: "what the columns of events are that are CSV: their names, such as device,sensor,ts,value, or header where the first line names them; empty: no event is CSV"},
	{Name: "INGEST_TIME_ZONE", Default: "UTC", Meaning: "time zone of times in events that name none, such as Europe/Berlin"},
	{Name: "INGEST_DATE_ORDER", Default: "", Meaning: "what dates such as 03/04/2026 and 03.04.2026 begin with: dmy or mdy; empty: such dates are refused"},
	{Name: "INGEST_FUTURE", Default: "24h", Meaning: "how far a reading's time may lie ahead of the moment at which its event reached the hub; further ahead the device's clock is wrong, and the reading goes to the dead letter. 0s: any"},
	{Name: "INGEST_RULES", Default: "", Meaning: "what is done with readings before they are stored: rules in JSON, or config/NAME.json for a blob in the container config, which is read again when it changes; empty: nothing. See docs/ingest.md"},
	{Name: "SQL_DSN", Default: "", Meaning: "file:PATH for SQLite or sqlserver://… for Azure SQL (with fedauth= for identities); empty: a SQLite file in the user's state folder ($XDG_STATE_HOME or ~/.local/state)/fleetscore", Secret: true},
	{Name: "DataStorage", Default: "UseDevelopmentStorage=true", Meaning: "the account of models, predictions and queues: a connection string, or DataStorage__blobServiceUri and DataStorage__queueServiceUri with DataStorage__credential and DataStorage__clientId", Secret: true},
	{Name: "EventHubConnection", Default: "Endpoint=sb://localhost;SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true;", Meaning: "the Event Hubs namespace: a connection string (here the emulator's), or EventHubConnection__fullyQualifiedNamespace with __credential and __clientId", Secret: true, Host: true},
	{Name: "EVENTHUB_NAME", Default: "readings", Meaning: "the event hub that readings come from", Host: true},
	{Name: "EVENTHUB_CONSUMER_GROUP", Default: "$Default", Meaning: "the consumer group to read it with, not shared with others", Host: true},
	{Name: "AzureWebJobsStorage", Default: "UseDevelopmentStorage=true", Meaning: "the host's own account (leases, checkpoints, keys): a connection string, or AzureWebJobsStorage__accountName with __credential and __clientId", Secret: true, Host: true},
	{Name: "FUNCTIONS_WORKER_RUNTIME", Default: "custom", Meaning: "always custom: the handler is a custom handler", Host: true},
	{Name: "OTEL_EXPORTER_OTLP_ENDPOINT", Default: "", Meaning: "address of an OpenTelemetry collector that takes OTLP over HTTP, such as http://localhost:4318: traces and metrics are sent to it. Empty: none. The other variables of OpenTelemetry count too, such as OTEL_SERVICE_NAME and OTEL_TRACES_SAMPLER; see docs/operate.md"},
	{Name: "OTEL_EXPORTER_OTLP_HEADERS", Default: "", Meaning: "what the collector wants to be sent along, such as api-key=…", Secret: true},
	{Name: "GOMEMLIMIT", Default: "", Meaning: "memory that the handler keeps under, such as 2GiB; empty: six tenths of what the machine or container has"},
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
