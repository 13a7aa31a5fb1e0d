package simulate

import (
	"embed"
	"fmt"
	"io/fs"
)

// The models, and the training that made them, are described in
// models/README.md.
//
//go:embed models/*.pkl models/*.json
var models embed.FS

// MachineModel is the name of the device model of each machine. Its rows use all
// sensors of the machine.
const MachineModel = "machine"

// MachineFiles returns the files of the device model: the pickled scikit-learn
// model and its features file.
func MachineFiles() (dir fs.FS, names []string) {
	dir, err := fs.Sub(models, "models")
	if err != nil {
		panic(err) // unreachable: the folder's name is valid
	}
	return dir, []string{"machine.pkl", "machine.features.json"}
}

// Model returns the pickled scikit-learn model for sensors of kind k.
func (k Kind) Model() []byte {
	data, err := models.ReadFile("models/" + k.Name + ".pkl")
	if err != nil {
		panic(fmt.Sprintf("simulate: kind %s has no model: %v", k.Name, err))
	}
	return data
}
