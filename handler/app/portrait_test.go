package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/features"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/model"
	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// readOnly is storage that may only be read, as the container models is in Azure.
type readOnly struct{ *blob.Memory }

func (readOnly) Write(context.Context, string, string, blob.Condition, string, func(io.Writer) error) (blob.Info, error) {
	return blob.Info{}, fmt.Errorf("write: %w: %w", fleet.ErrUnavailable, blob.ErrForbidden)
}

// TestModelsAreReadOnly: where the application may not change models, the error says who
// may, and how.
func TestModelsAreReadOnly(t *testing.T) {
	t.Parallel()
	blobs := readOnly{&blob.Memory{}}
	for _, name := range []string{"p/t.pkl", "p/t@previous"} {
		_, err := blobs.Memory.Write(t.Context(), blob.Models, name, "", "", func(w io.Writer) error {
			_, err := io.WriteString(w, name)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	p, place := portraits{nil, blobs}, fleet.Place{Scope: fleet.OfDevice, Device: "p", Title: "t"}
	for command, change := range map[string]func(context.Context, fleet.Place) error{"rollback": p.Rollback, "remove": p.Remove} {
		err := change(t.Context(), place)
		if want := "fleetscore models " + command + " 'p/t'"; !errors.Is(err, fleet.ErrConflict) || errors.Is(err, fleet.ErrUnavailable) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", command, err, want)
		}
	}
}

// regressor is a loaded regressor with a features file.
type regressor struct {
	model.Loaded
	spec *features.Spec
}

func (regressor) Kind() predict.Kind     { return predict.Regressor }
func (regressor) FeatureNames() []string { return []string{"flow"} }
func (regressor) Size() int              { return 1 }
func (d regressor) Spec() *features.Spec { return d.spec }

// TestPortraitOfRegressor checks that the portrait has what a prediction is compared with.
func TestPortraitOfRegressor(t *testing.T) {
	t.Parallel()
	for limit, want := range map[string]string{`{"absolute": 3}`: "temp 3", `{"sigmas": 3, "sigma": 0.5}`: "temp 1.5", "": " none"} {
		text := `{"residual_of": "temp", "limit": ` + limit + `}`
		if limit == "" {
			text = `{}`
		}
		spec, err := features.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		blobs := &blob.Memory{}
		info, err := blobs.Write(t.Context(), blob.Models, "p/t.pkl", "", "", func(w io.Writer) error {
			_, err := io.WriteString(w, "a model")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		load := func([]byte) (model.Loaded, error) { return regressor{spec: spec}, nil }
		is, err := portraits{model.NewCache(blobs, load, 100, 1<<20), blobs}.Portrait(t.Context(), fleet.Model{Name: "p/t.pkl", ETag: info.ETag, Size: info.Size})
		if err != nil {
			t.Fatal(err)
		}
		got := is.ResidualOf + " none"
		if is.Limit != nil {
			got = fmt.Sprint(is.ResidualOf, " ", *is.Limit)
		}
		if got != want || is.Kind != "regressor" {
			t.Errorf("%s: %s %q, want %q", text, is.Kind, got, want)
		}
	}
}
