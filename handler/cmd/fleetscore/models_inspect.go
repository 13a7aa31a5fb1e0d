package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/fleetscore/fleetscore/handler/model/artifact"
	"github.com/fleetscore/fleetscore/handler/model/sklearn"
)

// inspection is the output of inspect --json. A folder has no size and no SHA-256.
type inspection struct {
	File   string `json:"file"`
	Size   int    `json:"size,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
	artifact.Description
}

func inspectCommand(c console) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "inspect FILE",
		Short: "Show what is in a model file, without running it",
		Long: `Show what is in a model file or folder: whether it is a detector, a classifier or a
regressor, which of a detector's scores are anomalies, its steps, their classes and
parameters, how many support vectors or trees it has, the features it wants, the
version of scikit-learn that wrote it, and its SHA-256. The file is read as data;
nothing in it runs.`,
		Example: `  fleetscore models inspect model.pkl
  fleetscore models inspect model.joblib --json | jq .estimator`,
		Args: arguments("FILE"),
		RunE: func(_ *cobra.Command, args []string) error {
			m, err := loadModel(args[0], nil)
			if err != nil {
				return err
			}
			i := inspection{args[0], m.size, m.sha256, m.Describe()}
			if asJSON {
				return c.writeJSON(i)
			}
			return i.write(c.out)
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func (i inspection) write(to io.Writer) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "file\t%s\n", i.File)
	if i.SHA256 != "" {
		fmt.Fprintf(w, "size\t%d bytes\n", i.Size)
		fmt.Fprintf(w, "sha256\t%s\n", i.SHA256)
	}
	fmt.Fprintf(w, "format\t%s\n", i.Format)
	if i.Version != "" {
		fmt.Fprintf(w, "scikit-learn\t%s\n", i.Version)
	}
	features := fmt.Sprint(i.Features)
	if len(i.FeatureNames) > 0 {
		features += ": " + strings.Join(i.FeatureNames, ", ")
	}
	fmt.Fprintf(w, "features\t%s\n", features)
	fmt.Fprintf(w, "kind\t%s\n", i.Kind)
	if len(i.Classes) > 0 {
		fmt.Fprintf(w, "classes\t%s\n", strings.Join(i.Classes, ", "))
	}
	if i.Anomalies != "" {
		fmt.Fprintf(w, "anomalies\t%s scores\n", i.Anomalies)
	}
	switch {
	case i.Threshold != nil:
		fmt.Fprintf(w, "threshold\t%v\n", *i.Threshold)
	case i.NeedsThreshold:
		fmt.Fprintf(w, "threshold\tnone: give one in the features file, or in a dict with the model\n")
	}
	if i.DependsOnOthers {
		fmt.Fprintln(w, "rows\tscored in the library by the other rows of the same call too; runs score each alone")
	}
	fmt.Fprintln(w)
	writeStep(w, i.Estimator, "")
	return w.Flush()
}

func writeStep(w io.Writer, s sklearn.Step, indent string) {
	name := s.Class
	if s.Name != "" {
		name = s.Name + ": " + name
	}
	fmt.Fprintf(w, "%s%s\n", indent, name)
	for _, p := range s.Fitted {
		note := ""
		if i := slices.IndexFunc(s.Parameters, named(p)); i >= 0 && fmt.Sprint(s.Parameters[i].Value) != fmt.Sprint(p.Value) {
			note = fmt.Sprintf(" (of the parameter %v)", none(s.Parameters[i].Value))
		}
		fmt.Fprintf(w, "%s  %s\t%v%s\n", indent, p.Name, none(p.Value), note)
	}
	for _, p := range s.Parameters {
		if !slices.ContainsFunc(s.Fitted, named(p)) {
			fmt.Fprintf(w, "%s  %s\t%v\n", indent, p.Name, none(p.Value))
		}
	}
	for _, below := range s.Steps {
		writeStep(w, below, indent+"  ")
	}
}

// named returns whether another parameter has the name of p.
func named(p sklearn.Param) func(sklearn.Param) bool {
	return func(other sklearn.Param) bool { return other.Name == p.Name }
}

// none returns None, as Python writes it, for nil.
func none(value any) any {
	if value == nil {
		return "None"
	}
	return value
}
