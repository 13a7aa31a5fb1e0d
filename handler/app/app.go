package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"runtime"
	"runtime/debug"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/fleetscore/fleetscore/handler/azure"
	"github.com/fleetscore/fleetscore/handler/config"
	"github.com/fleetscore/fleetscore/handler/export"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ingest"
	"github.com/fleetscore/fleetscore/handler/ledger"
	"github.com/fleetscore/fleetscore/handler/model"
	"github.com/fleetscore/fleetscore/handler/model/artifact"
	"github.com/fleetscore/fleetscore/handler/model/registry"
	"github.com/fleetscore/fleetscore/handler/model/sklearn"
	"github.com/fleetscore/fleetscore/handler/model/svm"
	"github.com/fleetscore/fleetscore/handler/protocol"
	"github.com/fleetscore/fleetscore/handler/score"
	"github.com/fleetscore/fleetscore/handler/store"
	"github.com/fleetscore/fleetscore/handler/telemetry"
	"github.com/fleetscore/fleetscore/handler/version"
)

// JobQueue is the name of the queue of jobs. functions/score/function.json has the same.
const JobQueue = "score-jobs"

// App is the application. It is an [http.Handler], which answers the Functions host.
type App struct {
	cfg     config.Config
	log     *slog.Logger // for what belongs to no invocation
	server  *protocol.Server
	db      *store.DB
	storage *azure.Storage
	schema  *schema

	telemetry *telemetry.Telemetry // nil if none is sent
	later     *later
	ingester  *ingest.Ingester
	flusher   *flusher

	models   *model.Cache
	registry *registry.Registry
	ender    *ledger.Ender
	sender   *ledger.Sender
	cpu      *semaphore.Weighted // has as many tokens as the process has cores
}

// New builds the application. The log of failed invocations, and of what belongs to no
// invocation, goes to stdout.
func New(cfg config.Config, stdout io.Writer) (*App, error) {
	log := slog.New(slog.NewJSONHandler(stdout, nil))
	sent, err := telemetry.New(context.Background(), cfg.Telemetry, log, process(cfg))
	if err != nil {
		return nil, err
	}
	storage, err := azure.Open(cfg.Data)
	if err != nil {
		return nil, err
	}
	db, err := store.Open(cfg.SQL, store.Options{Log: log})
	if err != nil {
		return nil, fmt.Errorf("open SQL_DSN: %w", err)
	}
	a := &App{
		cfg: cfg, log: log, server: protocol.New(protocol.Options{Stdout: stdout, Telemetry: sent, Version: version.Version, Commit: version.Commit()}), db: db, storage: storage, telemetry: sent,
		models: model.NewCache(storage.Blobs(), loader(cfg.SIMD), sklearn.MaxFile, modelBytes()),
		ender:  &ledger.Ender{Ledger: db, Files: storage.Blobs(), Export: &export.Exporter{Ledger: db, Files: storage.Blobs(), Parquet: cfg.Parquet, Now: now}, Now: now, Metrics: sent.Metrics()},
		sender: &ledger.Sender{Outbox: db, Queue: storage.Queue(JobQueue), PerMessage: cfg.SensorsPerMessage, Now: now},
		cpu:    semaphore.NewWeighted(int64(runtime.GOMAXPROCS(0))),
		schema: newSchema(cfg, db),
		later:  newLater(log),
	}
	a.registry = &registry.Registry{Blobs: storage.Blobs(), Ledger: db, Models: a.models, Columns: columns(cfg.Score), MaxLookback: cfg.MaxLookback, Now: now}
	a.mount()
	a.schema.begin(a.log)
	a.flusher = flushEvery(recordEvery, a.record)
	return a, nil
}

// recordEvery is the time between two additions to the counts of ingested events in SQL.
// recordTime is how long one may take.
const recordEvery, recordTime = 10 * time.Second, 20 * time.Second

// record adds the events that were ingested since the last call to the counts in SQL. It logs the
// totals when they are due, or if last is true.
func (a *App) record(last bool) {
	a.ingester.Flush(a.log, last)
	ctx, cancel := context.WithTimeout(context.Background(), recordTime)
	defer cancel()
	if err := a.ingester.Record(ctx); err != nil {
		a.log.Warn("figures of ingest are added later", "error", err.Error())
	}
}

// ServeHTTP implements http.Handler.
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.server.ServeHTTP(w, r) }

// Close records the last counts of events, and closes SQL and storage. No invocation may be
// running.
func (a *App) Close() error {
	a.later.end()
	a.schema.end()
	a.flusher.end()
	a.storage.Close()
	ctx, cancel := context.WithTimeout(context.Background(), sendTime)
	defer cancel()
	if err := a.telemetry.Shutdown(ctx); err != nil {
		a.log.Warn("the last telemetry is not sent", "error", err.Error())
	}
	return a.db.Close()
}

// sendTime is how long the end of the process waits for the collector.
const sendTime = 3 * time.Second

// process returns the attributes of this process for telemetry.
// https://opentelemetry.io/docs/specs/semconv/resource/faas/
func process(cfg config.Config) map[string]string {
	about := map[string]string{"service.name": "fleetscore", "service.version": version.Version}
	if cfg.InAzure {
		about["cloud.provider"], about["cloud.platform"] = "azure", "azure.functions"
		about["faas.name"], about["service.instance.id"] = cfg.Site, cfg.Instance
	}
	return about
}

// modelBytes returns the limit of the memory for loaded models, in bytes: a quarter of the
// process's memory limit.
func modelBytes() int64 {
	limit := debug.SetMemoryLimit(-1)
	if limit == math.MaxInt64 {
		return 256 << 20
	}
	return limit / 4
}

// columns returns the number of columns in the rows of a sensor: one for each aggregate.
func columns(s fleet.Settings) int {
	a, err := fleet.ParseAggregation(s.Aggregate)
	if err != nil {
		return 1 // config has checked it
	}
	return max(len(a.Functions), 1)
}

// loader returns a function that reads a model's file. The model uses vector instructions if simd
// is true.
func loader(simd bool) func([]byte) (model.Loaded, error) {
	return func(data []byte) (model.Loaded, error) {
		m, err := artifact.Load(data, nil)
		if err != nil {
			return nil, err
		}
		if !simd {
			m.Use(svm.Portable)
		}
		return m, nil
	}
}

// serving implements score.Models.
type serving struct {
	*model.Cache
	*registry.Registry
	log *slog.Logger
}

func (s serving) Model(ctx context.Context, version fleet.Model) (score.Model, error) {
	m, err := s.Cache.Model(ctx, version)
	if err != nil {
		return nil, err
	}
	s.NoteKind(ctx, s.log, version, m.Kind().String())
	return m, nil
}
