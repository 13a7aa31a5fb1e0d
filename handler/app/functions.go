package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/fleetscore/fleetscore/handler/config"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ingest"
	"github.com/fleetscore/fleetscore/handler/ingest/mapping"
	"github.com/fleetscore/fleetscore/handler/ledger"
	"github.com/fleetscore/fleetscore/handler/protocol"
	"github.com/fleetscore/fleetscore/handler/runs"
	"github.com/fleetscore/fleetscore/handler/schedule"
	"github.com/fleetscore/fleetscore/handler/score"
	"github.com/fleetscore/fleetscore/handler/store"
	"github.com/fleetscore/fleetscore/handler/telemetry"
)

// mount mounts the functions on the server. Their names and those of their bindings are the ones
// in the folder functions. The server has the function health itself.
func (a *App) mount() {
	blobs, metrics := a.storage.Blobs(), a.telemetry.Metrics()
	jobs := counting{a.db, metrics}
	in := &ingest.Ingester{Store: migrated{a}, Files: blobs, Map: a.mapping(), Options: a.cfg.Ingest, Now: now, Figures: migrated{a}, Metrics: metrics}
	if a.cfg.RulesBlob != "" {
		in.Rules = &ingest.RuleFile{Files: blobs, Name: a.cfg.RulesBlob, Now: now}
	}
	a.ingester = in
	a.server.EventHub("ingest", "events", config.IngestDeadline, func(ctx context.Context, log *slog.Logger, ev protocol.Events) error {
		return in.Ingest(ctx, log, batch(ev))
	})
	logs := &ledger.ErrorLogs{Attempts: a.db, Files: blobs}
	ticker := &schedule.Ticker{
		Spill: in, Models: a.registry, Ledger: jobs, Queue: a.storage.Queue(JobQueue), Poison: a.storage.Queue(JobQueue + "-poison"), Sender: a.sender, Ender: a.ender, ErrorLogs: logs, Days: &runs.Days{Ledger: a.db, Now: now},
		Schedule: a.cfg.Schedule, Delay: a.cfg.Delay, Settings: a.cfg.Score, Now: now, Metrics: metrics,
		Files: blobs, Retention: a.cfg.Retention,
	}
	a.server.Timer("schedule", "tick", config.ScheduleDeadline, func(ctx context.Context, log *slog.Logger) error {
		if err := a.schema.ready(ctx); err != nil {
			return err
		}
		return ticker.Tick(ctx, log)
	})
	scorer := &score.Scorer{Ledger: jobs, Readings: a.db, Models: serving{a.models, a.registry, a.log}, MaxLookback: a.cfg.MaxLookback, Files: blobs, Ender: a.ender, CPU: a.cpu, Now: now}
	a.server.Queue("score", "message", config.ScoreDeadline, after(a, scorer.Score))
	poison := &score.Poison{Ledger: jobs, Files: blobs, Ender: a.ender, Sender: a.sender, Now: now}
	a.server.Queue("poison", "message", config.PoisonDeadline, after(a, poison.Poison))
	MountAPI(a.server, a.schema.ready, &runs.API{
		Ledger: a.db, Models: a.registry, Overview: a.db, Readings: a.db, Figures: a.db, Published: a.db, Files: blobs,
		Portraits: portraits{a.models, blobs}, DeadLetters: letters{blobs}, Sender: a.sender, Ender: a.ender,
		Settings: a.cfg.Score, Schedule: a.cfg.Schedule, Delay: a.cfg.Delay, Retention: a.cfg.Retention, ListTime: listTime, Later: a.later.do, Log: a.log, Now: now,
	})
}

// listTime is how long a request that opens or rescores a run waits for the listing of the
// models. Two thousand models are listed in less than a second.
const listTime = 5 * time.Second

// mapping returns the source of the mapping: the settings or a blob.
func (a *App) mapping() ingest.MappingSource {
	if a.cfg.Map != nil {
		return ingest.Fixed{Is: a.cfg.Map}
	}
	return &ingest.Program{Files: a.storage.Blobs(), Name: a.cfg.MapBlob, Now: now}
}

// batch returns the events of an invocation as a batch.
func batch(ev protocol.Events) ingest.Batch {
	return ingest.Batch{Hub: ev.Hub, Partition: ev.Partition, Bodies: ev.Bodies, Sequences: ev.Sequences, Enqueued: ev.Enqueued, Part: ev.Part, Length: ev.Length, Details: func() []mapping.Detail {
		details := ev.Details()
		all := make([]mapping.Detail, len(details))
		for i, d := range details {
			all[i] = mapping.Detail(d)
		}
		return all
	}}
}

// migrated implements ingest.Store and ingest.Figures. Its methods wait until the database has its
// tables. If that takes too long, the error makes ingest spill the batch.
type migrated struct{ *App }

func (a migrated) InsertReadings(ctx context.Context, batch []fleet.Reading, d fleet.Delivery) (fleet.Stored, error) {
	if err := a.schema.ready(ctx); err != nil {
		return fleet.Stored{}, err
	}
	return a.db.InsertReadings(ctx, batch, d)
}

func (a migrated) AddIngested(ctx context.Context, minutes []fleet.Ingested) error {
	if len(minutes) == 0 {
		return nil
	}
	if err := a.schema.ready(ctx); err != nil {
		return err
	}
	return a.db.AddIngested(ctx, minutes)
}

// counting is the ledger. It counts the jobs that it closes in the metrics.
type counting struct {
	*store.DB
	metrics *telemetry.Metrics
}

func (c counting) CloseJob(ctx context.Context, run string, key fleet.JobKey, o fleet.Outcome, now time.Time) (fleet.JobState, bool, error) {
	was, changed, err := c.DB.CloseJob(ctx, run, key, o, now)
	if changed {
		c.metrics.JobClosed(ctx, o)
	}
	return was, changed, err
}

// after returns a function that waits until the database has its tables, and then calls f.
func after[T any](a *App, f func(context.Context, *slog.Logger, T) error) func(context.Context, *slog.Logger, T) error {
	return func(ctx context.Context, log *slog.Logger, v T) error {
		if err := a.schema.ready(ctx); err != nil {
			return err
		}
		return f(ctx, log, v)
	}
}
