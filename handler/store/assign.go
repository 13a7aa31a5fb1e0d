package store

import (
	"context"
	"database/sql"
	"math"
	"slices"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

const (
	unassigned statement = `
SELECT {top} u.device
FROM (SELECT DISTINCT s.device FROM dbo.subjects s WHERE s.assigned = 0) u
ORDER BY u.device {limit}`

	subjectsOf statement = `
SELECT s.id, s.device, s.name, s.kind, s.judged, s.model, s.lookback, s.fault
FROM {k:of_device} JOIN dbo.subjects s ON s.device = k.of_device`

	sharedModels statement = `SELECT ` + modelColumns + ` FROM dbo.models m WHERE m.current_version = 1 AND m.scope IN ('fleet', 'default')`

	ownModels statement = `
SELECT ` + modelColumns + `
FROM {k:of_device} JOIN dbo.models m ON m.scope = 'device' AND m.device = k.of_device AND m.current_version = 1`

	insertSubject statement = `
INSERT INTO dbo.subjects (device, name, kind)
SELECT k.of_device, k.of_name, 'device_model'
FROM {k:of_device,of_name}
WHERE k.of_device <> '' AND NOT EXISTS (SELECT 1 FROM dbo.subjects s WHERE s.device = k.of_device AND s.name = k.of_name)`

	assignSubject statement = `
UPDATE dbo.subjects
SET judged = k.is_judged, model = k.of_model, lookback = k.seconds, fault = k.why
FROM {k:subject_key,is_judged,of_model,seconds,why}
WHERE id = k.subject_key`

	assignedDevices statement = `UPDATE dbo.subjects SET assigned = 1 FROM {k:of_device} WHERE device = k.of_device`

	extendUses statement = `
UPDATE dbo.uses
SET lookback = k.seconds
FROM {k:of_sensor,of_subject,seconds}
WHERE sensor_id = k.of_sensor AND subject_id = k.of_subject AND lookback < k.seconds`

	insertUses statement = `
INSERT INTO dbo.uses (sensor_id, subject_id, lookback)
SELECT k.of_sensor, k.of_subject, k.seconds
FROM {k:of_sensor,of_subject,seconds}
WHERE k.of_sensor <> 0 AND NOT EXISTS (SELECT 1 FROM dbo.uses u WHERE u.sensor_id = k.of_sensor AND u.subject_id = k.of_subject)`
)

// assignPage is the number of devices that one transaction assigns.
const assignPage = 200

// AssignSubjects assigns models, by [fleet.Assign], to the subjects of up to limit
// devices whose sensors or models have changed: 200 devices in a transaction. It
// returns the number of devices that were assigned.
func (db *DB) AssignSubjects(ctx context.Context, limit int) (done int, err error) {
	var waiting list
	err = db.read(ctx, "looking for subjects to assign", func(ctx context.Context, r session) (err error) {
		waiting, err = r.unassigned(ctx, 1)
		return err
	})
	if err != nil || len(waiting.values) == 0 {
		return 0, err // the usual case, without a transaction
	}
	for done < limit {
		n := 0
		_, err := db.write(ctx, "assigning models", func(ctx context.Context, tx session) error {
			n, err = tx.assignSome(ctx, min(assignPage, limit-done))
			if err == nil && n == 0 {
				return errUnchanged
			}
			return err
		})
		done += n
		if err != nil || n < assignPage {
			return done, err
		}
	}
	return done, nil
}

// assignAll assigns all devices that are to be assigned. Each transaction that adds
// jobs calls it first. Otherwise a sensor that has just sent its first reading
// would get no job.
func (c session) assignAll(ctx context.Context) error {
	for {
		if n, err := c.assignSome(ctx, assignPage); err != nil || n < assignPage {
			return err
		}
	}
}

// unassigned returns up to limit devices that are to be assigned.
func (c session) unassigned(ctx context.Context, limit int) (list, error) {
	devices := list{pad: []any{""}}
	err := c.each(ctx, unassigned, func(row scanner) error {
		var device string
		err := row.Scan(&device)
		devices.values = append(devices.values, device)
		return err
	}, sql.Named("limit", limit))
	return devices, err
}

// assignSome assigns up to limit devices and returns how many. It takes the lock
// under which sensors and models are registered. Otherwise a sensor or model
// that is registered at the same time would be marked as assigned.
func (c session) assignSome(ctx context.Context, limit int) (int, error) {
	devices, err := c.unassigned(ctx, limit)
	if err != nil || len(devices.values) == 0 {
		return 0, err
	}
	if err := c.lock(ctx, c, registryLock, exclusive); err != nil {
		return 0, err
	}
	if devices, err = c.unassigned(ctx, limit); err != nil || len(devices.values) == 0 {
		return 0, err
	}
	before, err := c.subjectsOf(ctx, devices)
	if err != nil {
		return 0, err
	}
	own, shared, err := c.modelsOf(ctx, devices)
	if err != nil {
		return 0, err
	}
	reg, err := c.registry(ctx)
	if err != nil {
		return 0, err
	}
	var subjects []fleet.Subject
	for _, d := range devices.values {
		device := d.(string)
		subjects = append(subjects, fleet.Assign(device, sensorsOf(before[device]), slices.Concat(own[device], shared), max(reg.Columns, 1))...)
	}
	if err := c.putSubjects(ctx, devices, before, subjects); err != nil {
		return 0, err
	}
	_, err = c.execList(ctx, assignedDevices, devices)
	return len(devices.values), err
}

// subjectRow is a row of subjects.
type subjectRow struct {
	key      int64
	id       fleet.ID
	judged   int
	model    int64
	lookback int64
	fault    string
}

func sensorsOf(rows []subjectRow) (names []string) {
	for _, r := range rows {
		if r.id.DeviceModel == "" {
			names = append(names, r.id.Sensor)
		}
	}
	slices.Sort(names)
	return names
}

// subjectsOf returns the subjects of devices, by device.
func (c session) subjectsOf(ctx context.Context, devices list) (map[string][]subjectRow, error) {
	rows := map[string][]subjectRow{}
	err := c.eachList(ctx, subjectsOf, devices, func(row scanner) error {
		var r subjectRow
		var device, name, kind string
		err := row.Scan(&r.key, &device, &name, &kind, &r.judged, &r.model, &r.lookback, &r.fault)
		r.id = idOf(device, name, kind)
		rows[device] = append(rows[device], r)
		return err
	})
	return rows, err
}

// modelsOf returns the models of devices, by device, and the models that are not
// of one device.
func (c session) modelsOf(ctx context.Context, devices list) (own map[string][]fleet.Model, shared []fleet.Model, err error) {
	own = map[string][]fleet.Model{}
	err = c.eachList(ctx, ownModels, devices, func(row scanner) error {
		m, err := scanModel(row)
		own[m.Device] = append(own[m.Device], m)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	err = c.each(ctx, sharedModels, func(row scanner) error {
		m, err := scanModel(row)
		shared = append(shared, m)
		return err
	})
	return own, shared, err
}

// putSubjects stores the subjects that have changed, and the sensors that they
// use. Of the subjects in the database that are not in subjects, it clears judged.
func (c session) putSubjects(ctx context.Context, devices list, before map[string][]subjectRow, subjects []fleet.Subject) error {
	known := index(before)
	fresh := list{pad: []any{"", ""}}
	for _, s := range subjects {
		if _, ok := known[s.ID]; !ok {
			fresh.values = append(fresh.values, s.Device, s.DeviceModel)
		}
	}
	if len(fresh.values) > 0 {
		if _, err := c.execList(ctx, insertSubject, fresh); err != nil {
			return err
		}
		rows, err := c.subjectsOf(ctx, devices)
		if err != nil {
			return err
		}
		known = index(rows)
	}
	changed := list{pad: []any{int64(0), 0, int64(0), int64(0), ""}}
	uses := list{pad: []any{int64(0), int64(0), int64(0)}}
	kept := map[fleet.ID]bool{}
	for _, s := range subjects {
		row := known[s.ID]
		kept[s.ID] = true
		next := subjectRow{row.key, s.ID, 0, s.Model, seconds(s.Lookback), cut(s.Fault)}
		if s.Judged {
			next.judged = 1
		}
		if next != row {
			changed.values = append(changed.values, next.key, next.judged, next.model, next.lookback, next.fault)
		}
		for _, sensor := range s.Sensors {
			if used, ok := known[fleet.ID{Device: s.Device, Sensor: sensor}]; ok {
				uses.values = append(uses.values, used.key, next.key, next.lookback)
			}
		}
	}
	for id, gone := range known {
		if !kept[id] && gone.judged != 0 {
			changed.values = append(changed.values, gone.key, 0, int64(0), int64(0), "")
		}
	}
	if _, err := c.execList(ctx, assignSubject, changed); err != nil {
		return err
	}
	if _, err := c.execList(ctx, extendUses, uses); err != nil {
		return err
	}
	_, err := c.execList(ctx, insertUses, uses)
	return err
}

func index(rows map[string][]subjectRow) map[fleet.ID]subjectRow {
	known := map[fleet.ID]subjectRow{}
	for _, of := range rows {
		for _, r := range of {
			known[r.id] = r
		}
	}
	return known
}

// seconds returns d in seconds, rounded up, so that no reading is missed.
func seconds(d time.Duration) int64 { return int64(math.Ceil(d.Seconds())) }
