package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

const (
	modelColumns = `m.id, m.name, m.etag, m.size, m.scope, m.device, m.title, m.facts, m.published_at, m.kind`

	currentModels statement = `SELECT ` + modelColumns + ` FROM dbo.models m WHERE m.current_version = 1`

	insertModels statement = `
INSERT INTO dbo.models (name, etag, size, scope, device, title, facts, published_at, kind)
SELECT k.name, k.etag, k.size, k.scope, k.device, k.title, k.facts, k.published_at, k.kind
FROM {k:name,etag,size,scope,device,title,facts,published_at,kind}
WHERE k.name <> ''
  AND NOT EXISTS (SELECT 1 FROM dbo.models m WHERE m.current_version = 1 AND m.scope = k.scope AND m.device = k.device AND m.name = k.name AND m.etag = k.etag)`

	learnModel statement = `UPDATE dbo.models SET facts = @facts, kind = @kind WHERE id = @id`
	setKind    statement = `UPDATE dbo.models SET kind = @kind WHERE id = @id`

	// replaceModels removes the listed models from the registry.
	replaceModels statement = `UPDATE dbo.models SET current_version = 0 FROM {k:model_key} WHERE id = k.model_key`

	// deleteModels deletes old versions that serve no subject.
	deleteModels statement = `
DELETE FROM dbo.models
WHERE current_version = 0 AND id NOT IN (SELECT s.model FROM dbo.subjects s WHERE s.model <> 0)`

	// unassignDevices has no equality of assigned, of which SQLite would make an index
	// for this one statement, of the whole table.
	unassignDevices statement = `UPDATE dbo.subjects SET assigned = 0 FROM {k:of_device} WHERE device = k.of_device AND assigned <> 0`
	unassignAll     statement = `UPDATE dbo.subjects SET assigned = 0 WHERE assigned = 1`

	getRegistry statement = `SELECT listed_at, columns, reader FROM dbo.registry WHERE id = 1`
	setRegistry statement = `UPDATE dbo.registry SET listed_at = @now, columns = @columns, reader = @reader WHERE id = 1`
	newRegistry statement = `
INSERT INTO dbo.registry (id, listed_at, columns, reader)
SELECT 1, @now, @columns, @reader
WHERE NOT EXISTS (SELECT 1 FROM dbo.registry WHERE id = 1)`
)

// Registry returns the state of the registry of models: when the container was last
// listed, and with which settings.
func (db *DB) Registry(ctx context.Context) (fleet.Registry, error) {
	var reg fleet.Registry
	err := db.read(ctx, "reading the registry of models", func(ctx context.Context, r session) (err error) {
		reg, err = r.registry(ctx)
		return err
	})
	return reg, err
}

func (c session) registry(ctx context.Context) (fleet.Registry, error) {
	reg := fleet.Registry{Columns: 1}
	_, err := c.one(ctx, getRegistry, []any{moment{&reg.ListedAt}, &reg.Columns, &reg.Reader})
	return reg, err
}

// Models returns the models that the container had when it was last listed.
func (db *DB) Models(ctx context.Context) ([]fleet.Model, error) {
	return selectRows(ctx, db, "reading the registered models", currentModels, func(row scanner, m *fleet.Model) (err error) {
		*m, err = scanModel(row)
		return err
	})
}

// scanModel scans modelColumns after the destinations before. In an outer join the
// result is the zero model if there is none.
func scanModel(row scanner, before ...any) (m fleet.Model, err error) {
	var key, size sql.NullInt64
	var name, etag, scope, device, title, facts, kind sql.NullString
	var published time.Time
	if err := row.Scan(append(before, &key, &name, &etag, &size, &scope, &device, &title, &facts, moment{&published}, &kind)...); err != nil {
		return m, err
	}
	m = fleet.Model{Key: key.Int64, Name: name.String, ETag: etag.String, Size: size.Int64, Kind: kind.String,
		Place: fleet.Place{Scope: fleet.Scope(scope.String), Device: device.String, Title: title.String}}
	if published.Unix() > 0 {
		m.Published = published
	}
	if facts.String != "" {
		m.Facts = &fleet.Facts{}
		if err := json.Unmarshal([]byte(facts.String), m.Facts); err != nil {
			return m, fmt.Errorf("facts of model %s: %w", m.Name, err)
		}
	}
	return m, nil
}

// Register changes the registry of models in one transaction. It marks the devices
// that the changed models may serve, so that [DB.AssignSubjects] assigns them
// again. A version that is registered already is not added twice.
func (db *DB) Register(ctx context.Context, c fleet.Registration) error {
	if len(c.Added)+len(c.Learned)+len(c.Removed) == 0 {
		return nil
	}
	_, err := db.write(ctx, fmt.Sprintf("registering %d models", len(c.Added)+len(c.Learned)), func(ctx context.Context, tx session) error {
		if err := db.lock(ctx, tx, registryLock, exclusive); err != nil {
			return err
		}
		removed := list{pad: []any{int64(0)}}
		for _, m := range c.Removed {
			removed.values = append(removed.values, m.Key)
		}
		if _, err := tx.execList(ctx, replaceModels, removed); err != nil {
			return err
		}
		if err := tx.insertModels(ctx, c.Added); err != nil {
			return err
		}
		for _, m := range c.Learned {
			facts, err := factsText(m)
			if err != nil {
				return err
			}
			if _, err := tx.exec(ctx, learnModel, sql.Named("id", m.Key), sql.Named("facts", facts), sql.Named("kind", m.Kind)); err != nil {
				return err
			}
		}
		return tx.unassign(ctx, c)
	})
	return err
}

func (c session) insertModels(ctx context.Context, models []fleet.Model) error {
	rows := list{pad: []any{"", "", int64(0), "", "", "", "", c.time(time.Unix(0, 0)), ""}}
	for _, m := range models {
		facts, err := factsText(m)
		if err != nil {
			return err
		}
		published := m.Published
		if published.IsZero() {
			published = time.Unix(0, 0)
		}
		rows.values = append(rows.values, m.Name, m.ETag, m.Size, string(m.Scope), m.Device, m.Title, facts, c.time(published), m.Kind)
	}
	_, err := c.execList(ctx, insertModels, rows)
	return err
}

// SetKind stores the kind of a registered model.
func (db *DB) SetKind(ctx context.Context, key int64, kind string) error {
	_, err := db.update(ctx, "noting the kind of a model", setKind, sql.Named("id", key), sql.Named("kind", kind))
	return err
}

func factsText(m fleet.Model) (string, error) {
	if m.Facts == nil {
		return "", nil
	}
	facts := *m.Facts
	facts.Fault = cut(facts.Fault)
	text, err := json.Marshal(facts)
	return string(text), err
}

// unassign marks the devices that changed models may serve as to be assigned again.
func (c session) unassign(ctx context.Context, r fleet.Registration) error {
	devices := list{pad: []any{""}}
	seen := map[string]bool{}
	all := false
	for _, models := range [][]fleet.Model{r.Added, r.Learned, r.Removed} {
		for _, m := range models {
			switch {
			case m.Scope == fleet.OfFleet || m.Scope == fleet.OfSensors:
				all = true
			case m.Scope == fleet.OfDevice && !seen[m.Device]:
				seen[m.Device] = true
				devices.values = append(devices.values, m.Device)
			}
		}
	}
	if all {
		_, err := c.exec(ctx, unassignAll)
		return err
	}
	_, err := c.execList(ctx, unassignDevices, devices)
	return err
}

// SetListed stores r: when the container was listed, and with which settings. If
// r.Columns has changed, all devices are marked as to be assigned again.
func (db *DB) SetListed(ctx context.Context, r fleet.Registry) error {
	_, err := db.write(ctx, "noting the listing of models", func(ctx context.Context, tx session) error {
		if err := db.lock(ctx, tx, registryLock, exclusive); err != nil {
			return err
		}
		before, err := tx.registry(ctx)
		if err != nil {
			return err
		}
		args := []any{sql.Named("now", tx.time(r.ListedAt)), sql.Named("columns", r.Columns), sql.Named("reader", r.Reader)}
		if _, err := tx.exec(ctx, newRegistry, args...); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, setRegistry, args...); err != nil {
			return err
		}
		if before.Columns != r.Columns {
			if _, err := tx.exec(ctx, unassignAll); err != nil {
				return err
			}
		}
		_, err = tx.exec(ctx, deleteModels)
		return err
	})
	return err
}
