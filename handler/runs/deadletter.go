package runs

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// DeadLetters reads the dead letters, which have a line for each refused event or element.
type DeadLetters interface {
	// Letters yields the lines of blobs, in the order of the blobs' names. The names begin
	// with name, and do not sort before from. The error wraps [fleet.ErrInvalid] if a blob
	// is too large to be read, or is no dead letter.
	Letters(ctx context.Context, name, from string) iter.Seq2[Letter, error]
}

// LettersRequest asks for what was refused.
type LettersRequest struct {
	Name  string `query:"name" json:"-" example:"readings/0/"`                     // the name of a blob in the container deadletter, or its beginning; all if it is left out
	After string `query:"after" json:"-"`                                          // the member "next" of the page before
	Limit int    `query:"limit" json:"-" minimum:"1" maximum:"1000" default:"100"` // how many lines a page has at most: 1 to 1000
}

// LetterList is a page of what was refused, in the order of the blobs' names.
type LetterList struct {
	Letters []Letter `json:"letters"` // the lines of this page
	// The parameter "after" of the next page. It is left out on the last page.
	Next string `json:"next,omitempty"`
}

// Letter is a line of a dead letter: an event, or an element of one, that was refused.
type Letter struct {
	Blob      string    `json:"blob"`               // the name of its blob in the container deadletter
	Hub       string    `json:"hub"`                // the event hub that the event came from
	Partition string    `json:"partition"`          // the partition of the event hub
	Sequence  *int64    `json:"sequence,omitempty"` // the sequence number of the event in its partition
	Enqueued  time.Time `json:"enqueued,omitzero"`  // when the event reached the event hub
	Element   *int      `json:"element,omitempty"`  // which element of the event was refused, the first is 0; left out where it is the whole event
	Rejected  int       `json:"rejected"`           // how many readings or elements the line stands for
	Reason    string    `json:"reason"`             // why the first of them was refused
	Mapping   string    `json:"mapping"`            // the mapping that read the event
	Device    string    `json:"device,omitempty"`   // the device of the first reading, where it was understood
	Sensor    string    `json:"sensor,omitempty"`   // the sensor of the first reading, where it was understood
	TS        string    `json:"ts,omitempty"`       // the time of the first reading, where it was understood
	Value     *float64  `json:"value,omitempty"`    // the value of the first reading, where it was understood
	Event     string    `json:"event"`              // what was refused: its first 4,096 bytes as text, or in base64 where they are no text
	Base64    bool      `json:"base64,omitempty"`   // whether that is base64
	Bytes     int       `json:"bytes"`              // how many bytes were refused
	Replays   int       `json:"replays,omitempty"`  // how often it was given back to ingest and refused again
}

// letterCursor is the end of a page: the number of the lines of a blob that were listed.
type letterCursor struct {
	blob  string
	lines int
}

func (p letterCursor) String() string { return strconv.Itoa(p.lines) + " " + p.blob }

func parseLetterCursor(text string) (p letterCursor, err error) {
	if text == "" {
		return p, nil
	}
	lines, name, ok := strings.Cut(text, " ")
	p.blob = name
	if p.lines, err = strconv.Atoi(lines); err != nil || !ok || name == "" || p.lines < 0 {
		return p, fmt.Errorf("after %.200q: %w: take it from the member next of the page before", text, fleet.ErrInvalid)
	}
	return p, nil
}

// mostBlobName is how many bytes the name of a blob has at most: 1,024 characters.
const mostBlobName = 4 * 1024

// ListLetters returns a page of what was refused.
func (a *API) ListLetters(ctx context.Context, req LettersRequest) (LetterList, error) {
	limit, err := pageLimit(req.Limit)
	if err != nil {
		return LetterList{}, err
	}
	after, err := parseLetterCursor(req.After)
	if err != nil {
		return LetterList{}, err
	}
	list := LetterList{Letters: []Letter{}}
	if strings.ContainsFunc(req.Name, unicode.IsControl) || !utf8.ValidString(req.Name) || len(req.Name) > mostBlobName {
		return LetterList{}, fmt.Errorf("%w: no blob has the name %.80q", fleet.ErrInvalid, req.Name)
	}
	var at letterCursor
	for l, err := range a.DeadLetters.Letters(ctx, req.Name, after.blob) {
		if err != nil {
			return LetterList{}, err
		}
		if at.blob != l.Blob {
			at = letterCursor{blob: l.Blob}
		}
		if seen := l.Blob == after.blob && at.lines < after.lines; !seen {
			if len(list.Letters) == limit {
				list.Next = at.String()
				break
			}
			list.Letters = append(list.Letters, l)
		}
		at.lines++
	}
	return list, nil
}
