package e2e_test

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/needs"
	"github.com/fleetscore/fleetscore/handler/tabular"
)

// TestReferenceForm takes data and models in the form of the reference
// architecture through the pipeline and compares with what scikit-learn 0.19 gives.
func TestReferenceForm(t *testing.T) {
	t.Parallel()
	scoreReference(t, "../model/testdata/reference", 1166, 728)
}

// TestReference does so with the data and models of the reference architecture.
func TestReference(t *testing.T) {
	t.Parallel()
	scoreReference(t, needs.Shared(t, "reference"), 11_837, 4_986)
}

// scoreReference scores the models of a folder, and holds the predictions to its
// files of truth and to the number of readings and anomalies.
func scoreReference(t *testing.T, reference string, readings, anomalies int) {
	data, err := tabular.Open([]string{reference + "/sensor_data.csv"}, tabular.Options{Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	s := newStack(t)
	models, err := filepath.Glob(reference + "/models/*")
	if err != nil || len(models) == 0 {
		t.Fatalf("%d models, %v", len(models), err)
	}
	for _, file := range models {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s.publish(filepath.Base(file), content)
	}
	var w fleet.Window
	s.ingest(func(yield func(fleet.Reading, error) bool) {
		for r, err := range data.All() {
			if at := r.Time.Time(); err == nil {
				if w.From.IsZero() || at.Before(w.From) {
					w.From = at.Truncate(time.Second)
				}
				if !at.Before(w.To) {
					w.To = at.Truncate(time.Second).Add(time.Second)
				}
			}
			if !yield(r, err) {
				return
			}
		}
	})
	r := s.ended(s.request(w).ID)
	if r.State != fleet.RunSucceeded {
		t.Errorf("the run is %s, want %s", r.State, fleet.RunSucceeded)
	}
	truths, err := filepath.Glob(reference + "/truth/preds_*.csv")
	if err != nil || len(truths) != len(models) {
		t.Fatalf("%d files of truth for %d models, %v", len(truths), len(models), err)
	}
	rows, found := 0, 0
	for _, file := range truths {
		n, a := s.compareTruth(file, r.ID)
		rows, found = rows+n, found+a
	}
	if rows != readings || found != anomalies {
		t.Errorf("%d rows with %d anomalies, want %d with %d", rows, found, readings, anomalies)
	}
}

// compareTruth compares a file of truth with the predictions of its sensor,
// row by row: predictions always, decision values bit by bit on amd64.
func (s *stack) compareTruth(file, run string) (rows, anomalies int) {
	s.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		s.Fatal(err)
	}
	_, name, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), ".csv"), "_")
	device, sensorName, _ := strings.Cut(name, "_")
	predicted, _, err := s.blobs.Read(s.Context(), blob.Preds, run+"/"+device+"/"+sensorName+".csv", "", 1<<30)
	if err != nil {
		s.Fatal(err)
	}
	want, got := s.records(content), s.records(predicted)
	if len(got) != len(want) || strings.Join(got[0], ",") != "TS,Device,Sensor,Val,Prediction,Score" {
		s.Fatalf("%s: %d rows under %v, want %d", name, len(got), got[0], len(want))
	}
	for i := 1; i < len(want); i++ {
		g, w := got[i], want[i]
		at, err := fleet.ParseMillis(w[0])
		if err != nil {
			s.Fatal(err)
		}
		if g[0] != at.String() || g[1] != w[1] || g[2] != w[2] || s.float(g[3]) != s.float(w[3]) || g[4] != w[4] {
			s.Errorf("%s, row %d: %v, want %v", name, i, g, w)
		}
		if runtime.GOARCH == "amd64" && s.float(g[5]) != s.float(w[5]) {
			s.Errorf("%s, row %d: decision value %s, want %s", name, i, g[5], w[5])
		}
		if g[4] == "1" {
			anomalies++
		}
	}
	return len(got) - 1, anomalies
}

func (s *stack) records(content []byte) [][]string {
	s.Helper()
	records, err := csv.NewReader(strings.NewReader(string(content))).ReadAll()
	if err != nil {
		s.Fatal(err)
	}
	return records
}

func (s *stack) float(text string) float64 {
	s.Helper()
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		s.Fatal(err)
	}
	return v
}
