package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/store"
)

// malformed are kinds of events that are no reading; %d makes each unlike the
// others of its kind.
var malformed = []string{
	`no JSON %d`,
	`{"device":"d","sensor":"s","ts":"2018-08-28T23:00:00Z","value":%d`,
	`{"device":"d","sensor":"s","ts":"2018-08-28T23:00:00Z","value":"%d apples"}`,
	`{"device":"d","sensor":"s","ts":"2018-08-28T23:00:00Z","value":1e%d99}`,
	`{"device":"d","sensor":"s","ts":"2018-08-28T23:00:00Z","note":"n%d"}`,
	`{"device":"d","sensor":"s","ts":[],"value":%d}`,
	`{"device":"d","ts":"2018-08-28T23:00:00Z","value":%d}`,
	`{"sensor":"s","ts":"2018-08-28T23:00:00Z","value":%d}`,
	`{"device":"","sensor":"s","ts":"2018-08-28T23:00:00Z","value":%d}`,
	`{"device":"=a","sensor":"s","ts":"2018-08-28T23:00:00Z","value":%d}`,
	`{"device":" d","sensor":"s","ts":"2018-08-28T23:00:00Z","value":%d}`,
	`{"device":"d","sensor":"s\u0007","ts":"2018-08-28T23:00:00Z","value":%d}`,
	`{"device":"@Gerät","sensor":"s","ts":"2018-08-28T23:00:00Z","value":%d}`,
	`{"device":"d","sensor":"` + strings.Repeat("ß", 129) + `","ts":"2018-08-28T23:00:00Z","value":%d}`,
	`{"device":"a\u0000b","sensor":"s","ts":"2018-08-28T23:00:00Z","value":%d}`,
	`{"device":"d","sensor":" s","ts":"2018-08-28T23:00:00Z","value":%d}`,
	`{"device":null,"sensor":"s","ts":"2018-08-28T23:00:00Z","value":%d}`,
	`{"device":"d","sensor":"s","ts":"yesterday","value":%d}`,
	`{"device":"d","sensor":"s","ts":"2018-13-28T23:00:00Z","value":%d}`,
	`{"device":{"no":1},"sensor":"s","ts":"2018-08-28T23:00:00Z","value":%d}`,
	`{"device":"d","sensor":"s","ts":"2018-08-28T23:00:00Z","value":[%d]}`,
	`{"device":"d","device":"e","sensor":"s","ts":"2018-08-28T23:00:00Z","value":%d}`,
	"{\"device\":\"d\xff\",\"sensor\":\"s\",\"ts\":\"2018-08-28T23:00:00Z\",\"value\":%d}",
}

// TestMalformed sends 200 malformed events, ten of each kind, among 10,000
// good ones.
func TestMalformed(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	want := map[string]bool{} // the bad bodies, until their letter is found
	const good, batch = 10_000, 50
	for begin := 0; begin < good; begin += batch {
		bodies := make([]string, batch)
		for i := range bodies {
			bodies[i] = fmt.Sprintf(`{"device":"d%d","sensor":"s","ts":%d,"value":%d}`, begin%7, hour.From.UnixMilli()+int64(begin+i), i)
		}
		if err := s.hub.SendBatch(t.Context(), "", bodies); err != nil {
			t.Fatal(err)
		}
		n := begin / batch // one bad event after each batch
		bad := fmt.Sprintf(malformed[n%len(malformed)], n)
		want[bad] = true
		s.post(bad)
	}
	s.caughtUp()
	for info, err := range s.blobs.List(t.Context(), blob.DeadLetter, "") {
		if err != nil {
			t.Fatal(err)
		}
		content, _, err := s.blobs.Read(t.Context(), blob.DeadLetter, info.Name, "", 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(content) {
			var letter struct {
				Partition string
				Sequence  *int64
				Reason    string
				Raw       []byte
			}
			if err := json.Unmarshal(line, &letter); err != nil {
				t.Fatal(err)
			}
			if !want[string(letter.Raw)] || letter.Reason == "" || letter.Sequence == nil || letter.Partition == "" {
				t.Errorf("%s: %s", info.Name, line)
			}
			delete(want, string(letter.Raw))
		}
	}
	for bad := range want {
		t.Errorf("not in the dead letter: %q", bad)
	}
	if n := s.stored(); n != good {
		t.Errorf("%d readings stored, want %d", n, good)
	}
}

// post sends one event of any bytes.
func (s *stack) post(body string) {
	s.Helper()
	r, err := http.Post(s.hub.URL+"/messages", "application/atom+xml;type=entry;charset=utf-8", strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode != http.StatusCreated {
		s.Fatalf("send %q: %s", body, r.Status)
	}
}

// stored counts the readings of the hour in the database.
func (s *stack) stored() (n int) {
	s.Helper()
	db, err := store.Open(s.sql, store.Options{})
	if err != nil {
		s.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Subjects(s.Context(), fleet.ID{}, 1000)
	if err != nil {
		s.Fatal(err)
	}
	var ids []fleet.ID
	for _, row := range rows {
		ids = append(ids, row.ID)
	}
	for _, err := range db.Readings(s.Context(), ids, hour) {
		if err != nil {
			s.Fatal(err)
		}
		n++
	}
	return n
}
