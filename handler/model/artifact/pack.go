package artifact

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/fleetscore/fleetscore/handler/model/archive"
)

// Packed is a model in one file, and the files that it was made from.
type Packed struct {
	Data  []byte
	Model *Model // loaded from Data
	Parts []Part // with their names in the folder; nil if Data is the only file
}

// Pack packs files of a folder that hold one model into one file. A single file is returned
// unchanged. Several become a zip file of those that the model uses. The same files always
// give the same bytes. In the zip file the features file is called [FeaturesFile]. Names are
// paths in dir, separated by slashes.
func Pack(dir fs.FS, names []string) (*Packed, error) {
	if len(names) == 1 {
		data, err := readFile(dir, names[0])
		if err != nil {
			return nil, err
		}
		m, err := Load(data, nil)
		if err != nil {
			return nil, err
		}
		return &Packed{Data: data, Model: m}, nil
	}
	chosen, err := newSelection(dir, names)
	if err != nil {
		return nil, err
	}
	all := inside(chosen)
	m, err := loadFiles(all, "folder", nil)
	if err != nil {
		return nil, err
	}
	p := &Packed{Parts: slices.Clone(m.parts)}
	if spec := featuresOf(all); spec != "" {
		p.Parts = append(p.Parts, Part{spec, "features file"})
	}
	files := make(map[string][]byte)
	for i, part := range p.Parts {
		inZip := part.Name
		if part.As == "features file" {
			inZip = FeaturesFile
		}
		p.Parts[i].Name = chosen.paths[outside(all, part.Name)]
		if files[inZip] != nil {
			continue
		}
		if files[inZip], err = all.Read(part.Name); err != nil {
			return nil, err
		}
	}
	if p.Data, err = archive.Write(files); err != nil {
		return nil, err
	}
	if p.Model, err = Load(p.Data, nil); err != nil {
		return nil, fmt.Errorf("packed into a zip file: %w", err)
	}
	return p, nil
}

// featuresOf returns the name of the features file, or "".
func featuresOf(all files) string {
	for _, name := range all.Names() {
		if !IsFeatures(name) || strings.Contains(name, "/") {
			continue
		}
		if data, err := all.Read(name); err == nil && !isList(data) {
			return name
		}
	}
	return ""
}
