package interleave_test

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// faultyLedger is the ledger as a flow sees it.
type faultyLedger struct{ *flow }

func (l faultyLedger) Watermark(ctx context.Context) (t time.Time, ok bool, err error) {
	err = l.do("watermark", func() error { t, ok, err = l.db.Watermark(ctx); return err })
	return t, ok, err
}

func (l faultyLedger) InitWatermark(ctx context.Context, t time.Time) error {
	return l.do("init watermark", func() error { return l.db.InitWatermark(ctx, t) })
}

func (l faultyLedger) OpenScheduled(ctx context.Context, w fleet.Window, s fleet.Settings, now time.Time, maxOpen int) (ok bool, err error) {
	err = l.do("open window", func() error { ok, err = l.db.OpenScheduled(ctx, w, s, now, maxOpen); return err })
	return ok, err
}

func (l faultyLedger) ReopenLate(ctx context.Context, limit int, now, oldest time.Time) (marks int, runs []fleet.Reopened, err error) {
	err = l.do("re-open late", func() error {
		if l.off == lookbackOff {
			l.exec("UPDATE jobs SET lookback = 0")
		}
		marks, runs, err = l.db.ReopenLate(ctx, limit, now, oldest)
		if err == nil && l.off == bumpLateOff {
			for _, r := range runs {
				l.exec("DELETE FROM epochs WHERE run = ?1 AND epoch = (SELECT epoch FROM runs WHERE id = ?1)", r.Run)
				l.exec("UPDATE runs SET epoch = epoch - 1 WHERE id = ?", r.Run)
			}
		}
		return err
	})
	return marks, runs, err
}

// InsertReadings is one transaction, and so one step. Without the lock, a window
// may open after it has looked at the watermark and before it commits: it is
// then taken to have left no mark.
func (l faultyLedger) InsertReadings(ctx context.Context, batch []fleet.Reading, d fleet.Delivery) (stored fleet.Stored, err error) {
	var from time.Time
	if l.off == appLockOff {
		if from, _, err = l.Watermark(ctx); err != nil {
			return stored, err
		}
	}
	err = l.do("insert readings", func() error {
		marks := l.number("SELECT COALESCE(MAX(id), 0) FROM late_marks")
		stored, err = l.db.InsertReadings(ctx, batch, d)
		to, _, _ := l.db.Watermark(ctx)
		if l.off == lateMarkOff || l.off == appLockOff && !to.Equal(from) {
			l.exec("DELETE FROM late_marks WHERE id > ?", marks)
		}
		return err
	})
	return stored, err
}

func (l faultyLedger) OpenRequested(ctx context.Context, w fleet.Window, match func(fleet.ID) bool, s fleet.Settings, now time.Time) (run fleet.Run, created bool, err error) {
	err = l.do("request window", func() error { run, created, err = l.db.OpenRequested(ctx, w, match, s, now); return err })
	return run, created, err
}

func (l faultyLedger) Run(ctx context.Context, id string) (run fleet.Run, err error) {
	err = l.do("run", func() error { run, err = l.db.Run(ctx, id); return err })
	return run, err
}

func (l faultyLedger) Runs(ctx context.Context, before string, limit int) (all []fleet.Run, err error) {
	err = l.do("runs", func() error { all, err = l.db.Runs(ctx, before, limit); return err })
	return all, err
}

func (l faultyLedger) Counts(ctx context.Context, run string) (c fleet.Counts, err error) {
	err = l.do("counts", func() error { c, err = l.db.Counts(ctx, run); return err })
	return c, err
}

func (l faultyLedger) Epochs(ctx context.Context, run string, limit int) (all []fleet.Epoch, err error) {
	err = l.do("epochs", func() error { all, err = l.db.Epochs(ctx, run, limit); return err })
	return all, err
}

func (l faultyLedger) Models(ctx context.Context) (all []fleet.Model, err error) {
	err = l.do("models", func() error { all, err = l.db.Models(ctx); return err })
	return all, err
}

func (l faultyLedger) Work(ctx context.Context, run string, ids []fleet.ID) (jobs []fleet.Work, err error) {
	err = l.do(fmt.Sprint("jobs ", ids), func() error { jobs, err = l.db.Work(ctx, run, ids); return err })
	return jobs, err
}

func (l faultyLedger) BindJob(ctx context.Context, run string, key fleet.JobKey, lookback time.Duration) (bound bool, err error) {
	if l.off == bindOff {
		return true, nil
	}
	err = l.do(fmt.Sprint("bind ", key), func() error { bound, err = l.db.BindJob(ctx, run, key, lookback); return err })
	return bound, err
}

func (l faultyLedger) Attributes(ctx context.Context) (m *fleet.Model, err error) {
	err = l.do("attributes", func() error { m, err = l.db.Attributes(ctx); return err })
	return m, err
}

func (l faultyLedger) JobsPage(ctx context.Context, run string, state fleet.JobState, after fleet.ID, limit int) (jobs []fleet.Job, err error) {
	err = l.do("page of jobs", func() error { jobs, err = l.db.JobsPage(ctx, run, state, after, limit); return err })
	return jobs, err
}

func (l faultyLedger) Readings(ctx context.Context, ids []fleet.ID, w fleet.Window) iter.Seq2[fleet.Reading, error] {
	return func(yield func(fleet.Reading, error) bool) {
		if err := l.do(fmt.Sprint("readings ", ids), func() error { return nil }); err != nil {
			yield(fleet.Reading{}, err)
			return
		}
		if l.off == reachOff && l.number("SELECT COUNT(*) FROM runs WHERE window_from = "+fmt.Sprint(w.From.UnixMilli())) == 0 {
			w.From = w.From.Add(time.Second)
		}
		for r, err := range l.db.Readings(ctx, ids, w) {
			if !yield(r, err) {
				return
			}
		}
	}
}

func (l faultyLedger) CloseJob(ctx context.Context, run string, key fleet.JobKey, o fleet.Outcome, now time.Time) (was fleet.JobState, changed bool, err error) {
	err = l.do(fmt.Sprint("close ", key), func() error { was, changed, err = l.db.CloseJob(ctx, run, key, o, now); return err })
	if err == nil && l.off == relookOff {
		return fleet.Queued, true, nil
	}
	return was, changed, err
}

func (l faultyLedger) ReopenJob(ctx context.Context, run string, key fleet.JobKey, sha string, now time.Time) (ok bool, err error) {
	if l.off == shaCheckOff {
		return false, nil
	}
	err = l.do(fmt.Sprint("re-open ", key), func() error { ok, err = l.db.ReopenJob(ctx, run, key, sha, now); return err })
	return ok, err
}

func (l faultyLedger) AddAttempt(ctx context.Context, run string, key fleet.JobKey, a fleet.Attempt) error {
	return l.do(fmt.Sprint("add attempt ", key), func() error { return l.db.AddAttempt(ctx, run, key, a) })
}

func (l faultyLedger) Attempts(ctx context.Context, run string, key fleet.JobKey) (all []fleet.Attempt, err error) {
	err = l.do(fmt.Sprint("attempts ", key), func() error { all, err = l.db.Attempts(ctx, run, key); return err })
	return all, err
}

func (l faultyLedger) Unsent(ctx context.Context, run string, limit int) (jobs []fleet.Job, err error) {
	err = l.do("unsent", func() error { jobs, err = l.db.Unsent(ctx, run, limit); return err })
	return jobs, err
}

func (l faultyLedger) MarkSent(ctx context.Context, run string, jobs []fleet.JobKey, now time.Time) error {
	return l.do(fmt.Sprint("mark sent ", len(jobs)), func() error { return l.db.MarkSent(ctx, run, jobs, now) })
}

func (l faultyLedger) Lost(ctx context.Context, now time.Time, patience time.Duration, limit int) (jobs []fleet.Job, err error) {
	err = l.do("lost", func() error { jobs, err = l.db.Lost(ctx, now, patience, limit); return err })
	return jobs, err
}

func (l faultyLedger) Poisoned(ctx context.Context, run string, key fleet.JobKey) (ok bool, err error) {
	err = l.do(fmt.Sprint("poisoned? ", key), func() error { ok, err = l.db.Poisoned(ctx, run, key); return err })
	return ok, err
}

func (l faultyLedger) NotePoisoned(ctx context.Context, run string, key fleet.JobKey) error {
	return l.do(fmt.Sprint("note poisoned ", key), func() error { return l.db.NotePoisoned(ctx, run, key) })
}

func (l faultyLedger) RunsToEnd(ctx context.Context) (all []string, err error) {
	err = l.do("runs to end", func() error { all, err = l.db.RunsToEnd(ctx); return err })
	return all, err
}

func (l faultyLedger) Pending(ctx context.Context, run string) (ok bool, err error) {
	err = l.do("pending", func() error { ok, err = l.db.Pending(ctx, run); return err })
	return ok, err
}

func (l faultyLedger) EndRun(ctx context.Context, run string, epoch int, state fleet.RunState, sums fleet.RunSums, now time.Time) (ok bool, err error) {
	err = l.do("end run", func() error {
		if l.off == epochGuardOff {
			r, err := l.db.Run(ctx, run)
			if err != nil {
				return err
			}
			epoch = r.Epoch
		}
		ok, err = l.db.EndRun(ctx, run, epoch, state, sums, now)
		return err
	})
	return ok, err
}

func (l faultyLedger) Rescore(ctx context.Context, run string, match func(fleet.ID) bool, states []fleet.JobState, s *fleet.Settings, now time.Time) (reopened, added int, err error) {
	err = l.do("rescore", func() error { reopened, added, err = l.db.Rescore(ctx, run, match, states, s, now); return err })
	return reopened, added, err
}

func (l faultyLedger) Cancel(ctx context.Context, run string, now time.Time) error {
	return l.do("cancel", func() error { return l.db.Cancel(ctx, run, now) })
}

func (l faultyLedger) ExpiredRuns(ctx context.Context, before time.Time, limit int) (all []string, err error) {
	err = l.do("expired runs", func() error { all, err = l.db.ExpiredRuns(ctx, before, limit); return err })
	return all, err
}

func (l faultyLedger) DeleteRun(ctx context.Context, run string, before time.Time, limit int) (done bool, err error) {
	err = l.do("delete run", func() error { done, err = l.db.DeleteRun(ctx, run, before, limit); return err })
	return done, err
}

func (l faultyLedger) WindowsBefore(ctx context.Context, t time.Time) (all []fleet.Window, err error) {
	err = l.do("windows", func() error { all, err = l.db.WindowsBefore(ctx, t); return err })
	return all, err
}

func (l faultyLedger) DeleteFaults(ctx context.Context, before time.Time) error {
	return l.do("delete faults", func() error { return l.db.DeleteFaults(ctx, before) })
}

func (l faultyLedger) DeleteReadings(ctx context.Context, w fleet.Window, first int64, limit int) (deleted, next int64, err error) {
	err = l.do("delete readings", func() error { deleted, next, err = l.db.DeleteReadings(ctx, w, first, limit); return err })
	return deleted, next, err
}

func (l faultyLedger) Subjects(ctx context.Context, after fleet.ID, limit int) (all []fleet.Registered, err error) {
	err = l.do("subjects", func() error { all, err = l.db.Subjects(ctx, after, limit); return err })
	return all, err
}

func (l faultyLedger) SetEnabled(ctx context.Context, match func(fleet.ID) bool, enabled bool) (n int, err error) {
	err = l.do("set enabled", func() error { n, err = l.db.SetEnabled(ctx, match, enabled); return err })
	return n, err
}

func (l faultyLedger) MaxLookback(ctx context.Context) (d time.Duration, err error) {
	err = l.do("lookback", func() error { d, err = l.db.MaxLookback(ctx); return err })
	return d, err
}

func (l faultyLedger) TakeUncovered(ctx context.Context, limit int) (u fleet.Uncovered, err error) {
	err = l.do("uncovered", func() error { u, err = l.db.TakeUncovered(ctx, limit); return err })
	return u, err
}

func (l faultyLedger) Registry(ctx context.Context) (r fleet.Registry, err error) {
	err = l.do("registry", func() error { r, err = l.db.Registry(ctx); return err })
	return r, err
}

func (l faultyLedger) SetListed(ctx context.Context, r fleet.Registry) error {
	return l.do("set listed", func() error { return l.db.SetListed(ctx, r) })
}

func (l faultyLedger) Register(ctx context.Context, c fleet.Registration) error {
	return l.do("register", func() error { return l.db.Register(ctx, c) })
}

func (l faultyLedger) AssignSubjects(ctx context.Context, limit int) (n int, err error) {
	err = l.do("assign", func() error { n, err = l.db.AssignSubjects(ctx, limit); return err })
	return n, err
}

func (l faultyLedger) SetKind(ctx context.Context, key int64, kind string) error {
	return l.do("set kind", func() error { return l.db.SetKind(ctx, key, kind) })
}

func (l faultyLedger) AreSensors(ctx context.Context, ids []fleet.ID) (are []bool, err error) {
	err = l.do("are sensors", func() error { are, err = l.db.AreSensors(ctx, ids); return err })
	return are, err
}
