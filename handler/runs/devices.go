package runs

import (
	"context"
	"fmt"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// DevicesRequest asks for devices.
type DevicesRequest struct {
	After string `query:"after" json:"-"`                                          // the member "next" of the page before: only devices after this one
	Limit int    `query:"limit" json:"-" minimum:"1" maximum:"1000" default:"100"` // how many devices a page has at most: 1 to 1000
}

// DeviceList is a page of devices, in the order in which the database sorts their names.
type DeviceList struct {
	Devices []DeviceSubjects `json:"devices"` // the devices of this page
	// The parameter "after" of the next page. It is left out on the last page.
	Next string `json:"next,omitempty"`
}

// DeviceSubjects is a device, with what is registered of it.
type DeviceSubjects struct {
	Device       string    `json:"device"`        // the name of the device
	Sensors      int       `json:"sensors"`       // how many sensors it has
	DeviceModels int       `json:"device_models"` // how many device models it has
	Disabled     int       `json:"disabled"`      // how many of its sensors and device models are disabled
	Last         time.Time `json:"last,omitzero"` // the time of its newest reading; left out if it has none
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
