package protocol

import (
	"encoding/json"
	"net/http"
)

// Problem is the reason why a request was refused or failed, in the form of RFC 9457. Its
// type is always about:blank: the status tells problems apart.
type Problem struct {
	Type   string `json:"type" enum:"about:blank"`                                           // always about:blank
	Title  string `json:"title" example:"Not Found"`                                         // the name of the status
	Status int    `json:"status" example:"404"`                                              // the status of the HTTP answer
	Detail string `json:"detail" example:"run 20260301T060000Z-20260301T070000Z: not found"` // what is wrong, where, and what mends it
}

func newProblem(status int, detail string) Problem {
	return Problem{"about:blank", http.StatusText(status), status, detail}
}

// replyProblem writes a whole reply.
func replyProblem(w http.ResponseWriter, status int, detail string) {
	body, _ := json.Marshal(newProblem(status, detail)) // strings and a number can't fail
	replyAs(w, status, "application/problem+json", body)
}
