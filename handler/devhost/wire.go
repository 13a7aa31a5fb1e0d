package devhost

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// hostVersion is the version of the host that was recorded.
const hostVersion = "4.1037.0.0"

// field is a header field. It is sent with the case and in the order that the host uses.
type field struct{ name, value string }

// request is a request to the handler. It does not use net/http, which sorts the header and
// chooses other chunks than the host.
type request struct {
	method, target string
	header         []field
	body           []byte
	chunked        bool // send the body in chunks of chunkSize bytes, as the host does
}

const chunkSize = 1024

// closes reports whether the request has Connection: close. It comes from the header of a
// client.
func (r *request) closes() bool {
	return slices.ContainsFunc(r.header, func(f field) bool {
		return strings.EqualFold(f.name, "Connection") && strings.EqualFold(f.value, "close")
	})
}

// bytes returns the request in the format of HTTP/1.1.
func (r *request) bytes() []byte {
	b := bytes.NewBuffer(make([]byte, 0, len(r.body)+len(r.body)/chunkSize*8+512))
	fmt.Fprintf(b, "%s %s HTTP/1.1\r\n", r.method, r.target)
	for _, f := range r.header {
		fmt.Fprintf(b, "%s: %s\r\n", f.name, f.value)
	}
	b.WriteString("\r\n")
	if !r.chunked {
		b.Write(r.body)
		return b.Bytes()
	}
	for body := r.body; len(body) > 0; {
		n := min(chunkSize, len(body))
		fmt.Fprintf(b, "%X\r\n", n)
		b.Write(body[:n])
		b.WriteString("\r\n")
		body = body[n:]
	}
	b.WriteString("0\r\n\r\n")
	return b.Bytes()
}

// response is a complete response of the handler.
type response struct {
	status int
	reason string
	header http.Header
	body   []byte
}

// wire is the pool of connections to the handler. Each carries one request at a time, and is
// used again.
type wire struct {
	addr string
	mu   sync.Mutex
	idle []*wireConn
}

// wireConn is a connection to the handler. While it is idle, a goroutine waits for its end, so
// that no request is sent on a connection that the handler has closed.
type wireConn struct {
	net.Conn
	r     *bufio.Reader
	ended chan error // gets the result of the goroutine
}

var errEndedEarly = errors.New("the response ended prematurely")

// do sends req once and reads the complete response. If ctx ends, do returns its error.
func (w *wire) do(ctx context.Context, req *request) (*response, error) {
	c, err := w.take(ctx)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	resp, reuse, err := c.roundTrip(req)
	if !stop() || err != nil || !reuse || req.closes() {
		c.Close()
	} else {
		w.put(c)
	}
	if ctx.Err() != nil && err != nil {
		return nil, ctx.Err()
	}
	return resp, err
}

func (c *wireConn) roundTrip(req *request) (_ *response, reuse bool, err error) {
	if _, err := c.Write(req.bytes()); err != nil {
		// The handler may have answered and closed the connection before it read the
		// whole request.
		if resp, _, rerr := c.read(req.method); rerr == nil {
			return resp, false, nil
		}
		return nil, false, fmt.Errorf("send to the handler: %w", err)
	}
	return c.read(req.method)
}

// read reads the response to a request with the method. Reuse says whether the connection can
// carry another request.
func (c *wireConn) read(method string) (*response, bool, error) {
	for {
		resp, err := http.ReadResponse(c.r, &http.Request{Method: method})
		if err != nil {
			return nil, false, fmt.Errorf("%w: %v", errEndedEarly, err)
		}
		if resp.StatusCode < 200 {
			continue // 1xx: another response follows
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return nil, false, fmt.Errorf("%w: %v", errEndedEarly, err)
		}
		_, reason, _ := bytes.Cut([]byte(resp.Status), []byte(" "))
		return &response{resp.StatusCode, string(reason), resp.Header, body}, !resp.Close, nil
	}
}

// take returns an idle connection that is still open, or a new one.
func (w *wire) take(ctx context.Context) (*wireConn, error) {
	for {
		w.mu.Lock()
		n := len(w.idle)
		if n == 0 {
			w.mu.Unlock()
			break
		}
		c := w.idle[n-1]
		w.idle = w.idle[:n-1]
		w.mu.Unlock()
		_ = c.SetReadDeadline(time.Unix(1, 0))
		if err := <-c.ended; isTimeout(err) {
			_ = c.SetReadDeadline(time.Time{})
			return c, nil
		}
		c.Close()
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp4", w.addr)
	if err != nil {
		return nil, fmt.Errorf("connect to the handler: %w", err)
	}
	return &wireConn{Conn: conn, r: bufio.NewReader(conn)}, nil
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

// put makes a connection idle.
func (w *wire) put(c *wireConn) {
	c.ended = make(chan error, 1)
	go func() {
		_, err := c.r.Peek(1)
		c.ended <- err // nil if the handler sent something without a request: take closes it then
	}()
	w.mu.Lock()
	w.idle = append(w.idle, c)
	w.mu.Unlock()
}

// closeIdle closes the idle connections.
func (w *wire) closeIdle() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.idle {
		c.Close()
	}
	w.idle = nil
}
