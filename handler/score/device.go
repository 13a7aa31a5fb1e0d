package score

import (
	"context"
	"fmt"
	"io"
	"iter"
	"slices"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/series"
	"github.com/fleetscore/fleetscore/handler/spawn"
)

// scoreDevices is the second step of device models' jobs. Those of one device share
// the reading of its sensors. Several devices are worked on at a time.
func (p *processor) scoreDevices(ctx context.Context, tasks []*task) {
	var g spawn.Group
	g.SetLimit(workers)
	for len(tasks) > 0 {
		device := tasks[0].key.Device
		n := slices.IndexFunc(tasks, func(t *task) bool { return t.key.Device != device })
		if n < 0 {
			n = len(tasks)
		}
		of := tasks[:n]
		tasks = tasks[n:]
		g.Start(func() error {
			p.scoreDevice(ctx, of)
			return nil
		})
	}
	_ = g.Wait() // each task has its own error
}

// slice holds the points of a slice of time, for each sensor that was read.
type slice [][]series.Point

// deviceRead is the range of readings for the tasks of one device: all sensors that any of
// them uses, from the earliest time to which any of them looks back.
type deviceRead struct {
	sensors []fleet.ID
	window  fleet.Window
}

func (p *processor) deviceRead(tasks []*task) deviceRead {
	r := deviceRead{window: p.run.Window}
	for _, t := range tasks {
		for _, name := range t.plan.Sensors() {
			r.sensors = append(r.sensors, fleet.ID{Device: t.key.Device, Sensor: name})
		}
		from := p.run.Window.From.Add(-t.plan.Lookback()).Truncate(time.Second)
		if from.Before(r.window.From) {
			r.window.From = from
		}
	}
	slices.SortFunc(r.sensors, fleet.CompareID)
	r.sensors = slices.Compact(r.sensors)
	return r
}

// scoreDevice scores the jobs of one device. Each slice of time is read once and
// sent to all of them, and each job makes its rows of it.
func (p *processor) scoreDevice(ctx context.Context, tasks []*task) {
	read := p.deviceRead(tasks)
	feeds := make([]*feed[slice], len(tasks))
	var g spawn.Group
	for i, t := range tasks {
		f := newFeed[slice]()
		feeds[i] = f
		g.Start(func() error {
			defer f.stop()
			t.caught(func() {
				p.write(ctx, t, func(w io.Writer) error { return p.fillDevice(ctx, w, t, read, f) })
			})
			return nil
		})
	}
	var failed error
	for points, err := range read.slices(ctx, p.Readings) {
		if err != nil {
			failed = fmt.Errorf("read readings of run %s: %w", p.run.ID, err)
			break
		}
		for _, f := range feeds {
			f.send(ctx, points)
		}
	}
	for _, f := range feeds {
		f.close(failed)
	}
	_ = g.Wait() // each task has its own error
}

// fillDevice writes the CSV of a device model's task to w and its figures to the
// task's result.
func (p *processor) fillDevice(ctx context.Context, w io.Writer, t *task, read deviceRead, f *feed[slice]) error {
	out, err := p.predictions(ctx, w, t)
	if err != nil {
		return err
	}
	defer out.Release()
	at := make([]int, len(t.plan.Sensors())) // their positions in the read
	for i, name := range t.plan.Sensors() {
		at[i] = slices.Index(read.sensors, fleet.ID{Device: t.key.Device, Sensor: name})
	}
	taken := make([]series.Next, len(at))
	for points, err := range f.each(ctx) {
		if err != nil {
			return err
		}
		for i, sensor := range at {
			taken[i] = series.InMemory(points[sensor])
		}
		for s, err := range series.Merge(taken) {
			if err == nil {
				err = out.Sample(s.Series, s.Time, s.Value)
			}
			if err != nil {
				return err
			}
		}
	}
	return out.Close(ctx, &t.result)
}

// SQL yields all readings of one sensor before those of the next, but a row needs
// those of all sensors at one time. So the readings of a device are read in slices
// of time, each small enough for memory, however long the window is.
const (
	firstSlice  = time.Hour
	wantSamples = 1 << 17 // in a slice
	maxSamples  = 1 << 19 // in a slice longer than a second
	maxGrowth   = 8       // from slice to slice
)

// slices yields one slice of time after the other. It leaves out slices without readings.
// The caller may keep the slices.
func (r deviceRead) slices(ctx context.Context, readings Readings) iter.Seq2[slice, error] {
	return func(yield func(slice, error) bool) {
		length := firstSlice
		for from := r.window.From; from.Before(r.window.To); {
			to := from.Add(length)
			if to.After(r.window.To) {
				to = r.window.To
			}
			points, n, err := r.slice(ctx, readings, fleet.Window{From: from, To: to})
			if err != nil {
				yield(nil, err)
				return
			}
			if points == nil {
				length = max(to.Sub(from)/maxGrowth, time.Second).Truncate(time.Second)
				continue
			}
			if n > 0 && !yield(points, nil) {
				return
			}
			growth := min(maxGrowth, wantSamples/float64(max(n, 1)))
			length = max(time.Duration(float64(to.Sub(from))*growth), time.Second).Truncate(time.Second)
			from = to
		}
	}
}

// slice reads a slice of time and counts the readings. It returns nil if they are too
// many.
func (r deviceRead) slice(ctx context.Context, readings Readings, w fleet.Window) (points slice, n int, err error) {
	most := maxSamples
	if w.To.Sub(w.From) <= time.Second {
		most = int(^uint(0) >> 1)
	}
	points = make(slice, len(r.sensors))
	sensor := 0
	for reading, err := range readings.Readings(ctx, r.sensors, w) {
		if err != nil {
			return nil, 0, err
		}
		if n == most {
			return nil, 0, nil
		}
		if r.sensors[sensor] != reading.ID {
			if sensor = slices.Index(r.sensors, reading.ID); sensor < 0 {
				return nil, 0, fmt.Errorf("a reading of %s came that nobody asked for", reading.ID)
			}
		}
		points[sensor] = append(points[sensor], series.Point{Time: reading.Time, Value: reading.Value})
		n++
	}
	return points, n, nil
}
