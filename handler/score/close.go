package score

import (
	"context"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ledger"
)

// close is the third step. It closes the task's job: as scored if the task has no
// error, else with the outcome of that error. An error without an outcome stays in
// the task, and the job stays open.
func (p *processor) close(ctx context.Context, t *task) {
	if t.startOver {
		return
	}
	o, ok := t.outcome()
	if !ok {
		return
	}
	o.Duration = p.Now().Sub(t.began)
	ctx, span := p.span(ctx, "close job", t)
	defer func() { span.End(t.err) }()
	span.Text("fleetscore.outcome", string(o.Result))
	span.Text("fleetscore.model", o.Model)
	span.Number("fleetscore.rows", o.Rows)
	span.Number("fleetscore.anomalies", o.Anomalies)
	logs := ledger.ErrorLogs{Attempts: p.Ledger, Files: p.Files}
	if t.err = logs.Write(ctx, p.run, t.key, o); t.err != nil {
		return
	}
	was, changed, err := p.Ledger.CloseJob(ctx, p.run.ID, t.key, o, p.Now())
	t.startOver, t.err = err == nil && (!changed || was == fleet.Failed), err
}

// outcome returns what the task's job is to be closed with. It reports false if the
// task's error leaves the job open.
func (t *task) outcome() (fleet.Outcome, bool) {
	o := t.result
	if t.err == nil {
		o.Result = fleet.Scored
		return o, true
	}
	o.Result = fleet.FailureOf(t.err).Outcome
	o.Error = t.err.Error()
	o.Rows, o.Anomalies, o.Anomalous, o.CSVSHA256 = 0, 0, "", ""
	return o, o.Result != "" && permanent(t.err)
}
