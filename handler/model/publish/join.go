package publish

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/fleetscore/fleetscore/handler/model/artifact"
)

// join packs files that are parts of a model, such as a scaler, with the model that
// they belong to, and drops their steps. Where that is not clear, a part's step says
// so.
func join(dir fs.FS, steps []Step) ([]Step, error) {
	folders := make(map[string][]int) // of steps
	for i, s := range steps {
		if !s.File.own {
			folder := path.Dir(s.File.Paths[0])
			folders[folder] = append(folders[folder], i)
		}
	}
	taken := make(map[int]bool)
	for folder, of := range folders {
		if folder == "." {
			continue // flat names are of different devices
		}
		var models, parts []int
		for _, i := range of {
			if errors.Is(steps[i].Err, artifact.ErrPart) {
				parts = append(parts, i)
			} else {
				models = append(models, i)
			}
		}
		added := make(map[int][]string) // files, by the model's step
		for _, i := range parts {
			owner, err := ownerOf(steps, i, models)
			if err != nil {
				steps[i].Err = err
				continue
			}
			added[owner] = append(added[owner], steps[i].File.Paths...)
			taken[i] = true
		}
		for _, i := range models {
			for _, name := range steps[i].File.maybe {
				if owner, found := namedAfter(steps, name, models); found && owner == i || !found && len(models) == 1 {
					added[i] = append(added[i], name)
				}
			}
		}
		for i, names := range added {
			file := steps[i].File
			file.Paths = append(slices.Clip(file.Paths), names...)
			step, err := check(dir, file)
			if err != nil {
				return nil, err
			}
			steps[i] = step
		}
	}
	var left []Step
	for i, s := range steps {
		if !taken[i] {
			left = append(left, s)
		}
	}
	return left, nil
}

// ownerOf returns the model that a part belongs to: one that is named like it, or
// the only one in the folder.
func ownerOf(steps []Step, part int, models []int) (int, error) {
	name := steps[part].File.Path()
	if owner, ok := namedAfter(steps, name, models); ok {
		return owner, nil
	}
	if len(models) == 1 {
		return models[0], nil
	}
	err := steps[part].Err
	if len(models) == 0 {
		return 0, fmt.Errorf("%w; there is no model beside it in %s", err, path.Dir(name))
	}
	var names []string
	for _, i := range models {
		names = append(names, path.Base(steps[i].File.Path()))
	}
	slices.Sort(names)
	const most = 5
	if len(names) > most {
		names = append(names[:most], "…")
	}
	first := stem(steps[models[0]].File.Path())
	return 0, fmt.Errorf("%w; but there are %s beside it: name it after its model, as in %s_%s, or put both into a folder of their own, %s/%s",
		err, strings.Join(names, ", "), first, path.Base(name), path.Dir(name), first)
}

// namedAfter returns the model whose name a file's begins or ends with: of pump,
// pump_scaler.pkl or scaler.pump.json. The longest name counts.
func namedAfter(steps []Step, name string, models []int) (owner int, found bool) {
	longest := 0
	for _, i := range models {
		title := stem(steps[i].File.Path())
		form := regexp.MustCompile(`^` + regexp.QuoteMeta(title) + `[._-]|[._-]` + regexp.QuoteMeta(title) + `$`)
		if form.MatchString(stem(name)) && len(title) > longest {
			owner, found, longest = i, true, len(title)
		}
	}
	return owner, found
}
