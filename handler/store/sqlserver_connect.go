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

// silence is how long a server may say nothing in the middle of an exchange.
const silence = 2 * time.Minute

// connector opens connections and heeds the context while it does: the driver
// itself would wait without end for a server that takes the connection and
// then says nothing.
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

// login is an attempt to connect; its end stops the watch over the network
// connections made for it.
type login struct {
	ctx   context.Context
	mu    sync.Mutex // addresses of a host may be dialled side by side
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
