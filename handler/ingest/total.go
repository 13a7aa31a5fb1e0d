package ingest

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ingest/mapping"
)

// Figures stores counts of events and readings by the minute.
type Figures interface {
	// AddIngested adds counts to those of their minutes.
	AddIngested(ctx context.Context, minutes []fleet.Ingested) error
}

// total counts what a process has ingested since it logged its last total.
type total struct {
	mu    sync.Mutex
	since time.Time
	sum   fleet.Ingested
	// minutes are the counts that are not stored in Figures yet, the oldest first.
	minutes []fleet.Ingested
}

const (
	// totalEvery is the time between two totals in the log. Workbooks count these lines.
	// A line for each batch would cost more than the batch.
	totalEvery = time.Minute
	// maxMinutes is the largest number of minutes that wait for SQL. Older ones are added
	// to the oldest of them.
	maxMinutes = 120
)

// add adds the result of storing readings, the number that the reader dropped as copies,
// and the number of missing values.
func add(sum *fleet.Ingested, readings, copies, missing int, stored fleet.Stored) {
	sum.Stored += stored.Inserted
	sum.Duplicate += copies + readings - stored.Inserted - len(stored.Rejected)
	sum.Missing += missing
}

// count adds the events of b that are done, and logs the total if it is time. letter is
// the name of their dead letter.
func (in *Ingester) count(ctx context.Context, log *slog.Logger, b Batch, sum fleet.Ingested, refused []mapping.Refused, letter string) {
	if in.Now == nil {
		return
	}
	now, t := in.Now(), &in.total
	for _, x := range refused {
		if errors.Is(x.Err, fleet.ErrConflict) {
			sum.Conflict += x.Count
		} else {
			sum.Rejected += x.Count
		}
		one := fleet.Ingested{Refusals: []fleet.Refusal{{Reason: Reason(x.Err), Count: x.Count, Example: x.Err.Error(), Place: letter}}}
		sum.Add(one)
	}
	for i := range sum.Events {
		if enqueued := b.enqueued(i); !enqueued.IsZero() {
			sum.Lag = max(sum.Lag, now.Sub(enqueued))
		}
	}
	in.Metrics.Ingested(ctx, sum)
	sum.Minute = now.UTC().Truncate(time.Minute)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.since.IsZero() {
		t.since = now
	}
	t.sum.Add(sum)
	t.put(sum)
	if now.Sub(t.since) >= totalEvery {
		t.report(log, now)
	}
}

// put adds sum to the figures of its minute.
func (t *total) put(sum fleet.Ingested) {
	i, found := slices.BinarySearchFunc(t.minutes, sum.Minute, func(m fleet.Ingested, at time.Time) int { return m.Minute.Compare(at) })
	if !found {
		t.minutes = slices.Insert(t.minutes, i, fleet.Ingested{Minute: sum.Minute})
	}
	t.minutes[i].Add(sum)
	if len(t.minutes) > maxMinutes {
		t.minutes[0].Add(t.minutes[1])
		t.minutes = slices.Delete(t.minutes, 1, 2)
	}
}

// Flush logs the total, if anything was ingested and the last total was a minute ago, or
// if this is the end of the process. The process calls it from time to time, since the
// next batch may come late, and at its end.
func (in *Ingester) Flush(log *slog.Logger, last bool) {
	if in.Now == nil {
		return
	}
	t := &in.total
	t.mu.Lock()
	defer t.mu.Unlock()
	if now := in.Now(); t.sum.Events > 0 && (last || now.Sub(t.since) >= totalEvery) {
		t.report(log, now)
	}
}

// Record adds the counts to Figures. Counts that cannot be added now are added later.
// Counts that are not added when the process is killed are lost.
func (in *Ingester) Record(ctx context.Context) error {
	t := &in.total
	t.mu.Lock()
	minutes := t.minutes
	t.minutes = nil
	t.mu.Unlock()
	err := in.Figures.AddIngested(ctx, minutes)
	if err != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		for _, m := range minutes {
			t.put(m)
		}
	}
	return err
}

// report logs the total and starts a new one. The workbook depends on the names and units
// of the line's attributes.
func (t *total) report(log *slog.Logger, now time.Time) {
	s := t.sum
	attrs := []any{"events", s.Events, "readings", s.Stored + s.Duplicate, "stored", s.Stored, "duplicate", s.Duplicate, "conflict", s.Conflict, "missing", s.Missing,
		"rejected", s.Rejected, "lag_s", s.Lag.Seconds(), "seconds", now.Sub(t.since).Seconds()}
	if len(s.Refusals) > 0 {
		slices.SortStableFunc(s.Refusals, func(a, b fleet.Refusal) int { return cmp.Compare(b.Count, a.Count) })
		attrs = append(attrs, "refusals", refusals(s.Refusals))
	}
	log.Info("ingest", attrs...)
	t.since, t.sum = now, fleet.Ingested{}
}

// refusal is a reason in a line of the log.
type refusal struct {
	Reason     string `json:"reason"`
	Count      int    `json:"count"`
	Example    string `json:"example"`
	DeadLetter string `json:"deadletter"`
}

func refusals(all []fleet.Refusal) []refusal {
	lines := make([]refusal, len(all))
	for i, r := range all {
		lines[i] = refusal{r.Reason, r.Count, shorten(r.Example, maxReason), r.Place}
	}
	return lines
}

// maxReason is the longest reason in bytes.
const maxReason = 200

// varying matches the parts of a reason that differ between reasons of one kind: quoted
// text, and numbers.
var varying = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)+'|[-+]?\d[\w:.+-]*`)

// Reason returns the kind of an error: its text, in which … replaces quoted text and
// numbers. An example is "ts: time … is in no known format".
func Reason(err error) string { return KindOf(err.Error()) }

// KindOf returns the [Reason] of an error with this text.
func KindOf(text string) string {
	if strings.HasPrefix(text, "reading of ") && strings.Contains(text, ": "+fleet.ErrConflict.Error()+": ") {
		return "conflict: another value is stored"
	}
	if strings.Contains(text, refusedByDatabase) {
		return "the database refuses it"
	}
	text = strings.ReplaceAll(text, fleet.ErrInvalid.Error()+": ", "")
	return shorten(varying.ReplaceAllString(shorten(text, 4*maxReason), "…"), maxReason)
}

// refusedByDatabase is the text of the store's errors for a reading that SQL refuses.
const refusedByDatabase = ": the database refuses it: "

// shorten returns the first characters of s that fit into n bytes.
func shorten(s string, n int) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	if len(s) <= n {
		return s
	}
	for n -= len("…"); !utf8.RuneStart(s[n]); n-- {
	}
	return s[:n] + "…"
}
