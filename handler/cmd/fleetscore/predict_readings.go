package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sync/semaphore"

	"github.com/fleetscore/fleetscore/handler/features"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/model/artifact"
	"github.com/fleetscore/fleetscore/handler/score"
	"github.com/fleetscore/fleetscore/handler/series"
)

// readingFlags are the flags with which predict computes rows from readings.
type readingFlags struct {
	features, attributes string
	files                dataFlags
	memory               *series.Options
}

// namedModel is a model with the name and SHA-256 that package score asks for.
type namedModel struct {
	*artifact.Model
	name, sha256 string
}

func (m namedModel) Name() string   { return m.name }
func (m namedModel) SHA256() string { return m.sha256 }

// predictReadings computes the rows of a features file from readings, scores them device
// by device, and writes the same lines as a run, with one header.
func (c console) predictReadings(ctx context.Context, name string, f readingFlags, data string) (err error) {
	text, err := os.ReadFile(f.features)
	if err != nil {
		return err
	}
	spec, err := features.Parse(text)
	if err != nil {
		return fmt.Errorf("%s: %w", f.features, err)
	}
	loaded, err := loadModel(name, spec)
	if err != nil {
		return err
	}
	attributes, err := readAttributes(f.attributes)
	if err != nil {
		return err
	}
	d, err := c.devices(&f.files, f.memory, []string{data}, spec.Devices)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	m := namedModel{loaded.Model, filepath.Base(name), loaded.sha256}
	title, _, _ := strings.Cut(m.name, ".")
	out := bufio.NewWriter(c.out)
	lines := &oneHeader{to: out}
	cpu := semaphore.NewWeighted(int64(runtime.GOMAXPROCS(0)))
	for _, device := range d.names {
		subject := score.Subject{ID: fleet.ID{Device: device, DeviceModel: title}, Model: m}
		if subject.Plan, err = score.Prepare(subject.ID, m, fleet.Aggregation{}, attributes[device], 0); err != nil {
			return fmt.Errorf("device %q: %w", device, err)
		}
		subject.Window = d.through(subject.Plan)
		lines.header = true
		if err := d.predict(ctx, lines, subject, cpu); err != nil && !errors.Is(err, fleet.ErrNoData) {
			return fmt.Errorf("device %q: %w", device, err)
		}
	}
	return out.Flush()
}

func (d devices) predict(ctx context.Context, to io.Writer, s score.Subject, cpu *semaphore.Weighted) error {
	out, err := score.NewPredictions(ctx, to, s, cpu)
	if err != nil {
		return err
	}
	defer out.Release()
	if err := d.each(s.ID.Device, s.Plan, out.Sample); err != nil {
		return err
	}
	return out.Close(ctx, new(fleet.Outcome))
}

// oneHeader joins several CSV files. It leaves out the header of all but the first.
type oneHeader struct {
	to     io.Writer
	header bool // the next Write begins with a header
	shown  bool // a header was written
}

func (w *oneHeader) Write(b []byte) (int, error) {
	n := len(b)
	if w.header {
		w.header = false
		if w.shown {
			_, b, _ = bytes.Cut(b, []byte{'\n'})
		}
		w.shown = true
	}
	_, err := w.to.Write(b)
	return n, err
}
