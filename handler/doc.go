// Package handler is a tour of Fleetscore: what runs when, and what each package is
// for. It has no code.
//
// # What runs when
//
// Sensors send readings to Event Hubs. The Functions host gives them to ingest, in
// batches of one partition. Ingest stores each reading once, and writes events that
// are no readings to the dead letter. If SQL is not available, it writes the batch
// to the container spill.
//
// Each minute the host calls schedule: the tick. It opens a run for each window of
// time that is due, with a job for each sensor and device model that has to be
// scored. It puts messages into a queue, each with one job or several. It also
// stores spilled batches, re-opens jobs for late readings, sends lost messages again
// and ends runs whose jobs are all closed.
//
// The host gives each message to score. For each job it reads the window's readings
// from SQL and the model from Blob storage, writes the predictions as CSV, and
// closes the job. The invocation that closes the last job of a run also writes the
// manifest and ends the run. A message that failed five times goes to poison.
//
// People and programs read runs and request new ones through HTTP: runs.
//
// # Bottom up
//
//   - fleet: the shared types, their validation, and the table of errors; fleettest
//     has names for tests
//   - blob: the interface to blob storage, and an implementation in memory for tests
//   - store: readings and the ledger in SQL: SQLite on a laptop, SQL Server in Azure
//   - model: the names of model files. Below it: pickle reads pickles as data and
//     executes nothing, sklearn makes estimators of them, xgboost and lightgbm read
//     the models of those libraries, and svm, forest and libm are the mathematics
//   - features: the rows of a model over several sensors, as pandas makes them;
//     featurestest makes random features files and readings
//   - ingest, schedule, score, runs: the functions, without HTTP and SDKs; ledger: the
//     rules that they share for ending a run; interleave, below it, tests them all at
//     once, killed and repeated
//   - protocol: the custom-handler contract of the Functions host; no other package
//     knows its requests
//   - azure: blobs, queues and credentials; only it and release use the SDK
//   - export: the predictions as Parquet files
//   - page: the answers of runs as HTML
//   - openapi: the description of the API for programs, made from its types
//   - telemetry: traces and metrics for OpenTelemetry
//   - config: settings from the environment; one error lists all wrong settings
//   - app: connects all packages and mounts the functions
//   - cmd/handler: the production binary
//   - devhost, azurite, simulate: the Functions host, the storage and the
//     fleet of sensors on a machine that has none of them
//   - ingest/mapping: readings from events of many shapes; ingest/rules: rules for
//     readings before they are stored; ocf: Avro files
//   - jsonfile: JSON files that people write, checked by a JSON Schema
//   - tabular, timestamp, notation: files of readings, the forms of times, and the
//     texts for missing values
//   - series: readings sorted by sensor and time, on disk if they are many
//   - offline: files scored with a folder of models, without a host or storage
//   - release: the package for Azure, and how it gets there
//   - cmd/fleetscore: the one command for people
//   - version: the version and commit of this program
//   - spawn: starts goroutines; a panic in one becomes an error
//   - loopback: free ports for servers that start later
//   - goldenfile: reads the gzipped goldens of tests
//   - infra, e2e: tests of the Bicep files, and of the whole application; needs: what
//     tests need on a machine; mutants: planted faults, which tests must notice
//
// Each step may run twice or be killed at any point: queues and Event Hubs deliver
// at least once, and hosts die. State changes by compare-and-set in the ledger; a
// message only names jobs. The same readings, model and settings always give the same
// bytes.
//
// imports_test.go lists which package may import which.
package handler
