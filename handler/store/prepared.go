package store

import (
	"context"
	"database/sql"
	"sync"
)

// querier runs SQL. It is a transaction, a pool, or a pool with prepared statements.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// prepared is a pool with prepared statements, because SQLite takes longer to parse
// a statement than to run it. The number of texts is limited by [listSizes].
type prepared struct {
	pool  *sql.DB
	stmts sync.Map // of *sql.Stmt by text
}

func (p *prepared) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	if s, ok := p.stmts.Load(query); ok {
		return s.(*sql.Stmt), nil
	}
	s, err := p.pool.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	if first, loaded := p.stmts.LoadOrStore(query, s); loaded {
		return first.(*sql.Stmt), s.Close()
	}
	return s, nil
}

// ExecContext implements [querier].
func (p *prepared) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	s, err := p.stmt(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(ctx, args...)
}

// QueryContext implements [querier].
func (p *prepared) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s, err := p.stmt(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

// preparedTx is a transaction that uses the prepared statements of its pool. It
// notes the texts that are not prepared. They are prepared when the transaction
// has ended, because the pool may have only one connection.
type preparedTx struct {
	tx    *sql.Tx
	pool  *prepared
	noted []string
}

func (t *preparedTx) stmt(ctx context.Context, query string) (*sql.Stmt, bool) {
	s, ok := t.pool.stmts.Load(query)
	if !ok {
		t.noted = append(t.noted, query)
		return nil, false
	}
	return t.tx.StmtContext(ctx, s.(*sql.Stmt)), true
}

// ExecContext implements [querier].
func (t *preparedTx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if s, ok := t.stmt(ctx, query); ok {
		return s.ExecContext(ctx, args...)
	}
	return t.tx.ExecContext(ctx, query, args...)
}

// QueryContext implements [querier].
func (t *preparedTx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if s, ok := t.stmt(ctx, query); ok {
		return s.QueryContext(ctx, args...)
	}
	return t.tx.QueryContext(ctx, query, args...)
}

// prepare prepares the noted texts for later transactions. It ignores an error: the
// next transaction notes the text again.
func (t *preparedTx) prepare(ctx context.Context) {
	for _, query := range t.noted {
		if _, err := t.pool.stmt(ctx, query); err != nil {
			return
		}
	}
}
