package storetest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/store"
)

func wantError(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

// testCloseJob tries every outcome on a job in every state.
func testCloseJob(t *testing.T, db *store.DB) {
	run := opened(t, db, 0, 64)
	n, late := 0, 0
	for _, was := range fleet.JobStates {
		for _, result := range fleet.JobStates[1:] {
			if was == fleet.Cancelled {
				continue // only Cancel makes these
			}
			if was != fleet.Queued {
				closeJob(t, db, run, key(n, 0), fleet.Outcome{Result: was, Error: "before"})
			}
			before := job(t, db, run, n)
			got, changed, err := db.CloseJob(t.Context(), run, key(n, 0), fleet.Outcome{Result: result, Error: "after"}, noon)
			check(t, err)
			equal(t, "was", got, was)
			equal(t, string(was)+" closed as "+string(result), changed, was == fleet.Queued || was == fleet.Failed && result != fleet.Failed)
			want := before
			if changed {
				epoch := 0
				if was == fleet.Failed {
					late++
					epoch = late // a late success begins an epoch of the run
				}
				want = fleet.Job{Run: run, JobKey: key(n, 0), State: result, Epoch: epoch, ClosedAt: noon, Outcome: fleet.Outcome{Result: result, Error: "after"}}
			}
			equal(t, "job", job(t, db, run, n), want)
			n++
		}
	}
	for _, result := range []fleet.JobState{"", fleet.Queued, "done"} {
		_, _, err := db.CloseJob(t.Context(), run, key(n, 0), fleet.Outcome{Result: result}, noon)
		wantError(t, err, fleet.ErrInvalid)
	}
	for _, revision := range []int{-1, 1} {
		was, changed, err := db.CloseJob(t.Context(), run, key(n, revision), scored("aa"), noon)
		check(t, err)
		equal(t, "closed at another revision", changed, false)
		equal(t, "was", was, fleet.Queued)
	}
	full := scored("aa")
	full.EmptyBuckets, full.Error = 3, "näh 'quoted' \U0001f600 \\"
	closeJob(t, db, run, key(n, 0), full)
	equal(t, "outcome", job(t, db, run, n).Outcome, full)
}

func testLateSuccess(t *testing.T, db *store.DB) {
	id := opened(t, db, 0, 1)
	closeJob(t, db, id, key(0, 0), fleet.Outcome{Result: fleet.Failed})
	equal(t, "epoch", run(t, db, id).Epoch, 0)
	ended, err := TryToEnd(t.Context(), db, id)
	check(t, err)
	equal(t, "ended", ended, true)
	equal(t, "state", run(t, db, id).State, fleet.RunFailed)

	was, changed, err := db.CloseJob(t.Context(), id, key(0, 0), scored("aa"), noon)
	check(t, err)
	equal(t, "was", was, fleet.Failed)
	equal(t, "closed", changed, true)
	r := run(t, db, id)
	equal(t, "state", r.State, fleet.RunRunning)
	equal(t, "epoch", r.Epoch, 1)
	equal(t, "ended at", r.EndedAt, time.Time{})
	ended, err = TryToEnd(t.Context(), db, id)
	check(t, err)
	equal(t, "ended again", ended, true)
	equal(t, "state", run(t, db, id).State, fleet.RunSucceeded)
}

func testLateSuccessOfCancelledRun(t *testing.T, db *store.DB) {
	id := opened(t, db, 0, 2)
	closeJob(t, db, id, key(0, 0), fleet.Outcome{Result: fleet.Failed})
	check(t, db.Cancel(t.Context(), id, noon))
	for epoch := range 2 {
		if epoch == 1 {
			closeJob(t, db, id, key(0, 0), scored("aa"))
		}
		equal(t, "state", run(t, db, id).State, fleet.RunCancelling)
		equal(t, "epoch", run(t, db, id).Epoch, 1+epoch)
		ended, err := TryToEnd(t.Context(), db, id)
		check(t, err)
		equal(t, "ended", ended, true)
		equal(t, "state", run(t, db, id).State, fleet.RunCancelled)
	}
}

func testReopenJob(t *testing.T, db *store.DB) {
	id := opened(t, db, 0, 2)
	reopen := func(i, revision int, sha string, want bool) {
		t.Helper()
		before := run(t, db, id).Epoch
		got, err := db.ReopenJob(t.Context(), id, key(i, revision), sha, noon)
		check(t, err)
		equal(t, "re-opened", got, want)
		if want {
			before++
		}
		equal(t, "epoch", run(t, db, id).Epoch, before)
	}
	reopen(0, 0, "", false) // queued
	check(t, db.MarkSent(t.Context(), id, []fleet.JobKey{key(0, 0)}, noon))
	closeJob(t, db, id, key(0, 0), scored("aa"))
	closeJob(t, db, id, key(1, 0), fleet.Outcome{Result: fleet.NoData})
	if _, err := TryToEnd(t.Context(), db, id); err != nil {
		t.Fatal(err)
	}
	reopen(0, 0, "bb", false)
	reopen(0, 1, "aa", false)
	reopen(1, 0, "", false) // not scored
	equal(t, "state", run(t, db, id).State, fleet.RunSucceeded)
	reopen(0, 0, "aa", true)
	reopen(0, 0, "aa", false)
	equal(t, "state", run(t, db, id).State, fleet.RunRunning)
	equal(t, "job", job(t, db, id, 0), fleet.Job{Run: id, JobKey: key(0, 1), State: fleet.Queued, Epoch: 1})
}

func testOutbox(t *testing.T, db *store.DB) {
	first, second := opened(t, db, 0, 600), opened(t, db, 1, 600)
	unsent := func(run string, limit, want int) []fleet.Job {
		t.Helper()
		jobs, err := db.Unsent(t.Context(), run, limit)
		check(t, err)
		equal(t, "unsent", len(jobs), want)
		return jobs
	}
	unsent(second, 10_000, 600)
	page := unsent("", 700, 700)
	equal(t, "first run first", page[0].Run+page[599].Run+page[600].Run, first+first+second)

	keys := make([]fleet.JobKey, 600)
	for i := range keys {
		keys[i] = key(i, 0)
	}
	keys[1].Revision = 1 // not its revision
	closeJob(t, db, first, key(2, 0), scored("aa"))
	at := noon.Add(time.Minute)
	check(t, db.MarkSent(t.Context(), first, keys, at))
	check(t, db.MarkSent(t.Context(), first, keys, at)) // the same sending
	equal(t, "unsent", unsent(first, 10, 1)[0].JobKey, key(1, 0))
	sent := job(t, db, first, 0)
	equal(t, "sent at", sent.SentAt, at)
	equal(t, "sends", sent.Sends, 1)
	equal(t, "closed job's sends", job(t, db, first, 2).Sends, 0)
	unsent("", 10_000, 601)

	lost := func(now time.Time, want int) {
		t.Helper()
		jobs, err := db.Lost(t.Context(), now, time.Minute, 10_000)
		check(t, err)
		equal(t, "lost", len(jobs), want)
	}
	lost(at.Add(time.Minute), 0)
	lost(at.Add(time.Minute+time.Millisecond), 598)
	lost(at.Add(-time.Minute), 0)
	lost(at.Add(-time.Minute-time.Millisecond), 598) // the clock was set back
	check(t, db.MarkSent(t.Context(), first, keys[:1], at.Add(time.Hour)))
	equal(t, "sends", job(t, db, first, 0).Sends, 2)
	lost(at.Add(time.Hour), 597)
	check(t, db.MarkSent(t.Context(), first, nil, at))
}

func testAttempts(t *testing.T, db *store.DB) {
	run := opened(t, db, 0, 2)
	attempts := []fleet.Attempt{{At: noon, Err: "no SQL"}, {At: noon.Add(time.Second), Own: true, Err: "its own"}, {At: noon.Add(time.Second), Err: "another"}}
	for _, a := range attempts {
		check(t, db.AddAttempt(t.Context(), run, key(0, 0), a))
		check(t, db.AddAttempt(t.Context(), run, key(0, 0), a)) // as a lost answer would
	}
	got, err := db.Attempts(t.Context(), run, key(0, 0))
	check(t, err)
	equal(t, "attempts", len(got), len(attempts))
	for i, a := range got {
		equal(t, "attempt", a, attempts[i])
	}
	other, err := db.Attempts(t.Context(), run, key(0, 1))
	check(t, err)
	equal(t, "of another revision", len(other), 0)

	poisoned := func(i, revision int, want bool) {
		t.Helper()
		got, err := db.Poisoned(t.Context(), run, key(i, revision))
		check(t, err)
		equal(t, "poisoned", got, want)
	}
	poisoned(0, 0, false)
	check(t, db.NotePoisoned(t.Context(), run, key(0, 0)))
	check(t, db.NotePoisoned(t.Context(), run, key(1, 5))) // not its revision
	poisoned(0, 0, true)
	poisoned(0, 1, false)
	poisoned(1, 0, false)
	poisoned(1, 5, false)
	closeJob(t, db, run, key(0, 0), scored("aa"))
	_, err = db.ReopenJob(t.Context(), run, key(0, 0), "aa", noon)
	check(t, err)
	poisoned(0, 1, false)
}

func testPages(t *testing.T, db *store.DB) {
	const n = 300
	run := opened(t, db, 0, n)
	for i := range n / 3 {
		closeJob(t, db, run, key(3*i, 0), scored("aa"))
	}
	for _, c := range []struct {
		state       fleet.JobState
		first, step int
	}{{"", 0, 1}, {fleet.Scored, 0, 3}} {
		i := c.first
		for after := (fleet.ID{}); ; {
			page, err := db.JobsPage(t.Context(), run, c.state, after, 37)
			check(t, err)
			for _, j := range page {
				equal(t, "job", j.ID, id(i))
				i += c.step
			}
			if len(page) < 37 {
				break
			}
			after = page[len(page)-1].ID
		}
		equal(t, "jobs "+string(c.state), i, n)
	}
	all, err := db.Jobs(t.Context(), run, append(ids(n+1), id(0)))
	check(t, err)
	equal(t, "jobs", len(all), n)
	for i, j := range all {
		equal(t, "job", j.ID, id(i))
	}
}

func testNotFound(t *testing.T, db *store.DB) {
	const none = "20000101T000000Z-20000101T010000Z"
	ctx := t.Context()
	run := opened(t, db, 0, 1)
	_, _, closing := db.CloseJob(ctx, none, key(0, 0), scored("aa"), noon)
	_, _, closingUnknown := db.CloseJob(ctx, run, key(9, 0), scored("aa"), noon)
	_, showing := db.Run(ctx, none)
	_, counting := db.Counts(ctx, none)
	_, _, rescoring := db.Rescore(ctx, none, func(fleet.ID) bool { return true }, nil, nil, noon)
	_, reopening := db.ReopenJob(ctx, run, key(9, 0), "aa", noon)
	_, attempts := db.Attempts(ctx, run, key(9, 0))
	for what, err := range map[string]error{
		"CloseJob of no run": closing, "CloseJob of no sensor": closingUnknown, "Run": showing, "Counts": counting, "Rescore": rescoring,
		"ReopenJob": reopening, "Attempts": attempts, "Cancel": db.Cancel(ctx, none, noon),
	} {
		if !errors.Is(err, fleet.ErrNotFound) {
			t.Errorf("%s: error %v, want not found", what, err)
		}
	}
	jobs, err := db.Jobs(ctx, none, ids(3))
	check(t, err)
	equal(t, "jobs", len(jobs), 0)
	pending, err := db.Pending(ctx, none)
	check(t, err)
	equal(t, "pending", pending, false)
	ended, err := db.EndRun(ctx, none, 0, fleet.RunFailed, noSums, noon)
	check(t, err)
	equal(t, "ended", ended, false)
}

func testTextIsCut(t *testing.T, db *store.DB) {
	run := opened(t, db, 0, 1)
	long := strings.Repeat("ü", 5000)
	check(t, db.AddAttempt(t.Context(), run, key(0, 0), fleet.Attempt{At: noon, Err: long}))
	check(t, db.AddAttempt(t.Context(), run, key(0, 0), fleet.Attempt{At: noon, Err: "a\x00b\xffc"}))
	closeJob(t, db, run, key(0, 0), fleet.Outcome{Result: fleet.BadData, Error: long})
	attempts, err := db.Attempts(t.Context(), run, key(0, 0))
	check(t, err)
	equal(t, "bytes that are no text", attempts[1].Err, "a\ufffdb\ufffdc")
	for _, got := range []string{attempts[0].Err, job(t, db, run, 0).Error} {
		if len(got) > 2000 || !strings.HasPrefix(long, strings.TrimSuffix(got, "…")) || !strings.HasSuffix(got, "…") {
			t.Errorf("text of %d bytes is kept as %d: %.20q…%.20q", len(long), len(got), got, got[len(got)-20:])
		}
	}
}
