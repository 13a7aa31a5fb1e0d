package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/model/publish"
)

// publication is what publish --json writes.
type publication struct {
	Models  []publishedModel `json:"models"`
	Ignored []string         `json:"ignored"`
	// Sensors without a model, of their own or the default; and models without
	// a sensor. Empty, too, where it is not known which sensors there are.
	SensorsWithout []string `json:"sensors_without_model"`
	ModelsWithout  []string `json:"models_without_sensor"`
	DryRun         bool     `json:"dry_run"`
}

type publishedModel struct {
	Sensor string         `json:"sensor"`
	File   string         `json:"file"`
	Blob   string         `json:"blob"`
	SHA256 string         `json:"sha256"`
	Change publish.Change `json:"change"`
	Error  string         `json:"error,omitempty"`
}

func publishCommand(c console) *cobra.Command {
	var pattern string
	var dryRun, skipBad, asJSON bool
	cmd := &cobra.Command{
		Use:   "publish DIR",
		Short: "Check the models of a folder and upload those that changed",
		Long: `Check the models of a folder, and upload those that are new or changed. Files are
named {device}/{sensor} or model_{device}_{sensor}, with .pkl, .joblib or
nothing after it, or as --pattern says; default.pkl serves sensors without
a model of their own. If any file cannot be used, nothing is uploaded.

A model counts from the next job on. The one before is kept: see rollback.`,
		Example: `  fleetscore models publish models --dry-run
  fleetscore models publish models --pattern '{device}-{sensor}.pkl'
  fleetscore models publish models --storage "$(az storage account show-connection-string -n fleet -o tsv)"`,
		Args: arguments("DIR"),
	}
	open := c.storageFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		storage, err := open()
		if err != nil {
			return err
		}
		defer storage.Close()
		ctx, blobs := cmd.Context(), blob.Store(storage.Blobs())
		p, steps, err := c.plan(ctx, blobs, os.DirFS(args[0]), args[0], pattern)
		if dryRun && errors.Is(err, fleet.ErrUnavailable) {
			fmt.Fprintln(c.err, "warning: the storage cannot be reached, so every model counts as new")
			blobs = new(blob.Memory)
			p, steps, err = c.plan(ctx, blobs, os.DirFS(args[0]), args[0], pattern)
		}
		if err != nil {
			return err
		}
		if err := c.compareSensors(ctx, blobs, &p, steps); err != nil {
			return err
		}
		p.DryRun = dryRun
		if err := c.report(p, asJSON); err != nil {
			return err
		}
		if bad := p.count(publish.Bad); bad > 0 && !skipBad {
			return fmt.Errorf("%d of %d files cannot be used; nothing was uploaded: mend them, or leave them out with --skip-bad", bad, len(steps))
		}
		if dryRun {
			return nil
		}
		bar := c.progress("uploading", len(steps))
		err = publish.Apply(ctx, blobs, os.DirFS(args[0]), steps, func() { bar.add(1) })
		bar.end()
		if err == nil && !asJSON {
			fmt.Fprintf(c.out, "%d uploaded\n", p.count(publish.New)+p.count(publish.Changed))
		}
		return err
	}
	cmd.Flags().StringVar(&pattern, "pattern", "", "how files are named, such as '{device}-{sensor}.pkl'")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only say what would be done")
	cmd.Flags().BoolVar(&skipBad, "skip-bad", false, "upload the others if some files cannot be used")
	jsonFlag(cmd, &asJSON)
	return cmd
}

// plan finds and checks the models of dir.
func (c console) plan(ctx context.Context, blobs blob.Store, dir fs.FS, name, pattern string) (publication, []publish.Step, error) {
	p := publication{Models: []publishedModel{}, SensorsWithout: []string{}, ModelsWithout: []string{}}
	files, others, err := publish.Find(dir, pattern)
	if err != nil {
		return p, nil, err
	}
	if len(files) == 0 && slices.Contains(others, "MLmodel") {
		return p, nil, fmt.Errorf("%s is one MLflow model: name the folder that has it as {device}/{name}", name)
	}
	if len(files) == 0 {
		return p, nil, fmt.Errorf("%s has no model file among %d: name them {device}/{sensor}.pkl, or say with --pattern how they are named", name, len(others))
	}
	p.Ignored = slices.Concat([]string{}, others)
	bar := c.progress("checking models", len(files))
	defer bar.end()
	steps, err := publish.Plan(ctx, blobs, dir, files, func() { bar.add(1) })
	for _, s := range steps {
		m := publishedModel{s.File.String(), s.File.Path, s.Blob, s.SHA256, s.Change, ""}
		if s.Err != nil {
			m.Error = s.Err.Error()
		}
		p.Models = append(p.Models, m)
	}
	return p, steps, err
}

func (p publication) count(change publish.Change) (n int) {
	for _, m := range p.Models {
		if m.Change == change {
			n++
		}
	}
	return n
}

func (c console) report(p publication, asJSON bool) error {
	if asJSON {
		return c.writeJSON(p)
	}
	for _, m := range p.Models {
		if m.Change == publish.Bad {
			fmt.Fprintf(c.out, "bad: %s: %s\n", m.File, m.Error)
		}
	}
	c.list("not a model's name, passed over: %s\n", p.Ignored)
	c.list("sensors without a model: %s\n", p.SensorsWithout)
	c.list("models without a sensor, so far: %s\n", p.ModelsWithout)
	verb := "to upload"
	if p.DryRun {
		verb = "would be uploaded"
	}
	fmt.Fprintf(c.out, "%d new and %d changed %s, %d the same, %d bad\n", p.count(publish.New), p.count(publish.Changed), verb, p.count(publish.Same), p.count(publish.Bad))
	return nil
}

// list prints the first of names.
func (c console) list(format string, names []string) {
	const most = 10
	switch n := len(names); {
	case n > most:
		fmt.Fprintf(c.out, format, fmt.Sprintf("%s and %d more", join(names[:most]), n-most))
	case n > 0:
		fmt.Fprintf(c.out, format, join(names))
	}
}

// compareSensors fills in which sensors have no model and which models no
// sensor, as far as the database knows sensors.
func (c console) compareSensors(ctx context.Context, blobs blob.Store, p *publication, steps []publish.Step) error {
	sensors, err := c.sensors(ctx)
	if err != nil || len(sensors) == 0 {
		return err
	}
	published, err := publish.List(ctx, blobs)
	if err != nil {
		return err
	}
	served := make(map[fleet.ID]bool)
	for id := range published {
		served[id] = true
	}
	for _, s := range steps {
		served[s.File.Sensor] = served[s.File.Sensor] || s.Change != publish.Bad
		if !s.File.Default() && !sensors[s.File.Sensor] {
			p.ModelsWithout = append(p.ModelsWithout, s.File.Sensor.String())
		}
	}
	if served[fleet.ID{}] {
		return nil
	}
	for id := range sensors {
		if !served[id] {
			p.SensorsWithout = append(p.SensorsWithout, id.String())
		}
	}
	slices.Sort(p.SensorsWithout)
	return nil
}
