package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/fleetscore/fleetscore/handler/config"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/store"
)

func migrateCommand(c console) *cobra.Command {
	return &cobra.Command{
		Use:   "migrate",
		Short: "Create or update the tables of the database",
		Long: `Create or update the tables of the database that the setting SQL_DSN names.
The application may be running meanwhile. If the tables are up to date, nothing
is changed.`,
		Example: `  fleetscore migrate
  SQL_DSN='sqlserver://fleet.database.windows.net?database=fleet&fedauth=ActiveDirectoryDefault' fleetscore migrate`,
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			db, err := c.openDatabase()
			if err != nil {
				return err
			}
			defer db.Close()
			if err := db.Migrate(cmd.Context()); err != nil {
				return err
			}
			fmt.Fprintln(c.out, "the database is up to date")
			return nil
		},
	}
}

func (c console) openDatabase() (*store.DB, error) {
	cfg, err := config.FromEnv(c.setting)
	if err != nil {
		return nil, err
	}
	return store.Open(cfg.SQL, store.Options{Log: slog.New(slog.NewTextHandler(c.err, nil))})
}

// registered returns the enabled sensors and the models in the database. It returns nil if
// there is no database yet.
func (c console) registered(ctx context.Context) (map[fleet.ID]bool, []fleet.Model, error) {
	cfg, err := config.FromEnv(c.setting)
	if err != nil {
		return nil, nil, err
	}
	if file := cfg.SQLiteFile(); file != "" {
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			return nil, nil, nil
		}
	}
	db, err := c.openDatabase()
	if err != nil {
		return nil, nil, err
	}
	defer db.Close()
	models, err := db.Models(ctx)
	if err != nil {
		return nil, nil, err
	}
	const page = 1000
	all := make(map[fleet.ID]bool)
	for after := (fleet.ID{}); ; {
		rows, err := db.Subjects(ctx, after, page)
		if err != nil {
			return nil, nil, err
		}
		for _, row := range rows {
			if row.Enabled && row.Sensor != "" {
				all[row.ID] = true
			}
			after = row.ID
		}
		if len(rows) < page {
			return all, models, nil
		}
	}
}
