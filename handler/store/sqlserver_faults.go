package store

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"

	mssql "github.com/microsoft/go-mssqldb"
)

// sqlserverFaults tells what error numbers of SQL Server mean.
var sqlserverFaults = map[int32]fault{
	1205:  transient, // deadlock victim
	1222:  transient, // lock request timed out
	2601:  transient, // duplicate key in an index: another writer's row, seen next time
	2627:  transient, // duplicate key in a constraint: the same
	3960:  transient, // snapshot update conflict
	4060:  transient, // database cannot be opened: it fails over or resumes
	10928: transient, // too many requests
	10929: transient, // too many requests
	40143: transient, // connection could not be initialized
	40197: transient, // the service failed to process the request: fail-over
	40501: transient, // the service is busy
	40613: transient, // database not available: it resumes or moves
	49918: transient, // not enough resources
	49919: transient, // too many operations in progress
	49920: transient, // too many operations in progress

	207: notMigrated, // invalid column name
	208: notMigrated, // invalid object name

	220:  badRow, // arithmetic overflow for a type
	232:  badRow, // arithmetic overflow for a type
	241:  badRow, // conversion of a date
	242:  badRow, // date out of range
	515:  badRow, // NULL
	547:  badRow, // check constraint
	2628: badRow, // too long
	4815: badRow, // bulk copy: invalid length
	4863: badRow, // bulk copy: truncation
	8023: badRow, // not a valid value of its type
	8114: badRow, // conversion
	8115: badRow, // arithmetic overflow
	8152: badRow, // too long
}

func (d *sqlserver) faultOf(err error) fault {
	var number mssql.Error
	if errors.As(err, &number) {
		return sqlserverFaults[number.Number]
	}
	if errors.As(err, new(lockError)) || connectionFailed(err) {
		return transient
	}
	return permanent
}

// duplicateKey reports whether err is that of a unique constraint or index.
func duplicateKey(err error) bool {
	var number mssql.Error
	return errors.As(err, &number) && (number.Number == 2627 || number.Number == 2601)
}

func connectionFailed(err error) bool {
	for _, known := range []error{driver.ErrBadConn, sql.ErrConnDone, io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe} {
		if errors.Is(err, known) {
			return true
		}
	}
	return errors.As(err, new(net.Error)) || errors.As(err, new(mssql.StreamError)) ||
		errors.As(err, new(mssql.ServerError)) || errors.As(err, new(mssql.RetryableError))
}
