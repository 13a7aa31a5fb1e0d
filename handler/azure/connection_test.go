package azure_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/azure"
)

type settings map[string]string

func (s settings) get(name string) string { return s[name] }

func TestReadConnection(t *testing.T) {
	t.Parallel()
	const key = "c2VjcmV0LWtleQ=="
	for _, c := range []struct {
		name                string
		settings            settings
		want                string // the connection's text, or part of the error
		development, secret bool
	}{
		{"nothing", settings{}, "error: DataStorage is not set", false, false},
		{"emulator", settings{"DataStorage": "UseDevelopmentStorage=true"}, "DataStorage (http://127.0.0.1:10000/devstoreaccount1)", true, true},
		{"emulator elsewhere", settings{"DataStorage": "UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://host"}, "error: DevelopmentStorageProxyUri", false, false},
		{"emulator's ports", settings{"DataStorage": azure.DevelopmentConnection(1, 2, 3)}, "DataStorage (http://127.0.0.1:1/devstoreaccount1)", true, true},
		{"key", settings{"DataStorage": "DefaultEndpointsProtocol=https;AccountName=fleet;AccountKey=" + key + ";EndpointSuffix=core.windows.net"}, "DataStorage (https://fleet.blob.core.windows.net)", false, true},
		{"no protocol or suffix", settings{"DataStorage": "AccountName=fleet;AccountKey=" + key}, "DataStorage (https://fleet.blob.core.windows.net)", false, true},
		{"signature", settings{"DataStorage": "BlobEndpoint=https://b.example/;QueueEndpoint=https://q.example;SharedAccessSignature=?sv=1&sig=" + key}, "DataStorage (https://b.example)", false, true},
		{"half a signature", settings{"DataStorage": "BlobEndpoint=https://b.example/;SharedAccessSignature=sv=1&sig=" + key}, "error: QueueEndpoint", false, false},
		{"bad endpoint", settings{"DataStorage": "BlobEndpoint=b.example;QueueEndpoint=https://q.example;SharedAccessSignature=sig=" + key}, "error: BlobEndpoint", false, false},
		{"no key", settings{"DataStorage": "AccountName=fleet"}, "error: neither AccountKey nor SharedAccessSignature", false, false},
		{"broken key", settings{"DataStorage": "AccountName=fleet;AccountKey=c2Vj!"}, "error: AccountKey is not base64", false, false},
		{"no connection string", settings{"DataStorage": "c2VjcmV0LWtleQ"}, "error: not a connection string", false, false},
		{"identity", settings{"DataStorage__blobServiceUri": "https://f.blob.core.windows.net", "DataStorage__queueServiceUri": "https://f.queue.core.windows.net"}, "DataStorage (https://f.blob.core.windows.net)", false, false},
		{"account name", settings{"DataStorage__accountName": "fleet", "DataStorage__credential": "managedidentity", "DataStorage__clientId": "6e1f8a5e-0000-0000-0000-000000000000"}, "DataStorage (https://fleet.blob.core.windows.net)", false, false},
		{"one address", settings{"DataStorage__blobServiceUri": "https://f.blob.core.windows.net"}, "error: DataStorage__queueServiceUri to the address", false, false},
		{"identity over http", settings{"DataStorage__blobServiceUri": "http://f.example", "DataStorage__queueServiceUri": "https://f.example"}, "error: DataStorage__blobServiceUri is not an address such as https://", false, false},
		{"signature in address", settings{"DataStorage__blobServiceUri": "https://f.example?sig=c2Vj", "DataStorage__queueServiceUri": "https://f.example"}, "error: DataStorage__blobServiceUri is not an address", false, false},
		{"other credential", settings{"DataStorage__accountName": "fleet", "DataStorage__credential": "password"}, `error: DataStorage__credential is "password"`, false, false},
		{"client secret", settings{"DataStorage__accountName": "fleet", "DataStorage__clientSecret": "c2Vj"}, "error: clientSecret is not supported", false, false},
		{"two identities", settings{"DataStorage__accountName": "fleet", "DataStorage__clientId": "1", "DataStorage__managedIdentityResourceId": "2"}, "error: keep one", false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			connection, err := azure.ReadConnection("DataStorage", c.settings.get)
			texts := fmt.Sprintf("%v %+v %#v %v", connection, connection, connection, connection.LogValue())
			if err != nil {
				texts += err.Error()
			}
			if strings.Contains(texts, "c2Vj") || strings.Contains(texts, "Eby8") {
				t.Errorf("a secret is told: %s", texts)
			}
			if part, wantError := strings.CutPrefix(c.want, "error: "); wantError {
				if err == nil || !strings.Contains(err.Error(), part) || !strings.Contains(err.Error(), "DataStorage") {
					t.Errorf("got %v, want an error with %q", err, part)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if connection.String() != c.want || connection.Development() != c.development || connection.Secret() != c.secret {
				t.Errorf("got %v, development %v, secret %v; want %v, %v, %v", connection, connection.Development(), connection.Secret(), c.want, c.development, c.secret)
			}
			if _, err := azure.Open(connection); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestConnectionString reads back what a connection gives to another program.
func TestConnectionString(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"UseDevelopmentStorage=true", azure.DevelopmentConnection(1, 2, 3),
		"BlobEndpoint=https://b.example;QueueEndpoint=https://q.example;SharedAccessSignature=sv=1&sig=x"} {
		first, err := azure.ReadConnection("A", settings{"A": text}.get)
		if err != nil {
			t.Fatal(err)
		}
		second, err := azure.ReadConnection("A", settings{"A": first.ConnectionString()}.get)
		if err != nil || first != second || second.ConnectionString() != first.ConnectionString() {
			t.Errorf("%s: %#v read back as %#v, %v", text, first, second, err)
		}
	}
}

func TestReadAddress(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://st.blob.core.windows.net/capture/ns/hub?sv=1&sig=x%2F": "https://st.blob.core.windows.net capture ns/hub",
		"https://st.blob.core.windows.net/capture":                      "https://st.blob.core.windows.net capture ",
		"http://127.0.0.1:10000/devstoreaccount1/capture/ns?sig=x":      "http://127.0.0.1:10000/devstoreaccount1 capture ns",
		"http://localhost:10000/devstoreaccount1":                       "!names no container",
		"https://st.blob.core.windows.net/?sig=secret":                  "!names no container",
		"http://st.blob.core.windows.net/capture?sig=secret":            "!use https",
		"https://st.blob.core.windows.net/capture?secret=1":             "!it has no sig",
		"ftp://x/capture":         "!is not the address of a container",
		"https://%zz/capture?sig": "!is not the address of a container",
	} {
		c, container, prefix, err := azure.ReadAddress(address)
		_, at, _ := strings.Cut(c.String(), "(")
		got := strings.Join([]string{strings.TrimSuffix(at, ")"), container, prefix}, " ")
		if part, bad := strings.CutPrefix(want, "!"); bad {
			if err == nil || !strings.Contains(err.Error(), part) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: %v, want %s", address, err, part)
			}
		} else if err != nil || got != want {
			t.Errorf("%s: %s, %v, want %s", address, got, err, want)
		}
	}
}
