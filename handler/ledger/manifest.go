package ledger

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// Manifest is the content of a run's manifest.json. It is a pure function of
// the ledger: it holds no times and no durations, so that the same readings,
// models and settings give the same manifest but for Epoch, Reason and the
// revisions.
// It is valid only while the run has ended with the same epoch. A file in the run's
// folder that it does not list is not a prediction.
type Manifest struct {
	V        int            `json:"v"` // 1
	Run      string         `json:"run"`
	Kind     fleet.RunKind  `json:"kind"`
	Epoch    int            `json:"epoch"`
	Reason   fleet.Reason   `json:"reason"` // why that epoch began
	Settings fleet.Settings `json:"settings"`
	Jobs     []Entry        `json:"jobs"` // by device, then sensor, bytewise
	Totals
}

// Entry is a job in a [Manifest].
type Entry struct {
	fleet.JobKey
	State        fleet.JobState `json:"state"`
	File         string         `json:"file,omitempty"` // in the container preds; only if scored
	SHA256       string         `json:"sha256,omitempty"`
	Rows         int            `json:"rows,omitempty"`
	Anomalies    int            `json:"anomalies,omitempty"`
	EmptyBuckets int            `json:"empty_buckets,omitempty"`
	Model        string         `json:"model,omitempty"` // in the container models
	ModelSHA256  string         `json:"model_sha256,omitempty"`
	// AttributesSHA256 is that of the attributes of the device which rows were made of.
	AttributesSHA256 string `json:"attributes_sha256,omitempty"`
}

// Totals are what the jobs of a run came to.
type Totals struct {
	State        fleet.RunState `json:"state"`
	Counts       fleet.Counts   `json:"counts"`
	Rows         int            `json:"rows"`
	Anomalies    int            `json:"anomalies"`
	EmptyBuckets int            `json:"empty_buckets"`

	// DeviceModels is how many of the jobs are device models'.
	DeviceModels int `json:"device_models"`

	// Busy is the sum of the durations of the jobs opened or re-opened since the
	// run was opened last. The manifest leaves it out: it is no function of the inputs.
	Busy time.Duration `json:"-"`

	// Devices are the sums by device, in the order of the jobs.
	Devices []fleet.DeviceSum `json:"-"`

	// Models are the sums by version of a model, of the models that may serve several
	// devices, in the order of their first jobs.
	Models []fleet.ModelSum `json:"-"`
}

// ErrPending says that a job is queued, so that the run cannot end yet.
var ErrPending = errors.New("a job is queued")

func newEntry(j fleet.Job) Entry {
	e := Entry{
		JobKey:       j.JobKey,
		State:        j.State,
		Rows:         j.Rows,
		Anomalies:    j.Anomalies,
		EmptyBuckets: j.EmptyBuckets,
		Model:        j.Model,
		ModelSHA256:  j.ModelSHA256,

		AttributesSHA256: j.AttributesSHA256,
	}
	if j.State == fleet.Scored {
		e.File, e.SHA256 = CSVName(j.Run, j.ID), j.CSVSHA256
	}
	return e
}

// WriteManifest writes the manifest of run, one line per job. The jobs come in the
// order of their lines, and are not held in memory. If one is queued, it returns
// ErrPending.
func WriteManifest(w io.Writer, run fleet.Run, jobs iter.Seq2[fleet.Job, error]) (Totals, error) {
	out := bufio.NewWriterSize(w, 1<<16)
	settings, err := json.Marshal(run.Settings)
	if err != nil {
		return Totals{}, err
	}
	fmt.Fprintf(out, "{\n\"v\": 1,\n\"run\": %q,\n\"kind\": %q,\n\"epoch\": %d,\n\"reason\": %q,\n\"settings\": %s,\n\"jobs\": [",
		run.ID, run.Kind, run.Epoch, run.Reason, settings)
	totals := Totals{Counts: fleet.Counts{}}
	separator := "\n"
	for j, err := range jobs {
		if err != nil {
			return Totals{}, err
		}
		if j.State == fleet.Queued {
			return Totals{}, ErrPending
		}
		totals.add(run, j)
		line, err := json.Marshal(newEntry(j))
		if err != nil {
			return Totals{}, err
		}
		fmt.Fprintf(out, "%s%s", separator, line)
		separator = ",\n"
	}
	totals.State = fleet.EndState(run.State, totals.Counts, run.Settings)
	end, err := json.Marshal(totals)
	if err != nil {
		return Totals{}, err
	}
	fmt.Fprintf(out, "\n],\n%s\n", end[1:]) // the members of totals close the object
	return totals, out.Flush()
}

// sums returns what is stored with the end of the run.
func (t *Totals) sums() fleet.RunSums {
	return fleet.RunSums{
		Run:     fleet.RunSum{Jobs: t.Counts.Total(), Failed: t.Counts.Failed(), Rows: t.Rows, Anomalies: t.Anomalies},
		Devices: fleet.PackSums(t.Devices), Models: t.Models,
	}
}

func (t *Totals) add(run fleet.Run, j fleet.Job) {
	t.Counts[j.State]++
	if j.DeviceModel != "" {
		t.DeviceModels++
	}
	t.Rows += j.Rows
	t.Anomalies += j.Anomalies
	t.EmptyBuckets += j.EmptyBuckets
	if n := len(t.Devices); n == 0 || t.Devices[n-1].Device != j.Device {
		t.Devices = append(t.Devices, fleet.DeviceSum{Device: j.Device})
	}
	t.Devices[len(t.Devices)-1].Count(j)
	if j.State == fleet.Scored && fleet.SharedModel(j.Model) {
		i := slices.IndexFunc(t.Models, func(m fleet.ModelSum) bool { return m.Model == j.Model && m.SHA256 == j.ModelSHA256 })
		if i < 0 {
			i = len(t.Models)
			t.Models = append(t.Models, fleet.ModelSum{Model: j.Model, SHA256: j.ModelSHA256})
		}
		m := &t.Models[i]
		m.Jobs++
		m.Rows += j.Rows
		m.Anomalies += j.Anomalies
	}
	if j.Epoch >= run.Opening.Epoch {
		t.Busy += j.Duration
	}
}
