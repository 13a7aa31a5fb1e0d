package series

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"math"
	"os"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// part is a temporary file of points, sorted by sensor and time. A point is its time and the
// bits of its value, each 8 bytes, little-endian.
type part struct {
	file  *os.File
	first []int64 // by sensor: the number of its first point; then the number of points
	gone  bool    // the file's name is already removed
}

func writePart(dir string, points [][]Point) (p *part, err error) {
	f, err := os.CreateTemp(dir, "fleetscore-readings-")
	if err != nil {
		return nil, err
	}
	p = &part{file: f, first: make([]int64, 1, len(points)+1)}
	p.gone = os.Remove(f.Name()) == nil // so that no file is left if the process is killed
	defer func() {
		if err != nil {
			_ = p.close()
		}
	}()
	w := bufio.NewWriterSize(f, 1<<20)
	var b [pointBytes]byte
	for _, of := range points {
		for _, q := range of {
			binary.LittleEndian.PutUint64(b[:8], uint64(q.Time))
			binary.LittleEndian.PutUint64(b[8:], math.Float64bits(q.Value))
			if _, err := w.Write(b[:]); err != nil {
				return nil, err
			}
		}
		p.first = append(p.first, p.first[len(p.first)-1]+int64(len(of)))
	}
	return p, w.Flush()
}

func (p *part) close() error {
	err := p.file.Close()
	if !p.gone {
		err = os.Remove(p.file.Name())
	}
	return err
}

// region returns the numbers of a sensor's first point and of the point after its last.
func (p *part) region(sensor int32) (from, to int64) {
	if int(sensor) >= len(p.first)-1 {
		return 0, 0 // the sensor was added after the file was written
	}
	return p.first[sensor], p.first[sensor+1]
}

// read fills to with the points that begin with number from.
func (p *part) read(to []Point, from int64, space []byte) error {
	b := space[:int64(len(to))*pointBytes]
	if _, err := p.file.ReadAt(b, from*pointBytes); err != nil {
		return fmt.Errorf("read readings from disk: %w", err)
	}
	for i := range to {
		to[i].Time = fleet.Millis(binary.LittleEndian.Uint64(b[int64(i)*pointBytes:]))
		to[i].Value = math.Float64frombits(binary.LittleEndian.Uint64(b[int64(i)*pointBytes+8:]))
	}
	return nil
}
