package fleet

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// MaxAnomalies is the number of anomalous rows of a job that the ledger keeps: the
// first ones. The job's count and its CSV have all.
const MaxAnomalies = 1000

// Anomaly is an anomalous row of a job's predictions.
type Anomaly struct {
	Time  Millis
	Score float64 // NaN if the model has no score
}

// AnomalousRows are anomalous rows of one job in the order of time, in the form in
// which the ledger stores them. This is JSON, which SQL can parse too:
//
//	[[1519860000000,-0.25],[1519860005000,null]]
//
// Each row has its time, in milliseconds since 1970, and its score, or null. Without
// rows the text is empty.
type AnomalousRows string

// Append appends a to rows: [AnomalousRows] without the last bracket.
func (a Anomaly) Append(rows []byte) []byte {
	if math.IsNaN(a.Score) || math.IsInf(a.Score, 0) {
		return AppendAnomaly(rows, a.Time, nil)
	}
	return AppendAnomaly(rows, a.Time, strconv.AppendFloat(nil, a.Score, 'g', -1, 64))
}

// AppendAnomaly is [Anomaly.Append] for a score that is a text: a finite decimal
// number, or empty for none.
func AppendAnomaly(rows []byte, t Millis, score []byte) []byte {
	separator := byte(',')
	if len(rows) == 0 {
		separator = '['
	}
	rows = append(strconv.AppendInt(append(rows, separator, '['), int64(t), 10), ',')
	if len(score) == 0 {
		rows = append(rows, "null"...)
	} else {
		rows = append(rows, score...)
	}
	return append(rows, ']')
}

// List parses the rows.
func (r AnomalousRows) List() ([]Anomaly, error) {
	if r == "" {
		return nil, nil
	}
	var rows [][2]*float64
	if err := json.Unmarshal([]byte(r), &rows); err != nil {
		return nil, fmt.Errorf("anomalous rows %.80q: %w", string(r), err)
	}
	all := make([]Anomaly, len(rows))
	for i, row := range rows {
		if row[0] == nil {
			return nil, fmt.Errorf("anomalous rows %.80q: %w: row %d has no time", string(r), ErrInvalid, i)
		}
		all[i] = Anomaly{Time: Millis(*row[0]), Score: math.NaN()}
		if row[1] != nil {
			all[i].Score = *row[1]
		}
	}
	return all, nil
}

// AnomalousJob is a job that found anomalies.
type AnomalousJob struct {
	Run       string
	ID        ID
	Rows      int           // predictions
	Anomalies int           // of these
	Kept      AnomalousRows // the first of them
}

// SubjectSum sums the jobs of a subject over runs.
type SubjectSum struct {
	ID        ID
	Jobs      int // scored
	Rows      int // predictions
	Anomalies int // of these
}
