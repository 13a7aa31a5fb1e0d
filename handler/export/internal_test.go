package export

import (
	"bytes"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// Parquet returns the Parquet file of one CSV.
func Parquet(run string, id fleet.ID, csv []byte) ([]byte, error) {
	var b bytes.Buffer
	w := newWriter(&b)
	if _, err := w.add(run, id, csv); err != nil {
		return nil, err
	}
	err := w.Close()
	return b.Bytes(), err
}
