package mapping

import (
	"strings"

	"github.com/fleetscore/fleetscore/handler/notation"
)

// role is what the name of a member says about it. A name may have several roles.
type role struct {
	kind kind
	rank int // if several members of an object have the kind, the lowest rank counts
}

type kind uint8

const (
	measurement kind = iota // any other name
	deviceKind
	sensorKind
	timeKind
	valueKind
	qualityKind
	noteKind    // numbers that measure nothing: counters, identifiers, versions, units
	bodyKind    // an object with measurements of the same device, or a list of them
	headKind    // an object that describes the measurements: the device, the time
	devicesKind // an object or list with the measurements of several devices
)

// kindNames are the names of each kind, as [notation.Plain] writes them, the likeliest first.
// Some names are ambiguous and so not among those of devices, sensors and times: unit may
// be a unit of measurement, id that of a message, and t a time or temperature.
var kindNames = map[kind]string{
	deviceKind: `device deviceid devicename devid dev machine machineid machinename asset assetid assetname equipment equipmentid thing thingid
		deviceeui deveui hwid turbine turbineid pump pumpid engine engineid motor motorid unitid unitnumber station stationid
		edgedeviceid gatewayid gateway clientid client serialnumber serialno serialnum coreid macaddress mac host hostname anlage anlagenid anlagennummer
		maschine maschinenid maschinennummer gerät geraet geräteid geraeteid aggregat équipement equipo máquina maquina`,
	sensorKind: `sensor sensorid sensorname tag tagname tagid tagpath signal signalname signalid metric metricname measurement measurementname variable variablename
		channel channelname point pointname pointid datapoint datapointid datapointname displayname propertyalias parameter parametername item itemid itemname nodeid entityid containerid resourcename attribute attributename property propertyname propertyid
		messstelle messpunkt messgröße merkmal capteur field fieldname quantity name key n type`,
	timeKind: `ts timestamp datetime time date eventtime eventtimestamp eventdatetime sourcetimestamp timestamputc utctimestamp timeutc utctime utc
		recordedat measuredat createdat loggedat sampledat collectedat observedat timecreated timecollected timestampms timems tsms timestampns epoch epochms epochtime unixtime unixtimestamp
		measurementtime sampletime readingtime devicetime localtime messagetime senttime sentat created datetimeutc reportedat publishedat when origin lastseen lastupdated lastreported lastchanged
		enqueuedtime eventenqueuedutctime timeinstant zeit zeitstempel zeitpunkt datum datumuhrzeit horodatage fecha fechahora tijd`,
	valueKind:   `value val reading numericvalue doublevalue floatvalue intvalue measuredvalue wert messwert valeur valor waarde v`,
	qualityKind: `quality statuscode status q qualitycode opcquality good isgood valid isvalid`,
	noteKind: `id messageid msgid uuid guid eventid correlationid batchid requestid traceid spanid sequence sequencenumber sequenceno sequenceid seq seqno seqnr seqnumber
		messagecount msgcount packetid packetno fcnt fport port counter version ver schemaversion schema schemaid schemaname templateid template applicationid
		messagetype messagesource eventtype partitionid partition offset firmware firmwareversion fw fwversion hardwareversion softwareversion crc checksum ttl qos retain address addr basetime starttime endtime begintime boottime received serial
		unit units uom engineeringunit engineeringunits einheit topic`,
	bodyKind:    `data values value body payload telemetry measurements measures propertyvalues fields metrics readings signals sensors tags message content datapoints points variables samples items records params d messwerte werte`,
	headKind:    `header head headers meta metadata labels info context envelope source properties annotations systemproperties tags`,
	devicesKind: `devices machines assets things equipments nodes maschinen geräte anlagen`,
}

// roles are the roles of each name.
var roles = func() map[string][]role {
	all := make(map[string][]role)
	for k, names := range kindNames {
		for rank, name := range strings.Fields(names) {
			all[name] = append(all[name], role{k, rank})
		}
	}
	return all
}()

// maxRoles is how many names a reader remembers.
const maxRoles = 10_000

// role returns the rank of the member key among those of kind k. ok is false if it does not
// have the kind.
func (r *Reader) role(key string, k kind) (rank int, ok bool) {
	known, seen := r.roles[key]
	if !seen {
		known = roles[notation.Plain(key)]
		if r.roles == nil || len(r.roles) >= maxRoles {
			r.roles = make(map[string][]role)
		}
		r.roles[key] = known
	}
	for _, x := range known {
		if x.kind == k {
			return x.rank, true
		}
	}
	return 0, false
}

// pick returns the index of the member of o that is of kind k, or -1. Of several it is the
// one with the lowest rank. If ok is not nil, the member's value must satisfy it.
func (r *Reader) pick(o *members, k kind, ok func(any) bool) int {
	best, at := 0, -1
	for i, key := range o.keys {
		if rank, is := r.role(key, k); is && (at < 0 || rank < best) && (ok == nil || ok(o.values[i])) {
			best, at = rank, i
		}
	}
	return at
}
