package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
)

// collectAt is the target of the garbage collector in per cent, unless GOGC sets it: how much is
// allocated between two collections, relative to the memory in use. With Go's default of 100, a
// job takes a tenth more CPU time. The memory limit applies with any value.
const collectAt = 200

// limitMemory sets the soft memory limit of the Go runtime to six tenths of what the
// machine or container has, unless GOMEMLIMIT sets it. The rest is for the Functions
// host, which runs there too.
func limitMemory(getenv func(string) string) {
	if getenv("GOGC") == "" {
		debug.SetGCPercent(collectAt)
	}
	if getenv("GOMEMLIMIT") != "" {
		return
	}
	if all := memory(os.ReadFile); all > 0 {
		debug.SetMemoryLimit(all / 10 * 6)
	}
}

// memory returns the memory of this machine in bytes, or that of the container if it is less. It
// returns 0 if neither is known.
func memory(read func(string) ([]byte, error)) int64 {
	var all int64
	if info, err := read("/proc/meminfo"); err == nil {
		lines := bufio.NewScanner(bytes.NewReader(info))
		for lines.Scan() {
			var kib int64
			if n, _ := fmt.Sscanf(lines.Text(), "MemTotal: %d kB", &kib); n == 1 {
				all = kib << 10
			}
		}
	}
	for _, file := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		content, err := read(file)
		if err != nil {
			continue
		}
		// "max", which is no number, means no limit.
		if limit, err := strconv.ParseInt(strings.TrimSpace(string(content)), 10, 64); err == nil && (all == 0 || limit < all) {
			all = limit
		}
	}
	return all
}
