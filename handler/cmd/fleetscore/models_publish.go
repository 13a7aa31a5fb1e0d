package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/model/publish"
)

// publication is the output of publish --json.
type publication struct {
	Models  []publishedModel `json:"models"`
	Ignored []string         `json:"ignored"` // files that are not named as models
	// SensorsWithout are the sensors that no model serves, not even default.pkl.
	// ModelsWithout are the models of sensors that are not known, or disabled. Both are empty
	// if the sensors are not known.
	SensorsWithout []string `json:"sensors_without_model"`
	ModelsWithout  []string `json:"models_without_sensor"`
	DryRun         bool     `json:"dry_run"`
}

type publishedModel struct {
	Serves string `json:"serves"` // {device}/{name}, _fleet/{name}, default or devices.csv
	File   string `json:"file"`
	// Parts are the files that are packed into one, with the role of each.
	Parts    []publishedPart `json:"parts,omitempty"`
	Blob     string          `json:"blob"`
	SHA256   string          `json:"sha256"`
	Change   publish.Change  `json:"change"`
	Kind     string          `json:"kind,omitempty"`
	Sensors  []string        `json:"sensors,omitempty"` // the sensors of a device model
	Columns  []string        `json:"columns,omitempty"` // the columns of its rows
	Lookback string          `json:"lookback,omitempty"`
	Devices  []string        `json:"devices,omitempty"` // patterns of the devices that it serves
	Notes    []string        `json:"notes,omitempty"`
	Error    string          `json:"error,omitempty"`
}

type publishedPart struct {
	File string `json:"file"`
	As   string `json:"as"`
}

func publishedStep(s publish.Step) publishedModel {
	m := publishedModel{
		Serves: s.File.String(), File: s.File.Path(), Blob: s.Blob, SHA256: s.SHA256, Change: s.Change,
		Kind: s.About.Kind, Sensors: s.About.Sensors, Columns: s.About.Columns, Devices: s.About.Devices, Notes: s.About.Notes,
	}
	for _, p := range s.Parts {
		m.Parts = append(m.Parts, publishedPart{p.Name, p.As})
	}
	if s.About.Lookback > 0 {
		m.Lookback = s.About.Lookback.String()
	}
	if s.Err != nil {
		m.Error = s.Err.Error()
	}
	return m
}

func publishCommand(c console) *cobra.Command {
	var pattern string
	var dryRun, skipBad, asJSON bool
	cmd := &cobra.Command{
		Use:   "publish DIR",
		Short: "Check the models of a folder and upload those that changed",
		Long: `Check the models of a folder, and upload those that are new or changed:

  {device}/{name}.pkl          the model of a sensor, or of several sensors of a device
  {device}/{name}/             the same as a folder: an MLflow model, or a model with
                               its scaler, imputer, list of columns and other parts
  {device}/{name}.features.json   the features file of the model beside it
  _fleet/{name}.pkl            for every device that the features file's pattern matches
  default.pkl                  for sensors without a model of their own
  devices.csv                  the attributes of devices

Instead of .pkl a file may end in .joblib, .skops, .zip, .pickle, .sav or nothing. The
models of sensors may also be named model_{device}_{sensor}, or as --pattern says.

The parts of a model, such as scaler.pkl or feature_columns.json, are packed with it
into one file. A part belongs to the only model in its folder, or to the model whose
name it begins with (pump_scaler.pkl). --dry-run shows how each file is used, and the
rows of each model. If any file cannot be used, nothing is uploaded.

The application uses a model from its next tick on, which is within a minute. With
--refresh the app at --url uses it at once. The previous version of a model is kept:
see rollback.`,
		Example: `  fleetscore models publish models --dry-run
  fleetscore models publish models --refresh
  fleetscore models publish models --pattern '{device}-{sensor}.pkl'
  fleetscore models publish models --storage "$(az storage account show-connection-string -n fleet -o tsv)"`,
		Args: arguments("DIR"),
	}
	open := c.storageFlag(cmd)
	from := c.refreshFlag(cmd)
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
		if err != nil {
			return err
		}
		n := p.count(publish.New) + p.count(publish.Changed)
		counts, err := "", error(nil)
		if n > 0 || from.asked {
			counts, err = from.counts(ctx)
		}
		if !asJSON {
			fmt.Fprintf(c.out, "%d uploaded%s\n", n, counts)
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
		return p, nil, fmt.Errorf("%s is an MLflow model, not a folder of models: put it into a folder as {device}/{name}", name)
	}
	if len(files) == 0 {
		return p, nil, fmt.Errorf("%s has no model file among %d: name them {device}/{sensor}.pkl, or say with --pattern how they are named", name, len(others))
	}
	p.Ignored = slices.Concat([]string{}, others)
	bar := c.progress("checking models", len(files))
	defer bar.end()
	steps, err := publish.Plan(ctx, blobs, dir, files, func() { bar.add(1) })
	for _, s := range steps {
		p.Models = append(p.Models, publishedStep(s))
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
			continue
		}
		lines := m.lines()
		if p.DryRun && len(lines) == 0 {
			lines = []string{fmt.Sprintf("%s, %s", cmp.Or(m.Kind, "attributes of devices"), m.Change)}
		}
		for _, line := range lines {
			fmt.Fprintf(c.out, "%s: %s\n", m.Serves, line)
		}
	}
	c.list("not models by name or content, ignored: %s\n", p.Ignored)
	c.list("sensors without a model: %s\n", p.SensorsWithout)
	c.list("models of sensors that are unknown or disabled: %s\n", p.ModelsWithout)
	verb := "to upload"
	if p.DryRun {
		verb = "would be uploaded"
	}
	fmt.Fprintf(c.out, "%d new and %d changed %s, %d the same, %d bad\n", p.count(publish.New), p.count(publish.Changed), verb, p.count(publish.Same), p.count(publish.Bad))
	return nil
}

// lines returns lines that say which files a model was packed from, what its rows are,
// and what to note about it.
func (m publishedModel) lines() (lines []string) {
	if len(m.Parts) > 0 {
		var parts []string
		for _, p := range m.Parts {
			parts = append(parts, p.File+" as "+p.As)
		}
		lines = append(lines, "packed from "+strings.Join(parts, ", "))
	}
	if len(m.Sensors) > 0 {
		text := "rows with " + strings.Join(m.Columns, ", ") + " from the sensors " + strings.Join(m.Sensors, ", ")
		if m.Lookback != "" {
			text += ", looking back " + m.Lookback
		}
		if len(m.Devices) > 0 {
			text += ", for the devices " + strings.Join(m.Devices, ", ")
		}
		lines = append(lines, text)
	}
	return append(lines, m.Notes...)
}

// list prints the first ten of names, and the number of the others. It prints nothing if
// there are none.
func (c console) list(format string, names []string) {
	const most = 10
	switch n := len(names); {
	case n > most:
		fmt.Fprintf(c.out, format, fmt.Sprintf("%s and %d more", join(names[:most]), n-most))
	case n > 0:
		fmt.Fprintf(c.out, format, join(names))
	}
}

// compareSensors sets SensorsWithout and ModelsWithout of p, if the database has
// sensors.
func (c console) compareSensors(ctx context.Context, blobs blob.Store, p *publication, steps []publish.Step) error {
	sensors, models, err := c.registered(ctx)
	if err != nil || len(sensors) == 0 {
		return err
	}
	published, err := publish.List(ctx, blobs)
	if err != nil {
		return err
	}
	served := make(map[fleet.Place]bool)
	for place, p := range published {
		served[place] = len(p.Names) > 0
	}
	feeding := make(map[fleet.ID]bool) // sensors that feed a device model, published before or now
	for _, m := range models {
		if m.Facts != nil {
			for _, sensor := range m.Facts.Sensors {
				feeding[fleet.ID{Device: m.Device, Sensor: sensor}] = true
			}
		}
	}
	for _, s := range steps {
		place := s.File.Place
		served[place] = served[place] || s.Change != publish.Bad
		for _, sensor := range s.About.Sensors {
			feeding[fleet.ID{Device: place.Device, Sensor: sensor}] = true
		}
		if place.Scope == fleet.OfDevice && len(s.About.Sensors) == 0 && !sensors[fleet.ID{Device: place.Device, Sensor: place.Title}] {
			p.ModelsWithout = append(p.ModelsWithout, s.File.String())
		}
	}
	if served[fleet.Place{Scope: fleet.OfSensors}] {
		return nil
	}
	for id := range sensors {
		own, shared := fleet.Place{Scope: fleet.OfDevice, Device: id.Device, Title: id.Sensor}, fleet.Place{Scope: fleet.OfFleet, Title: id.Sensor}
		if !served[own] && !served[shared] && !feeding[id] && !feeding[fleet.ID{Sensor: id.Sensor}] {
			p.SensorsWithout = append(p.SensorsWithout, id.String())
		}
	}
	slices.Sort(p.SensorsWithout)
	return nil
}
