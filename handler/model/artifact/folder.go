package artifact

import (
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/fleetscore/fleetscore/handler/features"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
	"github.com/fleetscore/fleetscore/handler/model/sklearn"
)

// maxFolder is the largest number of files in the folder of a model.
const maxFolder = 1_000

// LoadFolder returns the model in a folder. It is an MLflow folder, or has a file with the
// model beside files with its scaler, its columns and so on. Hidden files are ignored. The
// errors are those of [Load].
func LoadFolder(dir fs.FS, spec *features.Spec) (*Model, error) {
	f, err := openFolder(dir)
	if err != nil {
		return nil, err
	}
	return loadFiles(f, "folder", spec)
}

// openFolder returns all files of a folder that are not hidden.
func openFolder(dir fs.FS) (*selection, error) {
	var names []string
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
		case len(names) == maxFolder:
			return fmt.Errorf("%w: a folder of over %d files is not read as a model: name the folder that has only the model's files", pickle.ErrLimit, maxFolder)
		}
		names = append(names, name)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return newSelection(dir, names)
}

// selection is some files of a folder. A file is read when Read is called. Names are without
// the folders that all files have in common.
type selection struct {
	dir   fs.FS
	names []string          // sorted
	paths map[string]string // by name: the path in dir
	total int64             // bytes of all files
}

func newSelection(dir fs.FS, paths []string) (*selection, error) {
	s := &selection{dir: dir, paths: make(map[string]string)}
	common := ""
	if len(paths) > 0 {
		common = path.Dir(paths[0]) + "/"
	}
	for _, name := range paths {
		for common != "./" && !strings.HasPrefix(name, common) {
			common = path.Dir(strings.TrimSuffix(common, "/")) + "/"
		}
	}
	for _, name := range paths {
		info, err := fs.Stat(dir, name)
		if err != nil {
			return nil, err
		}
		s.total = min(s.total+info.Size(), sklearn.MaxFile)
		short := strings.TrimPrefix(name, common)
		s.names = append(s.names, short)
		s.paths[short] = name
	}
	slices.Sort(s.names)
	return s, nil
}

func (s *selection) Names() []string      { return s.names }
func (s *selection) Has(name string) bool { return s.paths[name] != "" }
func (s *selection) Size() int            { return int(s.total) }

func (s *selection) Read(name string) ([]byte, error) { return readFile(s.dir, s.paths[name]) }

func readFile(dir fs.FS, name string) ([]byte, error) {
	file, err := dir.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, sklearn.MaxFile+1))
	if err != nil {
		return nil, err
	}
	return data, sklearn.CheckSize(len(data))
}
