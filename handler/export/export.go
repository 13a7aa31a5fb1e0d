package export

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ledger"
	"github.com/fleetscore/fleetscore/handler/spawn"
)

// Ledger has the methods of the ledger that an [Exporter] needs.
type Ledger interface {
	Run(ctx context.Context, id string) (fleet.Run, error)
	// ReopenJob re-opens a job that is scored with that sha256 of its CSV.
	ReopenJob(ctx context.Context, run string, key fleet.JobKey, csvSHA256 string, now time.Time) (bool, error)
}

// Files has the methods of [blob.Store] that an [Exporter] needs.
type Files interface {
	Stat(ctx context.Context, container, name string) (blob.Info, error)
	Read(ctx context.Context, container, name, etag string, limit int64) ([]byte, blob.Info, error)
	Write(ctx context.Context, container, name string, cond blob.Condition, contentType string, fill func(io.Writer) error) (blob.Info, error)
}

// Exporter is a [ledger.Exporter]. It is safe for concurrent use.
type Exporter struct {
	Ledger  Ledger
	Files   Files
	Parquet bool // whether to write Parquet files
	AtOnce  int  // the number of devices whose files are written in parallel; 8 if zero
	Now     func() time.Time
}

const maxCSV = 1 << 30 // bytes of a job's CSV

// FileName returns the name, in the container preds, of the Parquet file that has
// the predictions of a device in a run.
func FileName(run fleet.Run, device string) string {
	return "date=" + run.Window.From.UTC().Format(time.DateOnly) + "/device=" + fleet.EncodeName(device) + "/" + run.ID + ".parquet"
}

// Export writes the files of a run. The jobs must be grouped by device. The error
// wraps [ledger.ErrPending] if the run cannot end now: a job is queued, or was
// re-opened because its CSV is not the one that the ledger names, or the run's epoch
// has changed. It wraps [blob.ErrChanged] if another writer was faster.
func (e *Exporter) Export(ctx context.Context, run fleet.Run, jobs iter.Seq2[fleet.Job, error]) error {
	if !e.Parquet {
		return nil
	}
	group, ctx := spawn.WithContext(ctx)
	group.SetLimit(cmp.Or(e.AtOnce, 8))
	var own []fleet.Job
	write := func() {
		if some := own; len(some) > 0 {
			group.Start(func() error { return e.device(ctx, run, some) })
		}
		own = nil
	}
	var broken error
	for j, err := range jobs {
		if broken = err; err == nil && j.State == fleet.Queued {
			broken = ledger.ErrPending
		}
		if broken != nil {
			break
		}
		if len(own) > 0 && own[0].Device != j.Device {
			write()
		}
		own = append(own, j)
	}
	write()
	return cmp.Or(group.Wait(), broken)
}

// device writes the file of a device. It writes none if there are no rows and no file
// to replace. It reads the ETag before the epoch, so that a file of older jobs never
// replaces one that was made after the run was re-opened.
func (e *Exporter) device(ctx context.Context, run fleet.Run, jobs []fleet.Job) error {
	slices.SortFunc(jobs, func(a, b fleet.Job) int { return fleet.CompareID(a.ID, b.ID) })
	name := FileName(run, jobs[0].Device)
	content, rows, err := e.content(ctx, run, jobs)
	if err != nil {
		return err
	}
	info, err := e.Files.Stat(ctx, blob.Preds, name)
	cond := blob.Condition(info.ETag)
	switch {
	case errors.Is(err, blob.ErrNotFound) && rows == 0:
		return nil
	case errors.Is(err, blob.ErrNotFound):
		cond = blob.Absent
	case err != nil:
		return err
	}
	now, err := e.Ledger.Run(ctx, run.ID)
	if err != nil {
		return err
	}
	if now.Epoch != run.Epoch || !now.State.Open() {
		return fmt.Errorf("%w: run %s has epoch %d by now", ledger.ErrPending, run.ID, now.Epoch)
	}
	if sum := sha256.Sum256(content); info.SHA256 == hex.EncodeToString(sum[:]) {
		return nil
	}
	_, err = e.Files.Write(ctx, blob.Preds, name, cond, "application/vnd.apache.parquet", func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
	return err
}

// content returns the file of a device, made from the CSVs of its jobs.
func (e *Exporter) content(ctx context.Context, run fleet.Run, jobs []fleet.Job) (content []byte, rows int, err error) {
	var b bytes.Buffer
	w := newWriter(&b)
	for _, j := range jobs {
		if j.State != fleet.Scored {
			continue
		}
		name := ledger.CSVName(run.ID, j.ID)
		data, info, err := e.Files.Read(ctx, blob.Preds, name, "", maxCSV)
		if err != nil && !errors.Is(err, blob.ErrNotFound) {
			return nil, 0, err
		}
		if err != nil || info.SHA256 != j.CSVSHA256 {
			if _, err := e.Ledger.ReopenJob(ctx, run.ID, j.JobKey, j.CSVSHA256, e.Now()); err != nil {
				return nil, 0, err
			}
			return nil, 0, fmt.Errorf("%w: preds/%s is not the file that the ledger names", ledger.ErrPending, name)
		}
		n, err := w.add(run.ID, j.ID, data)
		if err != nil {
			return nil, 0, fmt.Errorf("preds/%s: %w", name, err)
		}
		rows += n
	}
	if err := w.Close(); err != nil {
		return nil, 0, fmt.Errorf("parquet of %s in run %s: %w", jobs[0].Device, run.ID, err)
	}
	return b.Bytes(), rows, nil
}

// latestName is the blob, in the container preds, that names the newest run.
const latestName = "latest.json"

// Latest is the content of latest.json.
type Latest struct {
	V        int            `json:"v"` // 1
	Run      string         `json:"run"`
	From     time.Time      `json:"from"` // of the window
	To       time.Time      `json:"to"`
	State    fleet.RunState `json:"state"`
	Epoch    int            `json:"epoch"`
	Manifest string         `json:"manifest"` // in the container preds
	// Parquet is a pattern of the names of its Parquet files; absent if there are none.
	Parquet string `json:"parquet,omitempty"`
}

// maxLatest is the largest size of latest.json, in bytes.
const maxLatest = 1 << 16

// Latest writes latest.json for a scheduled run that has ended. It does nothing if
// latest.json names a run of a later window, or a later epoch of the same run.
func (e *Exporter) Latest(ctx context.Context, run fleet.Run, state fleet.RunState) error {
	if run.Kind != fleet.Scheduled {
		return nil
	}
	cond := blob.Absent
	data, info, err := e.Files.Read(ctx, blob.Preds, latestName, "", maxLatest)
	switch {
	case err == nil:
		cond = blob.Condition(info.ETag)
		var known Latest
		if json.Unmarshal(data, &known) == nil && (known.To.After(run.Window.To) || known.Run == run.ID && known.Epoch > run.Epoch) {
			return nil
		}
	case !errors.Is(err, blob.ErrNotFound):
		return err
	}
	latest := Latest{V: 1, Run: run.ID, From: run.Window.From, To: run.Window.To, State: state, Epoch: run.Epoch, Manifest: ledger.ManifestName(run.ID)}
	if e.Parquet {
		latest.Parquet = "date=" + run.Window.From.UTC().Format(time.DateOnly) + "/device=*/" + run.ID + ".parquet"
	}
	text, err := json.MarshalIndent(latest, "", "  ")
	if err != nil {
		return err
	}
	_, err = e.Files.Write(ctx, blob.Preds, latestName, cond, "application/json", func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	})
	return err
}
