package main

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"regexp"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// predictionsFile returns the path of the predictions of a sensor or device model, below
// the folder of predictions. The names are encoded as in Blob storage, and changed
// further if a file system would not accept them.
func predictionsFile(id fleet.ID) string {
	return filepath.Join(fileName(id.Device), fileName(id.Name())+".csv")
}

// maxFileName is the longest name in bytes. File systems allow 255; the rest is for a
// suffix.
const maxFileName = 240

// reserved matches the names of devices in Windows, with or without an extension, and
// the name of the manifest.
var reserved = regexp.MustCompile(`(?i)^((con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?|manifest\.json)$`)

// fileName encodes a name. The first letter of a reserved name is encoded too. If the
// result is too long, its end is replaced by the SHA-256 of the name.
func fileName(name string) string {
	s := fleet.EncodeName(name)
	if reserved.MatchString(s) {
		s = fmt.Sprintf("%%%02X%s", s[0], s[1:])
	}
	if len(s) > maxFileName {
		s = fmt.Sprintf("%s%%~%x", s[:maxFileName-66], sha256.Sum256([]byte(name)))
	}
	return s
}
