package e2e_test

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"
)

// A damage is what a proxy does to the connections that it carries.
type damage string

const (
	cut      damage = "cut"      // reset, and so is every new one
	stall    damage = "stall"    // nothing comes through, then all of it
	dead     damage = "dead"     // those there are never carry a byte again; new ones wait
	truncate damage = "truncate" // a part of what is on its way comes through, then the end
	slow     damage = "slow"     // some bytes at a time
)

var damages = []damage{cut, stall, truncate, slow, dead}

const (
	slowPiece = 256
	slowPause = 20 * time.Millisecond
)

// proxy stands before a server on TCP.
type proxy struct {
	net.Listener
	server string

	mu     sync.Mutex
	links  map[*link]bool
	passed int    // pieces of traffic, as they were read
	fault  *fault // nil: all comes through
}

// fault is a damage for a time. It begins with a piece of traffic, so that it
// hits some.
type fault struct {
	damage damage
	after  int // pieces still to come through before it begins
	began  chan struct{}
	over   chan struct{}
	hits   int // pieces and new connections that it hit
}

// link is a connection and its other side.
type link struct {
	client, server net.Conn
	closed         chan struct{}
	once           sync.Once
	dead           bool
}

func newProxy(t *testing.T, server string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{Listener: l, server: server, links: map[*link]bool{}}
	go p.serve()
	t.Cleanup(p.end)
	return p
}

func (p *proxy) serve() {
	for {
		c, err := p.Accept()
		if err != nil {
			return
		}
		go p.carry(c)
	}
}

func (p *proxy) carry(client net.Conn) {
	if p.refuses() {
		reset(client)
		return
	}
	server, err := net.Dial("tcp", p.server)
	if err != nil {
		reset(client)
		return
	}
	l := &link{client: client, server: server, closed: make(chan struct{})}
	p.mu.Lock()
	p.links[l] = true
	p.mu.Unlock()
	go p.pump(l, l.server, l.client)
	p.pump(l, l.client, l.server)
	p.mu.Lock()
	delete(p.links, l)
	p.mu.Unlock()
}

// refuses reports whether a fault cuts new connections now, and counts a hit of it.
func (p *proxy) refuses() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.fault
	if f == nil || f.after > 0 || f.damage != cut {
		return false
	}
	f.hits++
	return true
}

// pump carries what comes from one side to the other.
func (p *proxy) pump(l *link, to, from net.Conn) {
	defer l.close(false)
	piece := make([]byte, 32<<10)
	for {
		n, err := from.Read(piece)
		if n > 0 && !p.pass(l, to, piece[:n]) || err != nil {
			return
		}
	}
}

// pass writes a piece, as the fault lets it, and reports whether the link goes on.
func (p *proxy) pass(l *link, to net.Conn, piece []byte) bool {
	f, gone := p.count(l)
	if gone {
		<-l.closed
		return false
	}
	if f == nil {
		_, err := to.Write(piece)
		return err == nil
	}
	switch f.damage {
	case cut:
		l.close(true)
		return false
	case truncate:
		to.Write(piece[:rand.IntN(len(piece))])
		return false
	case stall, dead:
		select {
		case <-l.closed:
			return false
		case <-f.over:
		}
		return p.pass(l, to, piece)
	}
	for len(piece) > 0 { // slow
		select {
		case <-f.over:
		case <-time.After(slowPause):
		}
		n := min(slowPiece, len(piece))
		if _, err := to.Write(piece[:n]); err != nil {
			return false
		}
		piece = piece[n:]
	}
	return true
}

// count counts a piece of a link, which may be the one that a fault begins with.
// It returns the fault that hits the piece, or nil, and whether the link is dead.
func (p *proxy) count(l *link) (hit *fault, gone bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.passed++
	f := p.fault
	if f == nil {
		return nil, l.dead
	}
	if f.after > 0 {
		if f.after--; f.after > 0 {
			return nil, l.dead
		}
		close(f.began)
		for other := range p.links {
			switch f.damage {
			case cut:
				other.close(true)
			case dead:
				other.dead = true
			}
		}
	}
	f.hits++
	return f, l.dead
}

// inject has f begin with the after-th piece from now on, and lets it last. It
// returns, when all is well again, how much was hit: nothing if ctx ended before
// the fault began.
func (p *proxy) inject(ctx context.Context, d damage, after int, lasts time.Duration) (hits int) {
	f := &fault{damage: d, after: max(after, 1), began: make(chan struct{}), over: make(chan struct{})}
	p.mu.Lock()
	p.fault = f
	p.mu.Unlock()
	select {
	case <-f.began:
		select {
		case <-ctx.Done():
		case <-time.After(lasts):
		}
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = nil
	close(f.over)
	return f.hits
}

// pieces is how much traffic there has been.
func (p *proxy) pieces() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.passed
}

// end closes everything.
func (p *proxy) end() {
	p.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.close(true)
	}
}

func (l *link) close(hard bool) {
	l.once.Do(func() {
		close(l.closed)
		if hard {
			reset(l.client)
			reset(l.server)
			return
		}
		l.client.Close()
		l.server.Close()
	})
}

func reset(c net.Conn) {
	c.(*net.TCPConn).SetLinger(0)
	c.Close()
}

// TestProxy shows that each damage is one, and passes.
func TestProxy(t *testing.T) {
	t.Parallel()
	echo, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer echo.Close()
	go func() {
		for {
			c, err := echo.Accept()
			if err != nil {
				return
			}
			go func() { io.Copy(c, c); c.Close() }()
		}
	}()
	const message = "some text that takes a while if it comes in small pieces"
	p := newProxy(t, echo.Addr().String())
	// ask says how long the echo took, and whether it came whole.
	ask := func(c net.Conn, patience time.Duration) (time.Duration, bool) {
		began := time.Now()
		c.SetDeadline(began.Add(patience))
		answer := make([]byte, len(message))
		_, err := io.WriteString(c, message)
		if err == nil {
			_, err = io.ReadFull(c, answer)
		}
		return time.Since(began), err == nil && string(answer) == message
	}
	connect := func() net.Conn {
		c, err := net.Dial("tcp", p.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	const lasts = 200 * time.Millisecond
	for d, want := range map[damage]struct{ late, whole bool }{
		cut: {}, truncate: {}, stall: {late: true, whole: true}, dead: {late: true}, slow: {late: true, whole: true},
	} {
		c := connect()
		if _, whole := ask(c, time.Minute); !whole {
			t.Fatalf("%s: no echo without a fault", d)
		}
		hits := make(chan int)
		go func() { hits <- p.inject(t.Context(), d, 1, lasts) }()
		for on := false; !on; time.Sleep(time.Millisecond) {
			p.mu.Lock()
			on = p.fault != nil
			p.mu.Unlock()
		}
		patience := time.Minute
		if d == dead { // no answer ever comes
			patience = 2 * time.Second
		}
		took, whole := ask(c, patience)
		if whole != want.whole || want.late && took < slowPause {
			t.Errorf("%s: the echo took %v and was whole: %v; want it whole: %v, and late: %v", d, took, whole, want.whole, want.late)
		}
		if n := <-hits; n == 0 {
			t.Errorf("%s hit nothing", d)
		}
		if _, whole := ask(connect(), time.Minute); !whole {
			t.Errorf("%s: no echo after the fault", d)
		}
	}
}
