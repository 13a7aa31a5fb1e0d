package devhost

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fleetscore/fleetscore/handler/azure"
)

// playFirst puts the messages, waits for all recorded requests, and compares
// as many of each path: timers go on.
func (p *replay) playFirst() {
	p.first = true
	p.putMessages()
	p.begin()
	p.awaitAll()
	p.compareRequests()
}

// playApp is the application's own shape: events, messages, HTTP and a timer
// at once.
func (p *replay) playApp() {
	p.first = true
	p.putMessages()
	p.begin()
	for _, b := range p.batches() {
		if err := p.host.hubs["telemetry"].partitions[b.partition].append(b.events); err != nil {
			p.t.Fatal(err)
		}
	}
	for _, x := range p.r.HTTP {
		p.call(x)
	}
	p.awaitAll()
	p.eventually("all checkpoints", p.host.CaughtUp)
	p.compareRequests()
	p.compareQueues()
}

func (p *replay) playDisabled() {
	p.put("work", p.r.Queues["work"]...)
	p.putMessages()
	p.begin()
	p.await(len(p.wanted()))
	p.compareQueues()
	p.compareRequests()
}

func (p *replay) playOverlong() {
	p.r.Exchanges = p.r.Exchanges[:4]
	p.playFirst()
	for i, r := range p.taken() {
		if r.InFlight != 1 {
			p.t.Errorf("run %d overlaps another", i)
		}
	}
}

// playPastDue plays a first start, then one after an outage.
func (p *replay) playPastDue() {
	pick := func(path string, pastDue bool) exchange {
		i := slices.IndexFunc(p.r.Exchanges, func(e exchange) bool {
			return e.URL == path && strings.Contains(e.Body, `"IsPastDue":true`) == pastDue
		})
		return p.r.Exchanges[i]
	}
	p.leaveOut("ros", "nomon")
	// The recorded timer fires each minute. This one fires half an hour from now, so that
	// none of its times comes while the test runs.
	minute := time.Now().UTC().Truncate(time.Minute).Add(30 * time.Minute)
	p.reschedule("mon", fmt.Sprintf("0 %d * * * *", minute.Minute()))
	p.begin()
	p.eventually("the status of a timer that has not run", func() bool {
		_, _, ok, err := p.hostBlobs().Get(p.t.Context(), hostContainer, p.statusOf("mon"))
		return err == nil && ok
	})
	p.host.Close()
	data, _, ok, err := p.hostBlobs().Get(p.t.Context(), hostContainer, p.statusOf("mon"))
	want := `{"Last":"0001-01-01T00:00:00+00:00","Next":"<time>+00:00","LastUpdated":"<time>+00:00"}`
	if err != nil || !ok || mask(string(data)) != want {
		p.t.Errorf("status of a timer that has not run: %s, %v; recorded %s", data, err, want)
	}
	last := minute.Add(-2 * time.Hour)
	status := scheduleStatus{Last: last, Next: last.Add(time.Hour), LastUpdated: last}
	if err := p.hostBlobs().Put(p.t.Context(), hostContainer, p.statusOf("mon"), []byte(jsonText(&status)), nil); err != nil {
		p.t.Fatal(err)
	}
	if err := os.RemoveAll(p.record); err != nil { // the handler may have been killed before it wrote one
		p.t.Fatal(err)
	}
	p.r.Exchanges = []exchange{pick("/mon", true)}
	p.begin()
	p.awaitAll()
	p.compareRequests()
}

// reschedule gives a timer another schedule.
func (p *replay) reschedule(fn, schedule string) {
	p.t.Helper()
	p.trigger("/" + fn)["schedule"] = schedule
	writeFile(p.t, filepath.Join(p.opt.Root, fn, "function.json"), p.r.FunctionJSON[fn])
}

func (p *replay) hostBlobs() *azure.HostBlobs {
	p.t.Helper()
	blobs, err := azure.OpenHostBlobs(p.conn)
	if err != nil {
		p.t.Fatal(err)
	}
	return blobs
}

// statusOf is the blob with a timer's status.
func (p *replay) statusOf(fn string) string {
	return "timers/" + p.opt.Settings["AzureFunctionsWebHost__hostid"] + "/Host.Functions." + fn + "/status"
}

// playEventRestart stops the host while a batch is in the handler's hands.
func (p *replay) playEventRestart() {
	p.rewrite(map[string]any{"/eh": map[string]any{"delayMs": 60000}})
	p.begin()
	if err := p.host.hubs["telemetry"].partitions[0].append(p.batches()[0].events); err != nil {
		p.t.Fatal(err)
	}
	p.await(1)
	p.host.Close()
	p.rewrite(p.r.Script)
	p.begin()
	p.await(2)
	p.eventually("all checkpoints", p.host.CaughtUp)
	p.compareCheckpoints()
	p.compareRequests()
	if r := p.requests(); r[0].RawHeaders[2] == r[1].RawHeaders[2] {
		p.t.Errorf("the batch came again with the same invocation id; recorded: a new one")
	}
}

// rewrite replaces the script for the next start of the handler.
func (p *replay) rewrite(s map[string]any) {
	p.t.Helper()
	writeFile(p.t, p.opt.Settings[handlerEnv], s)
}

// playStart compares the readiness probes: one that is answered, whatever with.
func (p *replay) playStart() {
	p.playFirst()
	if n := len(p.records("request")) - len(p.requests()); n != 1 {
		p.t.Errorf("%d probes reached the handler, recorded 1", n)
	}
}

// playStop waits until the host stops by itself.
func (p *replay) playStop() {
	p.putMessages()
	if len(p.wanted()) == 0 {
		p.put("work", "bQ==")
	}
	p.begin()
	p.awaitStop(p.host)
	if n := len(p.records("start")); n != p.r.Starts && p.r.Case != "function-timeout-two" && p.r.Case != "function-timeout-staggered" {
		p.t.Errorf("the handler was started %d times, recorded %d", n, p.r.Starts)
	}
	p.compareRequests()
	switch p.r.Case {
	case "function-timeout-two", "function-timeout-staggered":
		p.compareLog("Restart of language worker", "An unhandled exception")
		return
	case "start-exit-0":
		return
	}
	p.compareQueues()
	p.compareLog("Final functionDispatcher state", "Executed 'Functions.work' (Failed)")
}

func (p *replay) playStaggered() {
	p.put("qslow", "czE=")
	p.begin()
	p.await(1)
	// The second message is in time if the handler gets it 0.3 to 2 s after the first.
	time.Sleep(500 * time.Millisecond)
	p.put("qslow", "czI=")
	p.host.queues[0].poke() // or it might be found only when the first one is over
	p.awaitStop(p.host)
	p.compareRequests()
	p.compareLog("Restart of language worker", "An unhandled exception")
}

func (p *replay) playCannotStart() {
	path := filepath.Join(p.opt.Root, "host.json")
	p.r.HostJSON["version"] = "2.0"
	writeFile(p.t, path, p.r.HostJSON)
	if err := os.WriteFile(filepath.Join(p.opt.Root, "noexec.sh"), []byte("#!/bin/sh\n"), 0o644); err != nil {
		p.t.Fatal(err)
	}
	_, err := Start(p.t.Context(), p.opt)
	if err == nil || !strings.Contains(err.Error(), "start the handler") || strings.Contains(err.Error(), "\n") {
		p.t.Errorf("Start: %v; want one line that says that the handler can't be started", err)
	}
}

func (p *replay) playEnvironment() {
	p.begin()
	p.eventually("the handler started", func() bool { return len(p.records("start")) == 1 })
	got := p.records("start")[0]
	if got.Dir != p.opt.Root {
		p.t.Errorf("directory %s, recorded the application's root", got.Dir)
	}
	env := make(map[string]string)
	for _, kv := range got.Env {
		name, value, _ := strings.Cut(kv, "=")
		env[name] = value
	}
	if env["FUNCTIONS_CUSTOMHANDLER_PORT"] != env["FUNCTIONS_HTTPWORKER_PORT"] || env["FUNCTIONS_CUSTOMHANDLER_WORKER_ID"] != env["FUNCTIONS_HTTPWORKER_ID"] {
		p.t.Errorf("the two names of the port, or of the worker id, differ: %v", got.Env)
	}
	for name, value := range p.r.Start.Env {
		if _, ok := env[name]; strings.HasPrefix(name, "FUNCTIONS_") && name != "FUNCTIONS_WORKER_RUNTIME" && !ok {
			p.t.Errorf("%s is missing in the handler's environment", name)
		}
		if name == "MY_SETTING" && env[name] != value {
			p.t.Errorf("setting %s is %q, recorded %q", name, env[name], value)
		}
	}
}

// playLogs puts one message after the other.
func (p *replay) playLogs() {
	seen := make(map[string]bool)
	p.begin()
	for _, e := range p.wanted() {
		var body struct{ Data map[string]string }
		if err := json.Unmarshal([]byte(e.Body), &body); err != nil {
			p.t.Fatal(err)
		}
		if data := body.Data["msg"]; !seen[data] {
			seen[data] = true
			p.putText(p.trigger(e.URL), data)
			p.eventually("the message gone", func() bool { n, err := p.queue("work").Count(p.t.Context()); return err == nil && n == 0 })
		}
	}
	p.await(len(p.wanted()))
	p.eventually("the handler's lines", func() bool { return len(p.logs.all()) >= len(p.r.Log) })
	p.compareRequests()
	p.compareLog("system line", "azfuncjsonlog")
}

func (p *replay) playExit0() {
	p.put("work", p.r.Queues["work-poison"][0])
	p.begin()
	poison := p.queue("work-poison")
	p.eventually("the first message in poison", func() bool { n, err := poison.Count(p.t.Context()); return err == nil && n == 1 })
	p.put("work", p.r.Queues["work-poison"][1])
	p.compareQueues()
	p.compareRequests()
	p.compareLog()
	p.call(p.r.HTTP[0])
}

func (p *replay) playExit200() {
	p.playQueues()
	p.compareStarts()
}

// compareStarts waits for the last restart, which follows what the host does
// with the messages.
func (p *replay) compareStarts() {
	p.eventually("the handler started as often as recorded", func() bool { return len(p.records("start")) >= p.r.Starts })
	if n := len(p.records("start")); n != p.r.Starts {
		p.t.Errorf("the handler was started %d times, recorded %d", n, p.r.Starts)
	}
}

// playKill kills the handler while it holds the message.
func (p *replay) playKill() {
	p.rewrite(map[string]any{"/work": map[string]any{"delayMs": 60000}})
	p.putMessages()
	p.begin()
	p.await(1)
	p.rewrite(p.r.Script)
	h, err := os.FindProcess(p.host.HandlerPID())
	if err == nil {
		err = h.Kill()
	}
	if err != nil {
		p.t.Fatal(err)
	}
	p.await(2)
	p.compareQueues()
	p.compareRequests()
	p.compareLog()
}

// playCrash has one message in flight when another one crashes the handler, with twice the
// recorded time for both to arrive.
func (p *replay) playCrash() {
	p.delay("/crash", 3000)
	p.delay("/slow", 12000)
	p.playStop()
}

// delay has the handler take so long for each request of a path, until it is killed or the
// time is over.
func (p *replay) delay(path string, ms int) {
	p.t.Helper()
	for _, reply := range p.r.Script[path].([]any) {
		if reply := reply.(map[string]any); reply["delayMs"] != nil {
			reply["delayMs"] = ms
		}
	}
	p.rewrite(p.r.Script)
}

// playTimeout has the second function in flight when the handler is killed, since the first
// is timed out. The times are twice the recorded ones.
func (p *replay) playTimeout() {
	p.limit = 10 * time.Second
	p.opt.Settings["AzureFunctionsJobHost__functionTimeout"] = "00:00:10"
	p.delay("/slow", 60000)
	p.delay("/other", 6000)
	p.put("qslow", "cw==")
	p.begin()
	p.await(1)
	// The handler is killed after 12 s. The other message is in time if the handler gets it
	// after 6 to 12 s.
	time.Sleep(6500 * time.Millisecond)
	p.put("qother", "bw==")
	for _, q := range p.host.queues {
		q.poke()
	}
	p.await(len(p.wanted()))
	p.compareQueues()
	p.compareRequests()
	p.compareLog()
	p.compareStarts()
}

func (p *replay) playShutdown() {
	p.putMessages()
	p.begin()
	p.await(len(p.wanted()))
	p.eventually("the handler up", func() bool { return len(p.records("request")) > 0 })
	p.host.Close()
	p.compareRequests()
	p.compareQueues()
	p.compareLog()
}
