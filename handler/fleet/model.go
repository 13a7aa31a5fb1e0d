package fleet

import (
	"strings"
	"time"
)

// Model is a version of a file in the container models, in the ledger's registry.
type Model struct {
	Key  int64 // in the registry
	Name string
	ETag string
	Size int64
	// Published is when this version was put into its place, in whole seconds; zero if
	// that is not known.
	Published time.Time
	// Kind is the kind of the model: detector, classifier or regressor. It is empty until
	// somebody has read the file: the registry, or the first job.
	Kind string
	Place
	// Facts describe its content. They are nil if it has not been read. The registry
	// does not read a file whose title is the name of a sensor of the device.
	Facts *Facts
}

// Place is what the name of a file in the container models says about the sensors and
// devices that it serves.
type Place struct {
	Scope  Scope
	Device string // for the scope [OfDevice]
	Title  string // for [OfDevice] and [OfFleet]: the name of a sensor or device model
}

// Scope is the kind of sensors and devices that a model serves.
type Scope string

// The scopes of files in the container models.
const (
	OfDevice   Scope = "device"     // one device
	OfFleet    Scope = "fleet"      // every device that its patterns match
	OfSensors  Scope = "default"    // every sensor without another model
	Attributes Scope = "attributes" // the file is devices.csv, which is no model
	OfNobody   Scope = "none"       // the file has the name of a model, but is no model
)

// removed follows the name of a model that was removed, and can be put back.
const removed = "@removed"

// RemovedName returns the name that the blob of a model has when the model was removed.
// No name of a model ends so, as '@' is encoded in the names of devices and sensors.
func RemovedName(name string) string { return name + removed }

// CutRemoved returns the name that a blob had before its model was removed, and whether
// it is one of a removed model.
func CutRemoved(name string) (string, bool) { return strings.CutSuffix(name, removed) }

// SharedModel reports whether a model with this name may serve several devices: it is one
// of the fleet, or the default.
func SharedModel(name string) bool {
	return strings.HasPrefix(name, "_fleet/") || strings.HasPrefix(name, "default.")
}

// Facts are what the registry needs to know about a model's content, to decide which
// jobs a run has.
type Facts struct {
	Fault      string   `json:"fault,omitempty"`       // why the model cannot be used; the other facts may then be incomplete
	Plain      bool     `json:"plain,omitempty"`       // whether no features file describes the model's rows
	Features   int      `json:"features,omitempty"`    // how many columns a row has
	Names      []string `json:"names,omitempty"`       // the names of the columns, if the model has them
	Devices    []string `json:"devices,omitempty"`     // the patterns of the devices that it serves, in which * stands for any text and ? for one character, and [*], [?] and [[] for these characters
	Sensors    []string `json:"sensors,omitempty"`     // the sensors that its rows are made of
	LookbackMS int64    `json:"lookback_ms,omitempty"` // how many milliseconds before a window readings count for its rows
}

// Lookback returns f.LookbackMS.
func (f *Facts) Lookback() time.Duration { return time.Duration(f.LookbackMS) * time.Millisecond }

// Registry is the state of the registry of models.
type Registry struct {
	ListedAt time.Time // when the container models was last listed; zero if never
	Columns  int       // the number of columns in a sensor's row, for [Assign]
	Reader   int       // the version of the code that read the models' facts
}

// Registration is a change of the registry of models.
type Registration struct {
	Added   []Model // new versions
	Learned []Model // versions with new facts
	Removed []Model // versions that were deleted or replaced
}

// Work is a job with the model that serves it now.
type Work struct {
	Job
	Model *Model        // nil if there is none
	Fault string        // why the model cannot be used; empty if it can
	Needs time.Duration // the lookback of this model; Job.Lookback is that of the model that the job was bound to
}

// Match reports whether one of the patterns matches the whole name of a device or
// sensor. In a pattern, * stands for any text, also with a slash in it, and ? for one
// character. [*], [?] and [[] stand for these characters themselves, as in Python's
// fnmatch. No patterns match every name.
func Match(patterns []string, name string) bool {
	for _, pattern := range patterns {
		if matches(pattern, name) {
			return true
		}
	}
	return len(patterns) == 0
}

// matches reports whether pattern matches the whole name. After a mismatch it goes
// back to the last * and lets it match one more character. So it takes at most
// len(pattern) × len(name) steps.
func matches(pattern, name string) bool {
	p, n := []rune(pattern), []rune(name)
	if strings.Contains(pattern, "[") {
		p = literal(p)
	}
	star, from := -1, 0
	i, k := 0, 0
	for k < len(n) {
		switch {
		case i < len(p) && p[i] == '*':
			star, from = i, k
			i++
		case i < len(p) && (p[i] == '?' || p[i] == n[k] || p[i] == -n[k]):
			i++
			k++
		case star >= 0:
			from++
			i, k = star+1, from
		default:
			return false
		}
	}
	for i < len(p) && p[i] == '*' {
		i++
	}
	return i == len(p)
}

// literal replaces [*], [?] and [[] in a pattern by the negative of the character.
func literal(pattern []rune) []rune {
	p := make([]rune, 0, len(pattern))
	for i := 0; i < len(pattern); i++ {
		c := pattern[i]
		if c == '[' && i+2 < len(pattern) && pattern[i+2] == ']' && strings.ContainsRune("*?[", pattern[i+1]) {
			c = -pattern[i+1]
			i += 2
		}
		p = append(p, c)
	}
	return p
}
