package sklearn_test

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/model/pickle"
	"github.com/fleetscore/fleetscore/handler/model/sklearn"
)

type refusal struct {
	File  []byte
	Words []string
}

func readRefusals(t testing.TB) map[string]refusal {
	t.Helper()
	data, err := os.ReadFile("../testdata/refused.json")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]refusal
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestRefused checks that the error for something unsupported names the step, the class
// and the remedy.
func TestRefused(t *testing.T) {
	t.Parallel()
	for name, r := range readRefusals(t) {
		t.Run(name, func(t *testing.T) {
			_, err := sklearn.Load(r.File)
			if err == nil {
				t.Fatal("it is loaded")
			}
			for _, words := range r.Words {
				if !strings.Contains(err.Error(), words) {
					t.Errorf("%v\ndoes not say: %s", err, words)
				}
			}
			if name != "unfitted" && name != "out_of_band" && !errors.Is(err, sklearn.ErrUnsupported) {
				t.Errorf("%v is not ErrUnsupported", err)
			}
		})
	}
}

// TestDamaged checks that a file that is cut short, or has a changed byte, never makes Load
// crash.
func TestDamaged(t *testing.T) {
	t.Parallel()
	all := readGoldens(t, allModels)
	for _, name := range []string{"protocol_0", "protocol_5_iforest", "columns_mask_passthrough", "joblib_plain", "joblib_xz", "joblib_lzma", "lof_kd_tree"} {
		file := all[name].File
		for i := 0; i < len(file); i += 1 + len(file)/200 {
			if _, err := sklearn.Load(file[:i]); err == nil {
				t.Errorf("%s: the first %d bytes of %d are a model", name, i, len(file))
			}
			changed := append([]byte(nil), file...)
			changed[i] ^= 0x41
			tryModel(changed)
		}
	}
}

// tryModel loads data and, if it is a model, scores with it.
func tryModel(data []byte) {
	m, err := sklearn.Load(data)
	if err != nil || m.Features() > 1000 {
		return
	}
	if err := consistent(m); err != nil {
		panic(err)
	}
	_ = m.Describe()
}

// TestNoPickle checks the error for a file that is no pickle.
func TestNoPickle(t *testing.T) {
	for _, data := range []string{"", "hello", "import os\n", "20.1,1,0.5\n", "{\"model\": 1}", "PK\x03\x04"} {
		if _, err := sklearn.Load([]byte(data)); err == nil || !strings.Contains(err.Error(), "no file of pickle or joblib") {
			t.Errorf("%q: %v", data, err)
		}
	}
}

func TestTooLarge(t *testing.T) {
	if _, err := sklearn.Load(make([]byte, sklearn.MaxFile+1)); !errors.Is(err, pickle.ErrLimit) || !strings.Contains(err.Error(), "compress=3") {
		t.Errorf("a file over the limit: %v", err)
	}
}
