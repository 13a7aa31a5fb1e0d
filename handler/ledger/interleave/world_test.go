package interleave_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/export"
	"github.com/fleetscore/fleetscore/handler/features"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ingest"
	"github.com/fleetscore/fleetscore/handler/ingest/mapping"
	"github.com/fleetscore/fleetscore/handler/ledger"
	"github.com/fleetscore/fleetscore/handler/model/predict"
	"github.com/fleetscore/fleetscore/handler/runs"
	"github.com/fleetscore/fleetscore/handler/schedule"
	"github.com/fleetscore/fleetscore/handler/schedule/ncrontab"
	"github.com/fleetscore/fleetscore/handler/score"
	"github.com/fleetscore/fleetscore/handler/store"
	"github.com/fleetscore/fleetscore/handler/store/storetest"
)

// day is the window of the scheduled run.
var day = fleet.Window{
	From: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC),
	To:   time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC),
}

// The sensors of the world, by what becomes of them when nothing is in the way.
var (
	good     = []fleet.ID{{Device: "1", Sensor: "1"}, {Device: "1", Sensor: "2"}, {Device: "2", Sensor: "1"}}
	silent   = fleet.ID{Device: "1", Sensor: "silent"}   // has no reading in the window
	orphaned = fleet.ID{Device: "2", Sensor: "orphaned"} // has no model until the second version
	newcomer = fleet.ID{Device: "3", Sensor: "1"}        // sends nothing at first
)

// world is the outside of the functions in one round: a real ledger, blobs and
// a queue in memory, models, and a clock.
type world struct {
	t     *testing.T
	db    *store.DB
	sql   *sql.DB // the same database
	blobs blob.Memory
	queue queue
	log   *runLog
	off   rule // switched off

	parquet bool // runs write Parquet files

	mu        sync.Mutex
	now       time.Time
	published int      // the models' version
	late      bool     // readings may come late; then no run is cancelled, which would drop them
	events    []string // that the sensors will send
	hub       []string // that the event hub holds still

	settings   fleet.Settings // of runs opened from now on
	schedule   string         // when windows end
	perMessage int
}

// openWorld returns a world with an empty ledger.
func openWorld(t *testing.T, off rule) *world {
	dsn := storetest.SQLite.DSN(t)
	w := &world{t: t, db: storetest.Connect(t, dsn), log: &runLog{}, off: off}
	var err error
	if w.sql, err = sql.Open("sqlite3", dsn); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.sql.Close() })
	return w
}

func newWorld(t *testing.T, rng *rand.Rand, off rule) *world {
	w := openWorld(t, off)
	w.now, w.schedule = day.To.Add(5*time.Minute), "0 0 0 * * *"
	w.settings.Aggregate = []string{"", "1h:mean", "7h:max"}[rng.IntN(3)]
	w.perMessage = 1 + rng.IntN(4)
	senders := append([]fleet.ID{orphaned}, good[:1+rng.IntN(len(good))]...)
	for i, id := range senders {
		var batch []fleet.Reading
		for k := range 5 {
			ts := fleet.MillisOf(day.From.Add(time.Duration(k*5+i) * time.Hour))
			batch = append(batch, fleet.Reading{ID: id, Time: ts, Value: float64(10*i + k)})
		}
		w.insert(batch)
	}
	w.insert([]fleet.Reading{{ID: silent, Time: fleet.MillisOf(day.To), Value: 1}})
	var models fleet.Registration
	for _, id := range append([]fleet.ID{silent, orphaned, newcomer}, good...) {
		models.Added = append(models.Added, fleet.Model{Name: id.String() + ".pkl", ETag: "1", Place: fleet.Place{Scope: fleet.OfDevice, Device: id.Device, Title: id.Sensor}})
	}
	if err := w.db.Register(t.Context(), models); err != nil {
		t.Fatal(err)
	}
	if err := w.db.InitWatermark(t.Context(), day.From); err != nil {
		t.Fatal(err)
	}
	if w.late = rng.IntN(2) == 0; w.late {
		w.events = events(append(senders, newcomer))
		rng.Shuffle(len(w.events), func(i, k int) { w.events[i], w.events[k] = w.events[k], w.events[i] })
	}
	return w
}

// insert stores readings of one sensor. The sensors of one batch get their keys,
// and so their order in messages, in any order; a round must go the same way
// each time.
func (w *world) insert(batch []fleet.Reading) {
	if _, err := w.db.InsertReadings(w.t.Context(), batch, fleet.Delivery{}); err != nil {
		w.t.Fatal(err)
	}
}

// events are readings of these sensors at hours of the day that none has yet.
func events(ids []fleet.ID) (all []string) {
	for _, id := range ids {
		for hour := 4; hour < 24; hour += 5 {
			ts := fleet.MillisOf(day.From.Add(time.Duration(hour) * time.Hour))
			all = append(all, fmt.Sprintf(`{"device":%q,"sensor":%q,"ts":%q,"value":%d}`, id.Device, id.Sensor, ts, hour))
		}
	}
	return all
}

// exec runs SQL beside the store.
func (w *world) exec(text string, args ...any) {
	if _, err := w.sql.ExecContext(w.t.Context(), text, args...); err != nil {
		w.t.Error(err)
	}
}

// number returns the only value of the result of SQL beside the store.
func (w *world) number(text string) (n int64) {
	if err := w.sql.QueryRowContext(w.t.Context(), text).Scan(&n); err != nil {
		w.t.Error(err)
	}
	return n
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// publish publishes the next model of every sensor.
func (w *world) publish() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.published++
}

// threshold is the n-th model of all sensors: above threshold n lies an anomaly.
type threshold int

func (m threshold) Kind() predict.Kind     { return predict.Detector }
func (m threshold) Features() int          { return 1 }
func (m threshold) FeatureNames() []string { return nil }
func (m threshold) Classes() []string      { return nil }
func (m threshold) Size() int              { return 0 }
func (m threshold) Name() string           { return "default.pkl" }
func (m threshold) Spec() *features.Spec   { return nil }
func (m threshold) Detects() error         { return nil }
func (m threshold) SHA256() string         { return fmt.Sprintf("%064d", m) }

func (m threshold) Predict(r *predict.Result, x []float64) error {
	r.Resize(len(x), 1, 0)
	for i, v := range x {
		r.Scores[i] = v/3 + float64(m)
		r.Predictions[i] = 0
		if r.Scores[i] > 4 {
			r.Predictions[i] = 1
		}
	}
	return nil
}

// registered is the registry of models, which the world has filled.
type registered struct{}

func (registered) Refresh(context.Context, *slog.Logger) error { return nil }
func (registered) List(context.Context, *slog.Logger) error    { return nil }

// queue is a storage queue and its poison queue.
type queue struct {
	mu       sync.Mutex
	messages []*message
	poison   []*message
}

type message struct {
	text       string
	deliveries int
	held       bool // by a flow
}

const maxDeliveries = 5

func (q *queue) add(text string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.messages = append(q.messages, &message{text: text})
}

func (q *queue) count() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.messages)
}

// receive delivers one of the messages that nobody holds, nil if there is none.
func (q *queue) receive(rng *rand.Rand, poison bool) *message {
	q.mu.Lock()
	defer q.mu.Unlock()
	from := q.messages
	if poison {
		from = q.poison
	}
	free := slices.DeleteFunc(slices.Clone(from), func(m *message) bool { return m.held })
	if len(free) == 0 {
		return nil
	}
	m := free[rng.IntN(len(free))]
	m.held = true
	m.deliveries++
	return m
}

// settle is what the host does when an invocation has ended.
func (q *queue) settle(m *message, done, poison bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	m.held = false
	remove := func(from []*message) []*message {
		return slices.DeleteFunc(from, func(other *message) bool { return other == m })
	}
	switch {
	case poison && done:
		q.poison = remove(q.poison)
	case done:
		q.messages = remove(q.messages)
	case !poison && m.deliveries >= maxDeliveries:
		q.messages = remove(q.messages)
		q.poison = append(q.poison, &message{text: m.text})
	}
}

// duplicate copies a message, as a queue that delivers at least once may.
func (q *queue) duplicate(rng *rand.Rand) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if n := len(q.messages); n > 0 {
		q.messages = append(q.messages, &message{text: q.messages[rng.IntN(n)].text})
	}
}

// runLog counts the summaries of runs that ended.
type runLog struct {
	mu   sync.Mutex
	ends map[string]int // by run and epoch
}

func (*runLog) Enabled(context.Context, slog.Level) bool { return true }
func (l *runLog) WithAttrs([]slog.Attr) slog.Handler     { return l }
func (l *runLog) WithGroup(string) slog.Handler          { return l }
func (l *runLog) Handle(_ context.Context, r slog.Record) error {
	if r.Message != "run ended" {
		return nil
	}
	var run string
	var epoch int64
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "run":
			run = a.Value.String()
		case "epoch":
			epoch = a.Value.Int64()
		}
		return true
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ends == nil {
		l.ends = make(map[string]int)
	}
	l.ends[fmt.Sprintf("%s at epoch %d", run, epoch)]++
	return nil
}

// functions are the functions of one process, or of one invocation that can be
// killed alone, over what f lets through.
type functions struct {
	ingest *ingest.Ingester
	tick   *schedule.Ticker
	score  *score.Scorer
	poison *score.Poison
	runs   *runs.API
	log    *slog.Logger
}

func (w *world) functions(f *flow) functions {
	log := slog.New(w.log)
	db, files, queue := faultyLedger{f}, faultyFiles{f}, faultyQueue{f}
	ender := &ledger.Ender{Ledger: db, Files: files, Now: w.clock}
	if w.parquet {
		ender.Export = &export.Exporter{Ledger: db, Files: files, Parquet: true, AtOnce: 1, Now: w.clock}
	}
	sender := &ledger.Sender{Outbox: db, Queue: queue, PerMessage: w.perMessage, Now: w.clock}
	in := &ingest.Ingester{Store: db, Files: files, Map: ingest.Fixed{Is: mapping.Plain}}
	ends, err := ncrontab.Parse(w.schedule)
	if err != nil {
		w.t.Fatal(err)
	}
	return functions{
		ingest: in,
		tick: &schedule.Ticker{Spill: in, Models: registered{}, Ledger: db, Queue: queue, Sender: sender, Ender: ender,
			ErrorLogs: &ledger.ErrorLogs{Attempts: db, Files: files},
			Days:      &runs.Days{Ledger: w.db, Now: w.clock},
			Schedule:  ends, Delay: time.Minute, Settings: w.settings, Now: w.clock},
		score: &score.Scorer{Ledger: db, Readings: db, Models: faultyModels{f}, Files: files, Ender: ender,
			CPU: semaphore.NewWeighted(1), Now: w.clock},
		poison: &score.Poison{Ledger: db, Files: files, Ender: ender, Sender: sender, Now: w.clock},
		runs: &runs.API{Ledger: db, Models: registered{}, Sender: sender, Ender: ender, Settings: w.settings, Log: log, Now: w.clock,
			Later: func(then func(context.Context)) { then(w.t.Context()) }},
		log: log,
	}
}
