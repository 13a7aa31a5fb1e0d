// Package devhost imitates the Azure Functions host on a machine without it. It reads
// host.json, the functions' function.json and the settings. It starts the real handler as
// a child process, and calls it over the custom-handler protocol for timers, storage
// queues, event hubs and HTTP.
//
// It does the same as host 4.1037 in recordings, and is as strict. In some cases the real
// host would wait without a message, for instance after an empty reply, or after the
// handler exits with code 0. Then devhost reports an error at once, with the remedy.
//
// A connection string names the storage account of queues and blobs, usually an Azurite.
// Event hubs are logs on disk, with the REST API for sending to Event Hubs. They survive
// the death of this process, but not the loss of power, as they are not synced.
//
// It supports what the application's functions use: timerTrigger, queueTrigger,
// eventHubTrigger, and httpTrigger with forwarded requests. It does not support other
// bindings, identity-based connections, /admin, and the leases by which several hosts
// share timers and partitions: one devhost owns them all.
package devhost
