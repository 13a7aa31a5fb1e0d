package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	_ "github.com/ncruces/go-sqlite3/driver"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/needs"
	"github.com/fleetscore/fleetscore/handler/simulate"
)

// browser is a tab of Chromium. It records what its pages did wrong.
type browser struct {
	*testing.T
	ctx  context.Context
	base string
	*heard
}

// heard collects what a page must not do: requests to other servers, and messages on
// the console.
type heard struct {
	mu  sync.Mutex
	all []string
}

func (h *heard) add(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(h.all, fmt.Sprintf(format, args...))
}

func newBrowser(t *testing.T, base string) *browser {
	t.Helper()
	dir := t.TempDir()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(needs.Chromium(t)), chromedp.UserDataDir(filepath.Join(dir, "profile")), chromedp.Env("TMPDIR="+dir))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	ctx, stop := context.WithTimeout(context.Background(), 12*time.Minute)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	b := &browser{t, ctx, base, &heard{}}
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Error(err)
		}
	})
	if err := chromedp.Listen(ctx, func(ev any) {
		switch e := ev.(type) {
		case *network.EventRequestWillBeSent:
			if !strings.HasPrefix(e.Request.URL, base+"/api/") {
				b.add("a request to %s", e.Request.URL)
			}
		case *runtime.EventConsoleAPICalled:
			b.add("the console: %s", e.Type)
		case *runtime.EventExceptionThrown:
			b.add("an exception: %s", e.ExceptionDetails.Text)
		case *log.EventEntryAdded:
			b.add("the log: %s %s", e.Entry.Text, e.Entry.URL)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	return b
}

// do runs steps and fails the test on an error.
func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.Fatal(err)
	}
}

// open opens a page of the application.
func (b *browser) open(path string) {
	b.Helper()
	b.do(chromedp.Navigate(b.base+path), chromedp.WaitReady("main"))
}

// text evaluates a script whose value is a text.
func (b *browser) text(script string) string {
	b.Helper()
	s, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](script))
	if err != nil {
		b.Fatalf("%s: %v", script, err)
	}
	return s
}

// becomes waits until a script returns want. It goes on if the page changes meanwhile.
func (b *browser) becomes(script, want string) {
	b.Helper()
	got, err := "", error(nil)
	for end := time.Now().Add(usualPatience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if got, err = chromedp.Run(b.ctx, chromedp.Evaluate[string](script)); err == nil && got == want {
			return
		}
	}
	b.Fatalf("%s is %q, want %q: %v", script, got, want, err)
}

// views returns an address of each view, with the heading that its page has.
func views() map[string]string {
	device, run := url.QueryEscape(deviceOf(0)), newestRun()
	return map[string]string{
		"/api/": "Fleet",
		"/api/?range=month&group=device&prefix=north%2Fline-03": "Fleet · north/line-03…",
		"/api/?range=year":                               "Fleet",
		"/api/?prefix=north%2F":                          "Fleet · north/…",
		"/api/device?device=" + device:                   deviceOf(0),
		"/api/sensor?device=" + device + "&name=current": "current",
		"/api/runs":                                  "Runs",
		"/api/runs/" + run:                           lastHour.Add(-time.Hour).Format("2006-01-02 15:04:05") + " to " + lastHour.Format("2006-01-02 15:04:05"),
		"/api/runs/" + run + "/jobs":                 "Jobs",
		"/api/runs/" + run + "/jobs?state=bad_model": "Jobs",
		"/api/runs/" + run + "/job?device=" + device + "&name=current": deviceOf(0) + " · current",
		"/api/models":                 "Models",
		"/api/model?name=default.pkl": "default.pkl",
		"/api/ingest":                 "Ingest",
		"/api/deadletter":             "Dead letter",
	}
}

// TestBrowser opens every view of a fleet of 10,000 sensors, and uses it as people do.
func TestBrowser(t *testing.T) {
	t.Parallel()
	needs.Chromium(t)
	s := layout{root: dist, settings: []string{"SCORE_RETENTION_DAYS", "0"}, sql: func(dir string) string {
		dsn := "file:" + filepath.ToSlash(filepath.Join(dir, "fleet.db"))
		seedFleet(t, dsn)
		return dsn
	}}.start(t)
	s.publish("default.pkl", []byte("no model"))
	s.eventually("the model is registered", func() bool {
		r, err := http.Get(s.url + "/api/model?name=default.pkl")
		if err != nil {
			return false
		}
		defer r.Body.Close()
		return r.StatusCode == http.StatusOK
	})
	s.publish("default@previous", simulate.Kinds[0].Model())
	t.Run("answers", func(t *testing.T) { testAnswers(t, s.url) })
	b := newBrowser(t, s.url)
	t.Run("axe", func(t *testing.T) {
		axe, err := os.ReadFile(needs.NPM(t, "axe-core", "4.10.2", "axe.min.js"))
		if err != nil {
			t.Fatal(err)
		}
		in := &browser{t, b.ctx, b.base, b.heard}
		for path, heading := range views() {
			in.look(path, heading, string(axe))
		}
		dark := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}}
		if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, dark); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"/api/", "/api/runs/" + newestRun()} {
			in.look(path, views()[path], string(axe))
		}
	})
	b.do(chromedp.EmulateViewport(360, 640))
	for path := range views() {
		b.open(path)
		if wide := b.text(`String(document.documentElement.scrollWidth)`); wide != "360" {
			t.Errorf("%s is %s pixels wide on a phone, want 360", path, wide)
		}
	}
	b.do(chromedp.EmulateViewport(1200, 900))
	b.walk()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range b.all {
		t.Error(m)
	}
}

// testAnswers asks for every view as a browser does and as a program does.
func testAnswers(t *testing.T, base string) {
	for path := range views() {
		for accept, kind := range map[string]string{"text/html": "text/html; charset=utf-8", "application/json": "application/json"} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Accept", accept)
			begun := time.Now()
			reply, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			n, err := io.Copy(io.Discard, reply.Body)
			reply.Body.Close()
			took := time.Since(begun)
			if err != nil || reply.StatusCode != http.StatusOK || !strings.HasPrefix(reply.Header.Get("Content-Type"), kind) {
				t.Errorf("%s as %s: %s, %s, %v; want 200 and %s", path, accept, reply.Status, reply.Header.Get("Content-Type"), err, kind)
			}
			if accept == "text/html" && n > maxPage {
				t.Errorf("%s has %d bytes, want at most %d", path, n, maxPage)
			}
			t.Logf("%-100s %-16s %7d bytes %6.1f ms", path, accept, n, float64(took.Microseconds())/1000)
		}
	}
}

// look opens a view, and checks its heading and its accessibility by axe.
func (b *browser) look(path, heading, axe string) {
	b.Helper()
	b.open(path)
	if h := b.text(`document.querySelector('h1').textContent`); h != heading {
		b.Errorf("%s: the heading is %q, want %q", path, h, heading)
	}
	b.do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Run(ctx, chromedp.Evaluate[any](axe+";0"))
		return err
	}))
	found, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`axe.run().then(r => r.violations.map(v => v.id + ': ' + v.nodes.slice(0, 3).map(n => n.html.slice(0, 200)).join(' | ')).join('\n'))`, chromedp.EvalAwaitPromise))
	if err != nil {
		b.Fatalf("%s: axe: %v", path, err)
	}
	if found != "" {
		b.Errorf("%s: axe finds\n%s", path, found)
	}
}

// walk uses the pages: groups, filters, pages, keys, the brush, and a run that changes.
func (b *browser) walk() {
	b.Helper()
	b.open("/api/")
	sites := b.text(`[...document.querySelectorAll('.lanes tbody th a')].map(a => a.textContent).sort().join()`)
	if sites != "east/…,north/…,south/…,west/…" {
		b.Errorf("the sites are %s, want east, north, south and west", sites)
	}
	b.do(chromedp.Click(`a[href*="prefix=north"]`))
	b.becomes(`document.querySelector('h1').textContent`, "Fleet · north/…")
	b.open("/api/?group=device&sort=name")
	first := b.text(`document.querySelector('.lanes tbody th').textContent`)
	b.do(chromedp.Click(`a[rel=next]`))
	b.becomes(`String(document.querySelector('a[rel=prev]') !== null)`, "true")
	if second := b.text(`document.querySelector('.lanes tbody th').textContent`); second <= first {
		b.Errorf("page 2 begins with %q, want a device after %q, the first of page 1", second, first)
	}
	b.do(chromedp.Clear(`input[name=prefix]`), chromedp.SendKeys(`input[name=prefix]`, "west/line-03/\r"))
	b.becomes(`String(new URL(location).searchParams.get('prefix'))`, "west/line-03/")

	// Keys: from a lane's last cell to the one before, up and down, into a device.
	b.open("/api/?group=device&range=day")
	b.do(chromedp.Focus(`.lane a[tabindex="0"]`))
	at := func() (row, column int) {
		place := b.text(`(() => { const a = document.activeElement, s = a.closest('.lane'); return [...document.querySelectorAll('.lane')].indexOf(s) + ' ' + (s ? [...s.querySelectorAll('a')].indexOf(a) : -1) })()`)
		if _, err := fmt.Sscan(place, &row, &column); err != nil {
			b.Fatal(place, err)
		}
		return row, column
	}
	row, column := at()
	b.do(chromedp.KeyEvent(kb.ArrowLeft), chromedp.KeyEvent(kb.ArrowLeft), chromedp.KeyEvent(kb.ArrowRight), chromedp.KeyEvent(kb.ArrowDown))
	if r, c := at(); r != row+1 || c != column-1 {
		b.Errorf("the keys lead from cell %d of lane %d to cell %d of lane %d, want the cell before it in the next lane", column, row, c, r)
	}
	b.do(chromedp.KeyEvent(kb.Enter))
	b.becomes(`location.pathname + ' ' + document.readyState`, "/api/device complete")

	// The clock of the reader.
	b.text(`(document.getElementById('zone').click(), document.getElementById('zone').textContent)`)
	b.text(`(document.getElementById('zone').click(), '')`)
	b.becomes(`document.getElementById('zone').textContent`, "Times in UTC")

	// Crosshair and span by keys.
	b.open("/api/sensor?device=" + url.QueryEscape(deviceOf(0)) + "&name=current")
	b.do(chromedp.Focus(".charts"))
	b.do(chromedp.KeyEvent(kb.ArrowRight))
	if out := b.text(`document.querySelector('.chart output').textContent`); !strings.Contains(out, ":") {
		b.Errorf("the crosshair says %q, want a time in it", out)
	}
	b.do(chromedp.KeyEvent("+"))
	b.becomes(`String(new URL(location).searchParams.has('from'))`, "true")

	// The middle half of the charts is dragged over: the page shows that span.
	b.open("/api/sensor?device=" + url.QueryEscape(deviceOf(0)) + "&name=current")
	before := b.span()
	var box struct{ X, Y, Width float64 }
	if err := json.Unmarshal([]byte(b.text(`JSON.stringify(document.querySelector('.plot').getBoundingClientRect())`)), &box); err != nil {
		b.Fatal(err)
	}
	left, right, y := box.X+box.Width/4, box.X+box.Width*3/4, box.Y+20
	b.do(chromedp.MouseEvent(chromedp.MousePressed, left, y, chromedp.ButtonLeft, chromedp.ClickCount(1)), chromedp.MouseEvent(chromedp.MouseMoved, right, y, chromedp.ButtonLeft))
	b.becomes(`String(Math.round(parseFloat(document.querySelector('.brush').getAttribute('width'))))`, "50")
	b.do(chromedp.MouseEvent(chromedp.MouseReleased, right, y, chromedp.ButtonLeft, chromedp.ClickCount(1)))
	b.becomes(`String(new URL(location).searchParams.has('from') && document.readyState)`, "complete")
	if after := b.span(); math.Abs(after/before-.5) > .02 {
		b.Errorf("half of %v s is brushed, and the page shows %v s", before, after)
	}
	b.do(chromedp.MouseEvent(chromedp.MouseMoved, 1, 1)) // a page does not renew what the pointer is on
	b.steer()

	// A run that changes shows it by itself.
	b.open("/api/runs/" + newestRun())
	b.becomes(`document.querySelector('.lead .state').textContent`, "running")
	reply, err := http.Post(b.base+"/api/runs/"+newestRun()+"/rescore", "application/json", strings.NewReader(`{"sensors":"north/line-00/pump-0000"}`))
	if err != nil {
		b.Fatal(err)
	}
	reply.Body.Close()
	b.becomes(reasons, "schedule,rescore")
	b.press("Cancel", "Cancel this run?")
	b.becomes(`document.querySelector('.lead .state').textContent`, "cancelled")
	states := slices.Sorted(slices.Values(strings.Split(b.text(`[...document.querySelectorAll('.counts i')].map(i => i.className).join()`), ",")))
	if !slices.Equal(states, []string{"s-bad_model", "s-cancelled", "s-no_data", "s-no_model", "s-scored"}) {
		b.Errorf("the run has jobs of the outcomes %q, want all but queued and failed", states)
	}
}

// span returns the length of the time axis of the charts, in seconds.
func (b *browser) span() (seconds float64) {
	b.Helper()
	if _, err := fmt.Sscan(b.text(`(c => String((Date.parse(c.to) - Date.parse(c.from)) / 1000))(document.querySelector('.charts').dataset)`), &seconds); err != nil {
		b.Fatal(err)
	}
	return seconds
}

// reasons is a script that returns the reasons of a run's epochs, first to last.
const reasons = `[...document.querySelectorAll('h2 + .scroll tbody td:nth-child(2)')].map(e => e.textContent).sort().reverse().join()`

// press clicks the button whose text begins with text, and confirms. The question must
// begin with asks, and is empty for a button that asks nothing.
func (b *browser) press(text, asks string) {
	b.Helper()
	found := b.text(fmt.Sprintf(`(() => {
  let asked = '';
  window.confirm = (question) => { asked = question; return true; };
  const button = [...document.querySelectorAll('button[data-post]:not([hidden])')].find((e) => e.textContent.startsWith(%q));
  button?.click();
  return button ? 'asked: ' + asked : 'no such button';
})()`, text))
	if !strings.HasPrefix(found, "asked: "+asks) {
		b.Fatalf("the button %q asks %q, want %q", text, found, asks)
	}
}

// steer clicks the buttons that change something, and waits for the change.
func (b *browser) steer() {
	b.Helper()
	ended := fleet.Window{From: lastHour.Add(-3 * time.Hour), To: lastHour.Add(-2 * time.Hour)}.RunID()
	b.open("/api/runs/" + ended)
	b.becomes(reasons, "schedule")
	b.press("Rescore the ", "") // jobs that failed, and those without a model
	b.becomes(reasons, "schedule,rescore")
	reply, err := http.Post(b.base+"/api/runs/"+ended+"/cancel", "application/json", strings.NewReader("{}")) // 700 jobs need not be scored
	if err != nil {
		b.Fatal(err)
	}
	reply.Body.Close()

	const estimators = `String([...document.querySelectorAll('dt')].filter(e => e.textContent === 'Estimator').length)`
	b.open("/api/model?name=default.pkl")
	b.becomes(estimators, "0")
	b.press("Roll back", "Put the model that was published before into its place?")
	b.becomes(estimators, "1")
}
