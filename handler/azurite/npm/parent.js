// Loaded before Azurite. The program that starts it holds the other end of
// standard input: when that program is gone, however it ended, Azurite goes too.
process.stdin.on("end", () => process.kill(process.pid, "SIGTERM"));
process.stdin.on("error", () => process.kill(process.pid, "SIGTERM"));
process.stdin.resume();
// Waiting for that does not keep a process alive whose services have ended.
process.stdin.unref?.();
