package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
	"strings"
)

const (
	migrationsDone statement = `SELECT COUNT(*) FROM dbo.schema_migrations WHERE version = @version`
	migrationDone  statement = `INSERT INTO dbo.schema_migrations (version, name) VALUES (@version, @name)`
)

var migrationName = regexp.MustCompile(`^(\d{4})_[a-z0-9_]+\.sql$`)

// Migrate applies the migrations that the database does not have, in order, each in
// a transaction of its own. Several processes may call it at once. After each
// migration the previous version of the handler can still read the schema.
func (db *DB) Migrate(ctx context.Context) error {
	err := db.retry(ctx, "preparing the database", func(ctx context.Context) error {
		return db.prepare(ctx, db.writer)
	})
	if err != nil {
		return err
	}
	names, err := fs.Glob(db.migrations(), "*.sql")
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := db.migrate(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

func (db *DB) migrate(ctx context.Context, name string) error {
	m := migrationName.FindStringSubmatch(name)
	if m == nil {
		return fmt.Errorf("store: migration %s is not named like 0001_what_it_does.sql", name)
	}
	version, err := strconv.Atoi(m[1])
	if err != nil {
		return err
	}
	script, err := fs.ReadFile(db.migrations(), name)
	if err != nil {
		return err
	}
	_, err = db.write(ctx, "migration "+name, func(ctx context.Context, tx session) error {
		if err := db.lock(ctx, tx, migrateLock, exclusive); err != nil {
			return err
		}
		var done int
		if _, err := tx.one(ctx, migrationsDone, []any{&done}, sql.Named("version", version)); err != nil {
			return err
		}
		if done > 0 {
			return errUnchanged
		}
		for _, batch := range batches(string(script)) {
			if _, err := tx.exec(ctx, statement(batch)); err != nil {
				return err
			}
		}
		_, err := tx.exec(ctx, migrationDone, sql.Named("version", version), sql.Named("name", name))
		return err
	})
	return err
}

// batches splits a script at the lines that are GO.
func batches(script string) []string {
	var all []string
	for _, b := range regexp.MustCompile(`(?m)^GO\r?$`).Split(script, -1) {
		if strings.TrimSpace(b) != "" {
			all = append(all, b)
		}
	}
	return all
}

var errNotMigrated = errors.New("the database lacks a table or column: run fleetscore migrate")
