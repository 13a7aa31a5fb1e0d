package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// fault is a class of errors. It decides what happens to the statement or
// transaction that failed.
type fault int

const (
	permanent   fault = iota // a retry would fail again; the message is delivered again later
	transient                // a retry may succeed at once or soon
	unavailable              // the database cannot be used now; a retry would fail again
	badRow                   // a value in the statement cannot be stored
	notMigrated              // the schema is older than this program
)

// retryFor is the time for retries if the context has no deadline.
const retryFor = time.Minute

// retry runs f until it succeeds, its error is not transient, or the next try would
// begin after ctx's deadline. Its error names op.
func (db *DB) retry(ctx context.Context, op string, f func(context.Context) error) error {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, retryFor)
		defer cancel()
	}
	for try := 0; ; try++ {
		err := f(ctx)
		if err == nil {
			return nil
		}
		fault := db.faultOf(err)
		switch {
		case ctx.Err() != nil && !errors.Is(err, ctx.Err()):
			return fmt.Errorf("store: %s: %w: %w: %w", op, fleet.ErrUnavailable, ctx.Err(), err)
		case ctx.Err() != nil, fault == unavailable, fault == transient && !pause(ctx, try):
			return fmt.Errorf("store: %s: %w: %w", op, fleet.ErrUnavailable, err)
		case fault == notMigrated:
			return fmt.Errorf("store: %s: %w: %w", op, errNotMigrated, err)
		case fault == badRow:
			return fmt.Errorf("store: %s: %w: the database refuses a value: %w", op, fleet.ErrInvalid, err)
		case fault != transient:
			return fmt.Errorf("store: %s: %w", op, err)
		}
		db.log.Debug("store: trying again", "op", op, "try", try+1, "err", err)
	}
}

// pause waits before the next try: 10 ms doubled with each try, at most 5 s. A
// random part of up to half of it keeps callers from trying again all at once. It
// returns false at once if ctx would end first.
func pause(ctx context.Context, try int) bool {
	limit := min(10*time.Millisecond<<min(try, 16), 5*time.Second)
	d := limit/2 + rand.N(limit/2)
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < d {
		return false
	}
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// errUnchanged is returned by the function of a transaction that has nothing to do.
// The transaction is rolled back.
var errUnchanged = errors.New("unchanged")

// write runs f in a transaction and commits it if f returns nil. It retries as
// [DB.retry] does, so f may run several times. changed is false if f returned
// errUnchanged.
func (db *DB) write(ctx context.Context, op string, f func(ctx context.Context, tx session) error) (changed bool, err error) {
	err = db.retry(ctx, op, func(ctx context.Context) error { return db.transact(ctx, f) })
	if errors.Is(err, errUnchanged) {
		return false, nil
	}
	return err == nil, err
}

// transact runs f in a transaction, once.
func (db *DB) transact(ctx context.Context, f func(ctx context.Context, tx session) error) error {
	tx, err := db.writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after Commit
	q, ended := db.within(tx)
	if err := f(ctx, session{db.dialect, q}); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	ended(ctx)
	return nil
}

// within returns the querier of tx, and a function to call after tx is committed.
func (db *DB) within(tx *sql.Tx) (q querier, ended func(context.Context)) {
	if pool, ok := db.updates.(*prepared); ok {
		t := &preparedTx{tx: tx, pool: pool}
		return t, t.prepare
	}
	return tx, func(context.Context) {}
}

// update runs one statement by itself and returns the number of rows changed.
func (db *DB) update(ctx context.Context, op string, s statement, args ...any) (n int64, err error) {
	err = db.retry(ctx, op, func(ctx context.Context) error {
		n, err = session{db.dialect, db.updates}.exec(ctx, s, args...)
		return err
	})
	return n, err
}

// read runs f without a transaction. A retry calls f again, so f must first discard
// its former results.
func (db *DB) read(ctx context.Context, op string, f func(ctx context.Context, r session) error) error {
	return db.retry(ctx, op, func(ctx context.Context) error {
		return f(ctx, session{db.dialect, db.reads})
	})
}

// selectRows returns the rows of s, each scanned by scan. An error retries the whole
// query.
func selectRows[T any](ctx context.Context, db *DB, op string, s statement, scan func(scanner, *T) error, args ...any) ([]T, error) {
	return collect(ctx, db, op, scan, func(ctx context.Context, r session, add func(scanner) error) error {
		return r.each(ctx, s, add, args...)
	})
}

// selectListed is selectRows for a list of any length.
func selectListed[T any](ctx context.Context, db *DB, op string, s statement, l list, scan func(scanner, *T) error, args ...any) ([]T, error) {
	return collect(ctx, db, op, scan, func(ctx context.Context, r session, add func(scanner) error) error {
		return r.eachList(ctx, s, l, add, args...)
	})
}

// collect returns the rows that query adds in its last try.
func collect[T any](ctx context.Context, db *DB, op string, scan func(scanner, *T) error, query func(ctx context.Context, r session, add func(scanner) error) error) (all []T, err error) {
	err = db.read(ctx, op, func(ctx context.Context, r session) error {
		all = nil
		return query(ctx, r, func(row scanner) error {
			var v T
			err := scan(row, &v)
			all = append(all, v)
			return err
		})
	})
	return all, err
}

// scanText scans a single column of text.
func scanText(row scanner, text *string) error { return row.Scan(text) }
