package publish

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/model/artifact"
	"github.com/fleetscore/fleetscore/handler/spawn"
)

// MaxSize is the largest model file, in bytes.
const MaxSize = 256 << 20

const (
	contentType = "application/octet-stream"
	parallel    = 8
)

// Change is what publishing a file does, or would do.
type Change string

// What publishing a file changes.
const (
	New     Change = "new"     // the sensor had no model
	Changed Change = "changed" // it had another
	Same    Change = "same"    // it has this very one
	Bad     Change = "bad"     // the file cannot be used; nothing is done
)

// Step is what becomes of a file.
type Step struct {
	File   File
	Blob   string // its name in the container
	SHA256 string // of the file, in lower-case hex
	Change Change
	Err    error // why it is bad
}

// Plan checks every file of dir, and says what publishing it would do. It
// calls done, if not nil, after each, from several goroutines. The error is
// of the folder or the container; a file's own stands in its step.
func Plan(ctx context.Context, blobs blob.Store, dir fs.FS, files []File, done func()) ([]Step, error) {
	published, err := List(ctx, blobs)
	if err != nil {
		return nil, err
	}
	steps := make([]Step, len(files))
	err = each(ctx, len(files), done, func(ctx context.Context, i int) (err error) {
		steps[i], err = plan(ctx, blobs, dir, files[i], published[files[i].Sensor])
		return err
	})
	return steps, err
}

// Apply uploads the new and the changed. What a changed one replaces is kept
// first. It calls done, if not nil, after each step.
func Apply(ctx context.Context, blobs blob.Store, dir fs.FS, steps []Step, done func()) error {
	return each(ctx, len(steps), done, func(ctx context.Context, i int) error {
		s := steps[i]
		if s.Change != New && s.Change != Changed {
			return nil
		}
		data, err := fs.ReadFile(dir, s.File.Path)
		if err != nil {
			return err
		}
		if s.Change == Changed {
			if err := keep(ctx, blobs, s.File.Sensor, s.Blob); err != nil {
				return err
			}
		}
		return put(ctx, blobs, s.Blob, "", data)
	})
}

// Check reports why a model file cannot score sensors.
func Check(data []byte) error {
	m, err := artifact.Load(data, nil)
	if err != nil {
		return err
	}
	return m.Detects()
}

func plan(ctx context.Context, blobs blob.Store, dir fs.FS, f File, p *Published) (Step, error) {
	data, err := fs.ReadFile(dir, f.Path)
	if err != nil {
		return Step{}, err
	}
	sum := sha256.Sum256(data)
	s := Step{File: f, SHA256: hex.EncodeToString(sum[:]), Blob: f.path() + suffixOf(f), Change: New}
	if s.Err = Check(data); s.Err != nil {
		s.Change = Bad
		return s, nil
	}
	if p == nil || len(p.Names) == 0 {
		return s, nil
	}
	if len(p.Names) > 1 {
		s.Change, s.Err = Bad, tooMany(p)
		return s, nil
	}
	// The blob that serves the sensor keeps its name, whatever the file's.
	s.Blob, s.Change = p.Names[0], Changed
	same, err := holds(ctx, blobs, s.Blob, s.SHA256)
	if same {
		s.Change = Same
	}
	return s, err
}

func suffixOf(f File) string {
	if e := path.Ext(f.Path); e == ".joblib" {
		return e
	}
	return ".pkl"
}

func tooMany(p *Published) error {
	return fmt.Errorf("%w: the container %s has more than one model for %v: %q; delete all but one", fleet.ErrBadModel, blob.Models, p.Sensor, p.Names)
}

// holds reports whether a blob has the content with this sum. Blobs that
// others wrote have no sum noted, and are read.
func holds(ctx context.Context, blobs blob.Store, name, sum string) (bool, error) {
	info, err := blobs.Stat(ctx, blob.Models, name)
	if err != nil || info.SHA256 != "" {
		return info.SHA256 == sum, ignoreNotFound(err)
	}
	data, _, err := blobs.Read(ctx, blob.Models, name, "", MaxSize)
	have := sha256.Sum256(data)
	return hex.EncodeToString(have[:]) == sum, ignoreNotFound(err)
}

func ignoreNotFound(err error) error {
	if errors.Is(err, blob.ErrNotFound) {
		return nil
	}
	return err
}

func each(ctx context.Context, n int, done func(), f func(ctx context.Context, i int) error) error {
	group, ctx := spawn.WithContext(ctx)
	group.SetLimit(parallel)
	for i := range n {
		group.Start(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := f(ctx, i); err != nil {
				return err
			}
			if done != nil {
				done()
			}
			return nil
		})
	}
	return group.Wait()
}
