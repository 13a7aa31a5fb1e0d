package xgboost

import (
	"bytes"
	"encoding/binary"
)

// Format is the format of a model file.
type Format int

// The formats. Unknown is none of them.
const (
	Unknown Format = iota
	JSON           // save_model('….json')
	UBJSON         // save_model('….ubj'), and in pickles since 1.6
	Legacy         // the binary format, written up to 3.0
)

// serialized is the beginning of a Booster that 1.0 to 1.3 pickled. After it come the length
// of a model in the binary format, the model, and the configuration as JSON.
const serialized = "CONFIG-offset:"

// Sniff returns the format of data by its beginning.
func Sniff(data []byte) Format {
	switch {
	case bytes.HasPrefix(data, []byte(serialized)), bytes.HasPrefix(data, []byte("binf")):
		return Legacy
	case len(data) > 1 && data[0] == '{':
		next := bytes.TrimLeft(data[1:min(len(data), 256)], " \t\r\n")
		switch {
		case len(next) > 0 && next[0] == '"' && bytes.Contains(data, []byte(`"learner"`)):
			return JSON
		case data[1] == 'L':
			return UBJSON
		}
	case looksLegacy(data):
		return Legacy
	}
	return Unknown
}

// looksLegacy reports whether data begins like a model in the binary format: parameters,
// then the names of the objective and the booster.
func looksLegacy(data []byte) bool {
	const parameters = 136
	if len(data) < parameters+8 {
		return false
	}
	n := binary.LittleEndian.Uint64(data[parameters:])
	if n < 3 || n > 64 || uint64(len(data)) < parameters+8+n+8+4 {
		return false
	}
	name := data[parameters+8:]
	return bytes.IndexByte(name[:n], ':') > 0 && bytes.HasPrefix(name[n+8:], []byte("gb")) || bytes.HasPrefix(name[n+8:], []byte("dart"))
}
