package publish

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// ofModels are the names that people give a folder of models, and ofOthers those of
// folders that lie beside it.
var (
	ofModels = regexp.MustCompile(`(?i)^((saved|trained|ml|sklearn|my|all)[-_ ]?)?(models?|pickles|artifacts)$`)
	ofOthers = regexp.MustCompile(`(?i)^(notebooks?|src|scripts?|mlruns)$`)
)

// checkLevel reports a folder that was named one level too high, so that the folder of
// models would be a device and each device a model of it. The error wraps
// [fleet.ErrInvalid].
func checkLevel(files []File) error {
	for _, names := range []*regexp.Regexp{ofModels, ofOthers} {
		for _, f := range files {
			if f.Place.Scope != fleet.OfDevice {
				continue
			}
			first := f.Paths[0]
			folder, rest, inFolder := strings.Cut(first, "/")
			switch {
			case !inFolder:
			case names == ofModels && (names.MatchString(folder) || strings.HasPrefix(rest, fleetFolder+"/")):
				return fmt.Errorf("%w: by %s, the folder %s would be a device: name this folder, %s, and not the one above it; if a device is called so, publish with --pattern '{device}/{sensor}.pkl'",
					fleet.ErrInvalid, first, folder, folder)
			case names == ofOthers && names.MatchString(folder):
				return fmt.Errorf("%w: by %s, the folder %s would be a device: name a folder that has nothing but models in it; if a device is called so, publish with --pattern '{device}/{sensor}.pkl'",
					fleet.ErrInvalid, first, folder)
			}
		}
	}
	return nil
}
