package simulate

import (
	"embed"
	"fmt"
)

// The models, and the training that made them, are described in
// models/README.md.
//
//go:embed models/*.pkl
var models embed.FS

// Model returns the pickled scikit-learn model for sensors of kind k.
func (k Kind) Model() []byte {
	data, err := models.ReadFile("models/" + k.Name + ".pkl")
	if err != nil {
		panic(fmt.Sprintf("simulate: kind %s has no model: %v", k.Name, err))
	}
	return data
}
