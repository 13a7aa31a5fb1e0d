package simulate

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/spawn"
)

const (
	readingsPerEvent = 100
	eventsPerBatch   = 10
	senders          = 4
	maxWaiting       = 200_000 // readings in memory, of all sensors
)

// Send sends valid readings to h. It keeps the order of each sensor's readings, and
// sends those of different sensors in parallel. An event has up to 100 readings of
// one sensor, as a JSON array. The partition key is the sensor. Send stops at the
// first error of the sequence or of the hub. The readings may then be sent again.
// After each batch it calls sent with the number of the batch's readings, from several
// goroutines. sent may be nil.
func (h *Hub) Send(ctx context.Context, readings iter.Seq2[fleet.Reading, error], sent func(n int)) error {
	group, ctx := spawn.WithContext(ctx)
	queues := make([]chan batch, senders)
	for i := range queues {
		queues[i] = make(chan batch)
		group.Start(func() error { return h.drain(ctx, queues[i], sent) })
	}
	group.Start(func() error {
		defer func() {
			for _, q := range queues {
				close(q)
			}
		}()
		return fill(ctx, readings, queues, maxWaiting)
	})
	return group.Wait()
}

// batch is up to a thousand readings of one sensor.
type batch struct {
	id     fleet.ID
	bodies []string
	n      int
}

func (h *Hub) drain(ctx context.Context, queue <-chan batch, sent func(int)) error {
	for b := range queue {
		for _, bodies := range pieces(b.bodies) {
			if err := h.SendBatch(ctx, partitionKey(b.id), bodies); err != nil {
				return err
			}
		}
		if sent != nil {
			sent(b.n)
		}
	}
	return nil
}

// partitionKey returns the sensor, or its hash if it is longer than 128 characters,
// the limit of Event Hubs.
func partitionKey(id fleet.ID) string {
	key := id.String()
	if utf8.RuneCountInString(key) <= 128 {
		return key
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(key)))
}

// pieces splits bodies into batches below 256 KB, the limit of the smallest tier of
// Event Hubs. In a batch each quote and backslash of a body is escaped. An event with
// the longest names has about 180 KB.
func pieces(bodies []string) [][]string {
	const most = 200_000
	var all [][]string
	size := 0
	for _, body := range bodies {
		n := len(body) + strings.Count(body, `"`) + strings.Count(body, `\`) + 600
		if len(all) == 0 || size+n > most {
			all, size = append(all, nil), 0
		}
		all[len(all)-1] = append(all[len(all)-1], body)
		size += n
	}
	return all
}

// fill gathers readings into batches of one sensor each, and keeps at most the given number
// of readings waiting. All batches of a sensor go to the same queue, which keeps their order.
func fill(ctx context.Context, readings iter.Seq2[fleet.Reading, error], queues []chan batch, most int) error {
	waiting := make(map[fleet.ID][]fleet.Reading)
	n := 0 // readings that wait
	push := func(id fleet.ID) error {
		rs := waiting[id]
		delete(waiting, id)
		n -= len(rs)
		key := fnv.New32a()
		_, _ = key.Write([]byte(id.String()))
		select {
		case queues[key.Sum32()%uint32(len(queues))] <- batch{id, encode(rs), len(rs)}:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for r, err := range readings {
		if err != nil {
			return err
		}
		waiting[r.ID] = append(waiting[r.ID], r)
		n++
		if len(waiting[r.ID]) == readingsPerEvent*eventsPerBatch {
			if err := push(r.ID); err != nil {
				return err
			}
		}
		if n == most {
			if err := pushAll(waiting, push); err != nil {
				return err
			}
		}
	}
	return pushAll(waiting, push)
}

func pushAll(waiting map[fleet.ID][]fleet.Reading, push func(fleet.ID) error) error {
	for _, id := range slices.SortedFunc(maps.Keys(waiting), fleet.CompareID) {
		if err := push(id); err != nil {
			return err
		}
	}
	return nil
}

// encode returns the bodies of the events that carry rs.
func encode(rs []fleet.Reading) []string {
	var bodies []string
	for len(rs) > 0 {
		n := min(len(rs), readingsPerEvent)
		bodies = append(bodies, string(appendJSON(nil, rs[:n])))
		rs = rs[n:]
	}
	return bodies
}

// appendJSON appends readings of one sensor.
func appendJSON(b []byte, rs []fleet.Reading) []byte {
	device, _ := json.Marshal(rs[0].ID.Device) // strings have no error
	sensor, _ := json.Marshal(rs[0].ID.Sensor)
	for i, r := range rs {
		b = append(b, "[,"[min(i, 1)])
		b = append(b, `{"device":`...)
		b = append(b, device...)
		b = append(b, `,"sensor":`...)
		b = append(b, sensor...)
		b = append(b, `,"ts":"`...)
		b = r.Time.Append(b)
		b = append(b, `","value":`...)
		b = strconv.AppendFloat(b, r.Value, 'g', -1, 64)
		b = append(b, '}')
	}
	return append(b, ']')
}
