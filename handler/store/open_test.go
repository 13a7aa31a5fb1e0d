package store_test

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/store"
)

func TestOpenRejects(t *testing.T) {
	for _, dsn := range []string{
		"", "fleetscore.db", "postgres://host/db", "file::memory:", "file:x?mode=memory",
		"sqlserver://user:sec%zzret@host?database=x",
		"sqlserver://user:secret@host?database=x&schema=a.b",
		"sqlserver://user:secret@host:port?database=x",
		"sqlserver://user:secret@host?database=x&fedauth=Magic",
		"sqlserver://user:secret@host?database=x&encrypt=maybe",
	} {
		db, err := store.Open(dsn, store.Options{})
		if err == nil {
			db.Close()
			t.Errorf("Open(%s) gives no error", dsn)
			continue
		}
		if !errors.Is(err, fleet.ErrInvalid) || !strings.Contains(err.Error(), "SQL_DSN") {
			t.Errorf("Open(%s) = %v, want %v with SQL_DSN in its text", dsn, err, fleet.ErrInvalid)
		}
		if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "sec%zzret") {
			t.Errorf("error %v shows the password", err)
		}
	}
}

// TestOpenDoesNotConnect opens what is not there, each way to sign in included.
func TestOpenDoesNotConnect(t *testing.T) {
	for _, dsn := range []string{
		"file:" + filepath.ToSlash(filepath.Join(t.TempDir(), "no", "such", "folder.db")),
		"sqlserver://user:secret@127.0.0.1:1?database=x",
		"sqlserver://127.0.0.1:1?database=x&fedauth=ActiveDirectoryManagedIdentity",
		"sqlserver://127.0.0.1:1?database=x&fedauth=ActiveDirectoryDefault",
	} {
		db, err := store.Open(dsn, store.Options{})
		check(t, err)
		check(t, db.Close())
	}
}

// TestServerThatIsAway calls a server that does not listen, and one that does not answer. At
// the deadline the call fails as unavailable.
func TestServerThatIsAway(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer silent.Close()
	for name, address := range map[string]string{"closed": "127.0.0.1:1", "silent": silent.Addr().String()} {
		t.Run(name, func(t *testing.T) {
			db, err := store.Open("sqlserver://user:secret@"+address+"?database=x", store.Options{})
			check(t, err)
			defer db.Close()
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			_, err = db.Run(ctx, "20260301T120000Z-20260301T130000Z")
			if !errors.Is(err, fleet.ErrUnavailable) {
				t.Errorf("error %v, want unavailable", err)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("error %v shows the password", err)
			}
		})
	}
}

func TestNotMigrated(t *testing.T) {
	db, err := store.Open("file:"+filepath.ToSlash(filepath.Join(t.TempDir(), "new.db")), store.Options{})
	check(t, err)
	defer db.Close()
	_, err = db.InsertReadings(t.Context(), []fleet.Reading{{ID: fleet.ID{Device: "d", Sensor: "s"}}}, fleet.Delivery{})
	if err == nil || !strings.Contains(err.Error(), "fleetscore migrate") {
		t.Errorf("got %v, want an error that says to run fleetscore migrate", err)
	}
}
