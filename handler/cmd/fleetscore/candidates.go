package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"

	"github.com/fleetscore/fleetscore/handler/features"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/model"
	"github.com/fleetscore/fleetscore/handler/model/publish"
	"github.com/fleetscore/fleetscore/handler/offline"
)

// candidates are the models of a folder as publish would put them into the
// container, and the attributes of devices.
func (c console) candidates(ctx context.Context, folder string, ids []fleet.ID) ([]offline.Candidate, features.Attributes, error) {
	dir := os.DirFS(folder)
	files, others, err := publish.Find(dir, "")
	if err != nil {
		return nil, nil, err
	}
	if len(files) == 0 {
		return nil, nil, fmt.Errorf("no model among %d files: name them {device}/{sensor}.pkl or model_{device}_{sensor}", len(others))
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

func candidate(dir fs.FS, f publish.File, name string, bad error) offline.Candidate {
	return offline.Candidate{Name: name, Place: f.Place, Load: func() (model.Loaded, string, error) {
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

// plainFiles returns the files of which one is one sensor's model, and the rest. In
// the folder of a device that has other files, they may be parts of its models.
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
