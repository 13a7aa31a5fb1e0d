package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

const (
	findSubjects statement = `
SELECT s.id, s.device, s.name, s.kind
FROM {k:device,name} JOIN dbo.subjects s ON s.device = k.device AND s.name = k.name`

	registerSensors statement = `
INSERT INTO dbo.subjects (device, name)
SELECT k.device, k.name
FROM {k:device,name}
WHERE k.device <> '' AND NOT EXISTS (SELECT 1 FROM dbo.subjects s WHERE s.device = k.device AND s.name = k.name)`

	// makeSensors turns device models into sensors, because a sensor of that name
	// has sent readings. fleet.Assign then gives the fault of the device model.
	makeSensors statement = `
UPDATE dbo.subjects
SET kind = 'sensor', assigned = 0
FROM {k:of_device,of_name}
WHERE kind = 'device_model' AND device = k.of_device AND name = k.of_name`

	listSubjects statement = `
SELECT {top} s.device, s.name, s.kind, s.enabled, (SELECT MAX(r.ts) FROM dbo.readings r WHERE r.sensor_id = s.id)
FROM dbo.subjects s
WHERE s.device >= @device AND (s.device > @device OR s.name > @name)
ORDER BY s.device, s.name {limit}`

	listDevices statement = `
SELECT {top} x.device, SUM(x.sensor), COUNT(*), SUM(x.enabled), MAX(x.last)
FROM (
  SELECT s.device, CASE WHEN s.kind = 'sensor' THEN 1 ELSE 0 END AS sensor, s.enabled, (SELECT MAX(r.ts) FROM dbo.readings r WHERE r.sensor_id = s.id) AS last
  FROM dbo.subjects s
  WHERE s.device > @device) x
GROUP BY x.device
ORDER BY x.device {limit}`

	sensorsOfDevice statement = `SELECT s.name FROM dbo.subjects s WHERE s.kind = 'sensor' AND s.device = @device ORDER BY s.name`

	subjectsToSwitch statement = `SELECT s.id, s.device, s.name, s.kind FROM dbo.subjects s WHERE s.enabled <> @enabled`
	switchSubjects   statement = `UPDATE dbo.subjects SET enabled = @enabled FROM {k:subject_key} WHERE id = k.subject_key`
)

// idOf returns the ID of a row of subjects.
func idOf(device, name, kind string) fleet.ID {
	if kind == deviceModel {
		return fleet.ID{Device: device, DeviceModel: name}
	}
	return fleet.ID{Device: device, Sensor: name}
}

// deviceModel is the kind of subjects that are device models.
const deviceModel = "device_model"

// Subjects returns up to limit sensors and device models after the given one,
// ordered by device and name: bytewise in SQLite, by UTF-16 units in SQL Server.
// The zero ID comes before all.
func (db *DB) Subjects(ctx context.Context, after fleet.ID, limit int) ([]fleet.Registered, error) {
	return selectRows(ctx, db, "listing sensors", listSubjects, func(row scanner, s *fleet.Registered) error {
		var device, name, kind string
		var enabled int
		err := row.Scan(&device, &name, &kind, &enabled, moment{&s.Last})
		s.ID, s.Enabled = idOf(device, name, kind), enabled != 0
		return err
	}, sql.Named("device", after.Device), sql.Named("name", after.Name()), sql.Named("limit", limit))
}

// Devices returns up to limit devices after the given one, in the order of
// [DB.Subjects]. "" is before all.
func (db *DB) Devices(ctx context.Context, after string, limit int) ([]fleet.DeviceSubjects, error) {
	return selectRows(ctx, db, "listing devices", listDevices, func(row scanner, d *fleet.DeviceSubjects) error {
		var subjects, enabled int
		err := row.Scan(&d.Device, &d.Sensors, &subjects, &enabled, moment{&d.Last})
		d.DeviceModels, d.Disabled = subjects-d.Sensors, subjects-enabled
		return err
	}, sql.Named("device", after), sql.Named("limit", limit))
}

// DeviceSensors returns the names of a device's sensors, ordered bytewise.
func (db *DB) DeviceSensors(ctx context.Context, device string) ([]string, error) {
	return selectRows(ctx, db, "listing sensors of "+device, sensorsOfDevice, scanText, sql.Named("device", device))
}

// SetEnabled enables or disables the sensors and device models that match, in one
// transaction, and returns how many it changed. A disabled subject gets no job in
// runs that are opened later. Its present jobs stay.
func (db *DB) SetEnabled(ctx context.Context, match func(fleet.ID) bool, enabled bool) (changed int, err error) {
	flag := sql.Named("enabled", 0)
	if enabled {
		flag.Value = 1
	}
	_, err = db.write(ctx, "enabling sensors", func(ctx context.Context, tx session) error {
		keys, err := tx.matchingKeys(ctx, subjectsToSwitch, match, flag)
		if err != nil {
			return err
		}
		n, err := tx.execList(ctx, switchSubjects, keyList(keys), flag)
		changed = int(n)
		return err
	})
	return changed, err
}

// matchingKeys returns the keys of the subjects that match. The statement selects the key,
// device, name and kind of each.
func (c session) matchingKeys(ctx context.Context, s statement, match func(fleet.ID) bool, args ...any) (keys []int64, err error) {
	err = c.each(ctx, s, func(row scanner) error {
		var key int64
		var device, name, kind string
		err := row.Scan(&key, &device, &name, &kind)
		if match(idOf(device, name, kind)) {
			keys = append(keys, key)
		}
		return err
	}, args...)
	return keys, err
}

// AreSensors reports for each of ids whether it is registered.
func (db *DB) AreSensors(ctx context.Context, ids []fleet.ID) ([]bool, error) {
	keys, err := db.keysOf(ctx, ids)
	known := make([]bool, len(keys))
	for i, key := range keys {
		known[i] = key != 0
	}
	return known, err
}

// key returns the key of a subject, or an error wrapping [fleet.ErrNotFound].
func (db *DB) key(ctx context.Context, id fleet.ID) (int64, error) {
	keys, err := db.keysOf(ctx, []fleet.ID{id})
	if err != nil {
		return 0, err
	}
	if keys[0] == 0 {
		if id.DeviceModel != "" {
			return 0, fmt.Errorf("store: device model %s: %w: no such model is registered", id, fleet.ErrNotFound)
		}
		return 0, fmt.Errorf("store: sensor %s: %w: it has sent no reading yet", id, fleet.ErrNotFound)
	}
	return keys[0], nil
}

// keysOf returns the key of each of ids: 0 if it is not registered.
func (db *DB) keysOf(ctx context.Context, ids []fleet.ID) ([]int64, error) {
	keys := make([]int64, len(ids))
	missing := map[fleet.ID][]int{}
	for i, id := range ids {
		key, ok := db.keys.Get(id)
		if !ok {
			missing[id] = append(missing[id], i)
		}
		keys[i] = key
	}
	if len(missing) == 0 {
		return keys, nil
	}
	err := db.read(ctx, "finding subjects", func(ctx context.Context, r session) error {
		return r.eachList(ctx, findSubjects, namesOf(missing), func(row scanner) error {
			var key int64
			var device, name, kind string
			if err := row.Scan(&key, &device, &name, &kind); err != nil {
				return err
			}
			id := idOf(device, name, kind)
			if missing[id] == nil {
				return nil // the subject of that name is of the other kind
			}
			db.keys.Add(id, key)
			for _, i := range missing[id] {
				keys[i] = key
			}
			return nil
		})
	})
	return keys, err
}

// listOf returns the keys of the ids that are registered, sorted, each once.
func (db *DB) listOf(ctx context.Context, ids []fleet.ID) (list, error) {
	keys, err := db.keysOf(ctx, ids)
	slices.Sort(keys)
	return keyList(slices.Compact(keys)), err
}

// register returns the key of each of ids. It registers those that have none.
func (db *DB) register(ctx context.Context, ids []fleet.ID) ([]int64, error) {
	keys, err := db.keysOf(ctx, ids)
	if err != nil {
		return nil, err
	}
	missing := map[fleet.ID][]int{}
	for i, key := range keys {
		if key == 0 {
			missing[ids[i]] = nil
		}
	}
	if len(missing) == 0 {
		return keys, nil
	}
	_, err = db.write(ctx, "registering sensors", func(ctx context.Context, tx session) error {
		if err := db.lock(ctx, tx, registryLock, exclusive); err != nil {
			return err
		}
		names := namesOf(missing)
		if _, err := tx.execList(ctx, makeSensors, names); err != nil {
			return err
		}
		_, err := tx.execList(ctx, registerSensors, names)
		return err
	})
	if err != nil {
		return nil, err
	}
	return db.keysOf(ctx, ids)
}

func namesOf[V any](ids map[fleet.ID]V) list {
	l := list{pad: []any{"", ""}}
	for id := range ids {
		l.values = append(l.values, id.Device, id.Name())
	}
	return l
}

// keyList returns the list of the keys that are not 0.
func keyList(keys []int64) list {
	l := list{pad: []any{int64(0)}}
	for _, key := range keys {
		if key != 0 {
			l.values = append(l.values, key)
		}
	}
	return l
}
