package devhost

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/azure"
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
	{"queue-poison", (*replay).playQueues, ""},
	{"queue-poison-immediate", (*replay).playQueues, ""},
	{"queue-retry-policy", (*replay).playQueues, "without the warning that retries of queues will go"},
	{"queue-outputs-none", (*replay).playQueues, ""},
	{"queue-outputs-base64", (*replay).playQueues, ""},
	{"queue-output-fails", (*replay).playQueues, ""},
	{"blob-outputs", (*replay).playBlobs, ""},
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
}

func TestConformance(t *testing.T) {
	t.Run("case", func(t *testing.T) {
		for _, c := range conformance {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				c.play(newReplay(t, c.name))
			})
		}
	})
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

// playMismatch puts what the recorded poison queue has at the end.
func (p *replay) playMismatch() {
	p.put("work", p.r.Queues["work-poison"]...)
	p.begin()
	p.compareQueues()
	p.compareRequests()
	p.compareLog()
}

func (p *replay) playBlobs() {
	p.playQueues()
	blobs, err := azure.OpenHostBlobs(p.conn)
	if err != nil {
		p.t.Fatal(err)
	}
	var want []string
	for _, b := range p.r.Blobs {
		want = append(want, kind(b.Name)+" "+b.Hex)
	}
	var got []string
	for _, b := range p.blobNames(blobs) {
		data, _, _, err := blobs.Get(p.t.Context(), "outc", b)
		if err != nil {
			p.t.Fatal(err)
		}
		got = append(got, kind("outc/"+b)+" "+hex.EncodeToString(data))
	}
	diff(p.t, "blob", want, got)
}

// kind is the function's part of an output blob's name: outc/{fn}/{id}.txt.
func kind(name string) string { return strings.Split(name, "/")[1] }

func (p *replay) blobNames(*azure.HostBlobs) []string { return nil }

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

// recordedBatch is the events of one recorded invocation.
type recordedBatch struct {
	partition int
	first     int64
	events    []event
}

// batches returns the events that were sent, from the recorded invocations of
// the one event hub function.
func (p *replay) batches() []recordedBatch {
	p.t.Helper()
	var out []recordedBatch
	seen := make(map[string]bool)
	for _, e := range p.wanted() {
		var body struct {
			Data     map[string]string
			Metadata struct {
				PartitionContext                                        struct{ PartitionId string }
				SequenceNumberArray, PartitionKeyArray, PropertiesArray string
			}
		}
		if err := json.Unmarshal([]byte(e.Body), &body); err != nil {
			p.t.Fatal(err)
		}
		var sequence []int64
		var keys []*string
		var properties []json.RawMessage
		var bodies []string
		for text, to := range map[string]any{body.Metadata.SequenceNumberArray: &sequence, body.Metadata.PartitionKeyArray: &keys, body.Metadata.PropertiesArray: &properties, body.Data["events"]: &bodies} {
			if err := json.Unmarshal([]byte(text), to); err != nil {
				p.t.Fatal(err)
			}
		}
		id := body.Metadata.PartitionContext.PartitionId
		if seen[fmt.Sprint(id, sequence[0])] {
			continue
		}
		seen[fmt.Sprint(id, sequence[0])] = true
		b := recordedBatch{first: sequence[0]}
		fmt.Sscan(id, &b.partition)
		for i, text := range bodies {
			ev := event{enqueued: now(), body: []byte(text)}
			if p.trigger(e.URL)["dataType"] == "binary" {
				ev.body, _ = base64.StdEncoding.DecodeString(text)
			}
			if keys[i] != nil {
				ev.key = *keys[i]
			}
			if s := string(properties[i]); s != "{}" {
				ev.properties = s
			}
			b.events = append(b.events, ev)
		}
		out = append(out, b)
	}
	return out
}

// playEvents sends every batch once the one before has reached the handler.
func (p *replay) playEvents() {
	batches := p.batches()
	p.begin()
	hub := p.host.hubs["telemetry"]
	for _, b := range batches {
		if err := hub.partitions[b.partition].append(b.events); err != nil {
			p.t.Fatal(err)
		}
		p.eventually(fmt.Sprintf("events from %d on", b.first), func() bool {
			return slices.ContainsFunc(p.requests(), func(r recorded) bool {
				return strings.Contains(r.Body, fmt.Sprintf(`"SequenceNumberArray":"[%d`, b.first))
			})
		})
	}
	p.await(len(p.wanted()))
	p.eventually("all checkpoints", p.host.CaughtUp)
	p.compareRequests()
	p.compareLog("Azure.Messaging")
}

// playBatching fills the partitions first and compares order, the largest
// batch and the number in flight.
func (p *replay) playBatching() {
	dir := p.opt.EventDir
	hub, err := openEventHub(dir, "telemetry", 2)
	if err != nil {
		p.t.Fatal(err)
	}
	total := 0
	for _, b := range p.batches() {
		total += len(b.events)
		if err := hub.partitions[b.partition].append(b.events); err != nil {
			p.t.Fatal(err)
		}
	}
	hub.close()
	p.begin()
	p.eventually("all checkpoints", p.host.CaughtUp)
	next := make(map[string]int64)
	most, inFlight := 0, 0
	for _, r := range p.requests() {
		var body struct {
			Metadata struct {
				PartitionContext    struct{ PartitionId string }
				SequenceNumberArray string
			}
		}
		var sequence []int64
		if err := json.Unmarshal([]byte(r.Body), &body); err != nil {
			p.t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(body.Metadata.SequenceNumberArray), &sequence); err != nil {
			p.t.Fatal(err)
		}
		id := body.Metadata.PartitionContext.PartitionId
		for _, n := range sequence {
			if n != next[id] {
				p.t.Errorf("partition %s: event %d, want %d", id, n, next[id])
			}
			next[id] = n + 1
			total--
		}
		most, inFlight = max(most, len(sequence)), max(inFlight, r.InFlight)
	}
	if most != 10 || inFlight != 2 || total != 0 {
		p.t.Errorf("largest batch %d, in flight %d, missing %d; recorded 10, 2, 0", most, inFlight, total)
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
