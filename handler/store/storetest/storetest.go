// Package storetest is the suite of tests that every dialect of package store
// passes, and what other packages need to run their own tests on each of them.
//
// A test package that calls [Run] or [Processes] calls [Main] in its TestMain,
// because some tests run in several processes, all of the test's own binary.
package storetest

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/needs"
	"github.com/fleetscore/fleetscore/handler/store"
)

// Dialect is a kind of database that tests run on.
type Dialect struct {
	Name string
	// DSN names an empty database of the test's own, which is removed when the
	// test ends.
	DSN func(t testing.TB) string
}

// SQLite is a file in the test's folder.
var SQLite = Dialect{"sqlite", func(t testing.TB) string {
	return "file:" + filepath.ToSlash(filepath.Join(t.TempDir(), "fleetscore.db"))
}}

// Each runs f as a subtest for every dialect, under its name. SQL Server is
// skipped, and says so, unless TEST_SQLSERVER_DSN names one.
func Each(t *testing.T, f func(t *testing.T, d Dialect)) {
	for _, d := range []Dialect{SQLite, SQLServer} {
		t.Run(d.Name, func(t *testing.T) {
			if d.Name == SQLServer.Name {
				needs.SQLServer(t)
			}
			f(t, d)
		})
	}
}

// Open returns a migrated database of the test's own.
func Open(t testing.TB, d Dialect) *store.DB {
	t.Helper()
	return Connect(t, d.DSN(t))
}

// Connect returns the migrated database that dsn names. It is closed when the
// test ends.
func Connect(t testing.TB, dsn string) *store.DB {
	t.Helper()
	db, err := store.Open(dsn, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}

// Run runs the whole suite on a dialect.
func Run(t *testing.T, d Dialect) {
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.f(t, Open(t, d))
		})
	}
	for _, test := range processTests {
		t.Run(test.name, func(t *testing.T) { test.f(t, d) })
	}
}

var tests = []struct {
	name string
	f    func(*testing.T, *store.DB)
}{
	{"InsertAndRead", testInsertAndRead},
	{"StopReading", testStopReading},
	{"Copies", testCopies},
	{"Salvage", testSalvage},
	{"ExactValues", testExactValues},
	{"NamesAreCaseSensitive", testNamesAreCaseSensitive},
	{"Names", testNames},
	{"BatchSizes", testBatchSizes},
	{"OverlappingWriters", testOverlappingWriters},
	{"Sensors", testSensors},
	{"Epochs", testEpochs},
	{"EpochsOfOpenRun", testEpochsOfOpenRun},
	{"ExpiredRuns", testExpiredRuns},
	{"LateForExpiredRun", testLateForExpiredRun},
	{"DeleteReadings", testDeleteReadings},
	{"Uncovered", testUncovered},
	{"Ingested", testIngested},
	{"Days", testDays},
	{"Faults", testFaults},
	{"FaultsOfManyReadings", testFaultsOfManyReadings},
	{"Watermark", testWatermark},
	{"WindowsTile", testWindowsTile},
	{"OpenRuns", testOpenRuns},
	{"Overview", testOverview},
	{"RunSums", testRunSums},
	{"OpenWithin", testOpenWithin},
	{"Covered", testCovered},
	{"Anomalies", testAnomalies},
	{"Serving", testServing},
	{"JobsTop", testJobsTop},
	{"OpenRequested", testOpenRequested},
	{"OpenLimit", testOpenLimit},
	{"Adopt", testAdopt},
	{"CloseJob", testCloseJob},
	{"LateSuccess", testLateSuccess},
	{"LateSuccessOfCancelledRun", testLateSuccessOfCancelledRun},
	{"ReopenJob", testReopenJob},
	{"EndRun", testEndRun},
	{"Rescore", testRescore},
	{"RescoreWithSettings", testRescoreWithSettings},
	{"Cancel", testCancel},
	{"LateReadings", testLateReadings},
	{"LateConflicts", testLateConflicts},
	{"LateMarksDropped", testLateMarksDropped},
	{"ManyLate", testManyLate},
	{"LateFar", testLateFar},
	{"Models", testModels},
	{"LateLookback", testLateLookback},
	{"Outbox", testOutbox},
	{"Attempts", testAttempts},
	{"Pages", testPages},
	{"NotFound", testNotFound},
	{"TextIsCut", testTextIsCut},
	{"LastClosers", testLastClosers},
	{"TwoTicks", testTwoTicks},
	{"AdoptionRace", testAdoptionRace},
	{"RescoreWhileClosing", testRescoreWhileClosing},
	{"LateSuccessWhileEnding", testLateSuccessWhileEnding},
	{"LateRandom", testLateRandom},
	{"LateRace", testLateRace},
}

// The clock of all tests.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// hour is the i-th of consecutive windows.
func hour(i int) fleet.Window {
	from := noon.Add(time.Duration(i) * time.Hour)
	return fleet.Window{From: from, To: from.Add(time.Hour)}
}

// id is the i-th sensor. Ids sort as i does.
func id(i int) fleet.ID {
	return fleet.ID{Device: "d" + string(rune('A'+i/676%26)) + string(rune('A'+i/26%26)), Sensor: "s" + string(rune('a'+i%26))}
}

func ids(n int) []fleet.ID {
	all := make([]fleet.ID, n)
	for i := range all {
		all[i] = id(i)
	}
	return all
}

func key(i, revision int) fleet.JobKey { return fleet.JobKey{ID: id(i), Revision: revision} }

// register registers n sensors.
func register(t testing.TB, db *store.DB, n int) {
	t.Helper()
	batch := make([]fleet.Reading, n)
	for i, id := range ids(n) {
		batch[i] = fleet.Reading{ID: id, Time: fleet.MillisOf(noon), Value: 1}
	}
	_, err := db.InsertReadings(t.Context(), batch, fleet.Delivery{})
	check(t, err)
}

// opened returns a requested run over hour(i), of n sensors.
func opened(t testing.TB, db *store.DB, i, n int) string {
	t.Helper()
	register(t, db, n)
	run, created, err := db.OpenRequested(t.Context(), hour(i), nil, fleet.Settings{}, noon)
	check(t, err)
	if !created {
		t.Fatalf("run %s was there before", run.ID)
	}
	return run.ID
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func scored(csv string) fleet.Outcome {
	return fleet.Outcome{Result: fleet.Scored, Rows: 2, Anomalies: 1, Duration: 1500 * time.Microsecond,
		Model: "m.pkl", ModelSHA256: "5e", CSVSHA256: csv}
}

// close closes a queued job.
func closeJob(t testing.TB, db *store.DB, run string, key fleet.JobKey, o fleet.Outcome) {
	t.Helper()
	_, changed, err := db.CloseJob(t.Context(), run, key, o, noon)
	check(t, err)
	if !changed {
		t.Fatalf("job %v of %s did not close as %s", key, run, o.Result)
	}
}

func job(t testing.TB, db *store.DB, run string, i int) fleet.Job {
	t.Helper()
	jobs, err := db.Jobs(t.Context(), run, []fleet.ID{id(i)})
	check(t, err)
	if len(jobs) != 1 {
		t.Fatalf("run %s has %d jobs of %v", run, len(jobs), id(i))
	}
	return jobs[0]
}

// setEnabled enables or disables one sensor, which is the other.
func setEnabled(t testing.TB, db *store.DB, sensor fleet.ID, enabled bool) {
	t.Helper()
	changed, err := db.SetEnabled(t.Context(), func(id fleet.ID) bool { return id == sensor }, enabled)
	check(t, err)
	equal(t, "changed", changed, 1)
}

func run(t testing.TB, db *store.DB, id string) fleet.Run {
	t.Helper()
	r, err := db.Run(t.Context(), id)
	check(t, err)
	return r
}

// noSums are the sums of no jobs.
var noSums = fleet.RunSums{Devices: fleet.PackSums(nil)}

// TryToEnd does what every closer of a job does: it ends the run if it can.
func TryToEnd(ctx context.Context, db *store.DB, id string) (ended bool, err error) {
	pending, err := db.Pending(ctx, id)
	if err != nil || pending {
		return false, err
	}
	r, err := db.Run(ctx, id)
	if err != nil || !r.State.Open() {
		return false, err
	}
	counts, err := db.Counts(ctx, id)
	if err != nil || counts[fleet.Queued] > 0 {
		return false, err
	}
	sums, err := db.DeviceSums(ctx, id)
	if err != nil {
		return false, err
	}
	return db.EndRun(ctx, id, r.Epoch, fleet.EndState(r.State, counts, r.Settings), fleet.RunSums{Devices: fleet.PackSums(sums)}, noon)
}
