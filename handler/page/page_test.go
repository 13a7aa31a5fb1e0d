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
	ofModel := good
	ofModel.ID = fleet.ID{Device: hostile, DeviceModel: hostile}
	device := runs.Device{Device: hostile, From: noon.Add(-time.Hour), To: noon, Jobs: []runs.Job{job, good, ofModel}, Sensors: []runs.Series{
		{Sensor: hostile, Readings: 3, Points: []runs.Point{{At: noon.Add(-time.Hour), Readings: 1, Min: -1e300, Max: 1e300}, {At: noon.Add(-time.Minute), Readings: 2, Min: 5, Max: 5}}},
		{Sensor: "constant", Readings: 1, Points: []runs.Point{{At: noon.Add(-time.Hour), Readings: 1, Min: 7, Max: 7}}}, {Sensor: "silent"}}}
	return map[string]any{
		"fleet": lanes, "sites": sites, "empty fleet": runs.Lanes{From: columns[0], To: noon}, "device": device,
		"runs": runs.RunList{Runs: []runs.Run{shown, going}, Next: run}, "no runs": runs.RunList{}, "run": shown, "open run": going,
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

// TestPagesAreStrict holds that no page has anything inline or from elsewhere, that
// what comes from outside stays text, and that each link carries the key.
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
			if (name == "fleet" || name == "device" || name == "jobs" || name == "problem") && texts == 0 {
				t.Errorf("%s: the name is not shown", name)
			}
		}
	}
}

// TestPathsOfSVG holds that no drawing has a number that is none.
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
	for _, name := range []string{"page.css", "page.js"} {
		data, err := fs.ReadFile(page.Assets(), name)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, []byte("http://")) || bytes.Contains(data, []byte("https://")) {
			t.Errorf("%s names another place", name)
		}
	}
}
