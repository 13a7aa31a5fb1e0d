package config

import (
	"net/url"
	"strings"

	"github.com/fleetscore/fleetscore/handler/azure"
)

// In Azure the settings must name a database server and a storage account. SQLite and an emulator
// are refused, because each instance would have its own. Keys and passwords are refused, because
// they can leak and identities need none.

// azureSQL reads the DSN of a database server.
func (r *reader) azureSQL(name string) string {
	dsn := r.text(name)
	u, err := url.Parse(dsn)
	remedy := "set it to sqlserver://SERVER.database.windows.net?database=NAME&fedauth=ActiveDirectoryManagedIdentity"
	switch {
	case dsn == "" || strings.HasPrefix(dsn, "file:"):
		r.mistake("%s: SQLite is for one machine, and in Azure there are several instances: %s", name, remedy)
	case err != nil || u.Scheme != "sqlserver" || u.Host == "":
		r.mistake("%s is no address of a server: %s", name, remedy)
	default:
		_, password := u.User.Password()
		if query := u.Query(); password || has(query, "password") || !has(query, "fedauth") {
			r.mistake("%s has a password: in Azure use the app's identity: %s", name, remedy)
		}
	}
	return dsn
}

// has reports whether a query has the key, in any case, with a value.
func has(query url.Values, key string) bool {
	for k := range query {
		if strings.EqualFold(k, key) && query.Get(k) != "" {
			return true
		}
	}
	return false
}

// azureConnection reads a connection to a storage account.
func (r *reader) azureConnection(name string) azure.Connection {
	c, err := azure.ReadConnection(name, r.getenv)
	remedy := "set " + name + "__blobServiceUri, " + name + "__queueServiceUri and " + name + "__credential=managedidentity instead"
	switch {
	case err != nil:
		r.mistakes = append(r.mistakes, err)
	case c.Development():
		r.mistake("%s is the storage emulator: in Azure %s", name, remedy)
	case c.Secret():
		r.mistake("%s holds a key or signature: in Azure %s", name, remedy)
	}
	return c
}

// refuseSecret reports a mistake if a connection of the host is a connection string. Instead is the
// ending of the setting to use in its place.
func (r *reader) refuseSecret(name, instead string) {
	if r.getenv(name) != "" {
		r.mistake("%s is a connection string: in Azure set %s%s and %s__credential=managedidentity instead", name, name, instead, name)
	}
}
