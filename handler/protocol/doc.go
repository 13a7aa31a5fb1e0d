// Package protocol is the contract between the Azure Functions host and a
// custom handler: what the host sends for a trigger, what it accepts as a
// reply, and how HTTP requests are forwarded. No other package knows how the
// host talks, and none but this one knows echo.
//
// A [Server] is an http.Handler. The functions are mounted on it by their
// trigger:
//
//	s := protocol.New(protocol.Options{Stdout: os.Stdout})
//	s.Queue("score", "message", 8*time.Minute, scorer.Score)
//	protocol.Route(s, http.MethodGet, "/api/runs/:id", http.StatusOK, api.Show)
//
// For a trigger, the status of the reply answers one question: shall the host
// deliver this again? An error whose row of fleet.Failures says retry is
// answered with that row's status, everything else with 200. What an
// invocation logs goes into the reply where the host reads it, which is only
// when that is a 2xx, and otherwise to stdout; never to both.
//
// A panic fails its own invocation, and none outlives its deadline: at
// functionTimeout the host would kill the process with all the others.
package protocol
