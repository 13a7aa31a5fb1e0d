package protocol

import (
	"encoding/json"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// TestContentOfStrings reads strings with escapes as encoding/json does, in whatever
// pieces they come.
func TestContentOfStrings(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		``, `plain`, `a\nb`, `\"\\\/`, `\u00e9`,
		`\ud83d\ude00`, `\uD83D\uDE00`, `x\ud83d\ude00y\ud83d\ude00`,
		`\ud83d`, `\ud83dx`, `\ud83dabcdefgh`, `\ud83d\n12345678`, `\ud83d\\u1234`, `\ud83dxu12345678`, `\ud83d\u0041`, `\ud83d\ud83d\ude00`,
		`\ude00`, `\ude00\ud83d`, `\ud7ff`, `\ue000\ude00`, `\ud83d\ude0`,
		strings.Repeat(`\ud83d\ude00`, 6000) + `é`,
	} {
		var want string
		wantErr := json.Unmarshal([]byte(`"`+text+`"`), &want)
		for name, r := range map[string]io.Reader{"whole": strings.NewReader(`"` + text + `"`), "byte by byte": iotest.OneByteReader(strings.NewReader(`"` + text + `"`))} {
			s := newStream(r)
			if err := s.accept('"'); err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(&content{s: s})
			if (err == nil) != (wantErr == nil) || err == nil && string(got) != want {
				t.Errorf("%.40s, %s: %.40q, %v; want %.40q, %v", text, name, got, err, want, wantErr)
			}
		}
	}
}
