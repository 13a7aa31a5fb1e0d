package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ingest/mapping"
)

// eventCase is an event with its properties and, in a test, the expected result.
type eventCase struct {
	Mapping    string          `json:"mapping"`
	Enqueued   time.Time       `json:"enqueued"`
	System     json.RawMessage `json:"system"`
	Properties json.RawMessage `json:"properties"`
	Partition  string          `json:"partition"`
	CSV        string          `json:"csv"`
	Base64     []byte          `json:"body_base64"`
	Body       json.RawMessage `json:"body"`
	Expect     *[]triedReading `json:"expect"`
	Refused    string          `json:"refused"` // why it is expected to be refused; empty if it is not
}

type triedReading struct {
	Device string  `json:"device"`
	Sensor string  `json:"sensor"`
	TS     string  `json:"ts"`
	Value  float64 `json:"value"`
}

type triedRefusal struct {
	Reason string `json:"reason"`
	Count  int    `json:"count"`
	Event  int    `json:"event"`
	Raw    string `json:"raw,omitempty"`
}

// tried is the result of the command: what ingest would do with the events.
type tried struct {
	Stored  []triedReading `json:"stored"`
	Missing int            `json:"missing"`
	Refused []triedRefusal `json:"refused"`
	// Differs has a line for each event whose result is not as expected.
	Differs []string `json:"differs,omitempty"`
}

type tryFlags struct {
	mapFlags
	lines, asJSON      bool
	enqueued, deviceID string
	properties         string
}

func tryCommand(c console) *cobra.Command {
	var f tryFlags
	cmd := &cobra.Command{
		Use:   "try FILE...",
		Short: "Show which readings ingest would read from an event",
		Long: `Show what ingest would do with an event: which readings it would store, how many
values are missing, what it would refuse, and why. Nothing is sent or stored.

A file holds the body of an event as it was sent; it may be compressed. With --lines
each line of the file is the body of an event. - is stdin.

A file may also be a JSON object that describes an event, with the members body or
body_base64, enqueued, system, properties, mapping and expect. Then the command
shows where the readings differ from expect.

The exit code is 1 if anything would be refused, or differs.`,
		Example: `  fleetscore ingest try event.json
  fleetscore ingest try event.json --map '{device: .d, sensor: .s, ts: (.t | seconds), value: .v}'
  fleetscore ingest try events.ndjson --lines --map plant.jq --device-id press-7
  fleetscore ingest mappings`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{errors.New("FILE is missing")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return c.try(cmd, f, args) },
	}
	f.add(c, cmd)
	flags := cmd.Flags()
	flags.BoolVar(&f.lines, "lines", false, "each line of a file is the body of an event")
	flags.StringVar(&f.enqueued, "enqueued", "", "time at which the event reached the hub, such as 2026-11-27T07:00:02Z (default: now)")
	flags.StringVar(&f.deviceID, "device-id", "", "the device ID of the sender in IoT Hub")
	flags.StringVar(&f.properties, "properties", "", "properties that the sender set, as a JSON object")
	jsonFlag(cmd, &f.asJSON)
	return cmd
}

func (c console) try(cmd *cobra.Command, f tryFlags, files []string) error {
	opt, err := f.options(c, cmd)
	if err != nil {
		return err
	}
	result := tried{Stored: []triedReading{}, Refused: []triedRefusal{}}
	programs := map[string]bool{}
	n := 0
	for _, file := range files {
		cases, err := c.cases(f, file)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		for _, e := range cases {
			text := f.mapping
			if e.Mapping != "" && !cmd.Flags().Changed("map") {
				text = e.Mapping
			}
			m, program, err := c.parseMapping(cmd, text)
			if err != nil {
				return fmt.Errorf("%w\n%s", err, indented(program))
			}
			if e.CSV != "" {
				opt.CSV = e.CSV
			}
			found := e.read(m, opt)
			one := result.add(found, n)
			if d := e.differs(one); d != "" {
				result.Differs = append(result.Differs, fmt.Sprintf("%s: %s", file, d))
			}
			if len(found.Refused) > 0 && program != "" {
				programs[program] = true
			}
			n++
		}
	}
	if f.asJSON {
		if err := c.writeJSON(result); err != nil {
			return err
		}
	} else {
		c.showTried(result, programs)
	}
	switch {
	case len(result.Differs) > 0:
		return fmt.Errorf("%d of %d events differ from what is expected", len(result.Differs), n)
	case len(result.Refused) > 0:
		return fmt.Errorf("%d refused", result.refused())
	}
	return nil
}

// cases reads a file of events.
func (c console) cases(f tryFlags, file string) ([]eventCase, error) {
	var content []byte
	var err error
	if file == "-" {
		content, err = io.ReadAll(c.in)
	} else {
		content, err = os.ReadFile(file)
	}
	if err != nil {
		return nil, err
	}
	var base eventCase
	base.Enqueued = time.Now()
	if f.enqueued != "" {
		at, err := parseTime("enqueued", f.enqueued, time.UTC)
		if err != nil {
			return nil, err
		}
		base.Enqueued = at.Time()
	}
	if f.properties != "" {
		if !json.Valid([]byte(f.properties)) {
			return nil, usageError{errors.New("--properties is not a JSON object")}
		}
		base.Properties = json.RawMessage(f.properties)
	}
	if f.deviceID != "" {
		id, _ := json.Marshal(f.deviceID) // a string can't fail
		base.System = json.RawMessage(`{"iothub-connection-device-id":` + string(id) + `}`)
	}
	if described, ok := describedEvent(content, base); ok {
		return []eventCase{described}, nil
	}
	if !f.lines {
		base.Base64 = content
		return []eventCase{base}, nil
	}
	var all []eventCase
	for line := range bytes.Lines(content) {
		if line = bytes.TrimRight(line, "\r\n"); len(line) > 0 {
			base.Base64 = line
			all = append(all, base)
		}
	}
	return all, nil
}

// describedEvent parses a file that is a JSON object that describes an event. It reports
// false if the file is not, and so is the body of an event itself.
func describedEvent(content []byte, base eventCase) (eventCase, bool) {
	var members map[string]json.RawMessage
	if json.Unmarshal(content, &members) != nil {
		return base, false
	}
	_, encoded := members["body_base64"]
	_, body := members["body"]
	_, system := members["system"]
	_, expect := members["expect"]
	if !encoded && (!body || !system && !expect) {
		return base, false
	}
	if json.Unmarshal(content, &base) != nil {
		return base, false
	}
	if !encoded {
		var text string
		if base.Base64 = base.Body; json.Unmarshal(base.Body, &text) == nil {
			base.Base64 = []byte(text)
		}
	}
	return base, true
}

// read returns the readings and refusals of the event.
func (e eventCase) read(m *mapping.Mapping, opt mapping.Options) mapping.Found {
	r := mapping.NewReader(m, opt, 1)
	r.Read(0, mapping.Event{Body: e.Base64, Enqueued: e.Enqueued, Partition: e.Partition, Detail: func(int) mapping.Detail {
		return mapping.Detail{System: e.System, Properties: e.Properties}
	}})
	return r.Found
}

// add adds the readings and refusals of event n to t, and returns those of the event
// alone.
func (t *tried) add(found mapping.Found, n int) tried {
	one := tried{Missing: found.Missing}
	for _, r := range found.Readings {
		one.Stored = append(one.Stored, triedReading{r.ID.Device, r.ID.Sensor, shortTime(r.Time), r.Value})
	}
	for _, r := range found.Refused {
		one.Refused = append(one.Refused, triedRefusal{strings.TrimPrefix(r.Err.Error(), fleet.ErrInvalid.Error()+": "), r.Count, n, excerpt(r.Raw)})
	}
	t.Stored, t.Refused, t.Missing = append(t.Stored, one.Stored...), append(t.Refused, one.Refused...), t.Missing+one.Missing
	return one
}

// shortTime formats a time, without its milliseconds if they are 0.
func shortTime(m fleet.Millis) string { return strings.Replace(m.String(), ".000Z", "Z", 1) }

func excerpt(raw []byte) string {
	const enough = 400
	if len(raw) > enough {
		return strings.ToValidUTF8(string(raw[:enough]), "?") + "…"
	}
	return strings.ToValidUTF8(string(raw), "?")
}

// differs returns the first difference between got and what is expected, or "".
func (e eventCase) differs(got tried) string {
	if e.Refused != "" && len(got.Refused) == 0 {
		return "it is not refused, but expected to be: " + e.Refused
	}
	if e.Expect == nil {
		return ""
	}
	for i, want := range *e.Expect {
		if i >= len(got.Stored) {
			return fmt.Sprintf("%d readings, %d expected; the first that is missing: %s/%s", len(got.Stored), len(*e.Expect), want.Device, want.Sensor)
		}
		have := got.Stored[i]
		for _, f := range [][3]any{{"device", have.Device, want.Device}, {"sensor", have.Sensor, want.Sensor}, {"value", have.Value, want.Value}} {
			if f[1] != f[2] {
				return fmt.Sprintf("reading %d: %s is %v, expected %v", i+1, f[0], f[1], f[2])
			}
		}
		a, errA := time.Parse(time.RFC3339, have.TS)
		b, errB := time.Parse(time.RFC3339, want.TS)
		if errA != nil || errB != nil || !a.Equal(b) {
			return fmt.Sprintf("reading %d: ts is %s, expected %s", i+1, have.TS, want.TS)
		}
	}
	if len(got.Stored) > len(*e.Expect) {
		r := got.Stored[len(*e.Expect)]
		return fmt.Sprintf("%d readings, %d expected; the first that is not expected: %s/%s", len(got.Stored), len(*e.Expect), r.Device, r.Sensor)
	}
	return ""
}

func (t tried) refused() (n int) {
	for _, r := range t.Refused {
		n += r.Count
	}
	return n
}

// showTried writes the result as text. programs are the programs that refused events.
func (c console) showTried(t tried, programs map[string]bool) {
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "device\tsensor\tts\tvalue")
	for _, r := range t.Stored {
		fmt.Fprintf(w, "%s\t%s\t%s\t%v\n", r.Device, r.Sensor, r.TS, r.Value)
	}
	w.Flush()
	for _, r := range t.Refused {
		times := ""
		if r.Count > 1 {
			times = fmt.Sprintf(" (%d times)", r.Count)
		}
		fmt.Fprintf(c.out, "\nrefused: %s%s\n%s\n", r.Reason, times, indented(r.Raw))
	}
	for program := range programs {
		fmt.Fprintf(c.out, "\nthe program:\n%s\n", indented(program))
	}
	for _, d := range t.Differs {
		fmt.Fprintf(c.out, "\ndiffers: %s\n", d)
	}
	fmt.Fprintf(c.out, "\n%d stored, %d missing, %d refused\n", len(t.Stored), t.Missing, t.refused())
}

// indented puts two blanks before each line.
func indented(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n  ")
}
