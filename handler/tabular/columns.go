package tabular

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/notation"
)

// The usual names of columns, as [notation.Plain] writes them. Of several columns, the one whose
// name comes first here is used.
var (
	timeNames = []string{"timestring", "ts", "timestamp", "datetime", "time", "date", "eventtime", "eventdatetime", "sourcetimestamp", "timestamputc", "utctimestamp",
		"timeutc", "utctime", "utc", "epoch", "epochtime", "epochseconds", "epochms", "unixtime", "unixtimestamp", "unix", "timestampms", "timestampns", "timems", "tsms", "localtime", "recordedat", "measuredat", "createdat", "loggedat", "measurementtime", "sampletime", "datetimeutc",
		"enqueuedtime", "eventenqueuedutctime", "zeit", "zeitstempel", "zeitpunkt", "datum", "datumzeit", "datumuhrzeit", "horodatage", "fecha", "fechahora", "dataora", "tijd", "tstamp",
		"indexlevel0", "index", "unnamed:0", "t", ""}
	dateNames  = []string{"date", "datum", "fecha"}
	clockNames = []string{"time", "timeofday", "uhrzeit", "zeit", "hora"}

	deviceNames = []string{"device", "deviceid", "iotcentraldeviceid", "iothubconnectiondeviceid", "devicename", "machine", "machineid", "machinename", "asset", "assetid", "assetname", "equipment", "equipmentid",
		"unit", "unitid", "unitnumber", "turbine", "turbineid", "pump", "pumpid", "engine", "engineid", "motor", "motorid", "station", "stationid", "plant", "plantid",
		"source", "sourcekey", "host", "serial", "serialnumber", "anlage", "anlagenid", "maschine", "maschinenid", "gerät", "geraet", "geräteid", "aggregat", "équipement", "equipo", "máquina", "maquina", "id"}
	sensorNames = []string{"sensor", "sensorid", "sensorname", "tag", "tagname", "tagid", "signal", "signalname", "signalid", "metric", "metricname", "field", "measurement", "variable",
		"channel", "point", "pointname", "pointid", "parameter", "item", "itemid", "nodeid", "attribute", "pitag", "pipoint", "varname", "series", "messstelle", "messpunkt", "messgröße", "merkmal", "capteur", "name", "key"}
	valueNames = []string{"value", "val", "reading", "numericvalue", "doublevalue", "measuredvalue", "wert", "messwert", "valeur", "valor", "waarde", "varvalue", "y", "v"}

	// In a wide file, the last three may be names of sensors.
	qualityNames = []string{"quality", "qualitycode", "opcquality", "statuscode", "isgood", "isvalid", "status", "good", "valid"}
	// Columns that number the rows.
	counterNames = []string{"unnamed:0", "indexlevel0", "entryid", "record", "recordnumber", "rownumber", "rowid", "index"}
)

// none stands for a column that a file does not have.
const none = -1

// layout is the meaning of the columns of a file.
type layout struct {
	time          int
	clock         int // the time of day, if time has only the date
	device        int
	sensor, value int      // none in a wide file
	quality       int      // of all values in the row
	sensors       []int    // in a wide file, the columns of sensors
	names         []string // of all columns
	constDevice   []byte   // the device of all rows, if device is none
	constSensor   []byte   // the sensor of all rows, if sensor is none in a long file
}

// locate finds out what the columns hold. File is the name of the file, which is the device if
// there is no column for it.
func (o Options) locate(columns []string, file string) (*layout, error) {
	plain := make([]string, len(columns))
	for i, c := range columns {
		plain[i] = notation.Plain(withoutUnit(c))
	}
	l := &layout{clock: none, quality: none, names: columns}
	var err error
	if l.time, err = named(columns, o.Time, "--time"); err != nil {
		return nil, err
	}
	if o.Time == "" {
		l.time = usual(plain, timeNames, nil)
		date, clock := usual(plain, dateNames, nil), usual(plain, clockNames, nil)
		if date != none && clock != none {
			l.time, l.clock = date, clock
		}
	}
	if l.time == none {
		if slices.ContainsFunc(columns, func(c string) bool { _, err := o.value(cell{text: []byte(c)}); return err == nil }) {
			return nil, fmt.Errorf("%w: the first line, %s, has a number where the names of columns are to stand: put a line of names before it, such as TS,Device,Sensor,Val", fleet.ErrInvalid, list(columns))
		}
		return nil, fmt.Errorf("%w: no column holds the time among %s: name it with --time", fleet.ErrInvalid, list(columns))
	}
	taken := []int{l.time, l.clock}
	// If no column has the name in the options, the name is that of all rows.
	l.device, l.constDevice = constant(columns, o.Device)
	if o.Device == "" {
		l.device = usual(plain, deviceNames, taken)
	}
	taken = append(taken, l.device)
	l.sensor, l.constSensor = constant(columns, o.Sensor)
	if o.Sensor == "" {
		l.sensor = usual(plain, sensorNames, taken)
	}
	if l.value, err = named(columns, o.Value, "--value"); err != nil {
		return nil, err
	}
	if o.Value == "" {
		l.value = usual(plain, valueNames, append(taken, l.sensor))
	}
	if l.device == none && l.constDevice == nil {
		l.constDevice = []byte(deviceOf(file))
	}
	switch {
	case l.value != none && (l.sensor != none || l.constSensor != nil):
		l.quality = usual(plain, qualityNames, append(taken, l.sensor, l.value))
		return l, nil
	case l.value == none && (o.Sensor != "" || l.sensor != none && o.Value == "" && (len(columns) <= len(taken)+1 || strings.HasSuffix(plain[l.sensor], "id"))):
		return nil, fmt.Errorf("%w: no column holds the value among %s: name it with --value", fleet.ErrInvalid, list(columns))
	}
	// The file is wide: the other columns are sensors.
	l.sensor, l.value = none, none
	l.quality = usual(plain, qualityNames[:len(qualityNames)-3], taken)
	taken = append(taken, l.quality)
	influx := slices.Contains(plain, "result") && slices.Contains(plain, "table") && position(columns, "_time") != none
	first := make(map[string]bool, len(columns))
	for i, c := range columns {
		of, code := strings.CutSuffix(c, "_qc") // Insights Hub's quality of a column
		switch {
		case slices.Contains(taken, i), c == "", slices.Contains(counterNames, plain[i]), influx && (plain[i] == "result" || plain[i] == "table"), code && position(columns, of) != none:
			continue
		case first[c]:
			return nil, fmt.Errorf("%w: two columns are called %.40q: which is the sensor's? Give one another name", fleet.ErrInvalid, c)
		}
		first[c] = true
		l.sensors = append(l.sensors, i)
	}
	if len(l.sensors) == 0 {
		return nil, fmt.Errorf("%w: no column holds a value among %s: name it with --value", fleet.ErrInvalid, list(columns))
	}
	return l, nil
}

// withoutUnit returns a name without the unit in brackets at its end. UTC is left out too, as
// it is the default zone. Another zone stays behind the name of a time, so that its column is
// not taken for the time by its name.
func withoutUnit(name string) string {
	open := strings.LastIndexAny(name, "([")
	if open <= 0 || strings.IndexByte(")]", name[len(name)-1]) < 0 {
		return name
	}
	plain := notation.Plain(name[:open])
	if isZone(name[open+1:len(name)-1]) && (slices.Contains(timeNames, plain) || slices.Contains(clockNames, plain)) {
		return name
	}
	return name[:open]
}

// isZone reports whether a text may be a time zone other than UTC, such as CET, UTC+2 or
// Europe/Berlin.
func isZone(unit string) bool {
	if strings.Contains(unit, "/") {
		if _, err := time.LoadLocation(unit); err == nil {
			return true
		}
	}
	return len(unit) > 2 && strings.ToUpper(unit) == unit && unit != "UTC" && unit != "GMT"
}

// identity reports whether a column with this name seems to name devices or sensors.
func identity(name string) bool {
	plain := notation.Plain(name)
	for _, end := range []string{"id", "name", "names", "tag", "tags", "series", "sensor", "device", "machine", "asset", "location", "site", "line", "room", "station"} {
		if strings.HasSuffix(plain, end) {
			return true
		}
	}
	return slices.Contains(sensorNames, plain) || slices.Contains(deviceNames, plain)
}

// sensorPrefixes are beginnings of names that only columns of sensors have.
var sensorPrefixes = []string{"sensor", "tag", "signal", "metric", "variable", "datapoint", "parameter", "nodeid"}

// doubt returns an error if a file that was taken as wide may be long. wordy are its columns
// of words. They may name sensors or devices, whose values would be mixed.
func (l *layout) doubt(o Options, wordy []int) error {
	for _, i := range wordy {
		if plain := notation.Plain(withoutUnit(l.names[i])); o.Sensor == "" && slices.ContainsFunc(sensorPrefixes, func(s string) bool { return strings.HasPrefix(plain, s) }) {
			return fmt.Errorf("%w: %.40q seems to name sensors, but no column is known to hold their values: name it with --value", fleet.ErrInvalid, l.names[i])
		}
		for _, s := range l.sensors {
			if plain := notation.Plain(withoutUnit(l.names[s])); slices.Contains(valueNames, plain) && o.Sensor == "" && identity(l.names[i]) {
				return fmt.Errorf("%w: column %.40q seems to hold values, and %.40q what they are of: name the sensor's column, or the sensor, with --sensor", fleet.ErrInvalid, l.names[s], l.names[i])
			}
		}
		if l.device == none && o.Device == "" && identity(l.names[i]) {
			return fmt.Errorf("%w: no column is known to name the device, but %.40q has words that may: name the device's column, or the one device, with --device", fleet.ErrInvalid, l.names[i])
		}
	}
	return nil
}

// named returns the column with a name that the user gave, none if the name is empty. The error
// names the flag.
func named(columns []string, name, flag string) (int, error) {
	if name == "" {
		return none, nil
	}
	if at := position(columns, name); at != none {
		return at, nil
	}
	return none, fmt.Errorf("%w: there is no column %q (%s) among %s", fleet.ErrInvalid, name, flag, list(columns))
}

// position returns the index of a column's name, or none. Case matters only if two names differ
// by it alone.
func position(columns []string, name string) int {
	if at := slices.Index(columns, name); at >= 0 {
		return at
	}
	return slices.IndexFunc(columns, func(c string) bool { return strings.EqualFold(c, name) })
}

// constant returns the column with a name that the user gave. If there is none, it returns the
// name itself.
func constant(columns []string, name string) (int, []byte) {
	if name == "" {
		return none, nil
	}
	if at := position(columns, name); at != none {
		return at, nil
	}
	return none, []byte(name)
}

// usual returns the column with the first of the names, or none. It skips the columns in taken.
func usual(plain, names []string, taken []int) int {
	for _, name := range names {
		for i, p := range plain {
			if p == name && !slices.Contains(taken, i) {
				return i
			}
		}
	}
	return none
}

// deviceOf is the device of a file without a column for it.
func deviceOf(file string) string {
	base := bare(file)
	return strings.TrimSuffix(base, suffixOf(base))
}

func suffixOf(base string) string {
	for _, s := range append([]string{".dat", ".asc", ".prn", ".log"}, Suffixes...) {
		if len(base) > len(s) && strings.EqualFold(base[len(base)-len(s):], s) {
			return base[len(base)-len(s):]
		}
	}
	return ""
}

// list lists the names of columns for an error.
func list(columns []string) string {
	const most = 20
	quoted := make([]string, 0, most+1)
	for _, c := range columns[:min(len(columns), most)] {
		quoted = append(quoted, fmt.Sprintf("%.40q", c))
	}
	if len(columns) > most {
		quoted = append(quoted, fmt.Sprintf("and %d more", len(columns)-most))
	}
	return strings.Join(quoted, ", ")
}
