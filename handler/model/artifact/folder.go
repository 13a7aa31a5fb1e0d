package artifact

import (
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/fleetscore/fleetscore/handler/features"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
	"github.com/fleetscore/fleetscore/handler/model/sklearn"
)

// maxFolder is how many files a folder of one model may have.
const maxFolder = 1_000

// LoadFolder returns the model that the files of a folder are together: an MLflow
// folder, or a model's file beside those of its scaler, its columns and the like.
// Hidden files are not looked at. See [Load].
func LoadFolder(dir fs.FS, spec *features.Spec) (*Model, error) {
	f := &openFolder{dir: dir, sizes: make(map[string]int64)}
	err := fs.WalkDir(dir, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name != "." && strings.HasPrefix(path.Base(name), "."):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			return nil
		}
		return f.add(name, d)
	})
	if err != nil {
		return nil, err
	}
	return loadFiles(f, "folder", spec)
}

// openFolder is the files of a folder, read as they are asked for.
type openFolder struct {
	dir   fs.FS
	names []string
	sizes map[string]int64
	total int64
}

func (f *openFolder) add(name string, d fs.DirEntry) error {
	info, err := d.Info()
	if err != nil {
		return err
	}
	if len(f.names) == maxFolder {
		return fmt.Errorf("%w: a folder of over %d files is no model: name the one with the model's files", pickle.ErrLimit, maxFolder)
	}
	f.names = append(f.names, name)
	f.sizes[name] = info.Size()
	f.total = min(f.total+info.Size(), sklearn.MaxFile)
	return nil
}

func (f *openFolder) Names() []string { return f.names }
func (f *openFolder) Size() int       { return int(f.total) }

func (f *openFolder) Has(name string) bool {
	_, ok := f.sizes[name]
	return ok
}

func (f *openFolder) Read(name string) ([]byte, error) {
	file, err := f.dir.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, sklearn.MaxFile+1))
	if err == nil && len(data) > sklearn.MaxFile {
		err = fmt.Errorf("%w: over %d MiB, which are the most that are read", pickle.ErrLimit, sklearn.MaxFile>>20)
	}
	return data, err
}
