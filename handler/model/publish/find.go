package publish

import (
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/fleetscore/fleetscore/handler/features"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/model"
	"github.com/fleetscore/fleetscore/handler/model/artifact"
)

// File is a model found in a folder: a file, or several that belong together.
type File struct {
	Place fleet.Place
	// Paths are the files: the model's own first, or all of a folder of its own.
	Paths []string
	// maybe are files that may be a part of it, by their names.
	maybe []string
	own   bool // Paths are a folder
}

// String returns whom f is for; see [Title].
func (f File) String() string { return Title(f.Place) }

// Path returns the model's own file, or the folder it has.
func (f File) Path() string {
	if f.own {
		return path.Join(strings.Split(f.Paths[0], "/")[:2]...)
	}
	return f.Paths[0]
}

// Blob returns the name of the blob that f becomes if it is published first.
func (f File) Blob() string { return blobOf(f.Place) + suffixOf(f, nil) }

// patterns are those of [Find] if it is given none.
var patterns = []string{"{device}/{sensor}", "model_{device}_{sensor}"}

// Find returns the models below dir, in order, and the paths of the other files.
// The pattern says how files are named, such as "{device}-{sensor}.pkl" or
// "site/{device}/{sensor}/model.joblib"; without one, files are {device}/{name},
// model_{device}_{sensor} or _fleet/{name}, with one of the suffixes of models
// or nothing after it. A folder {device}/{name} with a model's files in it is one
// model, and {name}.features.json is the features file of the model beside it. A
// file default.pkl, or with another suffix, is the default model; devices.csv has
// the attributes of devices. A file in .json or .txt is a model if XGBoost or LightGBM
// wrote it, and it is no list of columns by its name. A file with another suffix, such as
// a notebook, is no model if its content is of another kind; scripts and copies such as
// temp.pkl.bak are none in any case. Hidden files are not looked at.
//
// Two files for one place, a name that can be read in two ways, and without a pattern a
// folder that has the folder of models in it, are errors that wrap [fleet.ErrInvalid].
func Find(dir fs.FS, pattern string) (files []File, others []string, err error) {
	match, err := compile(pattern)
	if err != nil {
		return nil, nil, err
	}
	s := search{dir: dir, match: match, folders: pattern == "", nested: make(map[string][]string)}
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
		return s.add(name)
	})
	if err != nil {
		return nil, nil, fmt.Errorf("find models: %w", err)
	}
	s.finish()
	slices.SortStableFunc(s.files, func(a, b File) int { return ComparePlaces(a.Place, b.Place) })
	for i := 1; i < len(s.files); i++ {
		if s.files[i].Place == s.files[i-1].Place {
			return nil, nil, fmt.Errorf("%w: two models for %v: %s and %s; remove one", fleet.ErrInvalid, s.files[i], s.files[i-1].Path(), s.files[i].Path())
		}
	}
	slices.Sort(s.others)
	if pattern == "" {
		err = checkLevel(s.files)
	}
	return s.files, s.others, err
}

// search is what was found so far.
type search struct {
	dir     fs.FS
	match   matcher
	folders bool // folders may be models
	files   []File
	beside  []string            // files that may belong to a model
	nested  map[string][]string // files in {device}/{name}/, by that folder
	others  []string
}

// besideModel are files that may belong to a model, by their names.
var besideModel = regexp.MustCompile(`(?i)(feature|column|cols|threshold)[^/]*\.(json|txt)$`)

// byTheWay are files that people keep beside models, by their names: with a suffix, or
// without one as usual. A model may be called so too, if it is one by its content.
var byTheWay = regexp.MustCompile(`\.|(?i)^(authors|changelog|dockerfile|jenkinsfile|licen[cs]e|makefile|notice|procfile|readme|version)$`)

// noModel are names of scripts, which may be empty, and of copies of models that people
// or their editors leave beside them.
var noModel = regexp.MustCompile(`(?i)\.py$|\.(pkl|joblib|zip|skops|pickle|sav|ubj|json|txt|model|bst|xgb|lgb)(\.(bak|backup|old|orig|tmp|part)|~)$`)

func (s *search) add(name string) error {
	parts := strings.Split(name, "/")
	switch {
	case artifact.IsFeatures(name) && path.Base(name) != artifact.FeaturesFile && len(parts) < 3, besideModel.MatchString(name) && len(parts) == 2:
		s.beside = append(s.beside, name)
		return nil
	case s.folders && len(parts) > 2:
		folder := path.Join(parts[:2]...)
		s.nested[folder] = append(s.nested[folder], name)
		return nil
	}
	place, ok, err := s.match(name)
	if err == nil && ok && s.folders && model.Shared(name) {
		ok, err = s.isBooster(name)
	} else if err == nil && ok && s.folders && place.Scope != fleet.Attributes && byTheWay.MatchString(path.Base(name)) && stem(name) == path.Base(name) {
		var other bool
		other, err = s.isOther(name)
		ok = !other
	}
	if err != nil {
		return err
	}
	if !ok {
		s.others = append(s.others, name)
		return nil
	}
	s.files = append(s.files, File{Place: place, Paths: []string{name}})
	return nil
}

// finish takes folders for models, and gives files to the models that they belong
// to by their names.
func (s *search) finish() {
	for folder, names := range s.nested {
		place, ok, err := s.match(folder)
		holds := slices.ContainsFunc(names, s.mayBeModel)
		if err != nil || !ok || !holds {
			s.others = append(s.others, names...)
			continue
		}
		slices.Sort(names)
		s.files = append(s.files, File{Place: place, Paths: names, own: true})
	}
	for _, name := range s.beside {
		if !s.give(name) {
			s.others = append(s.others, name)
		}
	}
}

// mayBeModel reports a file that makes a model of its folder.
func (s *search) mayBeModel(name string) bool {
	if model.Shared(name) {
		is, err := s.isBooster(name)
		return is && err == nil
	}
	return path.Base(name) == "MLmodel" || path.Ext(name) != "" && slices.Contains(model.Suffixes, path.Ext(name))
}

// isBooster looks into a file whose name may be a model's or anything's.
func (s *search) isBooster(name string) (bool, error) {
	info, err := fs.Stat(s.dir, name)
	if err != nil || info.Size() > MaxSize {
		return false, err
	}
	data, err := fs.ReadFile(s.dir, name)
	return artifact.IsBooster(data), err
}

// isOther reports whether a file is no model by its name, or else by its content.
func (s *search) isOther(name string) (bool, error) {
	if noModel.MatchString(name) {
		return true, nil
	}
	file, err := s.dir.Open(name)
	if err != nil {
		return false, err
	}
	defer file.Close()
	head, err := io.ReadAll(io.LimitReader(file, 64<<10))
	return artifact.IsOther(head), err
}

// give adds a features file to the model that it is named after, and other files to
// all models in their folder as what may be a part of them.
func (s *search) give(name string) bool {
	given := false
	for i := range s.files {
		f := &s.files[i]
		if f.own || path.Dir(f.Paths[0]) != path.Dir(name) {
			continue
		}
		if !artifact.IsFeatures(name) {
			f.maybe, given = append(f.maybe, name), true
		} else if stem(f.Paths[0]) == strings.TrimSuffix(path.Base(name), "."+artifact.FeaturesFile) {
			f.Paths, given = append(f.Paths, name), true
		}
	}
	if folder := strings.TrimSuffix(name, "."+artifact.FeaturesFile); artifact.IsFeatures(name) && !given {
		for i := range s.files {
			if f := &s.files[i]; f.own && f.Path() == folder {
				f.Paths, given = append(f.Paths, name), true
			}
		}
	}
	return given
}

// stem returns the name of a file without its folder and a suffix of models.
func stem(name string) string {
	base := path.Base(name)
	for _, suffix := range model.Suffixes {
		if rest, ok := strings.CutSuffix(base, suffix); ok && suffix != "" {
			return rest
		}
	}
	return base
}

type matcher func(name string) (p fleet.Place, ok bool, err error)

func compile(pattern string) (matcher, error) {
	if pattern != "" {
		return compileOne(pattern, "")
	}
	var suffixes []string
	for _, suffix := range model.Suffixes {
		suffixes = append(suffixes, regexp.QuoteMeta(suffix))
	}
	var all []matcher
	for _, p := range patterns {
		m, err := compileOne(p, `(?:`+strings.Join(suffixes, "|")+`)`)
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return func(name string) (p fleet.Place, ok bool, err error) {
		for _, m := range all {
			if p, ok, err = m(name); ok || err != nil {
				break
			}
		}
		return p, ok, err
	}, nil
}

func compileOne(pattern, suffix string) (matcher, error) {
	pattern = path.Clean(pattern)
	if !utf8.ValidString(pattern) || strings.Count(pattern, "{device}") != 1 || strings.Count(pattern, "{sensor}") != 1 {
		return nil, fmt.Errorf("%w: pattern %q must have {device} and {sensor} once each, as in {device}-{sensor}.pkl", fleet.ErrInvalid, pattern)
	}
	// a-b-c fits {device}-{sensor} in two ways. One expression makes the first part as
	// long as possible, the other as short: if they differ, the name is ambiguous.
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
	return func(name string) (fleet.Place, bool, error) {
		if model.IsDefault(name) {
			return fleet.Place{Scope: fleet.OfSensors}, true, nil
		}
		if name == features.AttributesFile {
			return fleet.Place{Scope: fleet.Attributes}, true, nil
		}
		if dir, base := path.Split(name); dir == fleetFolder+"/" {
			title := nameOf(stem(base))
			return fleet.Place{Scope: fleet.OfFleet, Title: title}, fleet.ValidName(title) == nil, nil
		}
		a, okA := sensorIn(long, name)
		b, okB := sensorIn(short, name)
		switch {
		case okA && okB && a != b:
			return fleet.Place{}, false, fmt.Errorf("%w: by the pattern %s, %s may be the model of %v or of %v: rename it, or use folders, {device}/{sensor}", fleet.ErrInvalid, pattern, name, b, a)
		case okB:
			a = b
		}
		return fleet.Place{Scope: fleet.OfDevice, Device: a.Device, Title: a.Sensor}, okA || okB, nil
	}, nil
}

// sensorIn returns the sensor that re finds in name, if it is a valid one. Its parts
// may be encoded; those that no encoding has are names as they stand.
func sensorIn(re *regexp.Regexp, name string) (fleet.ID, bool) {
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
