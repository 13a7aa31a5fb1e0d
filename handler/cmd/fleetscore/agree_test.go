package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/fleetscore/fleetscore/handler/app"
	"github.com/fleetscore/fleetscore/handler/azure"
	"github.com/fleetscore/fleetscore/handler/azurite"
	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/config"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ledger"
	"github.com/fleetscore/fleetscore/handler/simulate"
	"github.com/fleetscore/fleetscore/handler/store"
	"github.com/fleetscore/fleetscore/handler/store/storetest"
)

// agreement has what each place says of one run.
type agreement struct {
	t         *testing.T
	url, run  string
	db        *store.DB
	storage   *azure.Storage
	want      map[string]fleet.JobState
	jobs      map[string]map[string]fleet.JobState // by place, then sensor
	states    map[string]fleet.RunState
	anomalies map[string]int
}

// TestAllAgree scores 100 sensors. Of these, 5 have a broken model, 2 have no model, and 1 has
// no reading in the window, which is more than may fail. Page, terminal, API, manifest and SQL
// say the same of every job and of the run. Parquet files have the rows of the scored jobs
// alone.
func TestAllAgree(t *testing.T) {
	t.Parallel()
	a := newAgreement(t)
	a.score()
	a.askAPI()
	a.askTerminal()
	a.readManifest()
	a.readParquet()
	a.askSQL()
	a.readPage()
	if len(a.jobs) != 5 || len(a.states) != 5 || len(a.anomalies) != 4 {
		t.Errorf("%d places were asked for jobs, %d for the run and %d for anomalies; want 5, 5 and 4", len(a.jobs), len(a.states), len(a.anomalies))
	}
	for who, says := range a.jobs {
		if !maps.Equal(says, a.want) {
			t.Errorf("%s says of the jobs %v, want %v", who, says, a.want)
		}
	}
	for who, state := range a.states {
		if state != fleet.RunFailed {
			t.Errorf("%s says the run is %q, want %s", who, state, fleet.RunFailed)
		}
	}
	for who, n := range a.anomalies {
		if n == 0 || n != a.anomalies["manifest"] {
			t.Errorf("%s says %d anomalies, want %d as the manifest, and some", who, n, a.anomalies["manifest"])
		}
	}
}

func newAgreement(t *testing.T) *agreement {
	t.Helper()
	e, err := azurite.Start(t.Context(), azurite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	settings := map[string]string{"SQL_DSN": storetest.SQLite.DSN(t), "DataStorage": e.ConnectionString, "SCORE_MAX_FAILED": "5%,bad_model=4", "OUTPUT": "both"}
	cfg, err := config.FromEnv(func(name string) string { return settings[name] })
	if err != nil {
		t.Fatal(err)
	}
	storage, err := azure.Open(cfg.Data)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(storage.Close)
	db := storetest.Connect(t, settings["SQL_DSN"])
	whole, err := app.New(cfg, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { whole.Close() })
	server := httptest.NewServer(whole)
	t.Cleanup(server.Close)
	return &agreement{t, server.URL, "20260301T110000Z-20260301T120000Z", db, storage, map[string]fleet.JobState{},
		map[string]map[string]fleet.JobState{}, map[string]fleet.RunState{}, map[string]int{}}
}

// score publishes, ingests and scores.
func (a *agreement) score() {
	var readings []fleet.Reading
	var jobs []fleet.JobKey
	for i := range 100 {
		sensor := fleet.ID{Device: fmt.Sprintf("d%02d", i), Sensor: "s"}
		model, at, outcome := simulate.Kinds[0].Model(), noon.Add(-time.Minute), fleet.Scored
		switch {
		case i < 5:
			model, outcome = []byte("no model"), fleet.BadModel
		case i < 7:
			model, outcome = nil, fleet.NoModel
		case i < 8:
			at, outcome = noon, fleet.NoData
		}
		a.want[sensor.String()] = outcome
		if model != nil {
			if _, err := a.storage.Blobs().Write(a.t.Context(), blob.Models, sensor.Path()+".pkl", "", "", func(w io.Writer) error {
				_, err := w.Write(model)
				return err
			}); err != nil {
				a.t.Fatal(err)
			}
		}
		readings = append(readings, fleet.Reading{ID: sensor, Time: fleet.MillisOf(at), Value: float64(i * 10)})
		jobs = append(jobs, fleet.JobKey{ID: sensor})
	}
	if _, err := a.db.InsertReadings(a.t.Context(), readings, fleet.Delivery{}); err != nil {
		a.t.Fatal(err)
	}
	if _, err := (&client{url: a.url}).open(a.t.Context(), noon.Add(-time.Hour), noon); err != nil {
		a.t.Fatal(err)
	}
	text, err := fleet.NewMessage(a.run, jobs).Encode()
	if err != nil {
		a.t.Fatal(err)
	}
	once, _ := json.Marshal(text)
	body, _ := json.Marshal(map[string]any{"Data": map[string]any{"message": string(once)}, "Metadata": map[string]any{"sys": map[string]any{"MethodName": "score"}}})
	resp, err := http.Post(a.url+"/score", "application/json", strings.NewReader(string(body)))
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	if answer, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
		a.t.Fatalf("score: %d %s, want 200", resp.StatusCode, answer)
	}
}

// say returns where to note what a place says of jobs.
func (a *agreement) say(who string) map[string]fleet.JobState {
	a.jobs[who] = map[string]fleet.JobState{}
	return a.jobs[who]
}

func (a *agreement) askAPI() {
	says, api := a.say("API"), &client{url: a.url}
	r, err := api.wait(a.t.Context(), a.run, nil)
	if err != nil {
		a.t.Fatal(err)
	}
	a.states["API"] = r.State
	if r.OverBudget != "5 bad_model, more than 4" {
		a.t.Errorf("the API says of the budget %q, want 5 bad_model, more than 4", r.OverBudget)
	}
	jobs, err := api.jobs(a.t.Context(), a.run, "")
	if err != nil {
		a.t.Fatal(err)
	}
	for _, j := range jobs {
		says[j.ID.String()] = j.State
		a.anomalies["API"] += j.Anomalies
	}
}

func (a *agreement) askTerminal() {
	says := a.say("terminal")
	var out, errs strings.Builder
	if code := run(a.t.Context(), []string{"runs", "show", a.run, "--url", a.url}, func(string) string { return "" }, strings.NewReader(""), &out, &errs); code != 0 {
		a.t.Fatal(errs.String())
	}
	for line := range strings.Lines(out.String()) {
		switch f := strings.Fields(line); {
		case len(f) > 1 && f[0] == a.run:
			a.states["terminal"] = fleet.RunState(strings.TrimSuffix(f[1], ","))
		case len(f) > 1 && strings.HasSuffix(f[0], "/s"):
			says[f[0]] = fleet.JobState(f[1])
		}
	}
	if !strings.Contains(out.String(), "over budget: 5 bad_model, more than 4 (SCORE_MAX_FAILED=5%,bad_model=4)") {
		a.t.Errorf("the terminal does not say what went wrong too often:\n%.600s", &out)
	}
}

func (a *agreement) readManifest() {
	says := a.say("manifest")
	content, _, err := a.storage.Blobs().Read(a.t.Context(), blob.Preds, ledger.ManifestName(a.run), "", 1<<20)
	if err != nil {
		a.t.Fatal(err)
	}
	var m ledger.Manifest
	if err := json.Unmarshal(content, &m); err != nil {
		a.t.Fatal(err)
	}
	a.states["manifest"], a.anomalies["manifest"] = m.State, m.Anomalies
	for _, j := range m.Jobs {
		says[j.ID.String()] = j.State
	}
	if m.Settings.MaxFailed != "5%,bad_model=4" {
		a.t.Errorf("the manifest has the settings %+v, want SCORE_MAX_FAILED 5%%,bad_model=4", m.Settings)
	}
}

// readParquet reads all Parquet files, of which each device has one that had a job scored.
func (a *agreement) readParquet() {
	rows := map[string]int{}
	for info, err := range a.storage.Blobs().List(a.t.Context(), blob.Preds, "date=") {
		if err != nil {
			a.t.Fatal(err)
		}
		content, _, err := a.storage.Blobs().Read(a.t.Context(), blob.Preds, info.Name, "", 1<<20)
		if err != nil {
			a.t.Fatal(err)
		}
		of, err := parquet.Read[struct {
			Name       string  `parquet:"name"`
			Prediction float64 `parquet:"prediction,optional"`
			Run        string  `parquet:"run"`
		}](bytes.NewReader(content), int64(len(content)))
		if err != nil {
			a.t.Fatal(info.Name, err)
		}
		device := strings.TrimPrefix(path.Base(path.Dir(info.Name)), "device=")
		for _, r := range of {
			rows[device+"/"+r.Name]++
			a.anomalies["Parquet"] += int(r.Prediction)
			if r.Run != a.run {
				a.t.Errorf("%s has a row of run %s", info.Name, r.Run)
			}
		}
	}
	for sensor, state := range a.want {
		if want := map[fleet.JobState]int{fleet.Scored: 1}[state]; rows[sensor] != want {
			a.t.Errorf("Parquet has %d rows of %s, which is %s; want %d", rows[sensor], sensor, state, want)
		}
		delete(rows, sensor)
	}
	if len(rows) > 0 {
		a.t.Errorf("Parquet has rows of %v, which are no sensors of the run", rows)
	}
}

func (a *agreement) askSQL() {
	says := a.say("SQL")
	r, err := a.db.Run(a.t.Context(), a.run)
	if err != nil {
		a.t.Fatal(err)
	}
	a.states["SQL"] = r.State
	jobs, err := a.db.JobsPage(a.t.Context(), a.run, "", fleet.ID{}, 1000)
	if err != nil {
		a.t.Fatal(err)
	}
	var ids []fleet.ID
	for _, j := range jobs {
		says[j.ID.String()] = j.State
		ids = append(ids, j.ID)
	}
	found, err := a.db.Anomalies(a.t.Context(), a.run, ids)
	if err != nil {
		a.t.Fatal(err)
	}
	for _, j := range found {
		rows, err := j.Kept.List()
		if err != nil {
			a.t.Fatal(err)
		}
		a.anomalies["SQL"] += len(rows)
	}
}

// readPage reads the page of the run, and those of its jobs in each state.
func (a *agreement) readPage() {
	says := a.say("page")
	address := a.url + "/api/runs/" + a.run
	for _, state := range fleet.JobStates {
		text := a.html(address + "/jobs?limit=1000&state=" + string(state))
		for sensor := range a.want {
			device, _, _ := strings.Cut(sensor, "/")
			if strings.Contains(text, ">"+device+"<") {
				says[sensor] = state
			}
		}
	}
	text := a.html(address)
	if !strings.Contains(text, "More went wrong than SCORE_MAX_FAILED allows: 5 bad_model, more than 4") {
		a.t.Error("the page does not say what went wrong too often")
	}
	_, lead, _ := strings.Cut(text, `class="lead"`)
	lead, _, _ = strings.Cut(lead, "</p>")
	a.states["page"] = ""
	for _, state := range []fleet.RunState{fleet.RunRunning, fleet.RunSucceeded, fleet.RunDegraded, fleet.RunFailed} {
		if strings.Contains(lead, ">"+string(state)+"<") {
			a.states["page"] += state
		}
	}
}

// html returns what a browser gets.
func (a *agreement) html(address string) string {
	req, err := http.NewRequestWithContext(a.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		a.t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		a.t.Fatalf("%s: %d %v, want 200", address, resp.StatusCode, err)
	}
	return string(text)
}
