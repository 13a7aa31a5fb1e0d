package simulate

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// Hub is an event hub to which events are sent with the Event Hubs REST
// protocol (2014-01).
type Hub struct {
	URL string // such as https://namespace.servicebus.windows.net/hub
	// Authorize returns the value of the header Authorization; nil sends none.
	Authorize func(context.Context) (string, error)
	Client    *http.Client // nil means http.DefaultClient
	// Wait is the pause before the first retry of a request. It doubles with each
	// retry. Zero means 200 ms.
	Wait time.Duration
}

const (
	tries     = 8 // the number of tries of a request
	tokenLife = time.Hour
	maxPause  = 2 * time.Minute // the longest pause that a Retry-After of the hub may cause
)

// ParseHub returns the hub of a connection string in the form of the Azure portal.
// The name may be empty if the string has an EntityPath. With
// UseDevelopmentEmulator=true the hub's URL has the scheme http. The error wraps
// [fleet.ErrInvalid] and does not have the key in its text.
func ParseHub(connection, name string) (*Hub, error) {
	parts := make(map[string]string)
	for part := range strings.SplitSeq(connection, ";") {
		if key, value, ok := strings.Cut(part, "="); ok {
			parts[strings.ToLower(strings.TrimSpace(key))] = strings.TrimSpace(value)
		}
	}
	if name == "" {
		name = parts["entitypath"]
	}
	u, err := url.Parse(parts["endpoint"])
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("%w: the connection string of the event hub has no Endpoint=sb://…; copy it from the portal, or from what serve prints", fleet.ErrInvalid)
	}
	if name == "" {
		return nil, fmt.Errorf("%w: which event hub of %s? Set EVENTHUB_NAME, or give a connection string with EntityPath", fleet.ErrInvalid, u.Host)
	}
	scheme := "https"
	if strings.EqualFold(parts["usedevelopmentemulator"], "true") {
		scheme = "http"
	}
	h := &Hub{URL: scheme + "://" + u.Host + "/" + url.PathEscape(name)}
	if key := parts["sharedaccesskey"]; key != "" {
		keyName := parts["sharedaccesskeyname"]
		h.Authorize = func(context.Context) (string, error) {
			return signature(h.URL, keyName, key, time.Now().Add(tokenLife)), nil
		}
	}
	return h, nil
}

// signature returns a shared access signature for a resource.
func signature(resource, keyName, key string, expires time.Time) string {
	resource = url.QueryEscape(strings.ToLower(resource))
	expiry := fmt.Sprint(expires.Unix())
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(resource + "\n" + expiry))
	return fmt.Sprintf("SharedAccessSignature sr=%s&sig=%s&se=%s&skn=%s",
		resource, url.QueryEscape(base64.StdEncoding.EncodeToString(mac.Sum(nil))), expiry, url.QueryEscape(keyName))
}

type event struct {
	Body             string
	BrokerProperties struct{ PartitionKey string }
}

// SendBatch sends events with the same partition key, which Event Hubs keeps in
// order. After a failure that may pass it tries again; an event may then arrive
// twice. It waits as long as the hub requests in Retry-After, or longer with each
// try. The batch must not exceed Event Hubs' limit of 1 MB.
func (h *Hub) SendBatch(ctx context.Context, partitionKey string, bodies []string) error {
	events := make([]event, len(bodies))
	for i, body := range bodies {
		events[i].Body = body
		events[i].BrokerProperties.PartitionKey = partitionKey
	}
	payload, err := json.Marshal(events)
	if err != nil {
		return err
	}
	wait := cmp.Or(h.Wait, 200*time.Millisecond)
	for try := 1; ; try++ {
		pause, again, err := h.post(ctx, payload)
		if err == nil {
			return nil
		}
		if !again || try == tries {
			return fmt.Errorf("send %d events of %s to %s, try %d: %w", len(bodies), partitionKey, h.URL, try, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("send events to %s: %w after %v", h.URL, ctx.Err(), err)
		case <-time.After(max(wait, pause)):
			wait *= 2
		}
	}
}

// post sends events once. pause is the Retry-After of the hub, or 0. again reports
// whether the failure may pass.
func (h *Hub) post(ctx context.Context, payload []byte) (pause time.Duration, again bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL+"/messages?timeout=60&api-version=2014-01", bytes.NewReader(payload))
	if err != nil {
		return 0, false, err
	}
	req.Header.Set("Content-Type", "application/vnd.microsoft.servicebus.json")
	if h.Authorize != nil {
		value, err := h.Authorize(ctx)
		if err != nil {
			return 0, false, err
		}
		req.Header.Set("Authorization", value)
	}
	client := h.Client
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, ctx.Err() == nil, err
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 500))
	if resp.StatusCode/100 == 2 {
		return 0, false, nil
	}
	again = resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusRequestTimeout
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && seconds > 0 {
		pause = min(time.Duration(seconds)*time.Second, maxPause)
	}
	return pause, again, fmt.Errorf("%s %s", resp.Status, bytes.TrimSpace(text))
}
