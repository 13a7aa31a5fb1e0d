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

// frame is what every template gets.
type frame struct {
	Title string
	Here  *url.URL
	View  any
	Key   string // the function key that the links need, or ""
}

var templates = template.Must(template.New("").Funcs(functions).ParseFS(files, "templates/*.html"))

// Draw writes the page of an answer of package runs, or of a [Problem]. here is the
// address that was asked for; key is the function key that the links need, or "".
func Draw(w io.Writer, here *url.URL, key string, answer any) error {
	f := frame{Here: here, Key: key, View: answer}
	var name string
	switch v := answer.(type) {
	case runs.Lanes:
		name, f.Title, f.View = "fleet.html", "Fleet", newFleetView(v)
	case runs.Device:
		name, f.Title, f.View = "device.html", v.Device, newDeviceView(v)
	case runs.RunList:
		name, f.Title = "runs.html", "Runs"
	case runs.Run:
		name, f.Title = "run.html", "Run "+v.ID
	case runs.JobList:
		name, f.Title = "jobs.html", "Jobs"
	case Problem:
		name, f.Title = "problem.html", "Not to be had"
	default:
		return fmt.Errorf("page: there is none of %T", answer)
	}
	return templates.ExecuteTemplate(w, name, f)
}

// Link returns the address of /api/ and the parts, each escaped, with the key.
func (f frame) Link(parts ...string) string { return f.link(url.Values{}, parts...) }

// With returns the present address with a parameter set, or left out if value is
// empty, and without page, which numbers the pages of one question.
func (f frame) With(name string, value any) string {
	query := f.Here.Query()
	query.Del("page")
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

// Is reports whether the present address has a parameter at value.
func (f frame) Is(name, value, otherwise string) bool {
	return cmp.Or(f.Here.Query().Get(name), otherwise) == value
}
