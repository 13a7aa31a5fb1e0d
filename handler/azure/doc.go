// Package azure reads and writes blobs and queues in Azure Storage, or in its emulator. Only this
// package and package release import the Azure SDK.
//
// A [Connection] is read from settings by the rules of Azure Functions, so that the host and this
// process use the same account. [Open] opens its [Storage], with a blob.Store ([Blobs]) and with
// [Queue]s. Package devhost uses [TriggerQueue] and [HostBlobs], since it does what the Functions
// host does. Nothing is sent before the first use. A missing container or queue is made when
// something is written to it.
//
// Errors name the operation and the blob or queue. They wrap the errors of package blob, the
// context's error, or fleet.ErrUnavailable. They never have the query of a URL, a key or a token.
package azure
