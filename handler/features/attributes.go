package features

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// AttributesFile is the name of the file of attributes in the container models.
const AttributesFile = "devices.csv"

// Attributes are the properties of devices in devices.csv: by device, then by name of the
// column.
type Attributes map[string]map[string]string

// ParseAttributes parses devices.csv. The first line names the columns. The column device has
// the names of the devices. An error wraps [fleet.ErrBadModel].
func ParseAttributes(data []byte) (Attributes, error) {
	rows, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff")))).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", fleet.ErrBadModel, AttributesFile, err)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("%w: %s is empty: its first line must name the columns, device among them", fleet.ErrBadModel, AttributesFile)
	}
	at := slices.IndexFunc(rows[0], func(h string) bool { return strings.EqualFold(h, "device") })
	if at < 0 {
		return nil, fmt.Errorf("%w: %s has no column device; it has %s", fleet.ErrBadModel, AttributesFile, list(rows[0]))
	}
	all := make(Attributes, len(rows))
	for i, row := range rows[1:] {
		if all[row[at]] != nil {
			return nil, fmt.Errorf("%w: %s: row %d names the device %q a second time", fleet.ErrBadModel, AttributesFile, i+2, row[at])
		}
		of := make(map[string]string, len(row))
		for k, field := range row {
			of[rows[0][k]] = field
		}
		all[row[at]] = of
	}
	return all, nil
}

// Attributes returns the names of the attributes that are columns, sorted.
func (s *Spec) Attributes() []string {
	var names []string
	for _, c := range s.Derived {
		if c.Attribute != "" && !slices.Contains(names, c.Attribute) {
			names = append(names, c.Attribute)
		}
	}
	slices.Sort(names)
	return names
}

// AttributesSHA256 returns the SHA-256 of those attributes of a device that are columns, in
// lower-case hexadecimal. It returns "" if none are.
func (s *Spec) AttributesSHA256(of map[string]string) string {
	names := s.Attributes()
	if len(names) == 0 {
		return ""
	}
	sum := sha256.New()
	for _, name := range names {
		fmt.Fprintf(sum, "%q=%q\n", name, of[name])
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// MakesRows reports whether the file says how rows are made. If it does not, the names of the
// model's features are the names of sensors.
func (s *Spec) MakesRows() bool {
	return s.Rows.base() != nil || len(s.Derived)+len(s.Features) > 0 || s.Residual != ""
}
