package features

import (
	_ "embed"
	"errors"
	"fmt"
	"sync"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/jsonfile"
)

// maxFile is the size of the largest features file, in bytes.
const maxFile = 1 << 20

// Schema is the JSON Schema of features files.
//
//go:embed features.schema.json
var Schema []byte

// Parse parses and checks a features file. The error wraps [fleet.ErrBadModel], and names the
// line and column of the first mistake.
func Parse(data []byte) (*Spec, error) {
	if len(data) > maxFile {
		return nil, fmt.Errorf("%w: features file: %d bytes are more than %d", fleet.ErrBadModel, len(data), maxFile)
	}
	spec := &Spec{}
	err := schema().Read(data, spec, spec.check)
	var mistake *jsonfile.Error
	switch {
	case errors.As(err, &mistake):
		return nil, fmt.Errorf("%w: features file, %w", fleet.ErrBadModel, err)
	case err != nil:
		return nil, fmt.Errorf("%w: features file: %w", fleet.ErrBadModel, err)
	}
	return spec, nil
}

// schema is compiled once.
var schema = sync.OnceValue(func() *jsonfile.Schema {
	return jsonfile.Compile(Schema, map[string]func(string) error{"pandas-offset": func(text string) error {
		_, err := parseDuration(text)
		return err
	}})
})
