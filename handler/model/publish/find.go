package publish

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// File is a model file found in a folder.
type File struct {
	Path string
	// Sensor is the one it serves; zero for the default model.
	Sensor fleet.ID
}

// Default reports whether f serves the sensors that have no model of their own.
func (f File) Default() bool { return f.Sensor == fleet.ID{} }

// String returns the sensor that f serves, or "default".
func (f File) String() string {
	if f.Default() {
		return defaultName
	}
	return f.Sensor.String()
}

// path returns the name of the blob that f becomes, without its suffix.
func (f File) path() string {
	if f.Default() {
		return defaultName
	}
	return f.Sensor.Path()
}

const defaultName = "default"

// patterns are those of [Find] if it is given none.
var patterns = []string{"{device}/{sensor}", "model_{device}_{sensor}"}

// Find returns the model files below dir, ordered by sensor, and the paths of
// the other files. The pattern says how files are named, such as
// "{device}-{sensor}.pkl" or "site/{device}/{sensor}/model.joblib"; without
// one, files are {device}/{sensor} or model_{device}_{sensor}, with .pkl,
// .joblib or nothing after it. A file default.pkl or default.joblib is the
// default model. Hidden files are not looked at.
//
// Two files for one sensor, and a name that can be read in two ways, are
// errors that wrap [fleet.ErrInvalid].
func Find(dir fs.FS, pattern string) (files []File, others []string, err error) {
	match, err := compile(pattern)
	if err != nil {
		return nil, nil, err
	}
	err = fs.WalkDir(dir, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name != "." && strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			return nil
		}
		id, ok, err := match(name)
		if err == nil && ok {
			files = append(files, File{name, id})
		} else {
			others = append(others, name)
		}
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("find models: %w", err)
	}
	slices.SortStableFunc(files, func(a, b File) int { return fleet.CompareID(a.Sensor, b.Sensor) })
	for i := 1; i < len(files); i++ {
		if files[i].Sensor == files[i-1].Sensor {
			return nil, nil, fmt.Errorf("%w: two models for %v: %s and %s; remove one", fleet.ErrInvalid, files[i], files[i-1].Path, files[i].Path)
		}
	}
	return files, others, nil
}

type matcher func(name string) (id fleet.ID, ok bool, err error)

func compile(pattern string) (matcher, error) {
	if pattern != "" {
		return compileOne(pattern, "")
	}
	var all []matcher
	for _, p := range patterns {
		m, err := compileOne(p, `(?:\.pkl|\.joblib)?`)
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return func(name string) (id fleet.ID, ok bool, err error) {
		for _, m := range all {
			if id, ok, err = m(name); ok || err != nil {
				break
			}
		}
		return id, ok, err
	}, nil
}

func compileOne(pattern, suffix string) (matcher, error) {
	pattern = path.Clean(pattern)
	if !utf8.ValidString(pattern) || strings.Count(pattern, "{device}") != 1 || strings.Count(pattern, "{sensor}") != 1 {
		return nil, fmt.Errorf("%w: pattern %q must have {device} and {sensor} once each, as in {device}-{sensor}.pkl", fleet.ErrInvalid, pattern)
	}
	// What stands first may be read as long as can be, or as short: where the
	// two differ, the name can be read in two ways.
	first, second := "device", "sensor"
	if strings.Index(pattern, "{sensor}") < strings.Index(pattern, "{device}") {
		first, second = second, first
	}
	expression := func(part string) *regexp.Regexp {
		s := regexp.QuoteMeta(pattern)
		s = strings.Replace(s, `\{`+first+`\}`, "(?P<"+first+">"+part+")", 1)
		s = strings.Replace(s, `\{`+second+`\}`, "(?P<"+second+">[^/]+?)", 1)
		return regexp.MustCompile("^" + s + suffix + "$")
	}
	long, short := expression(`[^/]+`), expression(`[^/]+?`)
	return func(name string) (fleet.ID, bool, error) {
		if name == defaultName+".pkl" || name == defaultName+".joblib" {
			return fleet.ID{}, true, nil
		}
		a, okA := idOf(long, name)
		b, okB := idOf(short, name)
		switch {
		case okA && okB && a != b:
			return a, false, fmt.Errorf("%w: by the pattern %s, %s may be the model of %v or of %v: rename it, or use folders, {device}/{sensor}", fleet.ErrInvalid, pattern, name, b, a)
		case okB:
			return b, true, nil
		}
		return a, okA, nil
	}, nil
}

// idOf returns the sensor that re finds in name, if it is a valid one. Its parts
// may be encoded; those that no encoding has are names as they stand.
func idOf(re *regexp.Regexp, name string) (fleet.ID, bool) {
	m := re.FindStringSubmatch(name)
	if m == nil {
		return fleet.ID{}, false
	}
	id := fleet.ID{Device: nameOf(m[re.SubexpIndex("device")]), Sensor: nameOf(m[re.SubexpIndex("sensor")])}
	return id, id.Validate() == nil
}

// nameOf returns the name that a part of a file's name stands for.
func nameOf(part string) string {
	if name, err := fleet.DecodeName(part); err == nil {
		return name
	}
	return part
}
