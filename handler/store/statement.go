package store

import (
	"context"
	"regexp"
	"strings"
	"sync"
)

// statement is the SQL of this package: T-SQL that SQLite accepts too, with these
// marks, which each dialect replaces:
//
//	dbo.             the schema of a table
//	{top} {limit}    at most @limit rows; {top} follows SELECT, {limit} ends it
//	{k:a,b}          a list of rows (a, b), joined as table k
//	{by:index}       the index by which SQLite seeks the table before it
//	{later:a,b}      the time b seconds after a
//
// The parameters of a list are positional and come first; all others are named.
//
// All SQL is in constants of this type, so that a test can find it.
type statement string

// list returns the columns and the mark of s's list. columns is nil if s has none.
func (s statement) list() (columns []string, mark string) {
	_, rest, ok := strings.Cut(string(s), "{k:")
	if !ok {
		return nil, ""
	}
	names, _, _ := strings.Cut(rest, "}")
	return strings.Split(names, ","), "{k:" + names + "}"
}

// listSizes are the numbers of rows that a list may have in SQL text, so that the
// server gets few different texts. Shorter lists are padded.
var listSizes = [...]int{1, 16, 256}

const maxList = 256

func listSize(n int) int {
	for _, size := range listSizes {
		if n <= size {
			return size
		}
	}
	panic("store: list too long")
}

// laterMark matches {later:a,b}, and byMark {by:index}.
var (
	laterMark = regexp.MustCompile(`\{later:([a-z._]+),([a-z._]+)\}`)
	byMark    = regexp.MustCompile(`\{by:([a-z_]+)\}`)
)

// texts caches the SQL text of statements.
type texts struct{ m sync.Map }

type textKey struct {
	s    statement
	rows int
}

func (t *texts) of(s statement, rows int, write func(statement, int) string) string {
	key := textKey{s, rows}
	if v, ok := t.m.Load(key); ok {
		return v.(string)
	}
	v, _ := t.m.LoadOrStore(key, write(s, rows))
	return v.(string)
}

// session runs statements, in a transaction or each by itself.
type session struct {
	dialect
	q querier
}

// exec runs s and returns the number of rows it changed.
func (c session) exec(ctx context.Context, s statement, args ...any) (int64, error) {
	return c.execText(ctx, c.text(s, 0), args)
}

func (c session) execText(ctx context.Context, text string, args []any) (n int64, err error) {
	ctx, span := traceSQL(ctx, text)
	defer func() { span.End(err) }()
	res, err := c.q.ExecContext(ctx, text, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// each runs s and calls scan for each row of its result.
func (c session) each(ctx context.Context, s statement, scan func(scanner) error, args ...any) error {
	return c.eachText(ctx, c.text(s, 0), scan, args)
}

func (c session) eachText(ctx context.Context, text string, scan func(scanner) error, args []any) (err error) {
	ctx, span := traceSQL(ctx, text)
	defer func() { span.End(err) }()
	rows, err := c.q.QueryContext(ctx, text, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// one runs s and scans its only row into dst; ok is false if there is none.
func (c session) one(ctx context.Context, s statement, dst []any, args ...any) (ok bool, err error) {
	err = c.each(ctx, s, func(r scanner) error {
		ok = true
		return r.Scan(dst...)
	}, args...)
	return ok, err
}

// execList runs s for a list of any length, piece by piece, and returns the
// number of rows it changed.
func (c session) execList(ctx context.Context, s statement, list list, args ...any) (int64, error) {
	var total int64
	err := list.pieces(args, func(rows int, args []any) error {
		n, err := c.execText(ctx, c.text(s, rows), args)
		total += n
		return err
	})
	return total, err
}

// eachList is each for a list of any length, piece by piece.
func (c session) eachList(ctx context.Context, s statement, list list, scan func(scanner) error, args ...any) error {
	return list.pieces(args, func(rows int, args []any) error {
		return c.eachText(ctx, c.text(s, rows), scan, args)
	})
}

// list is the rows of a statement's list: their values, row by row.
type list struct {
	values []any
	pad    []any // a row that matches nothing
}

// pieces calls f for up to [maxList] rows at a time, padded to one of [listSizes]
// and followed by args.
func (l list) pieces(args []any, f func(rows int, args []any) error) error {
	width := len(l.pad)
	for at := 0; at < len(l.values); at += maxList * width {
		piece := l.values[at:min(at+maxList*width, len(l.values))]
		rows := listSize(len(piece) / width)
		all := make([]any, 0, rows*width+len(args))
		all = append(all, piece...)
		for len(all) < rows*width {
			all = append(all, l.pad...)
		}
		if err := f(rows, append(all, args...)); err != nil {
			return err
		}
	}
	return nil
}
