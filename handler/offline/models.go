package offline

import (
	"cmp"
	"fmt"
	"path"
	"runtime"
	"strings"
	"sync"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/model"
	"github.com/fleetscore/fleetscore/handler/model/registry"
	"github.com/fleetscore/fleetscore/handler/spawn"
)

// loaded is a model with its name and SHA-256.
type loaded struct {
	model.Loaded
	name, sha256 string
}

func (m *loaded) Name() string   { return m.name }
func (m *loaded) SHA256() string { return m.sha256 }

// candidate is a model that is loaded when it is first needed, and dropped when all its
// subjects are scored.
type candidate struct {
	Candidate
	mu    sync.Mutex
	model *loaded
	err   error
	users int // subjects that are not scored yet
}

// load returns the model. Its error wraps [fleet.ErrBadModel].
func (c *candidate) load() (*loaded, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.model == nil && c.err == nil {
		err := spawn.Catch(func() error {
			m, sum, err := c.Load()
			if err == nil {
				c.model = &loaded{m, c.Name, sum}
			}
			return err
		})
		if err != nil {
			// The reasons say "bad model" and the name of the file again.
			reason := strings.ReplaceAll(err.Error(), fleet.ErrBadModel.Error()+": ", "")
			file := cmp.Or(c.File, c.Name)
			c.err = fmt.Errorf("%w: %s: %s", fleet.ErrBadModel, file, strings.TrimPrefix(reason, path.Base(file)+": "))
		}
	}
	return c.model, c.err
}

// release must be called when one of the subjects is scored.
func (c *candidate) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.users--; c.users == 0 {
		c.model = nil
	}
}

// assignable holds the models for [fleet.Assign].
type assignable struct {
	shared []fleet.Model            // for all devices
	own    map[string][]fleet.Model // by device
}

// of returns the models for a device.
func (a assignable) of(device string) []fleet.Model {
	return append(a.shared[:len(a.shared):len(a.shared)], a.own[device]...)
}

// registry returns the models with the facts that the ledger's registry has. As in the
// ledger, a model whose name is that of a sensor's model is not loaded for that: it is the
// sensor's, whatever is in it.
func (b *batch) registry() (assignable, error) {
	sensors := make(map[fleet.ID]bool, len(b.Readings.IDs()))
	devices := make(map[string]bool)
	for _, id := range b.Readings.IDs() {
		sensors[id] = true
		devices[id.Device] = true
	}
	all := make([]fleet.Model, len(b.Models))
	var g spawn.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, m := range b.Models {
		c := &candidate{Candidate: m}
		b.models = append(b.models, c)
		all[i] = fleet.Model{Key: int64(i) + 1, Name: m.Name, Place: m.Place}
		switch {
		case m.Place.Scope == fleet.OfFleet:
		case m.Place.Scope == fleet.OfDevice && devices[m.Place.Device] && !sensors[fleet.ID{Device: m.Place.Device, Sensor: m.Place.Title}]:
		default:
			continue
		}
		g.Start(func() error {
			model, err := c.load()
			if err != nil {
				all[i].Facts = &fleet.Facts{Fault: err.Error()}
				return nil
			}
			all[i].Facts = registry.Facts(model, m.Name, b.MaxLookback)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return assignable{}, err
	}
	a := assignable{own: make(map[string][]fleet.Model)}
	for _, m := range all {
		switch m.Scope {
		case fleet.OfDevice:
			a.own[m.Device] = append(a.own[m.Device], m)
		case fleet.OfFleet, fleet.OfSensors:
			a.shared = append(a.shared, m)
		}
	}
	return a, nil
}
