package score

import (
	"context"
	"fmt"
	"io"
	"iter"
	"slices"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/spawn"
)

// scoreDevices scores the tasks of device models. Those of one device share one
// read. So many devices are read at a time as tasks are worked on elsewhere.
func (p *pass) scoreDevices(ctx context.Context, tasks []*task) {
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

// sample is a reading of one of the sensors of a device.
type sample struct {
	time   fleet.Millis
	value  float64
	sensor int // position in deviceRead.sensors
}

// deviceRead is the read that the tasks of one device share: the readings of all
// sensors that they take, from as far as the furthest of them looks back.
type deviceRead struct {
	sensors []fleet.ID
	window  fleet.Window
}

func (p *pass) deviceRead(tasks []*task) deviceRead {
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

// scoreDevice is (b) for the jobs of one device. The readings stream past all of
// them at once, in the order of time; each makes its own rows of them.
func (p *pass) scoreDevice(ctx context.Context, tasks []*task) {
	read := p.deviceRead(tasks)
	feeds := make([]*feed[[]sample], len(tasks))
	var g spawn.Group
	for i, t := range tasks {
		f := newFeed[[]sample]()
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
	for samples, err := range read.samples(ctx, p.Readings) {
		if err != nil {
			failed = fmt.Errorf("read readings of run %s: %w", p.run.ID, err)
			break
		}
		for _, f := range feeds {
			f.send(ctx, samples)
		}
	}
	for _, f := range feeds {
		f.close(failed)
	}
	_ = g.Wait() // each task has its own error
}

// fillDevice writes the CSV of a device model's task to w and its figures to the
// task's result.
func (p *pass) fillDevice(ctx context.Context, w io.Writer, t *task, read deviceRead, f *feed[[]sample]) error {
	out, err := p.predictions(ctx, w, t)
	if err != nil {
		return err
	}
	defer out.Release()
	at := make([]int, len(read.sensors)) // positions in the plan, from 1; 0: not taken
	for i, id := range read.sensors {
		at[i] = slices.Index(t.plan.Sensors(), id.Sensor) + 1
	}
	for samples, err := range f.each(ctx) {
		if err != nil {
			return err
		}
		for _, s := range samples {
			if sensor := at[s.sensor]; sensor > 0 {
				if err := out.Sample(sensor-1, s.time, s.value); err != nil {
					return err
				}
			}
		}
	}
	return out.Close(ctx, &t.result)
}

// The readings of a device are read slice of time by slice of time: so they come
// in the order of time, of all sensors together, and memory does not hang on the
// window's length.
const (
	firstSlice  = time.Hour
	wantSamples = 1 << 17 // in a slice
	maxSamples  = 1 << 19 // in a slice longer than a second
	maxGrowth   = 8       // from slice to slice
)

// samples yields the readings, some at a time, in the order of time. What it
// yielded may be kept.
func (r deviceRead) samples(ctx context.Context, readings Readings) iter.Seq2[[]sample, error] {
	return func(yield func([]sample, error) bool) {
		length := firstSlice
		for from := r.window.From; from.Before(r.window.To); {
			to := from.Add(length)
			if to.After(r.window.To) {
				to = r.window.To
			}
			samples, whole, err := r.slice(ctx, readings, fleet.Window{From: from, To: to})
			if err != nil {
				yield(nil, err)
				return
			}
			if !whole {
				length = max(to.Sub(from)/maxGrowth, time.Second).Truncate(time.Second)
				continue
			}
			if len(samples) > 0 && !yield(samples, nil) {
				return
			}
			growth := min(maxGrowth, wantSamples/float64(max(len(samples), 1)))
			length = max(time.Duration(float64(to.Sub(from))*growth), time.Second).Truncate(time.Second)
			from = to
		}
	}
}

// slice returns the readings of a slice of time in the order of time; not whole if
// they are too many.
func (r deviceRead) slice(ctx context.Context, readings Readings, w fleet.Window) (all []sample, whole bool, err error) {
	most := maxSamples
	if w.To.Sub(w.From) <= time.Second {
		most = int(^uint(0) >> 1)
	}
	var starts []int // of the sensors' readings, which come one sensor after another
	sensor := -1
	for reading, err := range readings.Readings(ctx, r.sensors, w) {
		if err != nil {
			return nil, false, err
		}
		if len(all) == most {
			return nil, false, nil
		}
		if sensor < 0 || r.sensors[sensor] != reading.ID {
			if sensor = slices.Index(r.sensors, reading.ID); sensor < 0 {
				return nil, false, fmt.Errorf("a reading of %s came that nobody asked for", reading.ID)
			}
			starts = append(starts, len(all))
		}
		all = append(all, sample{reading.Time, reading.Value, sensor})
	}
	return mergeByTime(all, starts), true, nil
}

// mergeByTime sorts samples by time of which each part, that begins at one of
// starts, is sorted: two neighbours at a time become one.
func mergeByTime(all []sample, starts []int) []sample {
	if len(starts) < 2 {
		return all
	}
	other := make([]sample, len(all))
	for len(starts) > 1 {
		merged := starts[:0:0]
		for i := 0; i < len(starts); i += 2 {
			begin, middle, end := starts[i], len(all), len(all)
			if i+1 < len(starts) {
				middle = starts[i+1]
			}
			if i+2 < len(starts) {
				end = starts[i+2]
			}
			merged = append(merged, begin)
			mergeTwo(other[begin:end], all[begin:middle], all[middle:end])
		}
		all, other, starts = other, all, merged
	}
	return all
}

// mergeTwo fills to with a and b, which are sorted by time.
func mergeTwo(to, a, b []sample) {
	for i := range to {
		if len(a) == 0 || len(b) > 0 && b[0].time < a[0].time {
			to[i], b = b[0], b[1:]
		} else {
			to[i], a = a[0], a[1:]
		}
	}
}
