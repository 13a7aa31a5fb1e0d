package tabular

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"os"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/timestamp"
)

// parquetRows is how many rows are read at a time.
const parquetRows = 512

// parquet reads a Parquet file whose columns have one value in each row. Parquet is read from
// its end. So a file that is compressed as a whole, or comes through stdin, is written to a
// temporary file first.
func (t *table) parquet() (err error) {
	defer func() { // the library may panic on a damaged file
		if p := recover(); p != nil {
			err = fmt.Errorf("%s: %w: the Parquet file is damaged: %v", t.source.name, fleet.ErrInvalid, p)
		}
	}()
	f := t.source.file
	if !t.source.plain {
		var remove func()
		if f, remove, err = Spool(t.source); err != nil {
			return err
		}
		defer remove()
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := checkFooter(f, info.Size()); err != nil {
		return fmt.Errorf("%s: %w: %w", t.source.name, fleet.ErrInvalid, err)
	}
	file, err := parquet.OpenFile(f, info.Size())
	if err != nil {
		return fmt.Errorf("%s: %w: Parquet: %w", t.source.name, fleet.ErrInvalid, err)
	}
	columns := file.Schema().Columns()
	names, readers := make([]string, len(columns)), make([]func(parquet.Value) cell, len(columns))
	for i, path := range columns {
		leaf, _ := file.Schema().Lookup(path...)
		names[i] = strings.Join(path, ".")
		readers[i] = reader(leaf, t.opt.Zone)
	}
	i := 0
	for _, e := range file.Metadata().Schema { // the library has no type for floats of 16 bits
		if _, is := logicalType(&e.LogicalType).(*format.Float16Type); is && i < len(readers) {
			readers[i] = half
		}
		if e.Type.Valid { // a column, not a group of columns
			i++
		}
	}
	l, err := t.opt.locate(names, t.source.name)
	if err != nil {
		return fmt.Errorf("%s: %w", t.source.name, err)
	}
	if err := t.drop(l, func(i int) bool {
		leaf, _ := file.Schema().Lookup(columns[i]...)
		return leaf.MaxRepetitionLevel > 0 || words(leaf.Node.Type())
	}); err != nil {
		return fmt.Errorf("%s: %w", t.source.name, err)
	}
	n := 0
	place := func() string { return fmt.Sprintf("%s: row %d", t.source.name, n) }
	cells := make([]cell, len(columns))
	for _, group := range file.RowGroups() {
		readErr, err := eachRow(group, func(row parquet.Row) error {
			n++
			for i := range cells {
				cells[i] = cell{kind: missing}
			}
			for _, v := range row {
				if i := v.Column(); i >= 0 && i < len(cells) {
					cells[i] = readers[i](v)
				}
			}
			return t.row(l, cells, place)
		})
		if readErr != nil {
			return fmt.Errorf("%s: %w: Parquet, after row %d: %w", t.source.name, fleet.ErrInvalid, n, readErr)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// eachRow calls f with each row of a group, until f returns an error, which it returns as err.
// readErr says that the rows cannot be read.
func eachRow(group parquet.RowGroup, f func(parquet.Row) error) (readErr, err error) {
	rows := group.Rows()
	defer rows.Close()
	buffer := make([]parquet.Row, parquetRows)
	for {
		k, readErr := rows.ReadRows(buffer)
		for _, row := range buffer[:k] {
			if err := f(row); err != nil {
				return nil, err
			}
		}
		if errors.Is(readErr, io.EOF) {
			return nil, nil
		}
		if readErr != nil {
			return readErr, nil
		}
	}
}

// checkFooter checks the length of the footer, which stands at the end of a Parquet file. The
// library allocates as many bytes before it reads them.
// https://parquet.apache.org/docs/file-format/
func checkFooter(f io.ReaderAt, size int64) error {
	const magic = "PAR1" // the file's first four bytes, and its last
	var end [4 + len(magic)]byte
	if size < int64(len(magic)+len(end)) {
		return fmt.Errorf("it has %d bytes, too few for a Parquet file", size)
	}
	if _, err := f.ReadAt(end[:], size-int64(len(end))); err != nil {
		return err
	}
	if string(end[4:]) != magic {
		return errors.New("the Parquet file is cut off: it does not end with PAR1; copy it again")
	}
	if n := int64(binary.LittleEndian.Uint32(end[:])); n > size-int64(len(magic)+len(end)) {
		return fmt.Errorf("the Parquet file is damaged: it says that its footer has %d bytes, more than the file; copy it again", n)
	}
	return nil
}

// Spool copies the rest of r to a temporary file, for content that is read from its end or
// twice. Remove closes and removes the file.
func Spool(r io.Reader) (f *os.File, remove func(), err error) {
	f, err = os.CreateTemp("", "fleetscore-input-*")
	if err != nil {
		return nil, nil, err
	}
	remove = func() {
		f.Close()
		os.Remove(f.Name())
	}
	if _, err := io.Copy(f, r); err != nil {
		remove()
		return nil, nil, err
	}
	return f, remove, nil
}

// words reports whether a column of this type holds text.
func words(typ parquet.Type) bool {
	logical := typ.LogicalType()
	_, decimal := logicalType(logical).(*format.DecimalType)
	return typ.Kind() == parquet.ByteArray && !decimal
}

// logicalType returns the value of a logical type, nil if the column has none.
func logicalType(t *format.LogicalType) format.LogicalTypeValue {
	if t == nil {
		return nil
	}
	return t.Value
}

// reader returns a function that converts a column's values to cells. Zone is the zone of times
// that are not in UTC; nil: UTC.
func reader(leaf parquet.LeafColumn, zone *time.Location) func(parquet.Value) cell {
	typ := leaf.Node.Type()
	logical := typ.LogicalType()
	plain := func(parquet.Value) cell { return cell{kind: other} }
	switch typ.Kind() {
	case parquet.Boolean:
		plain = func(v parquet.Value) cell {
			if v.Boolean() {
				return cell{kind: number, number: 1, text: []byte("true")}
			}
			return cell{kind: number, text: []byte("false")}
		}
	case parquet.Int32:
		plain = func(v parquet.Value) cell { return whole(int64(v.Int32())) }
	case parquet.Int64:
		plain = func(v parquet.Value) cell { return whole(v.Int64()) }
	case parquet.Float:
		plain = func(v parquet.Value) cell { return cell{kind: number, number: float64(v.Float())} }
	case parquet.Double:
		plain = func(v parquet.Value) cell { return cell{kind: number, number: v.Double()} }
	case parquet.ByteArray:
		plain = func(v parquet.Value) cell { return cell{text: bytes.TrimSpace(v.ByteArray())} }
	case parquet.Int96:
		plain = func(v parquet.Value) cell { return cell{kind: moment, moment: julian(v.Int96())} }
	}
	switch logical := logicalType(logical).(type) {
	case *format.TimestampType:
		per := perMilli(logical.Unit)
		plain = func(v parquet.Value) cell {
			m := floor(v.Int64(), per)
			if zone != nil && !logical.IsAdjustedToUTC {
				m = fleet.MillisOf(timestamp.In(zone, m.Time()))
			}
			return cell{kind: moment, moment: m, local: !logical.IsAdjustedToUTC}
		}
	case *format.DateType:
		plain = func(v parquet.Value) cell {
			m := fleet.Millis(v.Int32()) * fleet.Millis(24*time.Hour/time.Millisecond)
			return cell{kind: moment, moment: m, text: m.Time().AppendFormat(nil, time.DateOnly)}
		}
	case *format.TimeType:
		per := perMilli(logical.Unit)
		plain = func(v parquet.Value) cell {
			n := v.Int64()
			if typ.Kind() == parquet.Int32 {
				n = int64(v.Int32())
			}
			return cell{text: floor(n, per).Time().AppendFormat(nil, "15:04:05.000")}
		}
	case *format.IntType:
		if !logical.IsSigned {
			plain = func(v parquet.Value) cell {
				n := v.Uint64()
				if typ.Kind() == parquet.Int32 {
					n = uint64(v.Uint32())
				}
				return cell{kind: number, number: float64(n), text: fmt.Append(nil, n)}
			}
		}
	case *format.DecimalType:
		plain = decimal(typ.Kind(), int(logical.Scale))
	}
	return func(v parquet.Value) cell {
		if v.IsNull() {
			return cell{kind: missing}
		}
		return plain(v)
	}
}

// half converts a float of 16 bits (binary16 of IEEE 754) to a cell.
func half(v parquet.Value) cell {
	b := v.ByteArray()
	if v.IsNull() || len(b) != 2 {
		return cell{kind: missing}
	}
	bits := binary.LittleEndian.Uint16(b)
	exponent, fraction := int(bits>>10&0x1f), float64(bits&0x3ff)
	var x float64
	switch exponent {
	case 0:
		x = math.Ldexp(fraction, -24)
	case 0x1f:
		x = math.Inf(1)
		if fraction != 0 {
			x = math.NaN()
		}
	default:
		x = math.Ldexp(1024+fraction, exponent-25)
	}
	if bits>>15 == 1 {
		x = -x
	}
	return cell{kind: number, number: x}
}

// whole returns a cell for an integer. Its text is exact, which matters if it is a time.
func whole(n int64) cell {
	return cell{kind: number, number: float64(n), text: fmt.Append(nil, n)}
}

// perMilli returns how many units a millisecond has.
func perMilli(u format.TimeUnit) int64 {
	switch u.Value.(type) {
	case *format.MicroSeconds:
		return 1000
	case *format.NanoSeconds:
		return 1_000_000
	}
	return 1
}

// floor returns n/per, rounded down.
func floor(n, per int64) fleet.Millis {
	m := n / per
	if n%per < 0 {
		m--
	}
	return fleet.Millis(m)
}

// julian returns the time in an INT96, the old timestamps of Spark and Hive: 8 bytes with the
// nanoseconds of the day, and 4 bytes with the Julian day number.
func julian(v deprecated.Int96) fleet.Millis {
	const epoch = 2_440_588 // 1970-01-01
	nanos := int64(v[1])<<32 | int64(v[0])
	return fleet.Millis((int64(v[2])-epoch)*int64(24*time.Hour/time.Millisecond)) + floor(nanos, 1_000_000)
}

// decimal returns a function that converts decimal numbers, n·10^-scale, to cells.
func decimal(kind parquet.Kind, scale int) func(parquet.Value) cell {
	return func(v parquet.Value) cell {
		n := new(big.Int)
		switch kind {
		case parquet.Int32:
			n.SetInt64(int64(v.Int32()))
		case parquet.Int64:
			n.SetInt64(v.Int64())
		default: // big-endian two's complement
			b := v.ByteArray()
			n.SetBytes(b)
			if len(b) > 0 && b[0]&0x80 != 0 {
				n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
			}
		}
		if scale < 0 || scale > 1000 {
			return cell{kind: other}
		}
		f, _ := new(big.Rat).SetFrac(n, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)).Float64()
		return cell{kind: number, number: f}
	}
}
