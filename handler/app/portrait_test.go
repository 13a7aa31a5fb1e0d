package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
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
