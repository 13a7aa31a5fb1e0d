package publish

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/features"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/model"
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
	New     Change = "new"     // there was no model in that place
	Changed Change = "changed" // there was another
	Same    Change = "same"    // there is this very one
	Bad     Change = "bad"     // the file cannot be used; nothing is done
)

// Step is what becomes of a model.
type Step struct {
	File    File
	Blob    string // its name in the container
	SHA256  string // of what is uploaded, in lower-case hex
	Change  Change
	Err     error  // why it is bad
	removed string // the blob of the model that was removed from its place, if any
	// Parts are the files that were packed into one, and as what; nil if the model
	// is one file as it is.
	Parts []artifact.Part
	About About
}

// Plan checks every model of dir, and says what publishing it would do; see [Check].
// The error is of the folder or the container; a file's own stands in its step.
func Plan(ctx context.Context, blobs blob.Store, dir fs.FS, files []File, done func()) ([]Step, error) {
	published, err := List(ctx, blobs)
	if err != nil {
		return nil, err
	}
	steps, err := Check(ctx, dir, files, done)
	if err != nil {
		return nil, err
	}
	err = each(ctx, len(steps), nil, func(ctx context.Context, i int) error {
		return steps[i].compare(ctx, blobs, published[steps[i].File.Place])
	})
	return steps, err
}

// Check checks every model of dir, as if nothing were published yet. Files that are
// parts of the model beside them, such as a scaler, are packed with it where it is
// clear whose they are. Check calls done, if not nil, for each file, from several
// goroutines. The error is of the folder; a file's own stands in its step.
func Check(ctx context.Context, dir fs.FS, files []File, done func()) ([]Step, error) {
	steps := make([]Step, len(files))
	err := each(ctx, len(files), done, func(_ context.Context, i int) (err error) {
		steps[i], err = check(dir, files[i])
		return err
	})
	if err != nil {
		return nil, err
	}
	return join(dir, steps)
}

// Apply uploads the new and the changed. What a changed one replaces is kept
// first. It calls done, if not nil, after each step. What is uploaded is what Plan
// has checked, to the byte: a file that has changed since is an error.
func Apply(ctx context.Context, blobs blob.Store, dir fs.FS, steps []Step, done func()) error {
	return each(ctx, len(steps), done, func(ctx context.Context, i int) error {
		s := steps[i]
		if s.Change != New && s.Change != Changed {
			return nil
		}
		data, _, err := Read(dir, s.File)
		if err != nil {
			return err
		}
		if sumOf(data) != s.SHA256 {
			return fmt.Errorf("%s has changed since it was checked: publish again", s.File.Path())
		}
		switch {
		case s.Change == Changed: // what an unfinished rollback has left is not taken up again
			err = keep(ctx, blobs, s.File.Place, s.Blob, replacedName(s.File.Place))
		case s.removed != "":
			err = keep(ctx, blobs, s.File.Place, s.removed, s.removed)
		}
		if err != nil {
			return err
		}
		return put(ctx, blobs, s.Blob, "", data)
	})
}

// Read returns the bytes that a model's files are published as, and the model; nil
// of what is none.
func Read(dir fs.FS, f File) ([]byte, *artifact.Packed, error) {
	if f.Place.Scope == fleet.Attributes {
		data, err := fs.ReadFile(dir, f.Paths[0])
		return data, nil, err
	}
	packed, err := artifact.Pack(dir, f.Paths)
	if err != nil {
		return nil, nil, err
	}
	return packed.Data, packed, nil
}

func sumOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// check reads a model.
func check(dir fs.FS, f File) (Step, error) {
	s := Step{File: f, Change: New}
	data, packed, err := Read(dir, f)
	if pathError := new(fs.PathError); errors.As(err, &pathError) {
		return s, err
	}
	s.Blob = blobOf(f.Place) + suffixOf(f, packed)
	if err == nil && packed == nil {
		_, err = features.ParseAttributes(data)
	}
	if err == nil && packed != nil {
		s.Parts = packed.Parts
		s.About, err = about(packed.Model)
	}
	if err != nil {
		s.Change, s.Err = Bad, err
		return s, nil
	}
	s.SHA256 = sumOf(data)
	return s, nil
}

// suffixOf returns the suffix of a new blob.
func suffixOf(f File, p *artifact.Packed) string {
	switch e := path.Ext(f.Paths[0]); {
	case f.Place.Scope == fleet.Attributes:
		return ""
	case f.own || len(f.Paths) > 1 || p != nil && p.Parts != nil:
		return ".zip"
	case e != "" && slices.Contains(model.Suffixes, e):
		return e
	}
	return ".pkl"
}

// compare says what publishing a checked model does.
func (s *Step) compare(ctx context.Context, blobs blob.Store, p *Published) error {
	if s.Change == Bad || p == nil {
		return nil
	}
	if len(p.Names) == 0 {
		s.removed = p.Removed
		return nil
	}
	if len(p.Names) > 1 {
		s.Change, s.Err = Bad, tooMany(p)
		return nil
	}
	// The blob in that place keeps its name, whatever the file's.
	s.Blob, s.Change = p.Names[0], Changed
	same, err := holds(ctx, blobs, s.Blob, s.SHA256)
	if same {
		s.Change = Same
	}
	return err
}

func tooMany(p *Published) error {
	return fmt.Errorf("%w: the container %s has more than one model for %s: %s; delete all but one", fleet.ErrBadModel, blob.Models, Title(p.Place), strings.Join(p.Names, ", "))
}

// holds reports whether a blob has the content with this sum. Blobs that
// others wrote have no sum noted, and are read.
func holds(ctx context.Context, blobs blob.Store, name, sum string) (bool, error) {
	info, err := blobs.Stat(ctx, blob.Models, name)
	if err != nil || info.SHA256 != "" {
		return info.SHA256 == sum, ignoreNotFound(err)
	}
	data, _, err := blobs.Read(ctx, blob.Models, name, "", MaxSize)
	return sumOf(data) == sum, ignoreNotFound(err)
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
