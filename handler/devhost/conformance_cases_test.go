package devhost

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// conformance lists the recordings that are played, each with the way to bring
// its situation about.
var conformance = []struct {
	name string
	play func(*replay)
	note string // what the comparison leaves out, or does in another way
}{
	{"queue-shapes-none", (*replay).playShapes, "without what the host lifts from messages into Metadata, which the application never reads"},
	{"queue-shapes-base64", (*replay).playShapes, "likewise"},
	{"queue-base64-mismatch", (*replay).playMismatch, ""},
	{"queue-replies", (*replay).playReplies, "without redirects, and with text alone in Logs"},
	{"queue-poison", (*replay).playDelay, ""},
	{"queue-poison-immediate", (*replay).playQueues, ""},
	{"queue-retry-policy", (*replay).playQueues, "without the warning that retries of queues will go"},
	{"queue-concurrency-1-0", (*replay).playConcurrency, "requests in flight"},
	{"queue-concurrency-16-8", (*replay).playConcurrency, "requests in flight"},
	{"queue-concurrency-16-8-staggered", (*replay).playConcurrency, "requests in flight"},
	{"queue-concurrency-32", (*replay).playConcurrency, "requests in flight; batchSize 32 with two cores"},
	{"eventhub63-shape-binary", (*replay).playEvents, "without AMQP's message-id and content-type, which a REST send cannot set"},
	{"eventhub63-shape-string", (*replay).playEvents, "likewise"},
	{"eventhub63-fail-noretry", (*replay).playEvents, ""},
	{"eventhub63-fail-retry", (*replay).playEvents, "without .NET's stack traces"},
	{"eventhub63-batching", (*replay).playBatching, "order, size and number in flight; the batches themselves are timing"},
	{"http-forward-requests", (*replay).playForwarded, "without routes with parameters"},
	{"http-forward-headers", (*replay).playHTTP, ""},
	{"http-forward-replies", (*replay).playHTTP, ""},
	{"http-handler-down", (*replay).playHTTP, ""},
	{"app-shape", (*replay).playApp, "without .NET's stack traces"},
	{"raw-wire", (*replay).playFirst, ""},
	{"function-disabled", (*replay).playDisabled, ""},
	{"timer-cron-5s", (*replay).playFirst, ""},
	{"timer-overlong", (*replay).playOverlong, "three runs of the five"},
	{"timer-monitor-pastdue", (*replay).playPastDue, "each hour, not each minute; the missed occurrence is written, not waited for; without useMonitor and runOnStartup"},
	{"eventhub63-restart", (*replay).playEventRestart, "at once, where the real extension waits two minutes for the ownership to expire"},
	{"start-slow-listen", (*replay).playStart, ""},
	{"start-root-status", (*replay).playStart, ""},
	{"start-root-slow", (*replay).playStart, ""},
	{"start-exit-0", (*replay).playStop, "the host waits two minutes; devhost stops at once"},
	{"start-exit-1", (*replay).playStop, ""},
	{"start-never-listens", (*replay).playStop, ""},
	{"start-missing-exe", (*replay).playCannotStart, "the host waits two minutes; devhost doesn't start"},
	{"start-no-x-bit", (*replay).playCannotStart, "likewise"},
	{"process-environment", (*replay).playEnvironment, "without arguments"},
	{"logs-stdout-stderr", (*replay).playLogs, "without the lines for the host's own log"},
	{"crash-in-invocation", (*replay).playCrash, "with twice the times"},
	{"exit-0-in-invocation", (*replay).playExit0, ""},
	{"exit-200-in-invocation", (*replay).playExit200, ""},
	{"kill9-in-invocation", (*replay).playKill, ""},
	{"function-timeout", (*replay).playTimeout, "with twice the times"},
	{"function-timeout-two", (*replay).playStop, "which of the two messages is released is chance"},
	{"function-timeout-staggered", (*replay).playStaggered, "likewise"},
	{"shutdown-sigterm-inflight", (*replay).playShutdown, ""},
	{"shutdown-sigint-idle", (*replay).playShutdown, ""},
}

// leftOut are the recordings that aren't played, and why.
var leftOut = []struct{ names, why string }{
	{"blob-outputs, queue-outputs-none, queue-outputs-base64, queue-output-fails, http-forward-extra-binding", "output bindings, of which the application has none but http"},
	{"http-envelope-requests, http-envelope-replies", "host.json of the application forwards requests"},
	{"queue-datatype, retry-hostjson-root, timer-timespan-fail, logs-stderr-option-false", "what no function.json and host.json of the application says"},
	{"http-auth-admin", "/admin isn't played; keys are in app-shape"},
	{"queue-replies-empty", "devhost fails such an invocation at once where the host hangs: TestMistakes"},
	{"queue-long-11min", "takes eleven minutes: TestLeaseIsRenewed does it with a lease of six seconds"},
	{"queue-polling-interval", "nothing but timing; the back-off is in TestBackoff"},
	{"queue-concurrency-default", "depends on the number of cores, which host.json of the application rules out"},
	{"eventhub-batching, eventhub-fail-noretry, eventhub-fail-retry, eventhub-restart, eventhub-shape-binary, eventhub-shape-string",
		"extension 5.3.0: the same situations are played as eventhub63-…; it differs by a spoilt user-id"},
	{"eventhub-shape-omitted, eventhub-shape-one, eventhub63-shape-omitted, eventhub63-shape-one", "cardinality one, or no dataType: no function type of the application"},
	{"traceparent-appinsights, traceparent-opentelemetry", "devhost has no telemetry"},
	{"health-ping, health-ping-dynamic-concurrency", "show that nothing is sent after readiness; dynamic concurrency isn't played"},
	{"options-dump, options-dump-eventhub63, options-dump-production", "lists of options, no exchange; their defaults are in hostjson.go"},
	{"drain", "a platform's call before scale-in, not made on a laptop"},
	{"shutdown-sigterm-long", "Close always kills the handler, so that no test leaves one behind; an orphan is made by killing devhost itself"},
	{"start-missing-description", "an error of Start: TestHostJSON"},
	{"start-missing-exe-wait", "as start-missing-exe: an error of Start, at once"},
	{"start-never-listens-default", "as start-never-listens, with 30 s instead of 5"},
}

// TestConformance puts devhost into every recorded situation that the
// application's functions can meet, and compares what the handler gets and what
// the host does. With -v it prints the table of cases.
func TestConformance(t *testing.T) {
	files, err := filepath.Glob("testdata/recordings/*.json")
	if err != nil {
		t.Fatal(err)
	}
	listed := make(map[string]bool)
	for _, c := range conformance {
		listed[c.name] = true
	}
	for _, l := range leftOut {
		for name := range strings.SplitSeq(l.names, ", ") {
			listed[name] = true
		}
	}
	for _, file := range files {
		if name := strings.TrimSuffix(filepath.Base(file), ".json"); !listed[name] {
			t.Errorf("recording %s is neither played nor left out", name)
		}
	}
	var mu sync.Mutex
	result := make(map[string]string)
	t.Run("case", func(t *testing.T) {
		for _, c := range conformance {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				t.Cleanup(func() {
					mu.Lock()
					defer mu.Unlock()
					result[c.name] = map[bool]string{false: "same", true: "DIFFERS"}[t.Failed()]
				})
				play(t, c.name, c.play)
			})
		}
	})
	var table strings.Builder
	for _, c := range conformance {
		fmt.Fprintf(&table, "%-34s %-8s %s\n", c.name, result[c.name], c.note)
	}
	for _, l := range leftOut {
		fmt.Fprintf(&table, "left out: %s: %s\n", l.names, l.why)
	}
	t.Log("recordings of the real host:\n" + table.String())
}

// playQueues puts the recorded messages and compares everything.
func (p *replay) playQueues() {
	p.putMessages()
	p.begin()
	p.await(len(p.wanted()))
	p.compareQueues()
	p.compareRequests()
	p.compareLog("Soon retries will not be supported", "cannot be converted to string")
}

// playReplies leaves out the functions whose replies the application's handler
// never gives.
func (p *replay) playReplies() {
	p.leaveOut("s302_loc", "s307_loc", "redirected", "redirected307", "logs_mixed", "bom")
	p.playQueues()
}

// playShapes leaves out the messages whose properties the real host puts in the
// place of its own Metadata.
func (p *replay) playShapes() {
	p.r.Exchanges = slices.DeleteFunc(p.r.Exchanges, func(e exchange) bool {
		return strings.Contains(e.Body, "evil") || strings.Contains(e.Body, `"mine`)
	})
	p.playQueues()
}

// playForwarded leaves out the route with parameters.
func (p *replay) playForwarded() {
	p.leaveOut("item")
	p.r.Exchanges = slices.DeleteFunc(p.r.Exchanges, func(e exchange) bool { return strings.HasPrefix(e.URL, "/api/items/") })
	p.playHTTP()
}

// leaveOut takes functions out of the situation.
func (p *replay) leaveOut(functions ...string) {
	p.t.Helper()
	for _, name := range functions {
		if err := os.RemoveAll(filepath.Join(p.opt.Root, name)); err != nil {
			p.t.Fatal(err)
		}
		delete(p.r.Queues, "q-"+name)
	}
	p.r.Log = slices.DeleteFunc(p.r.Log, func(l [3]string) bool {
		return slices.ContainsFunc(functions, func(name string) bool {
			return l[1] == "Function."+name || l[1] == "Function."+name+".User" || strings.Contains(l[2], "'Functions."+name+"'")
		})
	})
	p.r.Exchanges = slices.DeleteFunc(p.r.Exchanges, func(e exchange) bool { return slices.Contains(functions, strings.TrimPrefix(e.URL, "/")) })
}

// playDelay compares too that no delivery comes before visibilityTimeout, 3 s,
// is over; storage counts whole seconds.
func (p *replay) playDelay() {
	p.playQueues()
	got := p.requests()
	for i := 1; i < len(got); i++ {
		if pause := got[i].Time.Sub(got[i-1].Time); pause < 2*time.Second {
			p.t.Errorf("delivery %d came %v after the one before, recorded 3 to 4 s", i+1, pause)
		}
	}
}

// playMismatch puts what the recorded poison queue has at the end.
func (p *replay) playMismatch() {
	p.put("work", p.r.Queues["work-poison"]...)
	p.begin()
	p.compareQueues()
	p.compareRequests()
	p.compareLog()
}

// playConcurrency compares how many messages the handler had at once: as many as recorded,
// or, where newBatchThreshold lets the host fetch the next batch beside the last of this one,
// any number from one batch to a batch and the threshold. Which it is depends on how far apart
// messages end. The handler holds the first messages until it has the least number.
func (p *replay) playConcurrency() {
	queues := p.r.HostJSON["extensions"].(map[string]any)["queues"].(map[string]any)
	least, highest := p.r.MaxInFlight, p.r.MaxInFlight
	if threshold, ok := queues["newBatchThreshold"].(float64); ok {
		least = int(queues["batchSize"].(float64))
		highest = least + int(threshold)
	} else { // the default depends on the number of cores, which were two
		p.opt.Settings["AzureFunctionsJobHost__extensions__queues__newBatchThreshold"] = fmt.Sprint(queues["batchSize"])
	}
	for _, reply := range p.r.Script["/work"].([]any) {
		reply.(map[string]any)["holdFor"] = least
	}
	p.rewrite(p.r.Script)
	messages := make([]string, p.r.Requests)
	for i := range messages {
		messages[i] = base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "m%d", i))
	}
	p.put("work", messages...)
	p.begin()
	most := 0
	for _, r := range p.await(len(messages)) {
		most = max(most, r.InFlight)
	}
	if most < least || most > highest || p.r.MaxInFlight < least || p.r.MaxInFlight > highest {
		p.t.Errorf("%d requests in flight, want %d to %d, recorded %d", most, least, highest, p.r.MaxInFlight)
	}
}

// playHTTP makes the recorded calls, one after the other.
func (p *replay) playHTTP() {
	p.putMessages()
	p.begin()
	for _, x := range p.r.HTTP {
		p.call(x)
	}
	p.await(len(p.wanted()))
	p.compareRequests()
	p.compareQueues()
}
