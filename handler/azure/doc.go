// Package azure has the application's blobs and queues from Azure Storage, or
// from its emulator: beside package release, the only
// importer of the Azure SDK.
//
// A [Connection] is read from settings by the rules of Azure Functions, so
// that the host's triggers and this process speak to the same account. [Open]
// makes a [Storage] of it, which hands out a blob.Store ([Blobs]) and
// [Queue]s. [TriggerQueue] and [HostBlobs] are what the Functions host itself
// uses, for package devhost. Nothing is sent before the first use; containers and queues that
// are missing are made when something is first put into them.
//
// Errors name the operation and the blob or queue. They wrap the sentinels of
// package blob, the context's error, or fleet.ErrUnavailable, and never hold
// a URL's query, a key or a token.
package azure
