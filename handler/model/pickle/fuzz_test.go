package pickle_test

import (
	"errors"
	"testing"

	"github.com/fleetscore/fleetscore/handler/measure"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// FuzzRead checks that no input makes the reader panic, take a second of CPU time or
// allocate beyond its budget. An error says where it is.
func FuzzRead(f *testing.F) {
	for _, tt := range hostile {
		if len(tt.data) < 1<<10 {
			f.Add([]byte(tt.data))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var err error
		measure.Bounded(t, mostMemory(data), func() { _, err = pickle.Read(data, pickle.Options{Allow: allowNumpy}) })
		var where *pickle.Error
		if err != nil && !errors.As(err, &where) {
			t.Errorf("the error does not say where it is: %v", err)
		}
	})
}
