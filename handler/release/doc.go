// Package release deploys a package to Azure. It migrates the database, uploads the package, makes
// the function app run it, and waits until it serves.
//
// Each step first reads the present state. So a release may be repeated after any failure, and
// changes nothing if the package runs already. Roles and firewall rules that were just made need
// minutes to take effect, so refused requests are repeated for twelve minutes.
package release
