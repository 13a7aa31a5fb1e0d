// Package pickletest writes values that were read from Python's files as the scripts in
// the testdata of its importers do, so that tests compare text.
package pickletest

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"strconv"
)

// Scalar returns None, a bool, an int, a float or a str as text: a float by its 64 bits
// in hex, unless it is NaN, and a str as JSON. It returns false for any other value.
func Scalar(v any) (string, bool) {
	switch v := v.(type) {
	case nil:
		return "None", true
	case bool:
		return map[bool]string{false: "False", true: "True"}[v], true
	case int64:
		return strconv.FormatInt(v, 10), true
	case float64:
		if math.IsNaN(v) {
			return "nan", true
		}
		return "f" + hex.EncodeToString(binary.BigEndian.AppendUint64(nil, math.Float64bits(v))), true
	case string:
		quoted, err := json.Marshal(v)
		return string(quoted), err == nil
	}
	return "", false
}
