package runs_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/blob/blobtest"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ledger"
	models "github.com/fleetscore/fleetscore/handler/model/publish"
	"github.com/fleetscore/fleetscore/handler/runs"
	"github.com/fleetscore/fleetscore/handler/store"
)

// portraits say the same of every model.
type portraits struct{ blobs blob.Store }

func (portraits) Portrait(context.Context, fleet.Model) (runs.Portrait, error) {
	limit := -.5
	return runs.Portrait{Kind: "detector", Class: "OneClassSVM", Threshold: &limit, Center: []float64{4}, Scale: []float64{2}}, nil
}

func (p portraits) Previous(ctx context.Context, place fleet.Place) (bool, error) {
	return models.Previous(ctx, p.blobs, place)
}

func (p portraits) Rollback(ctx context.Context, place fleet.Place) error {
	_, err := models.Rollback(ctx, p.blobs, place)
	return err
}

func (p portraits) Remove(ctx context.Context, place fleet.Place) error {
	_, err := models.Remove(ctx, p.blobs, place)
	return err
}

// publish registers a version of the model of device 1's sensor 2, and assigns it.
func publish(t *testing.T, db *store.DB, etag string) {
	t.Helper()
	place := fleet.Place{Scope: fleet.OfDevice, Device: "1", Title: "2"}
	old, err := db.Models(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Register(t.Context(), fleet.Registration{Added: []fleet.Model{{Name: "1/2.pkl", ETag: etag, Size: 9, Place: place}}, Removed: old}); err != nil {
		t.Fatal(err)
	}
	if _, err := db.AssignSubjects(t.Context(), 100); err != nil {
		t.Fatal(err)
	}
}

// put writes a blob and returns its sha256.
func put(t *testing.T, api *runs.API, container, name, content string) string {
	t.Helper()
	blobtest.Put(t, api.Files.(*blob.Memory), container, name, content)
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])
}

// measure stores a reading a minute for two hours, the 90th of which is 99, and
// opens a run over each hour; the sensor's job gets a CSV of its rows, under a model of its own.
func measure(t *testing.T, api *runs.API, db *store.DB) {
	t.Helper()
	id := fleet.ID{Device: "1", Sensor: "2"}
	for i := range 2 {
		publish(t, db, fmt.Sprint(i))
		from := now.Add(time.Duration(i-2) * time.Hour)
		csv := "TS,Device,Sensor,Val,Prediction,Score\n"
		var batch []fleet.Reading
		var kept fleet.AnomalousRows
		for k := range 60 {
			at, v, anomaly := fleet.MillisOf(from.Add(time.Duration(k)*time.Minute)), float64(k%7), 0
			if i == 1 && k == 30 {
				v, anomaly = 99, 1
				kept = fleet.AnomalousRows(append(fleet.Anomaly{Time: at, Score: 1 - v}.Append(nil), ']'))
			}
			batch = append(batch, fleet.Reading{ID: id, Time: at, Value: v})
			csv += fmt.Sprintf("%s,1,2,%g,%d,%g\n", at, v, anomaly, 1-v)
		}
		if _, err := db.InsertReadings(t.Context(), batch, fleet.Delivery{}); err != nil {
			t.Fatal(err)
		}
		run, _, err := db.OpenRequested(t.Context(), fleet.Window{From: from, To: from.Add(time.Hour)}, nil, fleet.Settings{}, now)
		if err != nil {
			t.Fatal(err)
		}
		sum := put(t, api, blob.Preds, ledger.CSVName(run.ID, id), csv)
		o := fleet.Outcome{Result: fleet.Scored, Rows: 60, Anomalies: i, CSVSHA256: sum, Model: "1/2.pkl", ModelSHA256: strings.Repeat(fmt.Sprint(i), 64), Anomalous: kept}
		if _, _, err := db.CloseJob(t.Context(), run.ID, fleet.JobKey{ID: id}, o, now); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSubject(t *testing.T) {
	t.Parallel()
	api, db, _ := newAPI(t)
	measure(t, api, db)
	id, last := fleet.ID{Device: "1", Sensor: "2"}, fleet.MillisOf(now.Add(-time.Minute))
	event := fleet.EventPlace{Enqueued: last, Sequence: 1}
	_, err := db.InsertReadings(t.Context(), []fleet.Reading{{ID: id, Time: last, Value: 3}}, fleet.Delivery{Partition: "hub/0", Upto: event,
		Of: func(int) fleet.EventPlace { return event }, Faults: []fleet.Fault{{ID: id, At: event, Time: last, Rejected: 2}}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := api.Subject(t.Context(), runs.SubjectRequest{Device: "1", Name: "2", From: now.Add(-2 * time.Hour), To: now})
	if err != nil {
		t.Fatal(err)
	}
	if s.DeviceModel || s.Model != "1/2.pkl" || s.Portrait == nil || s.Files != 2 || s.Unread != 0 || s.Readings.Values != 120 || s.Score.Values != 120 || len(s.Jobs) != 2 {
		t.Fatalf("%+v", s)
	}
	if len(s.Anomalies) != 1 || !s.Anomalies[0].At.Equal(now.Add(-30*time.Minute)) || *s.Anomalies[0].Value != 99 || *s.Anomalies[0].MinScore != -98 {
		t.Errorf("anomalies %+v", s.Anomalies)
	}
	d := s.Distribution
	total := 0
	for _, n := range d.Counts {
		total += n
	}
	if total != 120 || d.From != 0 || math.Abs(d.Step*40-99) > 1e-9 || *d.Center != 4 || *d.Scale != 2 || d.Counts[39] != 1 {
		t.Errorf("distribution %+v", d)
	}
	if q := s.Quality; q.UsualSeconds == nil || *q.UsualSeconds != 60 || *q.Missing != 0 || q.Duplicate != 1 || q.Conflict != 0 || q.Rejected != 2 {
		t.Errorf("quality %+v", q)
	}
	if len(s.Marks) != 1 || s.Marks[0].What != "model" || !s.Marks[0].At.Equal(now.Add(-time.Hour)) {
		t.Errorf("marks %+v", s.Marks)
	}
	dev, err := api.Device(t.Context(), runs.DeviceRequest{Device: "1", From: now.Add(-2 * time.Hour), To: now})
	if err != nil || len(dev.Sensors) != 2 || dev.Sensors[1].Score.Values != 120 || *dev.Sensors[1].Threshold != -.5 || len(dev.Anomalies) != 1 || *dev.Anomalies[0].Value != 99 || dev.Sensors[0].Score != nil {
		t.Errorf("device %+v, %v", dev, err)
	}
	if dev, err = api.Device(t.Context(), runs.DeviceRequest{Device: "1", Page: 7}); err != nil || len(dev.Sensors) != 0 || dev.Total != 2 {
		t.Errorf("page 7 of a device: %+v, %v", dev, err)
	}
}

// TestSubjectSeesOnlyWhatTheLedgerNames checks that a file that is not the one of the job
// is not shown. A file that has no predictions is an error.
func TestSubjectSeesOnlyWhatTheLedgerNames(t *testing.T) {
	t.Parallel()
	api, db, _ := newAPI(t)
	measure(t, api, db)
	id := fleet.ID{Device: "1", Sensor: "2"}
	run := fleet.Window{From: now.Add(-time.Hour), To: now}.RunID()
	put(t, api, blob.Preds, ledger.CSVName(run, id), "TS,Device,Sensor,Val,Prediction,Score\n"+fleet.MillisOf(now.Add(-time.Minute)).String()+",1,2,1,1,1\n")
	s, err := api.Subject(t.Context(), runs.SubjectRequest{Device: "1", Name: "2", From: now.Add(-2 * time.Hour), To: now})
	if err != nil || s.Score.Values != 60 {
		t.Errorf("%+v, %v", s, err)
	}
	for _, content := range []string{"", "TS,Device,Sensor,Val,Prediction,Score\n"} {
		if t2, err := runs.ParsePredictions([]byte(content)); err != nil || t2 != 0 {
			t.Errorf("%q: %d rows, %v", content, t2, err)
		}
	}
	for _, content := range []string{"a,b\n1,2\n", "TS,Prediction,Score\n1,2\n", "TS,Prediction,Score\nyesterday,1,2\n", "\"", "TS,Device,Sensor,Val,Prediction,Score\n\"a\n"} {
		if _, err := runs.ParsePredictions([]byte(content)); err == nil {
			t.Errorf("%q: no error", content)
		}
	}
}

func TestDeviceModelSubject(t *testing.T) {
	t.Parallel()
	rows, err := runs.ParsePredictions([]byte("TS,Device,Model,Prediction,Score,flow mean,TS\n2026-03-01T11:00:00.000Z,d,m,1,-2,3,4\n2026-03-01T11:00:01.000Z,d,m,0,,,4\n"))
	if err != nil || rows != 2 {
		t.Errorf("%d rows, %v", rows, err)
	}
}

func TestSubjectRefuses(t *testing.T) {
	t.Parallel()
	api, _, _ := newAPI(t)
	for what, c := range map[string]struct {
		req  runs.SubjectRequest
		want error
	}{
		"no device": {runs.SubjectRequest{Device: "nobody", Name: "2"}, fleet.ErrNotFound},
		"no sensor": {runs.SubjectRequest{Device: "1", Name: "nothing"}, fleet.ErrNotFound},
		"backwards": {runs.SubjectRequest{Device: "1", Name: "2", From: now, To: now.Add(-time.Hour)}, fleet.ErrInvalid},
		"two years": {runs.SubjectRequest{Device: "1", Name: "2", From: now.AddDate(-2, 0, 0), To: now}, fleet.ErrInvalid},
	} {
		if _, err := api.Subject(t.Context(), c.req); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", what, err, c.want)
		}
	}
	if s, err := api.Subject(t.Context(), runs.SubjectRequest{Device: "1", Name: "2"}); err != nil || s.Readings.Values != 0 || s.Distribution != nil || s.Score != nil || s.Model != "" {
		t.Errorf("a silent sensor: %+v, %v", s, err)
	}
}

func TestModelDetail(t *testing.T) {
	t.Parallel()
	api, db, _ := newAPI(t)
	measure(t, api, db)
	list, err := api.ListModels(t.Context(), runs.ModelsRequest{})
	if err != nil || len(list.Models) != 1 || list.Models[0].Serves != 1 || list.Models[0].ETag != "1" {
		t.Fatalf("%+v, %v", list, err)
	}
	m, err := api.ModelDetail(t.Context(), runs.ModelRequest{Name: "1/2.pkl"})
	if err != nil || len(m.Subjects) != 1 || m.Subjects[0] != (fleet.ID{Device: "1", Sensor: "2"}) || m.Portrait.Class != "OneClassSVM" {
		t.Fatalf("%+v, %v", m, err)
	}
	if len(m.Versions) != 2 || m.Versions[0].SHA256[0] != '1' || m.Versions[0].Share() != 1./60 || m.Versions[1].Anomalies != 0 || !m.Versions[1].First.Equal(now.Add(-2*time.Hour)) {
		t.Errorf("versions %+v", m.Versions)
	}
	if _, err := api.ModelDetail(t.Context(), runs.ModelRequest{Name: "nothing"}); !errors.Is(err, fleet.ErrNotFound) {
		t.Errorf("a model that is not there: %v", err)
	}
	if _, err := api.Rollback(t.Context(), runs.RollbackRequest{Model: "nothing"}); !errors.Is(err, fleet.ErrNotFound) {
		t.Errorf("a rollback of nothing: %v", err)
	}
}

// TestRemoveModel: a model that was removed serves nobody, is listed as such with its
// history, and can be put back.
func TestRemoveModel(t *testing.T) {
	t.Parallel()
	api, db, _ := newAPI(t)
	measure(t, api, db)
	for _, name := range []string{"1/2.pkl", "default.pkl"} {
		put(t, api, blob.Models, name, "a model")
	}
	if _, err := api.RefreshModels(t.Context(), runs.RefreshRequest{}); err != nil {
		t.Fatal(err)
	}
	remove := func(name string) error {
		_, err := api.Remove(t.Context(), runs.RemoveRequest{Model: name})
		return err
	}
	rollback := func(name string) error {
		_, err := api.Rollback(t.Context(), runs.RollbackRequest{Model: name})
		return err
	}
	state := func() (all []string) {
		t.Helper()
		list, err := api.ListModels(t.Context(), runs.ModelsRequest{})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range list.Models {
			if !m.Since.Equal(now) {
				t.Errorf("%s is there since %v", m.Name, m.Since)
			}
			all = append(all, fmt.Sprintf("%s %s %t %d", m.Name, m.Scope, m.Removed, m.Serves))
		}
		return all
	}
	for _, step := range []struct {
		do   func(string) error
		name string
		want []string
	}{
		{remove, "1/2.pkl", []string{"1/2.pkl device true 0", "default.pkl default false 3"}},
		{remove, "default.pkl", []string{"1/2.pkl device true 0", "default.pkl default true 0"}},
		{rollback, "1/2.pkl", []string{"1/2.pkl device false 1", "default.pkl default true 0"}},
		{rollback, "default.pkl", []string{"1/2.pkl device false 1", "default.pkl default false 2"}},
	} {
		if err := step.do(step.name); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if got := state(); !slices.Equal(got, step.want) {
			t.Errorf("%s: the models are %q, want %q", step.name, got, step.want)
		}
		m, err := api.ModelDetail(t.Context(), runs.ModelRequest{Name: "1/2.pkl"})
		if err != nil || len(m.Versions) != 2 || m.Removed != (m.Portrait == nil) {
			t.Errorf("the detail is %+v, %v", m, err)
		}
	}
	for _, name := range []string{"nothing", "1/2.pkl@removed"} {
		if err := remove(name); !errors.Is(err, fleet.ErrNotFound) {
			t.Errorf("%s is removed: %v", name, err)
		}
	}
}

func TestJob(t *testing.T) {
	t.Parallel()
	api, db, _ := newAPI(t)
	run, _, err := db.OpenRequested(t.Context(), fleet.Window{From: hour.From, To: hour.To}, nil, fleet.Settings{}, now)
	if err != nil {
		t.Fatal(err)
	}
	key := fleet.JobKey{ID: fleet.ID{Device: "1", Sensor: "1"}}
	if err := db.AddAttempt(t.Context(), run.ID, key, fleet.Attempt{At: now, Own: true, Err: "first"}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := db.CloseJob(t.Context(), run.ID, key, fleet.Outcome{Result: fleet.Failed, Error: "no"}, now); err != nil {
		t.Fatal(err)
	}
	ask := func() (runs.JobDetail, error) {
		return api.Job(t.Context(), runs.JobRequest{ID: run.ID, Device: "1", Name: "1"})
	}
	d, err := ask()
	if err != nil || d.State != fleet.Failed || d.Log != nil || len(d.Attempts) != 1 || d.Attempts[0].Error != "first" {
		t.Fatalf("%+v, %v", d, err)
	}
	put(t, api, blob.Logs, d.ErrorLog, `{"error": "no", "remedy": "mend it"}`)
	if d, err = ask(); err != nil || d.Log == nil || d.Log.Remedy != "mend it" {
		t.Errorf("%+v, %v", d, err)
	}
	if _, err := api.Job(t.Context(), runs.JobRequest{ID: run.ID, Device: "1", Name: "7"}); !errors.Is(err, fleet.ErrNotFound) {
		t.Errorf("no such job: %v", err)
	}
	if _, err := api.Job(t.Context(), runs.JobRequest{ID: "x", Device: "1", Name: "1"}); !errors.Is(err, fleet.ErrInvalid) {
		t.Errorf("no run's name: %v", err)
	}
}

func TestJobsSorted(t *testing.T) {
	t.Parallel()
	api, db, _ := newAPI(t)
	run, _, err := db.OpenRequested(t.Context(), fleet.Window{From: hour.From, To: hour.To}, nil, fleet.Settings{}, now)
	if err != nil {
		t.Fatal(err)
	}
	for i, id := range []fleet.ID{{Device: "1", Sensor: "1"}, {Device: "1", Sensor: "2"}, {Device: "2", Sensor: "1"}} {
		o := fleet.Outcome{Result: fleet.Scored, Rows: 10, Anomalies: []int{1, 9, 5}[i], CSVSHA256: "aa", Duration: time.Duration(i) * time.Second}
		if _, _, err := db.CloseJob(t.Context(), run.ID, fleet.JobKey{ID: id}, o, now); err != nil {
			t.Fatal(err)
		}
	}
	for by, want := range map[fleet.JobOrder][]string{fleet.ByName: {"1/1", "1/2", "2/1"}, fleet.ByWorst: {"1/2", "2/1", "1/1"}, fleet.BySlowest: {"2/1", "1/2", "1/1"}} {
		l, err := api.Jobs(t.Context(), runs.JobsRequest{ID: run.ID, Sort: by})
		var got []string
		for _, j := range l.Jobs {
			got = append(got, j.ID.String())
		}
		if err != nil || !slices.Equal(got, want) || l.Next != "" {
			t.Errorf("sorted by %q: %v, want %v; %v", by, got, want, err)
		}
	}
	for _, req := range []runs.JobsRequest{{ID: run.ID, Sort: "best"}, {ID: run.ID, Sort: fleet.ByWorst, After: "1/1"}} {
		if _, err := api.Jobs(t.Context(), req); !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("%+v: %v", req, err)
		}
	}
}

// TestSensorsOfDeviceModels checks that a sensor without jobs names the device models that use it.
func TestSensorsOfDeviceModels(t *testing.T) {
	t.Parallel()
	api, db, _ := newAPI(t)
	place := fleet.Place{Scope: fleet.OfDevice, Device: "1", Title: "wear"}
	m := fleet.Model{Name: "1/wear.pkl", ETag: "1", Size: 9, Place: place, Facts: &fleet.Facts{Features: 1, Names: []string{"mean"}, Sensors: []string{"1"}}}
	if err := db.Register(t.Context(), fleet.Registration{Added: []fleet.Model{m}}); err != nil {
		t.Fatal(err)
	}
	if _, err := db.AssignSubjects(t.Context(), 100); err != nil {
		t.Fatal(err)
	}
	if _, _, err := db.OpenRequested(t.Context(), fleet.Window{From: hour.From, To: hour.To}, nil, fleet.Settings{}, now); err != nil {
		t.Fatal(err)
	}
	d, err := api.Device(t.Context(), runs.DeviceRequest{Device: "1", From: hour.From, To: hour.To})
	if err != nil || len(d.Sensors) != 3 || len(d.Jobs) != 2 { // of sensor 2 and the model
		t.Fatalf("%+v, %v", d, err)
	}
	for i, want := range [][]string{{"wear"}, nil, nil} {
		if !slices.Equal(d.Sensors[i].UsedBy, want) {
			t.Errorf("%s is used by %v, want %v", d.Sensors[i].Name, d.Sensors[i].UsedBy, want)
		}
		s, err := api.Subject(t.Context(), runs.SubjectRequest{Device: "1", Name: d.Sensors[i].Name, From: hour.From, To: hour.To})
		if err != nil || !slices.Equal(s.UsedBy, want) {
			t.Errorf("%s is used by %v, %v, want %v", d.Sensors[i].Name, s.UsedBy, err, want)
		}
	}
}

// TestResiduals checks that the column of residuals is told from features.
func TestResiduals(t *testing.T) {
	t.Parallel()
	for csv, want := range map[string]string{
		"TS,Device,Model,Prediction,Score,Actual,Residual,t\n2026-03-01T11:00:00.000Z,d,m,1,,3,2,7\n2026-03-01T11:01:00.000Z,d,m,1,,,,7\n": "[2 NaN] [t]",
		"TS,Device,Model,Prediction,Score,Actual,Residual\n2026-03-01T11:00:00.000Z,d,m,1,,3,-2\n":                                         "[-2] []",
		"TS,Device,Model,Prediction,Score,a,Residual\n2026-03-01T11:00:00.000Z,d,m,1,-1,3,2\n":                                             "[NaN] [a Residual]",
		"TS,Device,Model,Prediction,Score,P(a),P(b),t\n2026-03-01T11:00:00.000Z,d,m,a,,.5,.5,7\n":                                          "[NaN] [t]",
	} {
		residuals, features, err := runs.ParseResiduals([]byte(csv))
		if got := fmt.Sprint(residuals, " ", features); got != want || err != nil {
			t.Errorf("%s: %s, %v, want %s", csv, got, err, want)
		}
	}
}

// TestResidualSeries checks that the residuals of a regressor are in the answers.
func TestResidualSeries(t *testing.T) {
	t.Parallel()
	api, db, _ := newAPI(t)
	id := fleet.ID{Device: "1", Sensor: "1"}
	run, _, err := db.OpenRequested(t.Context(), fleet.Window{From: hour.From, To: hour.To}, nil, fleet.Settings{}, now)
	if err != nil {
		t.Fatal(err)
	}
	csv := "TS,Device,Model,Prediction,Score,Actual,Residual,t\n" + fleet.MillisOf(hour.From).String() + ",1,1,1,,3,2,7\n"
	o := fleet.Outcome{Result: fleet.Scored, Rows: 1, CSVSHA256: put(t, api, blob.Preds, ledger.CSVName(run.ID, id), csv)}
	if _, _, err := db.CloseJob(t.Context(), run.ID, fleet.JobKey{ID: id}, o, now); err != nil {
		t.Fatal(err)
	}
	s, err := api.Subject(t.Context(), runs.SubjectRequest{Device: "1", Name: "1", From: hour.From, To: hour.To})
	if err != nil || s.Score != nil || s.Residual == nil || len(s.Residual.Points) != 1 || s.Residual.Points[0].Max != 2 || len(s.Features) != 1 {
		t.Errorf("%+v, %v", s, err)
	}
	d, err := api.Device(t.Context(), runs.DeviceRequest{Device: "1", From: hour.From, To: hour.To})
	if err != nil || d.Sensors[0].Residual == nil || d.Sensors[0].Residual.Points[0].Min != 2 {
		t.Errorf("%+v, %v", d.Sensors, err)
	}
}
