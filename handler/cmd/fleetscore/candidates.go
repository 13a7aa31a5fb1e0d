package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/fleetscore/fleetscore/handler/features"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/model"
	"github.com/fleetscore/fleetscore/handler/model/publish"
	"github.com/fleetscore/fleetscore/handler/offline"
)

// candidates returns the models of a folder, packed as publish packs them, and the
// attributes of devices. The ids are the sensors that have readings.
func (c console) candidates(ctx context.Context, folder string, ids []fleet.ID) ([]offline.Candidate, features.Attributes, error) {
	dir := os.DirFS(folder)
	files, others, err := publish.Find(dir, "")
	if err != nil {
		return nil, nil, err
	}
	if len(files) == 0 {
		return nil, nil, noModel(others)
	}
	plain, rest := plainFiles(files, ids)
	var all []offline.Candidate
	for _, f := range plain {
		all = append(all, candidate(dir, f, f.Blob(), nil))
	}
	steps, err := publish.Check(ctx, dir, rest, nil)
	if err != nil {
		return nil, nil, err
	}
	var attributes features.Attributes
	for _, s := range steps {
		switch {
		case s.Err != nil:
			fmt.Fprintf(c.err, "warning: model %s cannot be used: %v\n", s.File.Path(), s.Err)
		case s.File.Place.Scope == fleet.Attributes:
			data, _, err := publish.Read(dir, s.File)
			if err == nil {
				attributes, err = features.ParseAttributes(data)
			}
			if err != nil {
				return nil, nil, err
			}
			continue
		}
		all = append(all, candidate(dir, s.File, s.Blob, s.Err))
	}
	return all, attributes, nil
}

// noModel returns the error for a folder without a file that is named as a model. The others
// are its files.
func noModel(others []string) error {
	isModel := func(name string) bool {
		return !strings.Contains(name, "/") && !model.Shared(name) && path.Ext(name) != "" && slices.Contains(model.Suffixes, path.Ext(name))
	}
	if i := slices.IndexFunc(others, isModel); i >= 0 {
		return fmt.Errorf("no model among %d files: if this is the folder of one device, with its model %s, name the folder above it", len(others), others[i])
	}
	return fmt.Errorf("no model among %d files: name them {device}/{sensor}.pkl or model_{device}_{sensor}", len(others))
}

func candidate(dir fs.FS, f publish.File, name string, bad error) offline.Candidate {
	return offline.Candidate{Name: name, File: f.Path(), Place: f.Place, Load: func() (model.Loaded, string, error) {
		if bad != nil {
			return nil, "", bad
		}
		data, packed, err := publish.Read(dir, f)
		if err != nil {
			return nil, "", err
		}
		sum := sha256.Sum256(data)
		return packed.Model, hex.EncodeToString(sum[:]), nil
	}}
}

// plainFiles splits files into those that are the model of one sensor each, and the
// rest. If the folder of a device holds any file that is not named after a sensor, all
// its files are in the rest: such a file may be a part of another's model.
func plainFiles(files []publish.File, ids []fleet.ID) (plain, rest []publish.File) {
	sensors := make(map[fleet.Place]bool, len(ids))
	for _, id := range ids {
		sensors[fleet.Place{Scope: fleet.OfDevice, Device: id.Device, Title: id.Sensor}] = true
	}
	mixed := make(map[string]bool) // devices
	for _, f := range files {
		if f.Place.Scope == fleet.OfDevice && (!sensors[f.Place] || len(f.Paths) > 1) {
			mixed[f.Place.Device] = true
		}
	}
	for _, f := range files {
		if f.Place.Scope == fleet.OfDevice && !mixed[f.Place.Device] {
			plain = append(plain, f)
		} else {
			rest = append(rest, f)
		}
	}
	return plain, rest
}
