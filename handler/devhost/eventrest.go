package devhost

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxSend is the largest body of a request, in bytes.
const maxSend = 1 << 20

// eventFront is the REST API for sending events. It accepts requests without Authorization.
//
// POST /{hub}/messages sends to Event Hubs. The body is one event. With the Content-Type
// application/vnd.microsoft.servicebus.json it is a batch.
//
// POST /devices/{device}/messages/events sends to IoT Hub. It is there if the application has a
// single event hub, which then stands for IoT Hub's built-in endpoint.
//
// https://learn.microsoft.com/rest/api/eventhub/send-event
type eventFront struct {
	hubs map[string]*eventHub // by lower-case name
	now  func() time.Time
}

func (f *eventFront) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Server", "Microsoft-HTTPAPI/2.0")
	w.Header().Set("Content-Type", "application/xml; charset=utf-8")
	status, err := f.send(r)
	if err != nil {
		w.WriteHeader(status)
		detail := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(err.Error())
		fmt.Fprintf(w, "<Error><Code>%d</Code><Detail>%s</Detail></Error>", status, detail)
		return
	}
	if status == http.StatusCreated {
		w.Header().Set("Content-Length", "0")
	}
	w.WriteHeader(status)
}

// send appends the events in a request to their hub. It returns the status of the response, and
// an error if nothing was appended.
func (f *eventFront) send(r *http.Request) (int, error) {
	parts := strings.Split(strings.Trim(r.URL.EscapedPath(), "/"), "/")
	hub := f.hubs[strings.ToLower(parts[0])]
	from, isDevice := senderOf(parts)
	if isDevice && len(f.hubs) == 1 {
		for _, hub = range f.hubs {
			parts = []string{hub.name, "messages"}
		}
	}
	switch {
	case hub == nil || len(parts) != 2 || parts[1] != "messages":
		return http.StatusNotFound, fmt.Errorf("no event hub at %s: send to /{hub}/messages", r.URL.Path)
	case r.Method != http.MethodPost:
		return http.StatusMethodNotAllowed, fmt.Errorf("send with POST, not %s", r.Method)
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxSend))
	if err != nil {
		return http.StatusRequestEntityTooLarge, fmt.Errorf("a send takes at most %d bytes: %w", maxSend, err)
	}
	done := http.StatusNoContent
	events := []event{from.event(r.Header, body, f.now())}
	if !isDevice {
		done = http.StatusCreated
		if events, err = f.events(r, body); err != nil {
			return http.StatusBadRequest, err
		}
	}
	if err := hub.pick(events[0].key).append(events); err != nil {
		return http.StatusInternalServerError, err
	}
	return done, nil
}

// sender is a device of IoT Hub. Module is empty, or a module of IoT Edge on the device.
type sender struct{ device, module string }

// senderOf returns the sender that a path names. The path is devices/{device}/messages/events or
// devices/{device}/modules/{module}/messages/events; ok is false for other paths.
func senderOf(parts []string) (s sender, ok bool) {
	n := len(parts)
	if n != 4 && n != 6 || parts[0] != "devices" || parts[n-2] != "messages" || parts[n-1] != "events" || n == 6 && parts[2] != "modules" {
		return s, false
	}
	var err, err2 error
	s.device, err = url.PathUnescape(parts[1])
	if n == 6 {
		s.module, err2 = url.PathUnescape(parts[3])
	}
	return s, err == nil && err2 == nil && s.device != "" && (n == 4 || s.module != "")
}

// event returns the event that IoT Hub makes of a message. It has IoT Hub's system properties.
// Header fields whose names begin with iothub-app- become properties of the event.
// https://learn.microsoft.com/rest/api/iothub/device/send-device-event
func (s sender) event(h http.Header, body []byte, now time.Time) event {
	system := map[string]string{
		"iothub-connection-device-id":   s.device,
		"iothub-connection-auth-method": `{"scope":"device","type":"sas","issuer":"iothub"}`,
		"iothub-enqueuedtime":           now.Format("2006-01-02T15:04:05.000Z"),
		"iothub-message-source":         "Telemetry",
	}
	if s.module != "" {
		system["iothub-connection-module-id"] = s.module
	}
	properties := map[string]string{}
	for name := range h {
		key := strings.ToLower(name)
		if app, ok := strings.CutPrefix(key, "iothub-app-"); ok {
			properties[app] = h.Get(name)
		} else if key == "iothub-messageid" || key == "iothub-correlationid" || key == "iothub-userid" || key == "iothub-contenttype" || key == "iothub-contentencoding" {
			system[key] = h.Get(name)
		}
	}
	e := event{enqueued: now, key: s.device, body: body}
	text, _ := json.Marshal(system) // texts always marshal
	e.system = string(text)
	if len(properties) > 0 {
		text, _ = json.Marshal(properties)
		e.properties = string(text)
	}
	return e
}

// pick returns the partition of a key. Events without a key go to all partitions in turn.
func (h *eventHub) pick(key string) *partition {
	if key != "" {
		sum := fnv.New32a()
		_, _ = io.WriteString(sum, key)
		return h.partitions[sum.Sum32()%uint32(len(h.partitions))]
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.next = (h.next + 1) % len(h.partitions)
	return h.partitions[h.next]
}

type brokerProperties struct {
	PartitionKey string
}

// events returns the events in a request: one, or those of a batch, which has at least one.
func (f *eventFront) events(r *http.Request, body []byte) ([]event, error) {
	now := f.now()
	if strings.HasPrefix(strings.ToLower(r.Header.Get("Content-Type")), "application/vnd.microsoft.servicebus.json") {
		return batch(body, now)
	}
	e := event{enqueued: now, body: body, properties: userProperties(r.Header)}
	if text := r.Header.Get("Brokerproperties"); text != "" {
		var b brokerProperties
		if err := json.Unmarshal([]byte(text), &b); err != nil {
			return nil, fmt.Errorf("BrokerProperties is not JSON: %w", err)
		}
		e.key = b.PartitionKey
	}
	return []event{e}, nil
}

// batch reads a batch of events, which must have the same partition key.
func batch(body []byte, now time.Time) ([]event, error) {
	var list []struct {
		Body             *string
		IsBodyBase64     bool
		UserProperties   json.RawMessage
		BrokerProperties brokerProperties
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, fmt.Errorf("a batch is a JSON array of {\"Body\": text}: %w", err)
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("the batch is empty")
	}
	events := make([]event, len(list))
	for i, m := range list {
		if m.Body == nil {
			return nil, fmt.Errorf("element %d of the batch has no Body", i)
		}
		e := event{enqueued: now, key: m.BrokerProperties.PartitionKey, body: []byte(*m.Body)}
		if p := string(m.UserProperties); p != "null" && p != "{}" {
			e.properties = p
		}
		if m.IsBodyBase64 {
			var err error
			if e.body, err = base64.StdEncoding.DecodeString(*m.Body); err != nil {
				return nil, fmt.Errorf("element %d of the batch: %w", i, err)
			}
		}
		if e.key != list[0].BrokerProperties.PartitionKey {
			return nil, fmt.Errorf("the batch has two partition keys, %q and %q: all events of a batch go to one partition", list[0].BrokerProperties.PartitionKey, e.key)
		}
		events[i] = e
	}
	return events, nil
}

// plainHeaders are the header fields that are not properties of the event.
var plainHeaders = set(`Accept Accept-Encoding Accept-Language Authorization Brokerproperties Connection Content-Length
	Content-Type Date Expect Host Origin Referer Te Traceparent Tracestate Transfer-Encoding User-Agent`)

// userProperties returns a JSON object of the custom header fields, "" if there are none.
func userProperties(h http.Header) string {
	props := make(map[string]string)
	for name := range h {
		if !plainHeaders[name] {
			props[name] = h.Get(name)
		}
	}
	if len(props) == 0 {
		return ""
	}
	b, _ := json.Marshal(props) // strings always marshal
	return string(b)
}
