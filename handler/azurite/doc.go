// Package azurite runs Azurite, Microsoft's emulator of Azure Storage, for the
// local stack and for tests.
//
// Azurite is a Node program. [Start] installs the one version that this module
// was tested with, from npm, into the user's cache directory; later calls find
// it there. What is installed is fixed by the embedded lock file, and trimmed:
// Azurite's clients for telemetry and SQL, five sixths of its weight, are
// replaced by an empty package.
//
// Azurite that keeps its data in a folder writes its tables each five seconds, and
// loses what it has confirmed since then if it is killed. npm/durable.js, which is
// loaded before it, has it write them before it confirms a change. Writing takes
// longer the more blobs there are.
package azurite
