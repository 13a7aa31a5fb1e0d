package score

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"iter"
	"runtime"
	"slices"
	"testing"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
)

// TestStreams scores a message of 256 sensors with 20,000 readings each. The readings are
// 80 MB and the CSVs 200 MB. Only a few of them are in memory at a time.
func TestStreams(t *testing.T) { // not parallel: it measures
	const sensors, each, most = 256, 20_000, 16 << 20
	readings := map[fleet.ID][]float64{}
	var ids []fleet.ID
	for i := range sensors {
		id := fleet.ID{Device: "d", Sensor: fmt.Sprintf("s%03d", i)}
		ids = append(ids, id)
		readings[id] = []float64{1} // registers it
	}
	b := newBench(t, "", readings)
	many := &manyReadings{each: each}
	b.Scorer.Readings, b.Scorer.Files = many, hashing{}
	before := live()
	if err := b.Score(t.Context(), quiet, b.message(t, ids...)); err != nil {
		t.Fatal(err)
	}
	if counts, err := b.db.Counts(t.Context(), b.run); err != nil || counts[fleet.Scored] != sensors {
		t.Errorf("the jobs are %v, %v; want %d scored", counts, err, sensors)
	}
	if j := b.job(t, ids[sensors-1]); j.Rows != each {
		t.Errorf("the last job has %d rows, want %d", j.Rows, each)
	}
	t.Logf("%.1f MB held at most", float64(many.most-before)/1e6)
	if many.most-before > most {
		t.Errorf("%d bytes were held, want at most %d", many.most-before, most)
	}
}

// TestDeviceStreams scores a device model over an hour with a reading of both sensors in
// each millisecond, 115 MB of readings. Only a few slices of time are in memory at a time.
func TestDeviceStreams(t *testing.T) { // not parallel: it measures
	const most = 12 << 20
	p := newPlant(t, 1, map[string]summed{
		"health": {names: []string{"t", "day"}, spec: parse(t, `{"columns": [{"name": "day", "of": "v", "rolling": "10s", "aggregate": "mean"}], "features": ["t", "day"]}`)},
	}, nil)
	dense := &denseReadings{}
	p.Scorer.Readings, p.Files = dense, hashing{}
	before := live()
	id := health("d0")
	if j := p.score(t, id)[id]; j.State != fleet.Scored || j.Rows != 3600_000 {
		t.Errorf("the job is %s %s with %d rows, want 3,600,000 scored", j.State, j.Error, j.Rows)
	}
	t.Logf("%.1f MB held at most, %d readings read", float64(dense.most-before)/1e6, dense.read)
	if dense.most-before > most {
		t.Errorf("%d bytes were held, want at most %d", dense.most-before, most)
	}
	if dense.read > 10_000_000 {
		t.Errorf("%d readings were read, want at most 10,000,000", dense.read)
	}
}

// denseReadings has a reading in each millisecond, of each sensor. It notes how much memory is
// in use between reads, at most.
type denseReadings struct {
	read int
	most int64
}

func (d *denseReadings) Readings(_ context.Context, ids []fleet.ID, w fleet.Window) iter.Seq2[fleet.Reading, error] {
	d.most = max(d.most, live())
	return func(yield func(fleet.Reading, error) bool) {
		for _, id := range ids {
			for ts := fleet.MillisOf(w.From); ts < fleet.MillisOf(w.To); ts++ {
				d.read++
				if !yield(fleet.Reading{ID: id, Time: ts, Value: float64(ts % 10)}, nil) {
					return
				}
			}
		}
	}
}

// live returns the bytes of the heap that are in use.
func live() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// manyReadings are as many of each sensor. It notes the most that is live
// between them.
type manyReadings struct {
	each int
	most int64
}

func (m *manyReadings) Readings(_ context.Context, ids []fleet.ID, w fleet.Window) iter.Seq2[fleet.Reading, error] {
	return func(yield func(fleet.Reading, error) bool) {
		for n, id := range slices.SortedFunc(slices.Values(ids), fleet.CompareID) {
			for i := range m.each {
				if !yield(fleet.Reading{ID: id, Time: fleet.MillisOf(w.From) + fleet.Millis(i), Value: float64(i) / 7}, nil) {
					return
				}
			}
			if n%16 == 15 {
				m.most = max(m.most, live())
			}
		}
	}
}

// hashing are blobs of which only the hash is kept.
type hashing struct{ blob.Store }

func (hashing) Stat(context.Context, string, string) (blob.Info, error) {
	return blob.Info{}, blob.ErrNotFound
}

func (hashing) Write(_ context.Context, _, name string, _ blob.Condition, _ string, fill func(io.Writer) error) (blob.Info, error) {
	sum := sha256.New()
	err := fill(sum)
	return blob.Info{Name: name, SHA256: hex.EncodeToString(sum.Sum(nil))}, err
}
