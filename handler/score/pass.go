package score

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/features"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ledger"
	"github.com/fleetscore/fleetscore/handler/spawn"
)

// task is a job in the course of an invocation.
type task struct {
	key    fleet.JobKey
	work   fleet.Work     // the job's row and the model that serves it
	looked bool           // a pass was made before, so that the next reads the ETag
	cond   blob.Condition // under which the CSV may be written
	model  Model
	plan   *features.Plan // of a device model: how its rows are made
	began  time.Time      // the scoring
	result fleet.Outcome  // what the job is closed with, but for what err says

	// How the last pass ended: done if neither is set.
	again bool // others changed the job or its CSV meanwhile
	err   error
}

// newTasks returns the tasks of jobs, in the order in which readings come.
func newTasks(jobs []fleet.JobKey) []*task {
	tasks := make([]*task, len(jobs))
	for i, key := range jobs {
		tasks[i] = &task{key: key}
	}
	slices.SortFunc(tasks, func(a, b *task) int { return fleet.CompareID(a.key.ID, b.key.ID) })
	return tasks
}

// caught calls f, whose panic becomes the task's error.
func (t *task) caught(f func()) {
	err := spawn.Catch(func() error {
		f()
		return nil
	})
	if err != nil {
		t.err = err
	}
}

// pass is what the tasks of an invocation share.
type pass struct {
	*Scorer
	run         fleet.Run
	log         *slog.Logger
	aggregation fleet.Aggregation
}

// try goes over the tasks once: (a), (b) and (c) of the package comment.
func (p *pass) try(ctx context.Context, tasks []*task) {
	for _, t := range tasks {
		t.again, t.err = false, nil
	}
	queued := p.look(ctx, tasks)
	each(queued, func(t *task) { p.load(ctx, t) })
	var sensors, models []*task
	for _, t := range queued {
		switch {
		case t.model == nil:
		case t.plan == nil:
			sensors = append(sensors, t)
		default:
			models = append(models, t)
		}
	}
	p.scoreAll(ctx, sensors)
	p.scoreDevices(ctx, models)
	each(queued, func(t *task) { p.close(ctx, t) })
}

// each calls f for all tasks, several at a time. If f panics, that is the
// task's error.
func each(tasks []*task, f func(t *task)) {
	var g spawn.Group
	g.SetLimit(workers)
	for _, t := range tasks {
		g.Start(func() error {
			t.caught(func() { f(t) })
			return nil
		})
	}
	_ = g.Wait() // each task has its own error
}

// look is (a): it returns the tasks whose jobs are to be scored.
func (p *pass) look(ctx context.Context, tasks []*task) []*task {
	each(tasks, func(t *task) {
		if t.cond = blob.Absent; t.looked || t.key.Revision > 0 {
			t.cond, t.err = ledger.Unchanged(ctx, p.Files, blob.Preds, ledger.CSVName(p.run.ID, t.key.ID))
		}
		t.looked = true
	})
	tasks = slices.DeleteFunc(slices.Clone(tasks), func(t *task) bool { return t.err != nil })
	looker := looker{p.Ledger, p.Files, p.Now}
	rows, err := looker.rows(ctx, p.run.ID, tasks)
	if err != nil {
		for _, t := range tasks {
			t.err = err
		}
		return nil
	}
	var queued, scored []*task
	for _, t := range tasks {
		switch row := rows[t.key.ID]; {
		case row.Revision != t.key.Revision:
		case row.State == fleet.Queued:
			t.work = row
			queued = append(queued, t)
		case row.State == fleet.Scored:
			scored = append(scored, t)
		}
	}
	each(scored, func(t *task) { t.err = looker.compare(ctx, rows[t.key.ID].Job) })
	return queued
}

// score is (b) for one sensor's job, whose points come from f. It does not touch
// SQL: the reader holds a connection while the workers work, and if these waited for
// one too, all could be held.
func (p *pass) score(ctx context.Context, t *task, f *feed[*chunk]) {
	defer f.stop()
	p.write(ctx, t, func(w io.Writer) error { return p.fill(ctx, w, t, f) })
}

// write writes the CSV of a task, under its condition, as fill does.
func (p *pass) write(ctx context.Context, t *task, fill func(io.Writer) error) {
	t.began = p.Now()
	name := ledger.CSVName(p.run.ID, t.key.ID)
	info, err := p.Files.Write(ctx, blob.Preds, name, t.cond, "text/csv; charset=utf-8", func(w io.Writer) error {
		return guard(func() error { return fill(w) })
	})
	if errors.Is(err, blob.ErrChanged) {
		t.again = true
		return
	}
	if ctx.Err() != nil && err != nil {
		err = fmt.Errorf("%s, model %s: %w", name, t.result.Model, err) // a deadline alone says nothing
	}
	t.result.CSVSHA256, t.err = info.SHA256, err
}

// fill writes the CSV of a sensor's task to w and its figures to the task's result.
func (p *pass) fill(ctx context.Context, w io.Writer, t *task, f *feed[*chunk]) error {
	out, err := p.predictions(ctx, w, t)
	if err != nil {
		return err
	}
	defer out.Release()
	for chunk, err := range f.each(ctx) {
		if err != nil {
			return err
		}
		for _, r := range *chunk {
			if err := out.Point(r.time, r.value); err != nil {
				return err
			}
		}
		p.chunks.put(chunk)
	}
	return out.Close(ctx, &t.result)
}

// predictions begins the predictions of a task.
func (p *pass) predictions(ctx context.Context, w io.Writer, t *task) (*Predictions, error) {
	return NewPredictions(ctx, w, Subject{ID: t.key.ID, Model: t.model, Window: p.run.Window, Aggregation: p.aggregation, Plan: t.plan}, p.CPU)
}
