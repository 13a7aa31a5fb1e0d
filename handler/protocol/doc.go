// Package protocol is the contract between the Azure Functions host and a custom handler:
// the host's request for a trigger, the reply that it accepts, and forwarded HTTP
// requests. No other package depends on the host's protocol, or on echo.
//
// A [Server] is an http.Handler. The functions are mounted on it by their
// trigger:
//
//	s := protocol.New(protocol.Options{Stdout: os.Stdout})
//	s.Queue("score", "message", 8*time.Minute, scorer.Score)
//	protocol.Route(s, http.MethodGet, "/api/runs/:id", http.StatusOK, api.Show)
//
// For a trigger, the status of the reply says whether the host delivers the invocation
// again. If the error's row of fleet.Failures says retry, the status is that of the row.
// Otherwise it is 200. The log lines of an invocation are in the reply if its status is
// 2xx, as the host reads them only then. Otherwise they go to stdout.
//
// A panic fails only its own invocation. Each invocation ends by its deadline: at
// functionTimeout the host would kill the process, and with it all other invocations.
package protocol
