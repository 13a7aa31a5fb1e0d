package runs

import (
	"context"
	"fmt"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// Sensor is a registered sensor or device model.
type Sensor struct {
	fleet.ID
	Enabled bool      `json:"enabled"`       // whether it gets a job in runs that are opened from now on
	Last    time.Time `json:"last,omitzero"` // the time of a sensor's newest reading; left out if it has none
}

// SensorsRequest asks for sensors.
type SensorsRequest struct {
	// A pattern for devices, or for device/sensor, in which * stands for any text and ? for
	// one character, and [*], [?] and [[] for these characters. All match if it is left out.
	Sensors string `query:"sensors" json:"-" example:"plant1/*"`
	After   string `query:"after" json:"-" example:"plant1%2Fpump-07/current"`       // the member "next" of the page before: only sensors after this device/name
	Limit   int    `query:"limit" json:"-" minimum:"1" maximum:"1000" default:"100"` // how many sensors a page has at most: 1 to 1000
}

// SensorList is a page of sensors, in the bytewise order of device and name.
type SensorList struct {
	Sensors []Sensor `json:"sensors"` // the sensors and device models of this page
	// The parameter "after" of the next page. It is left out on the last page.
	Next string `json:"next,omitempty"`
}

// Sensors returns a page of the registered sensors and device models.
func (a *API) Sensors(ctx context.Context, req SensorsRequest) (SensorList, error) {
	after, err := afterID(req.After)
	if err != nil {
		return SensorList{}, err
	}
	limit, err := pageLimit(req.Limit)
	if err != nil {
		return SensorList{}, err
	}
	match, err := glob(req.Sensors)
	if err != nil {
		return SensorList{}, err
	}
	list := SensorList{Sensors: []Sensor{}}
	for {
		page, err := a.Ledger.Subjects(ctx, after, maxLimit)
		if err != nil {
			return SensorList{}, err
		}
		for _, s := range page {
			if !match(s.ID) {
				continue
			}
			if len(list.Sensors) == limit {
				list.Next = list.Sensors[limit-1].ID.String()
				return list, nil
			}
			list.Sensors = append(list.Sensors, Sensor(s))
		}
		if len(page) < maxLimit {
			return list, nil
		}
		after = page[maxLimit-1].ID
	}
}

// afterID reads the id that a page begins after. Empty text stands for the first page.
func afterID(text string) (id fleet.ID, err error) {
	if text == "" {
		return id, nil
	}
	if id, err = fleet.ParseID(text); err != nil {
		return id, fmt.Errorf("after: %w", err)
	}
	return id, nil
}

// SwitchRequest names sensors and device models to be enabled or disabled.
type SwitchRequest struct {
	// Sensors is a pattern for devices, or for device/sensor, in which * stands for any
	// text and ? for one character, and [*], [?] and [[] for these characters. It is not
	// empty.
	Sensors string `json:"sensors" example:"plant1/pump-07/*"`
}

// Switched counts the sensors and device models that were named to be enabled or disabled.
type Switched struct {
	Matched int `json:"matched"` // how many sensors and device models match
	Changed int `json:"changed"` // how many of them were not enabled, or not disabled, before
}

// Enable enables the sensors and device models that match. They get jobs in runs that are opened
// from now on.
func (a *API) Enable(ctx context.Context, req SwitchRequest) (Switched, error) {
	return a.setEnabled(ctx, req, true)
}

// Disable disables the sensors and device models that match. They get no jobs in runs that are
// opened from now on. Their readings are still stored, and their jobs stay.
func (a *API) Disable(ctx context.Context, req SwitchRequest) (Switched, error) {
	return a.setEnabled(ctx, req, false)
}

// setEnabled enables or disables sensors and device models. The error wraps [fleet.ErrNotFound] if
// none matches.
func (a *API) setEnabled(ctx context.Context, req SwitchRequest, enabled bool) (Switched, error) {
	if req.Sensors == "" {
		return Switched{}, fmt.Errorf("%w: sensors is empty: name them as device/sensor, or with *", fleet.ErrInvalid)
	}
	match, err := glob(req.Sensors)
	if err != nil {
		return Switched{}, err
	}
	var done Switched
	var after fleet.ID
	for {
		page, err := a.Ledger.Subjects(ctx, after, maxLimit)
		if err != nil {
			return Switched{}, err
		}
		for _, s := range page {
			if after = s.ID; match(s.ID) {
				done.Matched++
			}
		}
		if len(page) < maxLimit {
			break
		}
	}
	if done.Matched == 0 {
		return Switched{}, fmt.Errorf("%w: no registered sensor matches %q: a sensor is registered by its first reading", fleet.ErrNotFound, req.Sensors)
	}
	done.Changed, err = a.Ledger.SetEnabled(ctx, match, enabled)
	return done, err
}
