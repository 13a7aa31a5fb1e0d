package main

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"regexp"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// predictionsFile returns the path of a sensor's predictions in a folder of them:
// the encoded names, as in Blob storage, where a file system takes them.
func predictionsFile(id fleet.ID) string {
	return filepath.Join(fileName(id.Device), fileName(id.Name())+".csv")
}

// maxFileName leaves room, of the 255 bytes that file systems allow, for a suffix.
const maxFileName = 240

// reserved are names that Windows gives to devices, whatever follows a dot, and
// the one that the manifest has.
var reserved = regexp.MustCompile(`(?i)^((con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?|manifest\.json)$`)

// fileName returns a name's encoded form. A reserved one has its first letter
// encoded too. Of one that is too long, the first part stays, and its sha256
// stands for the rest.
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
