package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/needs"
)

func TestSIDOf(t *testing.T) {
	id := uuid.MustParse("00112233-4455-6677-8899-aabbccddeeff")
	if got := hex.EncodeToString(sidOf(id)); got != "33221100554477668899aabbccddeeff" {
		t.Errorf("the SID is %s, want the id with its first groups reversed", got)
	}
}

func TestAdmitRefuses(t *testing.T) {
	db, err := Open("file:"+filepath.ToSlash(filepath.Join(t.TempDir(), "s.db")), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Admit(t.Context(), "app", uuid.NewString()); !errors.Is(err, fleet.ErrInvalid) {
		t.Errorf("SQLite: %v, want %v", err, fleet.ErrInvalid)
	}
	server, err := Open("sqlserver://localhost?database=x", Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	if err := server.Admit(t.Context(), "app", "no-guid"); !errors.Is(err, fleet.ErrInvalid) {
		t.Errorf("a client id that is no GUID: %v, want %v", err, fleet.ErrInvalid)
	}
}

// TestAdmit admits an identity, again, and one made anew under its name. It needs
// a server that knows Entra identities, which Azure SQL is, and says what
// another answers; there, it holds that the refusal leaves nothing behind.
func TestAdmit(t *testing.T) {
	db, err := Open(needs.SQLServer(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	const name = "fleetscore-test-identity"
	sid := func() (sid []byte) {
		t.Helper()
		err := db.reader.QueryRowContext(t.Context(), userSID, sql.Named("name", name)).Scan(&sid)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			t.Fatal(err)
		}
		return sid
	}
	for i, id := range []uuid.UUID{{1}, {1}, {2}} {
		err := db.Admit(t.Context(), name, id.String())
		if i == 0 && err != nil {
			if left := sid(); left != nil {
				t.Errorf("the admission was refused, and a user with SID %x is there", left)
			}
			needs.SQLServerCannot(t, fmt.Sprintf("this server admits no Entra identity: %v", err))
		}
		if i == 0 {
			defer db.writer.ExecContext(context.WithoutCancel(t.Context()), dropUser, sql.Named("name", name))
		}
		if err != nil || !bytes.Equal(sid(), sidOf(id)) {
			t.Errorf("admission %d: SID %x, want %x; %v", i, sid(), sidOf(id), err)
		}
	}
}

// TestAdmitParses has Azure SQL's own parser read the statements, what they
// make of names included: other servers know no users of Entra identities.
func TestAdmitParses(t *testing.T) {
	check := needs.Tool(t, "tsqlcheck", "without it the statements of Admit are not checked")
	file := filepath.Join(t.TempDir(), "admit.sql")
	made := []string{
		"CREATE USER [id-app] WITH SID = 0x33221100554477668899AABBCCDDEEFF, TYPE = E",
		"GRANT SELECT, INSERT, UPDATE, DELETE ON SCHEMA::dbo TO [id-app]", "DROP USER [id-app]",
	}
	declare := "DECLARE @name nvarchar(128), @sid nvarchar(34);\n"
	batches := append(made, declare+userSID, declare+dropUser, declare+createUser, declare+grantUser)
	if err := os.WriteFile(file, []byte(strings.Join(batches, "\nGO\n")), 0o644); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(t.TempDir(), "schema.sql")
	if err := os.WriteFile(empty, []byte("CREATE TABLE dbo.t (id int)\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	// The checker's schema has no users, and no views of the system's.
	out, _ := exec.CommandContext(t.Context(), check, "--schema", empty, file).CombinedOutput()
	if !bytes.Contains(out, []byte("7 batches")) {
		t.Errorf("tsqlcheck read other than 7 batches: %s", out)
	}
	for line := range strings.Lines(string(out)) {
		known := strings.Contains(line, "reference to object [id-app]") || strings.Contains(line, "reference to object [sys].")
		if strings.Contains(line, "admit.sql:") && !known {
			t.Error(line)
		}
	}
}
