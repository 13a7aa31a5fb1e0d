package store

import "errors"

func (db *DB) openSQLServer(string, Options) error {
	return errors.New("store: SQL Server is not supported yet")
}
