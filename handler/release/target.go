package release

import (
	"errors"
	"fmt"
)

// Target is a deployment in Azure. Its fields are the outputs of infra/main.bicep, which azd sets in
// the environment of its hooks.
type Target struct {
	Subscription, Group, App string
	URL                      string // of the app
	Plan                     string // EP1 to EP3, or FC1
	ContentShare             bool   // azd deploys the package, and not this program
	Blobs, Container         string // the blob endpoint, with a slash at its end, and the container of packages
	SQLServer, SQLHost       string
	Database                 string
	Identity, ClientID       string // name and client id of the app's identity
	Workbook                 string // address in the portal
}

// TargetOf reads a target from azd's environment. Its error names all variables that are missing.
func TargetOf(getenv func(string) string) (Target, error) {
	var missing []error
	get := func(name string) string {
		v := getenv(name)
		if v == "" {
			missing = append(missing, fmt.Errorf("%s is not set", name))
		}
		return v
	}
	t := Target{
		Subscription: get("AZURE_SUBSCRIPTION_ID"), Group: get("AZURE_RESOURCE_GROUP"), App: get("FUNCTION_APP_NAME"),
		URL: get("FUNCTION_APP_URL"), Plan: get("HOSTING_PLAN"), ContentShare: getenv("CONTENT_SHARE") == "true",
		Blobs: get("PACKAGE_BLOB_ENDPOINT"), Container: get("PACKAGE_CONTAINER"),
		SQLServer: get("SQL_SERVER_NAME"), SQLHost: get("SQL_SERVER_FQDN"), Database: get("SQL_DATABASE"),
		Identity: get("IDENTITY_NAME"), ClientID: get("IDENTITY_CLIENT_ID"), Workbook: getenv("WORKBOOK_URL"),
	}
	if len(missing) > 0 {
		return t, fmt.Errorf("no deployment here: run azd provision, then azd deploy, or this command under azd exec:\n%w", errors.Join(missing...))
	}
	return t, nil
}

func (t Target) flex() bool { return t.Plan == "FC1" }
