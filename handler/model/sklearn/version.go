package sklearn

import (
	"fmt"
	"strconv"
	"strings"
)

// version is a version of scikit-learn, 1.2 as 102.
type version int

const (
	oldest version = 19
	tooNew version = 200 // 2.0, which may change how models are pickled
)

// parseVersion parses _sklearn_version, "1.2.3" for instance.
func parseVersion(s string) (version, error) {
	first, rest, _ := strings.Cut(s, ".")
	second, _, _ := strings.Cut(rest, ".")
	major, err1 := strconv.ParseUint(first, 10, 7)
	minor, err2 := strconv.ParseUint(digits(second), 10, 7)
	if err1 != nil || err2 != nil || minor > 99 {
		return 0, fmt.Errorf("%.40q is no version of scikit-learn", s)
	}
	v := version(100*major + minor)
	if v < oldest || v >= tooNew {
		return 0, &unsupported{fmt.Sprintf("a file of scikit-learn %s is not supported: fit the model again with 0.19 to 1.9", s)}
	}
	return v, nil
}

// digits returns the digits at the beginning of s.
func digits(s string) string {
	return s[:len(s)-len(strings.TrimLeft(s, "0123456789"))]
}
