package azure

import "fmt"

// The account of every storage emulator. Its key is no secret: it stands in Microsoft's
// documentation, and gives access to emulators only.
const (
	developmentAccount = "devstoreaccount1"
	developmentKey     = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)

// DevelopmentConnection returns the connection string of a storage emulator
// that listens on these ports of 127.0.0.1.
func DevelopmentConnection(blobPort, queuePort, tablePort int) string {
	endpoint := func(port int) string { return fmt.Sprintf("http://127.0.0.1:%d/%s", port, developmentAccount) }
	return fmt.Sprintf("DefaultEndpointsProtocol=http;AccountName=%s;AccountKey=%s;BlobEndpoint=%s;QueueEndpoint=%s;TableEndpoint=%s;",
		developmentAccount, developmentKey, endpoint(blobPort), endpoint(queuePort), endpoint(tablePort))
}
