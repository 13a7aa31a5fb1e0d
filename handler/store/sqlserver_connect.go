package store

import (
	"context"
	"database/sql/driver"
	"fmt"
	"net"
	"net/url"
	"sync"
	"time"

	mssql "github.com/microsoft/go-mssqldb"
	"github.com/microsoft/go-mssqldb/azuread"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// silence is how long a server may send nothing during a request.
const silence = 2 * time.Minute

// connector opens connections and stops when the context ends. The driver alone
// would wait without limit for a server that accepts the connection and then sends
// nothing.
type connector struct{ *mssql.Connector }

func newConnector(u *url.URL) (connector, error) {
	query := u.Query()
	if !query.Has("connection timeout") {
		query.Set("connection timeout", fmt.Sprint(int(silence.Seconds())))
	}
	named := *u
	named.RawQuery = query.Encode()
	c, err := azuread.NewConnector(named.String())
	if err != nil {
		return connector{}, fmt.Errorf("%w: SQL_DSN: %w", fleet.ErrInvalid, err)
	}
	c.Dialer = dialer{}
	return connector{c}, nil
}

type loginKey struct{}

// Connect implements [driver.Connector].
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	login := &login{ctx: ctx}
	defer login.end()
	return c.Connector.Connect(context.WithValue(ctx, loginKey{}, login))
}

// login is an attempt to connect. Until it ends, the end of its context closes the
// network connections that were made for it.
type login struct {
	ctx   context.Context
	mu    sync.Mutex // several addresses of a host may be dialled at once
	stops []func() bool
}

func (l *login) watch(conn net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stops = append(l.stops, context.AfterFunc(l.ctx, func() { conn.Close() }))
}

func (l *login) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, stop := range l.stops {
		stop()
	}
}

// dialer dials for a login.
type dialer struct{ net.Dialer }

// DialContext implements [mssql.Dialer].
func (d dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := d.Dialer.DialContext(ctx, network, address)
	if l, ok := ctx.Value(loginKey{}).(*login); ok && err == nil {
		l.watch(conn)
	}
	return conn, err
}
