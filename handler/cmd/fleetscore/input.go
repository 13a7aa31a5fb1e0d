package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"strings"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/model"
	"github.com/fleetscore/fleetscore/handler/model/artifact"
	"github.com/fleetscore/fleetscore/handler/model/publish"
	"github.com/fleetscore/fleetscore/handler/simulate"
	"github.com/fleetscore/fleetscore/handler/spawn"
	"github.com/fleetscore/fleetscore/handler/tabular"
)

// input is the readings and models of the command run.
type input interface {
	window() fleet.Window
	sensors() int  // the number of sensors
	readings() int // the number of readings
	each() iter.Seq2[fleet.Reading, error]
	// publish publishes the models. It returns the number of them, and a line for each
	// file that cannot be used.
	publish(context.Context, blob.Store) (int, []string, error)
	// known returns the times of the anomalies of each sensor and device model. It
	// returns nil if they are not known.
	known() map[fleet.ID]map[fleet.Millis]bool
}

// simulated is the input from a simulated fleet, over an hour.
type simulated struct {
	fleet simulate.Fleet
	hour  fleet.Window
}

func simulatedFleet(seed uint64, devices int) simulated {
	from := time.Date(2026, 3, 4, 11, 0, 0, 0, time.UTC)
	return simulated{
		simulate.Fleet{Seed: seed, Devices: devices, Every: 10 * time.Second},
		fleet.Window{From: from, To: from.Add(time.Hour)},
	}
}

func (s simulated) window() fleet.Window { return s.hour }
func (s simulated) sensors() int         { return len(s.fleet.Sensors()) }
func (s simulated) readings() int {
	return s.sensors() * int(s.hour.To.Sub(s.hour.From)/s.fleet.Every)
}

func (s simulated) each() iter.Seq2[fleet.Reading, error] { return readings(s.fleet, s.hour) }

func (s simulated) known() map[fleet.ID]map[fleet.Millis]bool {
	all := make(map[fleet.ID]map[fleet.Millis]bool)
	for sample := range s.fleet.Samples(s.hour) {
		if all[sample.ID] == nil {
			all[sample.ID] = make(map[fleet.Millis]bool)
		}
		if sample.Anomaly {
			all[sample.ID][sample.Time] = true
		}
	}
	for row := range s.fleet.Rows(s.hour) {
		id := fleet.ID{Device: row.Device, DeviceModel: simulate.MachineModel}
		if all[id] == nil {
			all[id] = make(map[fleet.Millis]bool)
		}
		if row.Anomaly {
			all[id][row.Start] = true
		}
	}
	return all
}

func (s simulated) publish(ctx context.Context, blobs blob.Store) (int, []string, error) {
	return s.sensors() + 1, nil, publishFleet(ctx, blobs, s.fleet)
}

// publishFleet publishes a model for each sensor of a simulated fleet, and one device
// model for all devices. A model that is published already stays as it is.
func publishFleet(ctx context.Context, blobs blob.Store, f simulate.Fleet) error {
	machine, err := artifact.Pack(simulate.MachineFiles())
	if err != nil {
		return err
	}
	published, err := publish.List(ctx, blobs)
	if err != nil {
		return err
	}
	group, ctx := spawn.WithContext(ctx)
	group.SetLimit(8)
	put := func(name string, content []byte) {
		if place, _ := model.PlaceOf(name); published[place] != nil && len(published[place].Names) > 0 {
			return
		}
		group.Start(func() error {
			_, err := blobs.Write(ctx, blob.Models, name, "", "application/octet-stream", func(w io.Writer) error {
				_, err := w.Write(content)
				return err
			})
			return err
		})
	}
	for _, s := range f.Sensors() {
		put(s.ID.Path()+".pkl", s.Kind.Model())
	}
	put("_fleet/"+simulate.MachineModel+".zip", machine.Data)
	return group.Wait()
}

// own is the input from a user's files of readings and folder of models.
type own struct {
	data    *tabular.Reader
	span    fleet.Window
	count   int
	devices map[fleet.ID]int
	dir     fs.FS
	files   []publish.File
}

// openOwn reads all files once, before anything is started, so that an error in the last
// line is found early. It warns of rows that are not readings.
func (c console) openOwn(flags *dataFlags, data []string, models string) (*own, error) {
	files, err := flags.open(c, data)
	if err != nil {
		return nil, err
	}
	o := &own{data: files, dir: os.DirFS(models), devices: make(map[fleet.ID]int)}
	first, last := fleet.MaxMillis, fleet.MinMillis
	for r, err := range o.each() {
		if err != nil {
			return nil, err
		}
		first, last = min(first, r.Time), max(last, r.Time)
		o.devices[r.ID]++
		o.count++
	}
	for _, w := range warnings(files.Report()) {
		fmt.Fprintf(c.err, "warning: %s\n", w)
	}
	if o.count == 0 {
		return nil, fmt.Errorf("%s: no reading in %s", strings.Join(data, ", "), counts(files.Report()))
	}
	if o.span, err = outwards(first, last+1); err != nil {
		return nil, err
	}
	found, others, err := publish.Find(o.dir, "")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", models, err)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s: %w", models, noModel(others))
	}
	o.files = found
	return o, nil
}

func (o *own) window() fleet.Window                      { return o.span }
func (o *own) sensors() int                              { return len(o.devices) }
func (o *own) readings() int                             { return o.count }
func (o *own) known() map[fleet.ID]map[fleet.Millis]bool { return nil }

func (o *own) each() iter.Seq2[fleet.Reading, error] { return o.data.All() }

func (o *own) publish(ctx context.Context, blobs blob.Store) (n int, bad []string, err error) {
	steps, err := publish.Plan(ctx, blobs, o.dir, o.files, nil)
	if err != nil {
		return 0, nil, err
	}
	for _, s := range steps {
		if s.Err != nil {
			bad = append(bad, fmt.Sprintf("model %s cannot be used: %v", s.File.Path(), s.Err))
		}
	}
	return len(steps) - len(bad), bad, publish.Apply(ctx, blobs, o.dir, steps, nil)
}
