package fleet

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// What runs judge of a device, by the sensors it has and the models that are there.
func TestAssign(t *testing.T) {
	t.Parallel()
	var key int64
	of := func(scope Scope, device, title string, facts *Facts) Model {
		key++
		name := strings.Trim(device+"/"+title, "/") + ".pkl"
		switch scope {
		case OfFleet:
			name = "_fleet/" + title + ".zip"
		case OfSensors:
			name = title + ".pkl"
		}
		return Model{Key: key, Name: name, Place: Place{scope, device, title}, Facts: facts}
	}
	own := func(title string, facts *Facts) Model { return of(OfDevice, "p", title, facts) }
	shared := func(title string, facts *Facts) Model { return of(OfFleet, "", title, facts) }
	one := &Facts{Plain: true, Features: 1}
	two := &Facts{Plain: true, Features: 2, Names: []string{"t", "v"}, Sensors: []string{"t", "v"}, LookbackMS: 5000}
	pumps := &Facts{Features: 9, Devices: []string{"p*"}, Sensors: []string{"t", "v"}}
	fans := &Facts{Features: 9, Devices: []string{"fan-*"}, Sensors: []string{"t", "v"}}
	bad := &Facts{Fault: "it is a web page"}
	fallback := of(OfSensors, "", "default", nil)
	for _, test := range []struct {
		name    string
		sensors string
		models  []Model
		columns int
		want    string // name kind model fault, of those that are judged
	}{
		{"no model", "t v", nil, 1, "t sensor -, v sensor -"},
		{"default", "t v", []Model{fallback}, 1, "t sensor default.pkl, v sensor default.pkl"},
		{"own before default", "t v", []Model{fallback, own("t", nil)}, 1, "t sensor p/t.pkl, v sensor default.pkl"},
		{"a device model feeds on sensors without models", "t u v", []Model{own("health", two)}, 1, "health device_model p/health.pkl, u sensor -"},
		{"sensors with models are judged too", "t v", []Model{own("health", two), own("t", one)}, 1, "health device_model p/health.pkl, t sensor p/t.pkl"},
		{"and those with a default", "t v", []Model{own("health", two), fallback}, 1, "health device_model p/health.pkl, t sensor default.pkl, v sensor default.pkl"},
		{"none of its sensors", "x", []Model{own("health", two)}, 1, "x sensor -"},
		{"one of its sensors", "t", []Model{own("health", two)}, 1, `health device_model p/health.pkl the features of p/health.pkl need the sensor "v", which the device does not have; it has t`},
		{"a fleet's", "t v", []Model{shared("health", pumps)}, 1, "health device_model _fleet/health.zip"},
		{"another fleet's", "t v", []Model{shared("health", fans)}, 1, "t sensor -, v sensor -"},
		{"own before the fleet's", "t v", []Model{shared("health", pumps), own("health", two)}, 1, "health device_model p/health.pkl"},
		{"a fleet's model of one sensor", "t v", []Model{shared("t", one), fallback}, 1, "t sensor _fleet/t.zip, v sensor default.pkl"},
		{"a fleet's model of a sensor it has not", "v", []Model{shared("t", one)}, 1, "v sensor -"},
		{"a sensor of that name", "health t v", []Model{own("health", two)}, 1,
			"health sensor p/health.pkl p/health.pkl is a device model, and the device has a sensor named health too: give one of them another name, t sensor -, v sensor -"},
		{"two models of one name", "t v", []Model{own("health", two), own("health", pumps)}, 1, "health device_model - p/health.pkl and p/health.pkl in container models could serve it: delete all but one"},
		{"two models of one sensor", "t", []Model{own("t", nil), own("t", nil)}, 1, "t sensor - p/t.pkl and p/t.pkl in container models could serve it: delete all but one"},
		{"an own file that is no model", "t", []Model{own("health", bad)}, 1, "health device_model p/health.pkl it is a web page, t sensor -"},
		{"no names and no features file", "t v", []Model{own("health", &Facts{Plain: true, Features: 3})}, 1,
			"health device_model p/health.pkl p/health.pkl takes 3 features and has no names for them: publish it with a features file that describes its rows, t sensor -, v sensor -"},
		{"a fleet's file that is no model is nobody's", "t", []Model{shared("health", bad)}, 1, "t sensor -"},
		{"a fleet's file that is no model, under a sensor's name", "t", []Model{shared("t", bad)}, 1, "t sensor _fleet/t.zip it is a web page"},
		{"a sensor's model waits for its sensor", "v", []Model{own("t", one)}, 1, "v sensor -"},
		{"one nobody has read waits", "v", []Model{own("t", nil)}, 1, "v sensor -"},
		{"aggregates make two columns of a sensor", "v", []Model{own("t", &Facts{Plain: true, Features: 2})}, 2, "v sensor -"},
		{"unless its columns are sensors", "t v", []Model{own("health", two)}, 2, "health device_model p/health.pkl"},
		{"a device without sensors", "", []Model{own("health", two)}, 1, ""},
		{"nor is a bad file judged there", "", []Model{own("health", bad)}, 1, ""},
		{"one column where a sensor's rows have two", "v", []Model{own("t", one)}, 2, "v sensor -"},
		{"one column with a name is a sensor's", "t v", []Model{own("health", &Facts{Plain: true, Features: 1, Names: []string{"t"}, Sensors: []string{"t"}})}, 1, "t sensor -, v sensor -"},
		{"a default is no device model", "t", []Model{of(OfSensors, "", "default", two)}, 1, "t sensor default.pkl"},
		{"by name", "v z t a", []Model{own("m", two), own("c", two), shared("x", pumps), own("b", two), fallback}, 1,
			"a sensor default.pkl, b device_model p/b.pkl, c device_model p/c.pkl, m device_model p/m.pkl, t sensor default.pkl, v sensor default.pkl, x device_model _fleet/x.zip, z sensor default.pkl"},
	} {
		names := map[int64]string{0: "-"}
		for _, m := range test.models {
			names[m.Key] = m.Name
		}
		var got []string
		for _, s := range Assign("p", strings.Fields(test.sensors), test.models, test.columns) {
			if !s.Judged {
				continue
			}
			kind := "sensor"
			if s.DeviceModel != "" {
				kind = "device_model"
				if want := 5 * time.Second; s.Fault == "" && s.Model == test.models[0].Key && test.models[0].Facts == two && s.Lookback != want {
					t.Errorf("%s: %s looks back %v, want %v", test.name, s.ID, s.Lookback, want)
				}
			}
			got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", s.Name(), kind, names[s.Model], s.Fault)))
		}
		if got := strings.Join(got, ", "); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.name, got, test.want)
		}
	}
}
