// Package loopback chooses ports of 127.0.0.1 for servers that start later, or that
// start again on the same port: the local host, its handler, and both in tests.
package loopback

import (
	"fmt"
	"net"
	"os"
	"sync/atomic"
)

// The ports lie below those that systems give to outgoing connections and to servers
// that ask for any port: from 32768 on Linux, from 49152 elsewhere. Such a connection
// would take a port while its server is down.
const (
	firstPort = 20000
	ports     = 12000
)

// taken counts the ports that this process has looked at. Processes with neighbouring
// ids begin far apart, so that two of them rarely try the same port at the same time.
var taken atomic.Int64

func init() { taken.Store(int64(os.Getpid()) * 97) }

// FreePort returns a port on which nobody listens, and which it has not returned in
// this process before, until all have had their turn. It keeps nobody else from taking
// the port.
func FreePort() (int, error) {
	var err error
	for range ports {
		port := firstPort + int(taken.Add(1)%ports)
		l, lerr := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
		if lerr == nil {
			return port, l.Close()
		}
		err = lerr
	}
	return 0, fmt.Errorf("find a free port from %d to %d: %w", firstPort, firstPort+ports-1, err)
}
