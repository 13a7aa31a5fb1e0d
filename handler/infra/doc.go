// Package infra has only tests: they hold the description of Azure in infra/
// to what the code needs, without Azure.
//
// Most read the committed snapshots, which are whole deployments evaluated
// offline. That the snapshots are current is checked by the Bicep CLI where
// there is one; the queries are analysed by Microsoft's own KQL binder.
package infra
