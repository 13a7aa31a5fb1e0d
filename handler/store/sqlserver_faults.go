package store

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"

	mssql "github.com/microsoft/go-mssqldb"
)

// sqlserverFaults has the fault of error numbers of SQL Server. The fault of other
// numbers depends on their severity.
var sqlserverFaults = map[int32]fault{
	615:   transient, // the database changed under the session
	921:   transient, // the database has not been recovered yet
	926:   transient, // the database is suspect: it fails over
	1205:  transient, // deadlock victim
	1222:  transient, // lock request timed out
	2601:  transient, // duplicate key in an index: a row of another writer, which the retry sees
	2627:  transient, // duplicate key in a constraint: the same
	3960:  transient, // snapshot update conflict
	4221:  transient, // the replica is not ready for logins yet
	4060:  transient, // database cannot be opened: it fails over or resumes
	10928: transient, // too many requests
	10929: transient, // too many requests
	10936: transient, // too many requests of the elastic pool
	40143: transient, // connection could not be initialized
	40197: transient, // the service failed to process the request: fail-over
	40501: transient, // the service is busy
	40540: transient, // the transaction was ended by the service
	40549: transient, // the session was ended: a long transaction
	40550: transient, // the session was ended: too many locks
	40551: transient, // the session was ended: too much of tempdb
	40552: transient, // the session was ended: too much log space
	40553: transient, // the session was ended: too much memory
	42108: transient, // the pool is paused: it resumes
	42109: transient, // the pool is resuming
	40613: transient, // database not available: it resumes or moves
	49918: transient, // not enough resources
	49919: transient, // too many operations in progress
	49920: transient, // too many operations in progress

	18456: unavailable, // login failed: also while a database moves or a user is being made
	40544: unavailable, // the database has reached its size

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

// resourceSeverity is the least severity of errors that the statement did not
// cause: 17 to 19 are for missing resources, 20 and more for a lost connection
// (SQL Server's "Database Engine Error Severities").
const resourceSeverity = 17

func (d *sqlserver) faultOf(err error) fault {
	var number mssql.Error
	if errors.As(err, &number) {
		if known, ok := sqlserverFaults[number.Number]; ok {
			return known
		}
		if number.Class >= resourceSeverity {
			return transient
		}
		return permanent
	}
	if errors.As(err, new(lockError)) || connectionFailed(err) {
		return transient
	}
	return permanent
}

// duplicateKey reports whether err is the violation of a unique constraint or index.
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
