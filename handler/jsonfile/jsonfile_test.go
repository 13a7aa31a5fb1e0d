package jsonfile_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/jsonfile"
)

const schema = `{"type": "object", "additionalProperties": false, "required": ["zone"], "properties": {
	"zone": {"type": "string", "format": "time-zone"}, "even": {"type": "integer"}, "word": {"type": "string", "format": "word"}}}`

// TestRead checks the errors for mistakes in the syntax, against the schema, and found by other checks.
// They have the line and column.
func TestRead(t *testing.T) {
	t.Parallel()
	s := jsonfile.Compile([]byte(schema), map[string]func(string) error{"word": func(text string) error {
		if strings.Contains(text, " ") {
			return fmt.Errorf("%q is more than a word", text)
		}
		return nil
	}})
	for _, tc := range []struct{ text, want string }{
		{"\ufeff{\"zone\": \"UTC\", \"even\": 2, \"word\": \"a\"}", ""},
		{"{\n  \"zone\": \"UTC\",\n}", "line 3, column 1: this is no JSON"},
		{"{\"even\": 2}", `line 1, column 1: the file lacks "zone"`},
		{"{\"zone\": \"UTC\", \"zone\": \"UTC\"}", `line 1, column 17: "zone" stands here a second time`},
		{"{\"zone\":\n \"Mars/North\"}", `line 2, column 2: "zone": "Mars/North" is no time zone`},
		{"{\"zone\": \"UTC\", \"odd\": 1}", `line 1, column 24: the file takes no "odd"`},
		{"{\"zone\": \"UTC\", \"word\": \"ä b\", \"even\": \"x\"}", `line 1, column 25: "word": "ä b" is more than a word`},
		{"{\"zone\": \"UTC\", \"even\": 3}", "line 1, column 25: it is odd"},
		{"{\"zone\": \"UTC\", \"even\": 2.0}", `cannot be read: write a whole number`},
	} {
		var file struct{ Even int }
		err := s.Read([]byte(tc.text), &file, func() error {
			if file.Even%2 != 0 {
				return jsonfile.Wrong([]string{"even"}, "it is odd")
			}
			return nil
		})
		var mistake *jsonfile.Error
		if tc.want == "" && err != nil || tc.want != "" && (!errors.As(err, &mistake) || !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%q:\n got %v\nwant %s", tc.text, err, tc.want)
		}
	}
}
