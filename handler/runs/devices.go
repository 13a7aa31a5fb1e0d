package runs

import (
	"context"
	"fmt"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// DevicesRequest asks for devices.
type DevicesRequest struct {
	After string `query:"after" json:"-"` // only devices after this one
	Limit int    `query:"limit" json:"-"` // 1 to 1000, 100 if zero
}

// DeviceList is a page of devices in the order of the database.
type DeviceList struct {
	Devices []DeviceSubjects `json:"devices"`
	Next    string           `json:"next,omitempty"` // what After is to be for the next page
}

// DeviceSubjects counts what is registered of a device.
type DeviceSubjects struct {
	Device       string    `json:"device"`
	Sensors      int       `json:"sensors"`
	DeviceModels int       `json:"device_models"`
	Disabled     int       `json:"disabled"`      // of both
	Last         time.Time `json:"last,omitzero"` // time of its newest reading
}

// Devices returns a page of the devices that have sensors.
func (a *API) Devices(ctx context.Context, req DevicesRequest) (DeviceList, error) {
	limit, err := pageLimit(req.Limit)
	if err != nil {
		return DeviceList{}, err
	}
	if req.After != "" {
		if err := fleet.ValidName(req.After); err != nil {
			return DeviceList{}, fmt.Errorf("after: %w", err)
		}
	}
	page, err := a.Overview.Devices(ctx, req.After, limit)
	if err != nil {
		return DeviceList{}, err
	}
	list := DeviceList{Devices: make([]DeviceSubjects, len(page))}
	for i, d := range page {
		list.Devices[i] = DeviceSubjects(d)
	}
	if len(page) == limit {
		list.Next = page[limit-1].Device
	}
	return list, nil
}
