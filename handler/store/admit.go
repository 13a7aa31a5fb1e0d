package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// A user of an Entra identity is created with its SID. Without the SID the server
// would look the identity up in Entra, for which it may not have the permission.
const (
	userSID    = `SELECT sid FROM sys.database_principals WHERE name = @name`
	dropUser   = `DECLARE @drop nvarchar(max) = N'DROP USER ' + QUOTENAME(@name); EXEC (@drop)`
	createUser = `DECLARE @create nvarchar(max) = N'CREATE USER ' + QUOTENAME(@name) + N' WITH SID = ' + @sid + N', TYPE = E'; EXEC (@create)`
	grantUser  = `DECLARE @grant nvarchar(max) = N'GRANT SELECT, INSERT, UPDATE, DELETE ON SCHEMA::dbo TO ' + QUOTENAME(@name); EXEC (@grant)`
)

// Admit makes the Entra identity with this client id a user of the database. The
// user may read and write the rows of all tables, and nothing else. If the user
// exists, Admit only grants that. A user of the same name with another identity
// is replaced. The error wraps [fleet.ErrInvalid] if clientID is no GUID, and for
// SQLite, which has no users.
func (db *DB) Admit(ctx context.Context, name, clientID string) error {
	if _, ok := db.dialect.(*sqlserver); !ok {
		return fmt.Errorf("%w: SQLite has no users to admit", fleet.ErrInvalid)
	}
	id, err := uuid.Parse(clientID)
	if err != nil {
		return fmt.Errorf("%w: client id %q of %s: %w", fleet.ErrInvalid, clientID, name, err)
	}
	return db.retry(ctx, "admitting "+name, func(ctx context.Context) error { return db.admit(ctx, name, sidOf(id)) })
}

func (db *DB) admit(ctx context.Context, name string, sid []byte) error {
	tx, err := db.writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	named := sql.Named("name", name)
	var present []byte
	err = tx.QueryRowContext(ctx, userSID, named).Scan(&present)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if err == nil && string(present) != string(sid) { // the identity was deleted and created again
		if _, err := tx.ExecContext(ctx, dropUser, named); err != nil {
			return err
		}
		present = nil
	}
	if present == nil {
		if _, err := tx.ExecContext(ctx, createUser, named, sql.Named("sid", fmt.Sprintf("0x%X", sid))); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, grantUser, named); err != nil {
		return err
	}
	return tx.Commit()
}

// sidOf returns the SID of an identity: its client id with the first three
// groups in little-endian order, as Windows writes GUIDs.
func sidOf(id uuid.UUID) []byte {
	sid := append([]byte(nil), id[:]...)
	binary.LittleEndian.PutUint32(sid[0:], binary.BigEndian.Uint32(id[0:]))
	binary.LittleEndian.PutUint16(sid[4:], binary.BigEndian.Uint16(id[4:]))
	binary.LittleEndian.PutUint16(sid[6:], binary.BigEndian.Uint16(id[6:]))
	return sid
}
