package page

import (
	"fmt"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/runs"
)

// modelView is a model with what changed when it was published.
type modelView struct {
	runs.ModelDetail
	Place    string // as the command line names it
	Change   string
	Versions []versionView
}

// versionView is a version; Bar is the width of its share of anomalies, of the
// greatest.
type versionView struct {
	runs.Version
	Bar float64
}

func newModelView(d runs.ModelDetail) modelView {
	v := modelView{ModelDetail: d, Place: "devices.csv"}
	switch d.Scope {
	case fleet.OfDevice:
		v.Place = d.Device + "/" + d.Title
	case fleet.OfFleet:
		v.Place = "_fleet/" + d.Title
	case fleet.OfSensors:
		v.Place = "default"
	}
	most := 0.0
	for _, n := range d.Versions {
		most = max(most, n.Share())
	}
	for _, n := range d.Versions {
		v.Versions = append(v.Versions, versionView{n, round(n.Share()/max(most, 1e-9)*100, 10)})
	}
	if len(d.Versions) > 1 {
		now, before := d.Versions[0], d.Versions[1]
		v.Change = fmt.Sprintf("%s of the rows are anomalies; with the version before it was %s.", percent(now.Share()), percent(before.Share()))
	}
	return v
}
