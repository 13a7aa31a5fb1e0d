package tabular

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/timestamp"
)

// table is a file whose rows are being read.
type table struct {
	reader *Reader
	opt    Options // those of the reader, with the delimiter of the file
	source *source
	each   func(fleet.Reading) bool // takes the readings; false: no more are wanted
	space  []byte                   // a buffer for texts
	// numeric are the columns of a JSON file that have had numbers.
	numeric map[string]bool
	zoned   bool // the first time was looked at: see [Options.Unzoned]
}

// row reads the readings of a row. Place names the row in errors; it is called only for them.
// The error is [errStop], or that of a refused row with [Options.Strict].
func (t *table) row(l *layout, cells []cell, place func() string) error {
	r := t.reader
	r.report.Rows++
	if !slices.ContainsFunc(cells, func(c cell) bool { return c.kind != text || len(c.text) > 0 || c.stray }) {
		r.report.Rows--
		return nil // a line of delimiters alone
	}
	if need := max(l.time, l.clock, l.device, l.sensor, l.value); need >= len(cells) {
		return r.refuse(place(), fmt.Errorf("%w: the row has %d columns, at least %d are wanted", fleet.ErrInvalid, len(cells), need+1))
	}
	at, err := t.time(l, cells)
	if err != nil {
		return r.refuse(place(), err)
	}
	if !t.zoned {
		t.zoned = true
		t.lookForZone(l, cells, at)
	}
	bad := l.quality != none && l.quality < len(cells) && cells[l.quality].bad()
	device, err := name(cells, l.device, l.constDevice, "device")
	if err != nil {
		return r.refuse(place(), err)
	}
	if l.value != none {
		sensor, err := name(cells, l.sensor, l.constSensor, "sensor")
		if err != nil {
			return r.refuse(place(), err)
		}
		if bad {
			r.report.Missing++
			return nil
		}
		return t.reading(device, sensor, at, cells[l.value], place)
	}
	for _, i := range l.sensors {
		if i < len(cells) && cells[i].kind == note {
			continue
		}
		if i >= len(cells) || bad {
			r.report.Missing++
			continue
		}
		column := func() string { return place() + ", column " + strconv.Quote(l.names[i]) }
		if err := t.reading(device, []byte(l.names[i]), at, cells[i], column); err != nil {
			return err
		}
	}
	return nil
}

// reading passes one reading to t.each, unless its value is missing or it is refused.
func (t *table) reading(device, sensor []byte, at fleet.Millis, value cell, place func() string) error {
	r := t.reader
	if value.isMissing() {
		r.report.Missing++
		return nil
	}
	v, err := t.opt.value(value)
	if err != nil {
		return r.refuse(place(), err)
	}
	reading := fleet.Reading{Time: at, Value: v}
	if reading.ID, err = r.names.id(device, sensor); err == nil {
		err = reading.ValidateValue()
	}
	if err != nil {
		return r.refuse(place(), err)
	}
	r.report.Read++
	if !t.each(reading) {
		return errStop
	}
	return nil
}

// lookForZone calls Unzoned if the time of a row has no offset. Such a time is another in
// another zone.
func (t *table) lookForZone(l *layout, cells []cell, at fleet.Millis) {
	opt := t.opt
	if opt.Zone != nil || opt.Unzoned == nil || t.reader.told {
		return
	}
	t.opt.Zone = time.FixedZone("", 60*60)
	other, err := t.time(l, cells)
	t.opt = opt
	if cells[l.time].local || err == nil && other != at {
		t.reader.told = true
		opt.Unzoned(t.source.name, at)
	}
}

// time returns the time of a row.
func (t *table) time(l *layout, cells []cell) (fleet.Millis, error) {
	c := cells[l.time]
	if l.clock != none && (c.kind == text || c.kind == moment && len(c.text) > 0) && cells[l.clock].kind == text {
		t.space = append(append(append(t.space[:0], c.text...), ' '), cells[l.clock].text...)
		return t.opt.parseTime(t.space)
	}
	switch c.kind {
	case moment:
		return c.moment, nil
	case text:
		return t.opt.parseTime(c.text)
	case number:
		t.space = strconv.AppendFloat(t.space[:0], c.number, 'f', -1, 64)
		return t.opt.parseTime(t.space)
	}
	return 0, fmt.Errorf("%w: the time is missing", fleet.ErrInvalid)
}

// name returns the name in the column at, or the constant if at is none. The name of a number is
// its decimal text.
func name(cells []cell, at int, constant []byte, what string) ([]byte, error) {
	if at == none {
		return constant, nil
	}
	switch c := cells[at]; c.kind {
	case text:
		if c.stray {
			return nil, fmt.Errorf("%w: %s %.80q begins with a quote that is not closed at its end", fleet.ErrInvalid, what, c.text)
		}
		return bytes.TrimSpace(c.text), nil
	case number:
		if len(c.text) > 0 {
			return c.text, nil
		}
		return strconv.AppendFloat(nil, c.number, 'f', -1, 64), nil
	}
	return nil, fmt.Errorf("%w: %s: the name is missing", fleet.ErrInvalid, what)
}

// parseTime reads a text that is a time.
func (o Options) parseTime(b []byte) (fleet.Millis, error) {
	return timestamp.Parse(b, timestamp.Format{Zone: o.Zone, Order: o.DateOrder, Points: true})
}
