package page

import (
	"cmp"
	"embed"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/fleetscore/fleetscore/handler/runs"
)

//go:embed templates assets
var files embed.FS

// Assets are the style and the script, by their names.
func Assets() fs.FS {
	assets, err := fs.Sub(files, "assets")
	if err != nil {
		panic(err) // they are embedded
	}
	return assets
}

// Problem is why there is no page.
type Problem struct {
	Status int
	Text   string
}

// frame is the data of every template.
type frame struct {
	Title string
	Here  *url.URL
	View  any
	Key   string // the function key that the links need, or ""
}

// templates are parsed when the first page is drawn: most instances draw none.
var templates = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("").Funcs(functions).ParseFS(files, "templates/*.html"))
})

// Draw writes the page for an answer of package runs, or for a [Problem]. here is the
// address of the request. key is the function key that links need, or "".
func Draw(w io.Writer, here *url.URL, key string, answer any) error {
	f := frame{Here: here, Key: key, View: answer}
	var name string
	switch v := answer.(type) {
	case runs.Lanes:
		name, f.Title, f.View = "fleet.html", "Fleet", newFleetView(v)
	case runs.Device:
		name, f.Title, f.View = "device.html", v.Device, newDeviceView(v)
	case runs.Subject:
		name, f.Title, f.View = "subject.html", v.Name+" of "+v.Device, newSubjectView(v)
	case runs.RunList:
		name, f.Title, f.View = "runs.html", "Runs", newRunsView(v)
	case runs.Run:
		name, f.Title, f.View = "run.html", "Run "+v.ID, newRunView(v)
	case runs.JobList:
		name, f.Title = "jobs.html", "Jobs"
	case runs.JobDetail:
		name, f.Title = "job.html", "Job of "+v.ID.String()
	case runs.ModelList:
		name, f.Title = "models.html", "Models"
	case runs.Ingest:
		name, f.Title, f.View = "ingest.html", "Ingest", newIngestView(v)
	case runs.LetterList:
		name, f.Title = "deadletter.html", "Dead letter"
	case runs.ModelDetail:
		name, f.Title, f.View = "model.html", "Model "+v.Name, newModelView(v)
	case Problem:
		name, f.Title = "problem.html", "Error"
	default:
		return fmt.Errorf("no page shows a %T", answer)
	}
	return templates().ExecuteTemplate(w, name, f)
}

// Link returns the address of /api/ and the parts, each escaped, with the key.
func (f frame) Link(parts ...string) string { return f.link(url.Values{}, parts...) }

// question returns the query of the present address without the parameter page.
func (f frame) question() url.Values {
	query := f.Here.Query()
	query.Del("page")
	return query
}

// With returns the present address with a parameter set to value. If value is empty, the
// parameter is left out.
func (f frame) With(name string, value any) string {
	query := f.question()
	if text := fmt.Sprint(value); text != "" {
		query.Set(name, text)
	} else {
		query.Del(name)
	}
	return f.Here.EscapedPath() + "?" + query.Encode()
}

// Page returns the present address with another page.
func (f frame) Page(n int) string {
	query := f.Here.Query()
	query.Set("page", strconv.Itoa(n))
	return f.Here.EscapedPath() + "?" + query.Encode()
}

// RunID returns the id of the run in the present address, /api/runs/{id}/jobs.
func (f frame) RunID() string {
	id, _, _ := strings.Cut(strings.TrimPrefix(f.Here.Path, "/api/runs/"), "/")
	return id
}

// Query returns the address of /api/ and the parts, with a parameter.
func (f frame) Query(name, value string, parts ...string) string {
	return f.link(url.Values{name: {value}}, parts...)
}

// Span returns the address of a device over a span of time.
func (f frame) Span(device, from, to string) string {
	return f.link(url.Values{"device": {device}, "from": {from}, "to": {to}}, "device")
}

// Device returns the address of a device over a span, the usual one if from is zero.
func (f frame) Device(device string, from, to time.Time) string {
	return f.link(over(url.Values{"device": {device}}, from, to), "device")
}

// Sensor returns the address of a sensor or device model over a span, the usual one
// if from is zero.
func (f frame) Sensor(device, name string, from, to time.Time) string {
	return f.link(over(url.Values{"device": {device}, "name": {name}}, from, to), "sensor")
}

// Job returns the address of a job.
func (f frame) Job(run, device, name string) string {
	return f.link(url.Values{"device": {device}, "name": {name}}, "runs", run, "job")
}

// Model returns the address of a model.
func (f frame) Model(name string) string { return f.link(url.Values{"name": {name}}, "model") }

func over(query url.Values, from, to time.Time) url.Values {
	if !from.IsZero() {
		query.Set("from", from.Format(time.RFC3339))
		query.Set("to", to.Format(time.RFC3339))
	}
	return query
}

// Between returns the present address over another span of time.
func (f frame) Between(from, to string) string {
	query := f.question()
	query.Set("from", from)
	query.Set("to", to)
	return f.Here.EscapedPath() + "?" + query.Encode()
}

// chooser is the data of the template with which the reader chooses a span of time.
type chooser struct {
	Frame    frame
	Spans    []span
	From, To time.Time
}

// Choose returns the data of the template with which the reader chooses a span of time.
func (f frame) Choose(spans []span, from, to time.Time) chooser { return chooser{f, spans, from, to} }

// Site returns the present address for the devices of a site, one lane each.
func (f frame) Site(prefix string) string {
	query := f.question()
	query.Del("group")
	query.Set("prefix", prefix)
	return f.Here.EscapedPath() + "?" + query.Encode()
}

// Filter is like With, but its address is that of the first page.
func (f frame) Filter(name string, value any) string {
	g := f
	here := *f.Here
	query := here.Query()
	query.Del("after")
	here.RawQuery = query.Encode()
	g.Here = &here
	return g.With(name, value)
}

// Section reports whether the page belongs to a part of the site, such as runs.
func (f frame) Section(name string) bool {
	path := strings.TrimPrefix(f.Here.Path, "/api/")
	if name == "" {
		return path == "" || path == "device" || path == "sensor"
	}
	return path == name || path+"s" == name || strings.HasPrefix(path, name+"/") || name == "ingest" && path == "deadletter"
}

func (f frame) link(query url.Values, parts ...string) string {
	escaped := make([]string, len(parts))
	for i, p := range parts {
		escaped[i] = url.PathEscape(p)
	}
	if f.Key != "" {
		query.Set("code", f.Key)
	}
	address := "/api/" + strings.Join(escaped, "/")
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	return address
}

// Is reports whether a parameter of the present address has this value. A parameter that is
// left out has the value otherwise.
func (f frame) Is(name, value, otherwise string) bool {
	return cmp.Or(f.Here.Query().Get(name), otherwise) == value
}
