// Package handler is the tour of Fleetscore: what runs when, and where to
// read on. It has no code; the packages below it have.
//
// # What runs when
//
// Sensors send readings to Event Hubs. The Functions host gives them, a
// partition at a time, to ingest, which stores each once and puts what is no
// reading into the dead letter. Batches that SQL refuses are spilled to Blob.
//
// Each minute the host fires schedule: the tick. It opens a run for each
// window of time now due, and puts one message per sensor into a queue. It
// also mends: it stores what was spilled, re-opens jobs that readings came too
// late for, sends lost messages again and ends runs whose jobs are done.
//
// The host gives each message to score. It reads the window's readings from
// SQL and the sensor's model from Blob storage, writes the predictions as CSV,
// and closes the job. Whoever closes a run's last job writes the manifest and
// ends the run. A message that failed five times comes to poison.
//
// People and programs look at runs, and ask for them, through HTTP: runs.
//
// # Bottom up
//
//   - fleet: the nouns, their validation, and the one table of errors; fleettest has
//     names with which the others are tested
//   - blob: what is asked of blob storage, and one in memory for tests
//   - store: readings and the ledger in SQL; SQLite here, Azure SQL there
//   - model: which model serves a sensor. Below it: pickle reads bytes as
//     data and runs nothing, sklearn makes estimators of it, xgboost and lightgbm
//     read the models of those libraries, and svm, forest and libm are only
//     mathematics
//   - features: the rows of a model over several sensors, as pandas makes them;
//     featurestest makes features files and readings at random
//   - ingest, schedule, score, runs: what each function does, knowing neither
//     HTTP nor SDKs; ledger: the rules of ending a run, which they share, and
//     below it interleave, which plays all of them at once, killed and repeated
//   - protocol: the custom-handler contract; the only package that knows how
//     the Functions host talks
//   - azure: blobs, queues, credentials; beside release, the only one that
//     knows the SDK
//   - export: predictions once more, as Parquet
//   - page: what runs answers, drawn for a browser
//   - openapi: the API described for programs, from its types
//   - telemetry: traces and metrics, for whoever has a collector of OpenTelemetry
//   - config: settings from the environment, all mistakes at once
//   - app: builds all of it and mounts the functions
//   - cmd/handler: the production binary
//   - devhost, azurite, simulate: the Functions host, the storage and the
//     fleet of sensors on a machine that has none of them
//   - ingest/mapping: events of many shapes as readings; ingest/rules: what is done
//     with these before they are stored; ocf: files of Avro
//   - jsonfile: files that people write, by a JSON Schema
//   - tabular, timestamp, notation: readings in files, moments, and words for
//     what is missing, as people write them
//   - series: readings sorted by sensor and time, on disk if they are many
//   - offline: files scored with a folder of models, without a host or storage
//   - release: the package for Azure, and how it gets there
//   - cmd/fleetscore: the one command for people
//   - version: which version, of which commit
//   - spawn: how a goroutine is started, so that a panic in it is an error
//   - infra, e2e, needs, mutants: tests of the description of Azure and of the
//     whole; what tests need; faults planted to see whether tests notice
//
// Everything may be done twice and killed at any point: queues deliver at
// least once, Event Hubs replays, hosts die. State moves by compare-and-set in
// the ledger; a message only says "look at this job". The same readings, model
// and settings give the same bytes, whatever happened on the way.
//
// imports_test.go holds the arrows between these packages.
package handler
