package export

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// row is a row of a Parquet file.
type row struct {
	TS   int64  `parquet:"ts,timestamp(millisecond)"` // UTC
	Name string `parquet:"name,dict"`                 // of the sensor or device model
	Kind string `parquet:"kind,dict"`                 // sensor or device_model
	// Value is the reading, or the first aggregate; null for a device model.
	Value *float64 `parquet:"value,optional"`
	// Prediction is 1 or 0 for a detector, the value for a regressor, and null for a classifier.
	Prediction *float64 `parquet:"prediction,optional"`
	Label      *string  `parquet:"label,optional,dict"` // the class of a classifier
	Score      *float64 `parquet:"score,optional"`
	// Features are the columns of the CSV after Score, by name. Empty values are left out.
	Features []feature `parquet:"features,list"`
	Run      string    `parquet:"run,dict"`
}

type feature struct {
	Name  string  `parquet:"name,dict"`
	Value float64 `parquet:"value"`
}

const (
	rowsAtOnce   = 1024
	rowsPerGroup = 1 << 17
)

// writer writes one Parquet file.
type writer struct {
	*parquet.GenericWriter[row]
	rows []row
}

func newWriter(w io.Writer) *writer {
	return &writer{parquet.NewGenericWriter[row](w, parquet.Compression(&parquet.Snappy), parquet.MaxRowsPerRowGroup(rowsPerGroup), parquet.CreatedBy("fleetscore", "1", "")),
		make([]row, 0, rowsAtOnce)}
}

// add adds the rows of a CSV of predictions, as package score writes it, and
// returns how many there were.
func (w *writer) add(run string, id fleet.ID, data []byte) (n int, err error) {
	lines := csv.NewReader(bytes.NewReader(data))
	lines.ReuseRecord = true
	head, err := lines.Read()
	if errors.Is(err, io.EOF) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	// TS,Device,Sensor,Val,Prediction,Score,… or TS,Device,Model,Prediction,Score,…
	verdict := 3
	if len(head) > 3 && head[3] == "Val" {
		verdict = 4
	}
	score := verdict + 1
	if len(head) <= score || head[0] != "TS" || head[verdict] != "Prediction" || head[score] != "Score" {
		return 0, fmt.Errorf("%w: it begins with %q, not with the head of predictions", fleet.ErrInvalid, head)
	}
	var names []string
	classifier := false
	for _, name := range head[score+1:] {
		names = append(names, strings.Clone(name))
		classifier = classifier || strings.HasPrefix(name, "P(")
	}
	kind := "sensor"
	if id.DeviceModel != "" {
		kind = "device_model"
	}
	for {
		line, err := lines.Read()
		if errors.Is(err, io.EOF) {
			return n, w.flush()
		}
		if err != nil {
			return n, err
		}
		ts, err := fleet.ParseMillis(line[0])
		if err != nil {
			return n, err
		}
		r := row{TS: int64(ts), Name: id.Name(), Kind: kind, Score: number(line[score]), Run: run}
		if verdict == 4 {
			r.Value = number(line[3])
		}
		if classifier {
			label := strings.Clone(line[verdict])
			r.Label = &label
		} else {
			r.Prediction = number(line[verdict])
		}
		for i, text := range line[score+1:] {
			if v := number(text); v != nil {
				r.Features = append(r.Features, feature{names[i], *v})
			}
		}
		n++
		if w.rows = append(w.rows, r); len(w.rows) == rowsAtOnce {
			if err := w.flush(); err != nil {
				return n, err
			}
		}
	}
}

func (w *writer) flush() error {
	_, err := w.Write(w.rows)
	clear(w.rows)
	w.rows = w.rows[:0]
	return err
}

// number parses a number. It returns nil for an empty text, NaN, or no number.
func number(text string) *float64 {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(v) {
		return nil
	}
	return &v
}
