package store

import (
	"path/filepath"
	"testing"
)

// TestMigrateNotes checks that each migration is noted when it is done, and is done once. A
// migration that fails gives an error.
func TestMigrateNotes(t *testing.T) {
	t.Parallel()
	dsn := "file:" + filepath.ToSlash(filepath.Join(t.TempDir(), "again.db"))
	for range 2 {
		db, err := Open(dsn, Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		if err := db.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		noted := 0
		if err := db.writer.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM schema_migrations`).Scan(&noted); err != nil || noted < 3 {
			t.Errorf("%d migrations are noted, %v; want 3 or more", noted, err)
		}
		if _, err := db.writer.ExecContext(t.Context(), `DELETE FROM schema_migrations WHERE version = 3`); err != nil {
			t.Fatal(err)
		}
		if err := db.Migrate(t.Context()); err == nil {
			t.Error("Migrate gives no error, though tables of a migration are there already")
		}
		if _, err := db.writer.ExecContext(t.Context(), `INSERT INTO schema_migrations (version, name) VALUES (3, 'again')`); err != nil {
			t.Fatal(err)
		}
	}
}
