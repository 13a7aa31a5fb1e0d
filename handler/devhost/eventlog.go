package devhost

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// event is one event of a hub.
type event struct {
	sequence   int64
	offset     int64 // of its record in the partition's file, in bytes
	enqueued   time.Time
	key        string // partition key; may be empty
	properties string // of the sender, a JSON object; may be empty
	system     string // of IoT Hub, a JSON object; may be empty
	body       []byte
}

// partition is an append-only file of events. A record is the length of its payload, a CRC-32C
// of the payload, and the payload. Length and CRC are 32 bits, little-endian. If the process is
// killed, the last record may be incomplete. It is cut off when the file is opened.
type partition struct {
	mu      sync.Mutex
	f       *os.File
	starts  []int64       // the offsets of the records
	end     int64         // the offset after the last record
	changed chan struct{} // closed by the next append
}

const (
	recordHeader = 8
	maxRecord    = 2 << 20 // bytes of a payload
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// openPartition opens the file of a partition. It makes the file if it is not there.
func openPartition(path string) (*partition, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("open event log: %w", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open event log: %w", err)
	}
	p := &partition{f: f, changed: make(chan struct{})}
	if err := p.recover(); err != nil {
		f.Close()
		return nil, fmt.Errorf("open event log %s: %w", path, err)
	}
	return p, nil
}

// recover finds the complete records, and cuts off the rest of the file.
func (p *partition) recover() error {
	info, err := p.f.Stat()
	if err != nil {
		return err
	}
	r := io.NewSectionReader(p.f, 0, info.Size())
	var payload []byte
	for {
		payload, err = readRecord(r, payload[:0])
		if err != nil {
			break
		}
		p.starts = append(p.starts, p.end)
		p.end += recordHeader + int64(len(payload))
	}
	if errors.Is(err, io.EOF) && p.end == info.Size() {
		return nil
	}
	return p.f.Truncate(p.end)
}

var errTorn = errors.New("torn record")

// readRecord reads the payload of the next record into buf. The error is io.EOF after the last
// record, and wraps errTorn if the record is incomplete or damaged.
func readRecord(r io.Reader, buf []byte) ([]byte, error) {
	var h [recordHeader]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint32(h[:])
	if n > maxRecord {
		return nil, errTorn
	}
	if cap(buf) < int(n) {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	if _, err := io.ReadFull(r, buf); err != nil {
		return nil, errTorn
	}
	if crc32.Checksum(buf, castagnoli) != binary.LittleEndian.Uint32(h[4:]) {
		return nil, errTorn
	}
	return buf, nil
}

// append adds events in one write. If the process is killed meanwhile, only the first of them
// may be there.
func (p *partition) append(events []event) error {
	var b []byte
	starts := make([]int64, len(events))
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, e := range events {
		starts[i] = p.end + int64(len(b))
		at := len(b)
		b = append(b, make([]byte, recordHeader)...)
		b = e.appendTo(b)
		payload := b[at+recordHeader:]
		binary.LittleEndian.PutUint32(b[at:], uint32(len(payload)))
		binary.LittleEndian.PutUint32(b[at+4:], crc32.Checksum(payload, castagnoli))
	}
	if _, err := p.f.WriteAt(b, p.end); err != nil {
		return fmt.Errorf("append to the event log: %w", err)
	}
	p.starts = append(p.starts, starts...)
	p.end += int64(len(b))
	close(p.changed)
	p.changed = make(chan struct{})
	return nil
}

// count returns the number of events, and a channel that the next append closes.
func (p *partition) count() (int64, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return int64(len(p.starts)), p.changed
}

// read returns up to n events, from a sequence number on.
func (p *partition) read(from int64, n int) ([]event, error) {
	p.mu.Lock()
	starts, end := p.starts, p.end
	p.mu.Unlock()
	if from >= int64(len(starts)) {
		return nil, nil
	}
	last := min(from+int64(n), int64(len(starts)))
	if last < int64(len(starts)) {
		end = starts[last]
	}
	r := io.NewSectionReader(p.f, starts[from], end-starts[from])
	events := make([]event, 0, last-from)
	for seq := from; seq < last; seq++ {
		payload, err := readRecord(r, nil)
		if err != nil {
			return nil, fmt.Errorf("read the event log at %d: %w", starts[seq], err)
		}
		e, err := decodeEvent(payload)
		if err != nil {
			return nil, fmt.Errorf("read the event log at %d: %w", starts[seq], err)
		}
		e.sequence, e.offset = seq, starts[seq]
		events = append(events, e)
	}
	return events, nil
}

func (e *event) appendTo(b []byte) []byte {
	b = binary.AppendVarint(b, e.enqueued.UnixMilli())
	b = binary.AppendUvarint(b, uint64(len(e.key)))
	b = append(b, e.key...)
	b = binary.AppendUvarint(b, uint64(len(e.properties)))
	b = append(b, e.properties...)
	b = binary.AppendUvarint(b, uint64(len(e.system)))
	b = append(b, e.system...)
	return append(b, e.body...)
}

func decodeEvent(b []byte) (event, error) {
	ms, n := binary.Varint(b)
	if n <= 0 {
		return event{}, errTorn
	}
	b = b[n:]
	var text [3]string
	for i := range text {
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return event{}, errTorn
		}
		text[i], b = string(b[n:n+int(size)]), b[n+int(size):]
	}
	return event{enqueued: time.UnixMilli(ms).UTC(), key: text[0], properties: text[1], system: text[2], body: b}, nil
}

// eventHub is an event hub.
type eventHub struct {
	name       string
	partitions []*partition
	mu         sync.Mutex // guards next
	next       int        // the partition of the last event without a key
}

func openEventHub(dir, name string, partitions int) (*eventHub, error) {
	h := &eventHub{name: name}
	for i := range partitions {
		p, err := openPartition(filepath.Join(dir, name, strconv.Itoa(i)+".log"))
		if err != nil {
			h.close()
			return nil, err
		}
		h.partitions = append(h.partitions, p)
	}
	return h, nil
}

func (h *eventHub) close() {
	for _, p := range h.partitions {
		p.f.Close()
	}
}
