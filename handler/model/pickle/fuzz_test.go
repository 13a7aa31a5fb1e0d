package pickle_test

import (
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/measure"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// FuzzRead holds that no input makes the reader crash, take a second of CPU
// time, or allocate beyond its budget.
func FuzzRead(f *testing.F) {
	for _, tt := range hostile {
		if len(tt.data) < 1<<10 {
			f.Add([]byte(tt.data))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := measure.CPU()
		_, err := pickle.Read(data, pickle.Options{Allow: allowNumpy})
		if took := measure.CPU() - start; took > time.Second {
			t.Errorf("it took %v", took)
		}
		runtime.ReadMemStats(&after)
		var where *pickle.Error
		if err != nil && !errors.As(err, &where) {
			t.Errorf("an error that does not say where: %v", err)
		}
		if grown := after.TotalAlloc - before.TotalAlloc; grown > uint64((8+64)*len(data)+2<<20) {
			t.Errorf("%d bytes allocated for a file of %d", grown, len(data))
		}
	})
}
