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
	"github.com/fleetscore/fleetscore/handler/telemetry"
)

// A task is a job that an invocation works on. A round takes it through the steps
// of the package comment, and each step sets some of its fields:
//
//	inspect   cond, and work if the job is to be scored
//	load      model, plan, and of result: Model, ModelSHA256, AttributesSHA256
//	score     began, and of result: the figures and CSVSHA256
//	close     result.Duration
//
// Every step may set err or startOver, which ends the round for this task. A task
// with neither is done. All fields but key and inspected are set anew in the next
// round.
type task struct {
	key       fleet.JobKey
	inspected bool           // by an earlier round: from then on, cond is the ETag of the CSV
	cond      blob.Condition // under which the CSV may be written
	work      fleet.Work     // the job's row in SQL, and the model that serves it
	model     Model          // nil if the job is not to be scored
	plan      *features.Plan // how the rows of a device model are made; nil for a sensor
	began     time.Time      // when scoring began
	result    fleet.Outcome  // what the job is closed with, unless there is an error

	startOver bool // others changed the job or its CSV in the meantime
	err       error
}

// newTasks returns the tasks of jobs, in the order in which SQL yields readings.
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

// processor works on the jobs of one message. Its fields are what they share.
type processor struct {
	*Scorer
	run         fleet.Run
	log         *slog.Logger
	aggregation fleet.Aggregation
}

// round takes all tasks through the steps once.
func (p *processor) round(ctx context.Context, tasks []*task) {
	for _, t := range tasks {
		t.startOver, t.err = false, nil
	}
	queued := p.inspect(ctx, tasks)
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

// each calls f for all tasks, several at a time. A panic of f is the task's error.
func each(tasks []*task, f func(t *task)) {
	if len(tasks) == 1 { // most messages have one job; a goroutine would cost time and gain nothing
		tasks[0].caught(func() { f(tasks[0]) })
		return
	}
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

// inspect is the first step. It returns the tasks whose jobs are to be scored.
func (p *processor) inspect(ctx context.Context, tasks []*task) []*task {
	each(tasks, func(t *task) {
		if t.cond = blob.Absent; t.inspected || t.key.Revision > 0 {
			t.cond, t.err = ledger.Unchanged(ctx, p.Files, blob.Preds, ledger.CSVName(p.run.ID, t.key.ID))
		}
		t.inspected = true
	})
	tasks = slices.DeleteFunc(slices.Clone(tasks), func(t *task) bool { return t.err != nil })
	look := inspector{p.Ledger, p.Files, p.Now}
	rows, err := look.rows(ctx, p.run.ID, tasks)
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
	each(scored, func(t *task) { t.err = look.compare(ctx, rows[t.key.ID].Job) })
	return queued
}

// score is the second step of one sensor's job, whose points come from f. It must
// not use SQL. The reader has a connection open while the workers work: if they
// waited for connections too, all connections could be taken, and all would wait for ever.
func (p *processor) score(ctx context.Context, t *task, f *feed[*chunk]) {
	defer f.stop()
	p.write(ctx, t, func(w io.Writer) error { return p.fill(ctx, w, t, f) })
}

// write writes the CSV of a task, with what fill writes, under the task's condition.
func (p *processor) write(ctx context.Context, t *task, fill func(io.Writer) error) {
	t.began = p.Now()
	name := ledger.CSVName(p.run.ID, t.key.ID)
	ctx, span := p.span(ctx, "predict", t)
	defer func() { span.End(t.err) }()
	info, err := p.Files.Write(ctx, blob.Preds, name, t.cond, "text/csv; charset=utf-8", func(w io.Writer) error {
		return guard(func() error { return fill(w) })
	})
	if errors.Is(err, blob.ErrChanged) {
		t.startOver = true
		return
	}
	if ctx.Err() != nil && err != nil {
		err = fmt.Errorf("%s, model %s: %w", name, t.result.Model, err) // "deadline exceeded" alone would not say where
	}
	t.result.CSVSHA256, t.err = info.SHA256, err
}

// span begins a span of work at a task.
func (p *processor) span(ctx context.Context, name string, t *task) (context.Context, telemetry.Span) {
	ctx, span := telemetry.Start(ctx, name, telemetry.Internal)
	span.Text("fleetscore.run", p.run.ID)
	span.Text("fleetscore.device", t.key.Device)
	span.Text("fleetscore.name", t.key.Name())
	span.Number("fleetscore.revision", t.key.Revision)
	return ctx, span
}

// fill writes the CSV of a sensor's task to w and its figures to the task's result.
func (p *processor) fill(ctx context.Context, w io.Writer, t *task, f *feed[*chunk]) error {
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
func (p *processor) predictions(ctx context.Context, w io.Writer, t *task) (*Predictions, error) {
	return NewPredictions(ctx, w, Subject{ID: t.key.ID, Model: t.model, Window: p.run.Window, Aggregation: p.aggregation, Plan: t.plan}, p.CPU)
}
