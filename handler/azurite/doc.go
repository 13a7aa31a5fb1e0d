// Package azurite runs Azurite, Microsoft's emulator of Azure Storage, for the
// local stack and for tests.
//
// Azurite is a Node program. [Start] installs it from npm into the user's cache directory, in the
// version that this module was tested with. Later calls use it from there. The embedded lock file
// fixes all packages. Azurite's clients for telemetry and SQL, which are five sixths of its size,
// are replaced by an empty package.
//
// If Azurite stores its data in a folder, it writes its tables every five seconds. If it were
// killed, the changes since then would be lost, though it has confirmed them. So npm/durable.js,
// which is loaded first, makes it write them before it confirms a change. Writing takes longer the
// more blobs there are.
package azurite
