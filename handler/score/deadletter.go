package score

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
)

// Letter is the content of the dead letter of a queue message.
type Letter struct {
	Reason string `json:"reason"`
	Text   string `json:"text"`
	Raw    []byte `json:"raw"` // the text's exact bytes, in base64
}

// bury writes a text that is not a message to the dead letter. If the text is delivered
// again, nothing is written.
func bury(ctx context.Context, log *slog.Logger, files blob.Store, text string, reason error) error {
	name := fmt.Sprintf("queue/%x.json", sha256.Sum256([]byte(text)))
	_, err := files.Write(ctx, blob.DeadLetter, name, blob.Absent, "application/json", func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(Letter{reason.Error(), text, []byte(text)})
	})
	if err != nil && !errors.Is(err, blob.ErrChanged) {
		return fmt.Errorf("write %s/%s: %w: %v", blob.DeadLetter, name, fleet.ErrUnavailable, err)
	}
	log.Warn("queue message rejected", "deadletter", name, "reason", reason.Error())
	return nil
}
