package loopback

import (
	"fmt"
	"net"
	"testing"
)

// TestFreePort asks for ports while the next one in turn is taken.
func TestFreePort(t *testing.T) {
	seen := map[int]bool{}
	for range 100 {
		next := firstPort + int((taken.Load()+1)%ports)
		if l, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", next)); err == nil {
			defer l.Close()
		}
		port, err := FreePort()
		if err != nil {
			t.Fatal(err)
		}
		if port == next {
			t.Errorf("port %d is returned, on which somebody listens", port)
		}
		if port < firstPort || port >= firstPort+ports {
			t.Errorf("port %d is outside of %d to %d", port, firstPort, firstPort+ports-1)
		}
		if seen[port] {
			t.Errorf("port %d is returned twice", port)
		}
		seen[port] = true
	}
}
