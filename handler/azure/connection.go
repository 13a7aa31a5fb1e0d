package azure

import (
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
)

// Connection is the address of a storage account, with a credential: a key, a signature or an
// identity. String, GoString and LogValue leave the credential out.
type Connection struct {
	setting           string // the name of the setting, for errors
	blobURL, queueURL string
	account, key      string   // the shared key; empty if it is not used
	sas               string   // the shared access signature; empty if it is not used
	identity          identity // used if there is neither
}

// identity says which credential of package azidentity to use.
type identity struct {
	managed    bool   // the managed identity, and no other
	clientID   string // of a user-assigned identity
	resourceID string // of a user-assigned identity, in place of clientID
}

// ReadConnection reads a connection from settings, as Azure Functions does. The setting name is a
// connection string. If it is empty, name__blobServiceUri and name__queueServiceUri are the
// addresses, or name__accountName gives both, and name__credential and name__clientId choose the
// identity. UseDevelopmentStorage=true is the emulator on its default ports. The error says what
// to set.
//
// https://learn.microsoft.com/azure/azure-functions/functions-reference#connections
func ReadConnection(name string, getenv func(string) string) (Connection, error) {
	if text := strings.TrimSpace(getenv(name)); text != "" {
		return parseConnectionString(name, text)
	}
	c := Connection{setting: name}
	var errs []error
	for _, service := range []struct {
		key, host string
		url       *string
	}{{"__blobServiceUri", "blob", &c.blobURL}, {"__queueServiceUri", "queue", &c.queueURL}} {
		*service.url = getenv(name + service.key)
		if account := getenv(name + "__accountName"); *service.url == "" && account != "" {
			*service.url = "https://" + account + "." + service.host + ".core.windows.net"
		}
		if *service.url == "" {
			errs = append(errs, fmt.Errorf("%s is not set: set it to a connection string, or %s%s to the address of the account's %s service", name, name, service.key, service.host))
		} else if u, err := url.Parse(*service.url); err != nil || u.Scheme != "https" || u.Host == "" || u.RawQuery != "" {
			errs = append(errs, fmt.Errorf("%s%s is not an address such as https://account.%s.core.windows.net", name, service.key, service.host))
		}
	}
	var err error
	c.identity, err = readIdentity(name, getenv)
	if err := errors.Join(append(errs, err)...); err != nil {
		return Connection{}, err
	}
	return c, nil
}

// ReadAddress reads the address of a container and, after it, of a prefix of blobs' names:
// https://ACCOUNT.blob.core.windows.net/CONTAINER/PREFIX. The query may be a shared access
// signature (?sv=…&sig=…). Without one, the identity of the user is used. In an emulator's
// address, the account stands before the container. The error does not quote the signature.
func ReadAddress(address string) (c Connection, container, prefix string, err error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return c, "", "", errors.New("this is not the address of a container, such as https://ACCOUNT.blob.core.windows.net/CONTAINER/PREFIX")
	}
	path := strings.TrimPrefix(u.Path, "/")
	c = Connection{setting: u.Host, blobURL: u.Scheme + "://" + u.Host, sas: u.RawQuery}
	if c.Development() {
		account, rest, _ := strings.Cut(path, "/")
		c.blobURL, path = c.blobURL+"/"+account, rest
	}
	c.queueURL = c.blobURL // not used
	container, prefix, _ = strings.Cut(path, "/")
	switch {
	case container == "":
		return c, "", "", fmt.Errorf("%s names no container: https://ACCOUNT.blob.core.windows.net/CONTAINER/PREFIX", c.blobURL)
	case c.sas != "" && !u.Query().Has("sig"):
		return c, "", "", fmt.Errorf("the query in the address of %s is not a shared access signature: it has no sig", container)
	case u.Scheme == "http" && !c.Development():
		return c, "", "", fmt.Errorf("%s: use https", c.blobURL)
	}
	return c, container, prefix, nil
}

// readIdentity reads the settings of a connection's identity.
func readIdentity(name string, getenv func(string) string) (identity, error) {
	id := identity{clientID: getenv(name + "__clientId"), resourceID: getenv(name + "__managedIdentityResourceId")}
	switch credential := getenv(name + "__credential"); {
	case credential != "" && !strings.EqualFold(credential, "managedidentity"):
		return id, fmt.Errorf("%s__credential is %q: set it to managedidentity, or leave it out to sign in as the environment does (az login, workload identity)", name, credential)
	case getenv(name+"__clientSecret") != "":
		return id, fmt.Errorf("%s__clientSecret is not supported: use a managed identity (%s__credential=managedidentity)", name, name)
	case id.clientID != "" && id.resourceID != "":
		return id, fmt.Errorf("%s__clientId and %s__managedIdentityResourceId are both set: keep one of them", name, name)
	default:
		id.managed = credential != "" || id.clientID != "" || id.resourceID != ""
		return id, nil
	}
}

// parseConnectionString reads the text of the setting name. Its errors never
// quote the text.
func parseConnectionString(name, text string) (Connection, error) {
	parts := map[string]string{}
	for part := range strings.SplitSeq(strings.Trim(text, "; "), ";") {
		key, value, ok := strings.Cut(part, "=")
		if !ok {
			return Connection{}, fmt.Errorf("%s is not a connection string: a part of it is not key=value; copy it from the account's access keys, or use identities (%s__blobServiceUri)", name, name)
		}
		parts[strings.TrimSpace(key)] = strings.TrimSpace(value)
	}
	if strings.EqualFold(parts["UseDevelopmentStorage"], "true") {
		if parts["DevelopmentStorageProxyUri"] != "" {
			return Connection{}, fmt.Errorf("%s: DevelopmentStorageProxyUri is not supported: give BlobEndpoint and QueueEndpoint instead", name)
		}
		return parseConnectionString(name, DevelopmentConnection(10000, 10001, 10002))
	}
	c := Connection{setting: name, account: parts["AccountName"], key: parts["AccountKey"], sas: strings.TrimPrefix(parts["SharedAccessSignature"], "?")}
	c.blobURL, c.queueURL = endpoint(parts, "Blob"), endpoint(parts, "Queue")
	switch _, err := base64.StdEncoding.DecodeString(c.key); {
	case c.blobURL == "" || c.queueURL == "":
		return Connection{}, fmt.Errorf("%s: the connection string needs AccountName, or BlobEndpoint and QueueEndpoint with the addresses of both services", name)
	case c.key == "" && c.sas == "":
		return Connection{}, fmt.Errorf("%s: the connection string has neither AccountKey nor SharedAccessSignature; for identities set %s__blobServiceUri and %s__queueServiceUri instead", name, name, name)
	case c.key != "" && (err != nil || c.account == ""):
		return Connection{}, fmt.Errorf("%s: the connection string's AccountKey is not base64, or lacks its AccountName: copy it again", name)
	}
	return c, nil
}

// endpoint returns the address of a service from the parts of a connection string, "" if they do
// not give it.
func endpoint(parts map[string]string, service string) string {
	if given, ok := parts[service+"Endpoint"]; ok {
		u, err := url.Parse(given)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return ""
		}
		return strings.TrimSuffix(given, "/")
	}
	account := parts["AccountName"]
	if account == "" {
		return ""
	}
	protocol, suffix := parts["DefaultEndpointsProtocol"], parts["EndpointSuffix"]
	if protocol != "http" {
		protocol = "https"
	}
	if suffix == "" {
		suffix = "core.windows.net"
	}
	return protocol + "://" + account + "." + strings.ToLower(service) + "." + suffix
}

// Development reports whether c leads to the storage emulator, or to any server on this machine.
func (c Connection) Development() bool {
	for _, address := range []string{c.blobURL, c.queueURL} {
		u, err := url.Parse(address)
		if err != nil {
			continue
		}
		if ip := net.ParseIP(u.Hostname()); u.Hostname() == "localhost" || ip != nil && ip.IsLoopback() {
			return true
		}
	}
	return c.account == developmentAccount
}

// Secret reports whether c has a key or a signature, and not an identity.
func (c Connection) Secret() bool { return c.key != "" || c.sas != "" }

// ConnectionString returns c as a connection string for another program. It has the key or
// signature. It is empty if c has an identity.
func (c Connection) ConnectionString() string {
	if !c.Secret() {
		return ""
	}
	s := "BlobEndpoint=" + c.blobURL + ";QueueEndpoint=" + c.queueURL
	if c.key != "" {
		return s + ";AccountName=" + c.account + ";AccountKey=" + c.key
	}
	return s + ";SharedAccessSignature=" + c.sas
}

// String returns the name of the setting and the address, without the credential.
func (c Connection) String() string { return c.setting + " (" + c.blobURL + ")" }

// GoString returns the same as [Connection.String].
func (c Connection) GoString() string { return c.String() }

// LogValue returns the same as [Connection.String].
func (c Connection) LogValue() slog.Value { return slog.StringValue(c.String()) }
