package score

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ledger"
	"github.com/fleetscore/fleetscore/handler/spawn"
)

func TestOwn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want bool
	}{
		{fleet.ErrNoModel, true},
		{fleet.ErrBadModel, true},
		{fleet.ErrNoData, true},
		{fleet.ErrBadData, true},
		{fmt.Errorf("score d/s: %w", &spawn.Panic{Value: "index out of range"}), true},
		{fmt.Errorf("closing: %w: too long", fleet.ErrInvalid), true},
		{errors.New("a number of SQL Server that nobody knows"), false},
		{fleet.ErrUnavailable, false},
		{fmt.Errorf("%w: reading it: %w", fleet.ErrBadModel, context.Canceled), false},
		{fmt.Errorf("%w: reading it: %w", fleet.ErrBadModel, context.DeadlineExceeded), false},
		{fmt.Errorf("%w: reading it: %w", fleet.ErrBadModel, blob.ErrChanged), false},
	} {
		if got := permanent(c.err); got != c.want {
			t.Errorf("permanent(%v) = %v, want %v", c.err, got, c.want)
		}
	}
}

var one = fleet.ID{Device: "1", Sensor: "2"}

func (b *bench) overwrite(t *testing.T) {
	t.Helper()
	_, err := b.blobs.Write(context.Background(), blob.Preds, ledger.CSVName(b.run, one), "", "text/csv", func(w io.Writer) error {
		_, err := io.WriteString(w, "another's\n")
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestChangedCSV checks that a scored job whose CSV has changed since is re-opened, by score
// and by poison.
func TestChangedCSV(t *testing.T) {
	t.Parallel()
	for _, finder := range []string{"score", "poison"} {
		b := newBench(t, "", map[fleet.ID][]float64{one: {1}})
		text := b.message(t, one)
		if err := b.Score(t.Context(), quiet, text); err != nil {
			t.Fatal(err)
		}
		look := func() error { return b.Score(t.Context(), quiet, text) }
		if finder == "poison" {
			p := &Poison{Ledger: b.db, Files: b.blobs, Ender: b.Ender, Sender: new(sender), Now: b.Now, Pause: time.Microsecond}
			look = func() error { return p.Poison(t.Context(), quiet, text) }
		}
		if err := look(); err != nil {
			t.Fatal(err)
		}
		if j := b.job(t, one); j.Revision != 0 {
			t.Errorf("%s: the CSV is unchanged, and the job is at revision %d, want 0", finder, j.Revision)
		}
		b.overwrite(t)
		if err := look(); err != nil {
			t.Fatal(err)
		}
		if j := b.job(t, one); j.Revision != 1 || j.State != fleet.Queued {
			t.Errorf("%s: the CSV has changed, and the job is at revision %d, %s; want it queued at 1", finder, j.Revision, j.State)
		}
	}
}

// lateLedger has the job given up, and another write the CSV, just before and
// just after the job is closed.
type lateLedger struct {
	Ledger
	before, after func()
}

func (l lateLedger) CloseJob(ctx context.Context, run string, key fleet.JobKey, o fleet.Outcome, now time.Time) (fleet.JobState, bool, error) {
	l.before()
	defer l.after()
	return l.Ledger.CloseJob(ctx, run, key, o, now)
}

func TestLateSuccessLooksAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t, "", map[fleet.ID][]float64{one: {1}})
	b.Ledger = lateLedger{b.db, func() {
		if _, _, err := b.db.CloseJob(t.Context(), b.run, fleet.JobKey{ID: one}, fleet.Outcome{Result: fleet.Failed}, window.To); err != nil {
			t.Error(err)
		}
	}, func() { b.overwrite(t) }}
	if err := b.Score(t.Context(), quiet, b.message(t, one)); err != nil {
		t.Fatal(err)
	}
	if j := b.job(t, one); j.Revision != 1 || j.State != fleet.Queued {
		t.Errorf("the job is at revision %d, %s; want it queued at 1, as another wrote its CSV", j.Revision, j.State)
	}
}

// TestAttemptAfterDeadline checks that an attempt is noted though the time is over.
func TestAttemptAfterDeadline(t *testing.T) {
	t.Parallel()
	b := newBench(t, "", map[fleet.ID][]float64{one: {1}})
	ctx, cancel := context.WithCancel(t.Context())
	b.Models = loads(func(ctx context.Context, _ fleet.Model) (Model, error) {
		cancel()
		return nil, ctx.Err()
	})
	if err := b.Score(ctx, quiet, b.message(t, one)); !errors.Is(err, fleet.ErrUnavailable) {
		t.Fatalf("Score = %v, want %v", err, fleet.ErrUnavailable)
	}
	attempts, err := b.db.Attempts(t.Context(), b.run, fleet.JobKey{ID: one})
	if err != nil || len(attempts) != 1 || attempts[0].Own {
		t.Errorf("attempts %v, %v; want one, not the job's own", attempts, err)
	}
}

// brokenReadings is readings whose stream breaks after the first n.
type brokenReadings struct {
	from Readings
	n    int
}

func (r brokenReadings) Readings(ctx context.Context, ids []fleet.ID, w fleet.Window) iter.Seq2[fleet.Reading, error] {
	return func(yield func(fleet.Reading, error) bool) {
		n := 0
		for x, err := range r.from.Readings(ctx, ids, w) {
			if n++; n > r.n {
				yield(fleet.Reading{}, fmt.Errorf("%w: connection reset", fleet.ErrUnavailable))
				return
			}
			if !yield(x, err) {
				return
			}
		}
	}
}

// TestBrokenRead checks that no job is closed as scored with a part of its readings.
func TestBrokenRead(t *testing.T) {
	t.Parallel()
	two := fleet.ID{Device: "1", Sensor: "3"}
	for n := range 6 {
		b := newBench(t, "", map[fleet.ID][]float64{one: {1, 2, 3}, two: {4, 5, 6}})
		b.Readings = brokenReadings{b.db, n}
		if err := b.Score(t.Context(), quiet, b.message(t, one, two)); (err == nil) != (n > 3) { // one more than the first sensor has shows its end; then the second is read alone
			t.Errorf("the reading breaks after %d: Score = %v, want an error: %v", n, err, n <= 3)
		}
		for _, id := range []fleet.ID{one, two} {
			if j := b.job(t, id); j.State == fleet.Scored && j.Rows != 3 {
				t.Errorf("the reading breaks after %d: %s is scored with %d rows, want 3", n, id, j.Rows)
			} else if j.State != fleet.Scored && j.State != fleet.Queued {
				t.Errorf("the reading breaks after %d: %s is %s, want scored or queued", n, id, j.State)
			}
		}
	}
}

type failingSender struct {
	sender
	err error
}

func (s *failingSender) SendAlone(context.Context, string, ...fleet.JobKey) error { return s.err }

// TestPoisonNotesAfterSending checks that poison notes the second chance only after the
// message is in the queue.
func TestPoisonNotesAfterSending(t *testing.T) {
	t.Parallel()
	b := newBench(t, "", map[fleet.ID][]float64{one: {1}})
	p := &Poison{Ledger: b.db, Files: b.blobs, Ender: b.Ender, Sender: &failingSender{err: fleet.ErrUnavailable}, Now: b.Now, Pause: time.Microsecond}
	if err := p.Poison(t.Context(), quiet, b.message(t, one)); err == nil {
		t.Fatal("Poison returns no error, though the queue is away")
	}
	if j := b.job(t, one); j.State != fleet.Queued {
		t.Errorf("the job is %s, want it queued, as it was never sent alone", j.State)
	}
}

// TestPoisonRemembersAnOwnError checks that poison gives up a job if one of its attempts met
// an error of its own, though a later attempt did not.
func TestPoisonRemembersAnOwnError(t *testing.T) {
	t.Parallel()
	b := newBench(t, "", map[fleet.ID][]float64{one: {1}})
	for i, a := range []fleet.Attempt{{Own: true, Err: "panic: boom"}, {Err: "deadline"}} {
		a.At = window.To.Add(time.Duration(i) * time.Second)
		if err := b.db.AddAttempt(t.Context(), b.run, fleet.JobKey{ID: one}, a); err != nil {
			t.Fatal(err)
		}
	}
	p := &Poison{Ledger: b.db, Files: b.blobs, Ender: b.Ender, Sender: new(sender), Now: b.Now, Pause: time.Microsecond}
	var log bytes.Buffer
	if err := p.Poison(t.Context(), slog.New(slog.NewTextHandler(&log, nil)), b.message(t, one)); err != nil {
		t.Fatal(err)
	}
	if j := b.job(t, one); j.State != fleet.Failed || j.Error != "panic: boom" {
		t.Errorf("the job is %s: %s; want failed with the panic", j.State, j.Error)
	}
	if !strings.Contains(log.String(), "job given up") || strings.Count(log.String(), "\n") != 2 { // and the run has ended
		t.Errorf("logged: %s; want that the job was given up and the run ended", &log)
	}
}
