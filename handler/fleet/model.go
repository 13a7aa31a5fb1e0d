package fleet

import "time"

// Model is a version of a file in the container models, as the ledger's registry
// knows it.
type Model struct {
	Key  int64 // in the registry
	Name string
	ETag string
	Size int64
	Place
	// Facts are what is known of its content, nil if it has not been read. The registry
	// does not read a file in the place of a sensor's own model.
	Facts *Facts
}

// Place says whom a file in the container models is for. Its name says it.
type Place struct {
	Scope  Scope
	Device string // of [OfDevice]
	Title  string // of [OfDevice] and [OfFleet]: the name of a sensor or device model
}

// Scope is whom a model serves.
type Scope string

// The scopes, by whom a model serves.
const (
	OfDevice   Scope = "device"     // one device
	OfFleet    Scope = "fleet"      // every device that its patterns match
	OfSensors  Scope = "default"    // every sensor without another
	Attributes Scope = "attributes" // none: the file is devices.csv
	OfNobody   Scope = "none"       // none: by its name it may be a model, but its content is something else
)

// Facts are what the registry knows of a model's content: what it takes to know
// which jobs a run has.
type Facts struct {
	Fault      string   `json:"fault,omitempty"`       // why the model cannot be used; the other facts are those that could be learned all the same
	Plain      bool     `json:"plain,omitempty"`       // whether no features file tells how the model's rows are made
	Features   int      `json:"features,omitempty"`    // how many columns a row has
	Names      []string `json:"names,omitempty"`       // the names of the columns, if the model has them
	Devices    []string `json:"devices,omitempty"`     // the patterns of the devices that it serves, in which * stands for any text and ? for one character
	Sensors    []string `json:"sensors,omitempty"`     // the sensors that its rows are made of
	LookbackMS int64    `json:"lookback_ms,omitempty"` // how many milliseconds before a window readings count for its rows
}

// Lookback returns f.LookbackMS.
func (f *Facts) Lookback() time.Duration { return time.Duration(f.LookbackMS) * time.Millisecond }

// Registry says how the registry of models stands.
type Registry struct {
	ListedAt time.Time // when the container models was listed last; zero if never
	Columns  int       // of a sensor's row, for which subjects are assigned
	Reader   int       // version of the code that learned the models' facts
}

// Registration is a change of the registry of models.
type Registration struct {
	Added   []Model // versions that are new
	Learned []Model // versions whose facts are new
	Removed []Model // versions that are no more
}

// Work is a job with the model that serves it now.
type Work struct {
	Job
	Model *Model        // nil if none serves it
	Fault string        // why no model can serve it
	Needs time.Duration // the lookback of its rows under this model; Job.Lookback is that of the model it was bound to
}

// MatchDevice reports whether one of the patterns matches the whole name of a
// device: * stands for any text, also with a slash in it, and ? for one
// character. No patterns match every device.
func MatchDevice(patterns []string, device string) bool {
	for _, pattern := range patterns {
		if matches(pattern, device) {
			return true
		}
	}
	return len(patterns) == 0
}

// matches goes back only to the last *, which takes one character more: at most
// len(pattern) × len(name) steps.
func matches(pattern, name string) bool {
	p, n := []rune(pattern), []rune(name)
	star, from := -1, 0
	i, k := 0, 0
	for k < len(n) {
		switch {
		case i < len(p) && p[i] == '*':
			star, from = i, k
			i++
		case i < len(p) && (p[i] == '?' || p[i] == n[k]):
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
