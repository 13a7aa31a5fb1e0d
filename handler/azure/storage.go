package azure

import (
	"fmt"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/service"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azqueue/v2"
)

// Storage is a storage account. Its methods, and those of its [Blobs] and [Queue]s, may be called
// concurrently.
type Storage struct {
	transport *http.Transport
	blobs     *service.Client
	queues    *azqueue.ServiceClient
}

// Open returns the storage account of a connection. It does not connect yet.
func Open(c Connection) (*Storage, error) {
	s := &Storage{transport: transport(c)}
	options := azcore.ClientOptions{
		Transport: &http.Client{Transport: s.transport},
		// A request is sent up to four times within some seconds, which is enough for a
		// dropped connection or a short throttling. After a longer failure the host
		// delivers its message again.
		Retry:     policy.RetryOptions{MaxRetries: 3, TryTimeout: 30 * time.Second, RetryDelay: 250 * time.Millisecond, MaxRetryDelay: 4 * time.Second},
		Telemetry: policy.TelemetryOptions{ApplicationID: "fleetscore"},

		PerRetryPolicies: []policy.Policy{tracer{}},
	}
	var err error
	switch {
	case c.key != "":
		err = s.openWithKey(c, options)
	case c.sas != "":
		err = s.openWithSignature(c, options)
	default:
		err = s.openWithIdentity(c, options)
	}
	if err != nil {
		return nil, fmt.Errorf("open storage %s: %w", c.setting, err)
	}
	return s, nil
}

// OpenConnectionString returns the storage account of a connection string. It does not connect
// yet.
func OpenConnectionString(text string) (*Storage, error) {
	c, err := ReadConnection("DataStorage", func(string) string { return text })
	if err != nil {
		return nil, err
	}
	return Open(c)
}

func (s *Storage) openWithKey(c Connection, options azcore.ClientOptions) error {
	key, err := service.NewSharedKeyCredential(c.account, c.key)
	if err != nil {
		return err
	}
	if s.blobs, err = service.NewClientWithSharedKeyCredential(c.blobURL, key, &service.ClientOptions{ClientOptions: options}); err != nil {
		return err
	}
	queueKey, err := azqueue.NewSharedKeyCredential(c.account, c.key)
	if err != nil {
		return err
	}
	s.queues, err = azqueue.NewServiceClientWithSharedKeyCredential(c.queueURL, queueKey, &azqueue.ClientOptions{ClientOptions: options})
	return err
}

func (s *Storage) openWithSignature(c Connection, options azcore.ClientOptions) (err error) {
	if s.blobs, err = service.NewClientWithNoCredential(c.blobURL+"?"+c.sas, &service.ClientOptions{ClientOptions: options}); err != nil {
		return cause(err)
	}
	if s.queues, err = azqueue.NewServiceClientWithNoCredential(c.queueURL+"?"+c.sas, &azqueue.ClientOptions{ClientOptions: options}); err != nil {
		return cause(err)
	}
	return nil
}

func (s *Storage) openWithIdentity(c Connection, options azcore.ClientOptions) error {
	credential, err := c.identity.credential()
	if err != nil {
		return cause(err)
	}
	if s.blobs, err = service.NewClient(c.blobURL, credential, &service.ClientOptions{ClientOptions: options}); err != nil {
		return err
	}
	s.queues, err = azqueue.NewServiceClient(c.queueURL, credential, &azqueue.ClientOptions{ClientOptions: options})
	return err
}

func (id identity) credential() (azcore.TokenCredential, error) {
	if !id.managed {
		return azidentity.NewDefaultAzureCredential(nil)
	}
	options := &azidentity.ManagedIdentityCredentialOptions{}
	switch {
	case id.clientID != "":
		options.ID = azidentity.ClientID(id.clientID)
	case id.resourceID != "":
		options.ID = azidentity.ResourceID(id.resourceID)
	}
	return azidentity.NewManagedIdentityCredential(options)
}

// maxConnections is the number of connections to the blobs, and of those to the queues.
// The invocations of an instance may send three times as many requests at once. Each
// then waits until a connection is free, which takes milliseconds. A new connection
// would take longer, and it would be closed after one request. The connections of an
// instance are limited too: https://learn.microsoft.com/azure/azure-functions/manage-connections
const maxConnections = 48

// transport returns a transport for one account. It closes idle connections before the server
// does, which is after five seconds in the emulator.
func transport(c Connection) *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns, t.MaxIdleConnsPerHost, t.MaxConnsPerHost = 2*maxConnections, maxConnections, maxConnections
	t.IdleConnTimeout = 30 * time.Second
	if c.Development() {
		t.IdleConnTimeout = 4 * time.Second
	}
	return t
}

// Blobs returns the account's blobs.
func (s *Storage) Blobs() *Blobs { return &Blobs{s.blobs} }

// BlobURL returns the address of the account's blobs.
func (s *Storage) BlobURL() string { return s.blobs.URL() }

// Queue returns the queue with the name.
func (s *Storage) Queue(name string) *Queue { return &Queue{name, s.queues.NewQueueClient(name)} }

// Close closes the idle connections. Requests that are being sent continue.
func (s *Storage) Close() { s.transport.CloseIdleConnections() }
