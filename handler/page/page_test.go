package page_test

import (
	"bytes"
	"io"
	"io/fs"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ledger"
	"github.com/fleetscore/fleetscore/handler/page"
	"github.com/fleetscore/fleetscore/handler/runs"
)

const hostile = `<img src=x onerror=alert(1)>"'&/..`

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// answers are answers of package runs that hold hostile text wherever text may stand.
func answers() map[string]any {
	run := fleet.Window{From: noon.Add(-time.Hour), To: noon}.RunID()
	job := runs.Job{Run: run, JobKey: fleet.JobKey{ID: fleet.ID{Device: hostile, Sensor: hostile}}, State: fleet.BadModel,
		Model: hostile, ModelSHA256: strings.Repeat("a", 64), Error: hostile, ErrorLog: hostile}
	good := job
	good.State, good.Rows, good.Anomalies, good.Error, good.ErrorLog, good.File = fleet.Scored, 360, 7, "", "", hostile
	cells := make([]runs.Cell, 24)
	for i := range cells {
		cells[i] = runs.Cell{Jobs: 3, Scored: 2, Failed: i % 2, Queued: i % 3, Rows: 1000, Anomalies: i * 40}
	}
	columns := make([]time.Time, 24)
	for i := range columns {
		columns[i] = noon.Add(time.Duration(i-24) * time.Hour)
	}
	lanes := runs.Lanes{From: columns[0], To: noon, Range: "day", Group: "device", Sort: "worst", Prefix: hostile, Columns: columns,
		Lanes: []runs.Lane{{Name: hostile, Devices: 1, Cells: cells}}, Total: 250, Devices: 250, Pages: 3}
	sites := lanes
	sites.Group = "site"
	shown := runs.Run{ID: run, From: noon.Add(-time.Hour), To: noon, Kind: fleet.Scheduled, State: fleet.RunDegraded, OpenedAt: noon, EndedAt: noon.Add(time.Minute),
		Progress: &runs.Progress{Jobs: 2, Closed: 2, Counts: fleet.Counts{fleet.Scored: 1, fleet.BadModel: 1}}, Manifest: run + "/manifest.json"}
	going := shown
	going.State, going.EndedAt = fleet.RunRunning, time.Time{}
	going.Kind, going.Covered = fleet.Requested, true
	ofModel := good
	ofModel.ID = fleet.ID{Device: hostile, DeviceModel: hostile}
	value, score, zero := 5.5, -.25, 0.
	readings := runs.Series{Name: hostile, Values: 3, Points: []runs.Point{{At: noon.Add(-time.Hour), Values: 1, Min: -1e300, Max: 1e300}, {At: noon.Add(-time.Minute), Values: 2, Min: 5, Max: 5}}}
	constant := runs.Series{Name: "constant", Values: 1, Points: []runs.Point{{At: noon.Add(-time.Hour), Values: 1, Min: 7, Max: 7}}}
	marks := []runs.Mark{{At: noon.Add(-time.Hour), What: "model", Text: hostile}}
	anomalies := []runs.AnomalousPiece{{ID: fleet.ID{Device: hostile, Sensor: hostile}, At: noon.Add(-time.Minute), Anomalies: 2, Value: &value, MinScore: &score, MaxScore: &value}, {At: noon}}
	device := runs.Device{Device: hostile, From: noon.Add(-time.Hour), To: noon, Total: 25, Pages: 3, Page: 1, Jobs: []runs.Job{job, good, ofModel}, Marks: marks, Unread: 3, NotKept: 5, Left: true, Anomalies: anomalies, Sensors: []runs.Track{
		{Name: hostile, Readings: &readings, Score: &constant, Threshold: &zero, Model: hostile},
		{Name: "constant", Readings: &constant}, {Name: "silent", Readings: &runs.Series{}}, {Name: hostile, DeviceModel: true}}}
	sensor := runs.Subject{Device: hostile, Name: hostile, From: noon.Add(-time.Hour), To: noon, Readings: &readings, Score: &readings, Anomalies: anomalies, NotKept: 1, Files: 1, Unread: 7,
		Gaps: []runs.Gap{{From: noon.Add(-time.Hour), To: noon}}, Distribution: &runs.Distribution{From: -1, Step: .1, Counts: []int{0, 3, 10, 4}, Mean: -.8, SD: .1, Center: &zero, Scale: &value},
		Model: hostile, Portrait: &runs.Portrait{Kind: "detector", Class: hostile, Steps: []string{hostile}, Features: []string{hostile}, Threshold: &zero}, Jobs: []runs.Job{job, good}, Marks: marks}
	usual, lacking := 5.0, 12
	sensor.Quality = &runs.Quality{UsualSeconds: &usual, Missing: &lacking, Duplicate: 3, Conflict: 1, Rejected: 1000}
	flat := sensor
	flat.Distribution = &runs.Distribution{From: 7, Counts: []int{4}, Mean: 7}
	silent := runs.Subject{Device: hostile, Name: "silent", From: noon.Add(-time.Hour), To: noon, Readings: &runs.Series{}, Quality: &runs.Quality{}}
	ofDevice := runs.Subject{Device: hostile, Name: hostile, DeviceModel: true, From: noon.Add(-time.Hour), To: noon, Score: &constant, Features: []runs.Series{readings, constant}, Jobs: []runs.Job{ofModel}}
	detail := runs.JobDetail{Job: job, Attempts: []ledger.Attempt{{At: noon, Own: true, Error: hostile}}, Log: &ledger.ErrorLog{Run: run, Error: hostile, Remedy: hostile}}
	model := runs.Model{Name: hostile, Scope: fleet.OfDevice, Device: hostile, Title: hostile, Size: 2048, Serves: 1, Facts: &fleet.Facts{Fault: hostile, Sensors: []string{hostile}, LookbackMS: 90_000}}
	whole := runs.ModelDetail{Model: model, Fault: hostile, Portrait: sensor.Portrait, Subjects: []fleet.ID{{Device: hostile, Sensor: hostile}}, Next: hostile, SummedFrom: noon,
		Versions: []runs.Version{{SHA256: strings.Repeat("a", 64), First: noon, Last: noon, Jobs: 3, Rows: 100, Anomalies: 7}, {SHA256: "b", First: noon, Last: noon, Jobs: 3, Rows: 100}}}
	ofFleet := model
	ofFleet.Scope, ofFleet.Facts = fleet.OfFleet, &fleet.Facts{Devices: []string{hostile}}
	ingest := runs.Ingest{From: noon.Add(-time.Hour), To: noon, Range: "hour", Sum: runs.Ingested{Events: 3, Stored: 2, Rejected: 1, LagSeconds: 2}, Refusals: []runs.Refusal{{Reason: hostile, Count: 1, Example: hostile, DeadLetter: hostile}},
		Columns: []runs.Ingested{{From: noon.Add(-time.Hour), Events: 3, Stored: 2, Rejected: 1, Missing: 4, LagSeconds: 2}, {From: noon.Add(-30 * time.Minute)}}}
	ingest.Spill = runs.Spill{Batches: 2, Bytes: 7 << 20, Oldest: noon.Add(-time.Hour), More: true}
	element, sequence := 1, int64(7)
	refused := runs.Letter{Blob: hostile, Hub: hostile, Partition: hostile, Sequence: &sequence, Enqueued: noon, Element: &element, Rejected: 2, Reason: hostile, Mapping: hostile,
		Device: hostile, Sensor: hostile, TS: hostile, Value: &zero, Event: hostile, Bytes: 5000, Base64: true, Replays: 2}
	attributes := runs.Model{Name: "devices.csv", Scope: fleet.Attributes}
	return map[string]any{
		"fleet": lanes, "sites": sites, "empty fleet": runs.Lanes{From: columns[0], To: noon}, "device": device,
		"runs": runs.RunList{Runs: []runs.Run{shown, going}, Next: run}, "no runs": runs.RunList{}, "run": shown, "open run": going,
		"sensor": sensor, "flat sensor": flat, "silent sensor": silent, "device model": ofDevice, "job": detail, "ingest": ingest, "no events": runs.Ingest{From: noon.Add(-time.Hour), To: noon}, "model": whole, "devices.csv": runs.ModelDetail{Model: attributes},
		"models": runs.ModelList{Models: []runs.Model{model, ofFleet, attributes, {Name: "default.pkl", Scope: fleet.OfSensors}}, Next: hostile}, "no models": runs.ModelList{},
		"dead letter": runs.LetterList{Letters: []runs.Letter{refused, {Blob: hostile}}, Next: hostile}, "no dead letter": runs.LetterList{},
		"jobs": runs.JobList{Jobs: []runs.Job{job, good}, Next: hostile}, "no jobs": runs.JobList{}, "problem": page.Problem{Status: 404, Text: hostile},
	}
}

func draw(t testing.TB, answer any, key string) *html.Node {
	t.Helper()
	here, err := url.Parse("/api/runs/20260301T110000Z-20260301T120000Z/jobs?state=failed")
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		here.RawQuery += "&" + url.Values{"code": {key}}.Encode()
	}
	var w bytes.Buffer
	if err := page.Draw(&w, here, key, answer); err != nil {
		t.Fatal(err)
	}
	root, err := html.Parse(&w)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// TestPagesAreStrict checks that no page has anything inline or from elsewhere, that text
// from outside stays text, and that each link has the key.
func TestPagesAreStrict(t *testing.T) {
	t.Parallel()
	for name, answer := range answers() {
		for _, key := range []string{"", "k&y=/"} {
			images, texts := 0, 0
			for n := range draw(t, answer, key).Descendants() {
				switch {
				case n.Type == html.TextNode && strings.Contains(n.Data, hostile):
					texts++
				case n.Data == "img":
					images++
				case n.Type == html.ElementNode && n.Data == "style", n.Data == "script" && n.FirstChild != nil:
					t.Errorf("%s: <%s> stands inline", name, n.Data)
				}
				for _, a := range n.Attr {
					if strings.HasPrefix(a.Key, "on") || a.Key == "style" {
						t.Errorf("%s: attribute %s of <%s>", name, a.Key, n.Data)
					}
					if a.Key != "href" && a.Key != "src" && a.Key != "data-post" || strings.HasPrefix(a.Val, "#") {
						continue
					}
					u, err := url.Parse(a.Val)
					if err != nil || u.Host != "" || !strings.HasPrefix(u.Path, "/api/") {
						t.Errorf("%s: link %q leads elsewhere: %v", name, a.Val, err)
						continue
					}
					if u.Query().Get("code") != key {
						t.Errorf("%s: link %q lacks the key", name, a.Val)
					}
				}
			}
			if images > 0 {
				t.Errorf("%s: a name became an element", name)
			}
			if !strings.Contains("empty fleet runs no runs run open run no jobs no models devices.csv sites no events no dead letter", name) && texts == 0 {
				t.Errorf("%s: the name is not shown", name)
			}
		}
	}
}

// text returns the text of a page.
func text(root *html.Node) string {
	var b strings.Builder
	for n := range root.Descendants() {
		if n.Type == html.TextNode {
			b.WriteString(n.Data)
		}
	}
	return b.String()
}

// TestPagesSay checks sentences of pages.
func TestPagesSay(t *testing.T) {
	t.Parallel()
	w := [2]time.Time{noon.Add(-time.Hour), noon}
	rows := runs.Counted{Rows: 240, Anomalous: 7}
	beyond := rows
	beyond.Beyond = true
	mark := []runs.Mark{{At: noon, What: "model", Text: "s: new"}}
	device := func(track runs.Track) runs.Device {
		track.Name = "s"
		return runs.Device{Device: "d", From: w[0], To: w[1], Total: 1, Marks: mark, Sensors: []runs.Track{track}}
	}
	sensor := func(s runs.Subject) runs.Subject {
		s.Device, s.Name, s.From, s.To, s.Marks = "d", "s", w[0], w[1], mark
		return s
	}
	model := func(previous, removed bool) runs.ModelDetail {
		return runs.ModelDetail{Model: runs.Model{Name: "default.pkl", Scope: fleet.OfSensors, Removed: removed}, Previous: previous}
	}
	reading := &runs.Series{Values: 1}
	limit, residual := 3., &runs.Series{Values: 1, Points: []runs.Point{{At: w[0], Min: -4, Max: 2}}}
	for _, c := range []struct {
		answer        any
		says, saysNot string
	}{
		{device(runs.Track{Counted: rows}), "7 of 240 rows are anomalies", "beyond"},
		{device(runs.Track{Counted: beyond}), "7 of 240 rows are anomalies in windows that reach beyond this span", ""},
		{device(runs.Track{Readings: reading}), "1 sensor,", "1 sensors"},
		{device(runs.Track{Readings: reading}), "1 reading; nothing was scored", "no job of its own"},
		{device(runs.Track{UsedBy: []string{"wear"}}), "it has no job of its own; wear uses it", "nothing was scored"},
		{device(runs.Track{UsedBy: []string{"load", "wear"}}), "load, wear use it", "nothing was scored"},
		{device(runs.Track{}), "1 change", "1 changes"},
		{sensor(runs.Subject{Counted: rows}), "7 of 240 rows are anomalies", "beyond"},
		{sensor(runs.Subject{Counted: beyond}), "7 of 240 rows are anomalies in windows that reach beyond this span", ""},
		{sensor(runs.Subject{UsedBy: []string{"wear"}}), "it has no job of its own; wear uses it", "nothing was scored"},
		{sensor(runs.Subject{}), "nothing was scored", "uses it"},
		{sensor(runs.Subject{Model: "m", Portrait: &runs.Portrait{ResidualOf: "temp", Limit: &limit}}), "Residual oftemp", ""},
		{sensor(runs.Subject{Model: "m", Residual: residual, Portrait: &runs.Portrait{ResidualOf: "temp", Limit: &limit}}), "the dashed lines are the limits, ±3", ""},
		{device(runs.Track{Residual: residual, Limit: &limit}), "residual, and the limits ±3", ""},
		{runs.ModelDetail{Portrait: &runs.Portrait{ResidualOf: "temp", Limit: &limit}}, "Limit±3", ""},
		{model(true, false), "Roll back", "Put it back"},
		{model(true, false), "models rollback", "Put it back"},
		{model(false, false), "Remove", "Roll back"},
		{model(false, false), "models remove", "models rollback"},
		{model(false, true), "Put it back", "Roll back"},
	} {
		got := text(draw(t, c.answer, ""))
		if !strings.Contains(got, c.says) || c.saysNot != "" && strings.Contains(got, c.saysNot) {
			t.Errorf("%T says\n%s\nwant %q, and not %q", c.answer, got, c.says, c.saysNot)
		}
	}
}

// TestFilesAreWide checks that the names of files have room in the table of jobs.
func TestFilesAreWide(t *testing.T) {
	t.Parallel()
	class := ""
	for n := range draw(t, answers()["jobs"], "").Descendants() {
		if n.Type == html.TextNode && strings.HasPrefix(n.Data, "preds/") {
			for _, a := range n.Parent.Parent.Attr {
				class = a.Val
			}
		}
	}
	css, err := fs.ReadFile(page.Assets(), "page.css")
	if err != nil || class == "" || !strings.Contains(string(css), "td."+class+" { min-width: ") {
		t.Errorf("the class of a file's cell is %q, %v", class, err)
	}
}

// TestPathsOfSVG checks that no drawing has NaN or infinity in it.
func TestPathsOfSVG(t *testing.T) {
	t.Parallel()
	wrong := regexp.MustCompile(`NaN|Inf|ZgotmplZ`)
	for name, answer := range answers() {
		var w bytes.Buffer
		if err := page.Draw(&w, &url.URL{Path: "/api/"}, "", answer); err != nil {
			t.Fatal(err)
		}
		if found := wrong.FindString(w.String()); found != "" {
			t.Errorf("%s contains %s", name, found)
		}
	}
}

func TestUnknownAnswer(t *testing.T) {
	t.Parallel()
	if err := page.Draw(io.Discard, &url.URL{}, "", 7); err == nil {
		t.Error("a page of 7")
	}
}

func TestAssets(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"page.css", "page.js", "icon.svg"} {
		data, err := fs.ReadFile(page.Assets(), name)
		if err != nil {
			t.Fatal(err)
		}
		data = bytes.ReplaceAll(data, []byte("http://www.w3.org/2000/svg"), nil) // a name, not an address
		if bytes.Contains(data, []byte("http://")) || bytes.Contains(data, []byte("https://")) {
			t.Errorf("%s names another place", name)
		}
	}
}
