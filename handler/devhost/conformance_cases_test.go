package devhost

import (
	"encoding/base64"
	"encoding/hex"
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
	{"queue-shapes-none", (*replay).playQueues, ""},
	{"queue-shapes-base64", (*replay).playQueues, ""},
	{"queue-datatype", (*replay).playQueues, "without the extension's warnings of bodies that are no UTF-8"},
	{"queue-base64-mismatch", (*replay).playMismatch, ""},
	{"queue-replies", (*replay).playQueues, ""},
	{"queue-poison", (*replay).playDelay, ""},
	{"queue-poison-immediate", (*replay).playQueues, ""},
	{"queue-retry-policy", (*replay).playQueues, "without the warning that retries of queues will go"},
	{"queue-outputs-none", (*replay).playQueues, ""},
	{"queue-outputs-base64", (*replay).playQueues, ""},
	{"queue-output-fails", (*replay).playQueues, ""},
	{"blob-outputs", (*replay).playBlobs, "without the function with a blob input"},
	{"queue-concurrency-1-0", (*replay).playConcurrency, "requests in flight"},
	{"queue-concurrency-16-8", (*replay).playConcurrency, "requests in flight"},
	{"queue-concurrency-16-8-staggered", (*replay).playConcurrency, "requests in flight"},
	{"queue-concurrency-32", (*replay).playConcurrency, "requests in flight; batchSize 32 with two cores"},
	{"eventhub63-shape-binary", (*replay).playEvents, "without AMQP's message-id and content-type, which a REST send cannot set"},
	{"eventhub63-shape-string", (*replay).playEvents, "likewise"},
	{"eventhub63-fail-noretry", (*replay).playEvents, ""},
	{"eventhub63-fail-retry", (*replay).playEvents, "without .NET's stack traces"},
	{"eventhub63-batching", (*replay).playBatching, "order, size and number in flight; the batches themselves are timing"},
	{"http-forward-requests", (*replay).playHTTP, ""},
	{"http-forward-headers", (*replay).playHTTP, ""},
	{"http-forward-replies", (*replay).playHTTP, ""},
	{"http-forward-extra-binding", (*replay).playHTTP, ""},
	{"http-envelope-requests", (*replay).playHTTP, ""},
	{"http-envelope-replies", (*replay).playHTTP, ""},
	{"http-auth-admin", (*replay).playHTTP, "without drain"},
	{"http-handler-down", (*replay).playHTTP, ""},
	{"app-shape", (*replay).playApp, "without .NET's stack traces"},
	{"raw-wire", (*replay).playFirst, ""},
	{"retry-hostjson-root", (*replay).playRootRetry, "without the warning that retries of queues will go"},
	{"function-disabled", (*replay).playDisabled, ""},
	{"timer-cron-5s", (*replay).playFirst, ""},
	{"timer-timespan-fail", (*replay).playFirst, "without .NET's stack traces"},
	{"timer-overlong", (*replay).playOverlong, "three runs of the five"},
	{"timer-monitor-pastdue", (*replay).playPastDue, "the missed occurrence is written, not waited for"},
	{"eventhub63-restart", (*replay).playEventRestart, "at once, where the real extension waits two minutes for the ownership to expire"},
	{"start-slow-listen", (*replay).playStart, ""},
	{"start-root-status", (*replay).playStart, ""},
	{"start-root-slow", (*replay).playStart, ""},
	{"start-exit-0", (*replay).playStop, "the host waits two minutes; devhost stops at once"},
	{"start-exit-1", (*replay).playStop, ""},
	{"start-never-listens", (*replay).playStop, ""},
	{"start-missing-exe", (*replay).playCannotStart, "the host waits two minutes; devhost doesn't start"},
	{"start-no-x-bit", (*replay).playCannotStart, "likewise"},
	{"process-environment", (*replay).playEnvironment, ""},
	{"logs-stdout-stderr", (*replay).playLogs, ""},
	{"logs-stderr-option-false", (*replay).playLogs, ""},
	{"crash-in-invocation", (*replay).playStop, ""},
	{"exit-0-in-invocation", (*replay).playExit0, ""},
	{"exit-200-in-invocation", (*replay).playExit200, ""},
	{"kill9-in-invocation", (*replay).playKill, ""},
	{"function-timeout", (*replay).playTimeout, ""},
	{"function-timeout-two", (*replay).playStop, "which of the two messages is released is chance"},
	{"function-timeout-staggered", (*replay).playStaggered, "likewise"},
	{"shutdown-sigterm-inflight", (*replay).playShutdown, ""},
	{"shutdown-sigint-idle", (*replay).playShutdown, ""},
}

// leftOut are the recordings that aren't played, and why.
var leftOut = []struct{ names, why string }{
	{"queue-replies-empty", "devhost fails such an invocation at once where the host hangs: TestSins"},
	{"queue-long-11min", "takes eleven minutes: TestLeaseIsRenewed does it with a lease of four seconds"},
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
				c.play(newReplay(t, c.name))
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

// playBlobs compares the blobs too. The function with a blob input, which
// devhost doesn't play, is left out.
func (p *replay) playBlobs() {
	if err := os.RemoveAll(filepath.Join(p.opt.Root, "b_in")); err != nil {
		p.t.Fatal(err)
	}
	p.r.Exchanges = slices.DeleteFunc(p.r.Exchanges, func(e exchange) bool { return e.URL == "/b_in" })
	p.playQueues()
	blobs := p.blobs()
	var want, got []string
	for _, b := range p.r.Blobs {
		want = append(want, kind(b.Name)+" "+b.Hex)
	}
	for info, err := range blobs.List(p.t.Context(), p.prefix+"outc", "") {
		if err != nil {
			p.t.Fatal(err)
		}
		data, _, err := blobs.Read(p.t.Context(), p.prefix+"outc", info.Name, "", 1<<20)
		if err != nil {
			p.t.Fatal(err)
		}
		got = append(got, kind("outc/"+info.Name)+" "+hex.EncodeToString(data))
	}
	diff(p.t, "blob", want, got)
}

// kind is the function's part of an output blob's name: outc/{fn}/{id}.txt.
func kind(name string) string { return strings.Split(name, "/")[1] }

// playConcurrency holds as many messages as recorded and compares how many the
// handler had at once.
func (p *replay) playConcurrency() {
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
	if most != p.r.MaxInFlight {
		p.t.Errorf("%d requests in flight, recorded %d", most, p.r.MaxInFlight)
	}
}

// playHTTP makes the recorded calls, one after the other.
func (p *replay) playHTTP() {
	p.putMessages()
	p.begin()
	for _, x := range p.r.HTTP {
		if !strings.HasPrefix(x.Request.Path, "/admin/host/drain") {
			p.call(x)
		}
	}
	p.await(len(p.wanted()))
	p.compareRequests()
	p.compareQueues()
}
