// Package infra has only tests. They check, without Azure, that the templates in the folder infra
// have what the code needs.
//
// Most tests read the committed snapshots, which are the resources of a deployment, computed
// offline. If the Bicep CLI is there, a test checks that the snapshots are up to date. Microsoft's
// KQL binder checks the queries.
package infra
