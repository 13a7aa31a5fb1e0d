// Package devhost plays the Azure Functions host on a machine without it: it
// reads host.json, the functions' function.json and the settings, starts the
// real handler as a child process and drives it over the real custom-handler
// protocol, with timers, storage queues, event hubs and HTTP.
//
// It does what recordings of host 4.1037 show, and is strict where that host
// is strict. Where the real host would wait in silence (an empty reply, a
// handler that left with exit code 0), it says so at once, with the remedy.
//
// Queues and blobs are those of an Azurite (or any storage account) named by a
// connection string. Event hubs are a log on disk that takes the REST send
// calls of Event Hubs; it survives the death of this process, but is not
// synced against the loss of power.
//
// It plays what the application's functions use: timerTrigger, queueTrigger,
// eventHubTrigger, and httpTrigger with requests that are forwarded. Not played
// are other bindings, identity-based connections, /admin, and the listener leases
// by which several hosts share timers and partitions (one devhost owns them all).
package devhost
