package devhost

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/fleetscore/fleetscore/handler/azure"
)

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
		if b := p.trigger(e.URL); b == nil || b["type"] != "eventHubTrigger" {
			continue
		}
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
		p.compareNoCheckpoint()
	}
	p.await(len(p.wanted()))
	p.eventually("all checkpoints", p.host.CaughtUp)
	p.compareRequests()
	p.compareLog("Azure.Messaging")
	p.compareCheckpoints()
}

// checkpoint reads the blob that was recorded under the name.
func (p *replay) checkpoint(name string) (metadata map[string]string, ok bool) {
	p.t.Helper()
	namespace, err := namespaceOf(p.opt.Settings["EventHubConnection"])
	if err != nil {
		p.t.Fatal(err)
	}
	blobs, err := azure.OpenHostBlobs(p.conn)
	if err != nil {
		p.t.Fatal(err)
	}
	name = strings.TrimPrefix(strings.Replace(name, "/localhost/", "/"+namespace+"/", 1), checkpointContainer+"/")
	_, metadata, ok, err = blobs.Get(p.t.Context(), checkpointContainer, name)
	if err != nil {
		p.t.Fatal(err)
	}
	return metadata, ok
}

// compareCheckpoints compares the blobs that say where each partition stands.
// (Ownership blobs, by which several hosts share partitions, aren't played.)
func (p *replay) compareCheckpoints() {
	p.t.Helper()
	for _, c := range p.r.Checkpoints {
		if !strings.Contains(c.Name, "/checkpoint/") {
			continue
		}
		got, ok := p.checkpoint(c.Name)
		if !ok || got["Sequencenumber"] != c.Metadata["sequencenumber"] || len(got) != len(c.Metadata) {
			p.t.Errorf("checkpoint %s: %v, recorded %v", c.Name, got, c.Metadata)
		}
	}
}

// compareNoCheckpoint checks that none is written between the attempts of a
// retry policy: the real host has none after the first.
func (p *replay) compareNoCheckpoint() {
	p.t.Helper()
	if p.r.Case != "eventhub63-fail-retry" {
		return
	}
	_, ok := p.checkpoint(p.r.Checkpoints[0].Name)
	if attempts := len(p.requests()); ok && attempts < 3 {
		p.t.Errorf("a checkpoint after %d attempts of 3, recorded none", attempts)
	}
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
	p.compareCheckpoints()
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
