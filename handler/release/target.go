package release

import (
	"errors"
	"fmt"
)

// Target says what to release to: the outputs of infra, as azd gives them to
// its hooks.
type Target struct {
	Subscription, Group, App string
	URL                      string // of the app
	Plan                     string // EP1 to EP3, or FC1
	ContentShare             bool   // azd deploys the package itself
	Blobs, Container         string // endpoint, with a slash at its end, and container of the packages
	SQLServer, SQLHost       string
	Database                 string
	Identity, ClientID       string // of the app
	Workbook                 string // address in the portal
}

// TargetOf reads a target from azd's environment. Its error names all that is
// missing.
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
