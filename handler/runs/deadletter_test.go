package runs_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/runs"
)

// letters are dead letters by the names of their blobs, in order.
type letters []runs.Letter

func (l letters) Letters(_ context.Context, name, from string) iter.Seq2[runs.Letter, error] {
	return func(yield func(runs.Letter, error) bool) {
		for _, x := range l {
			if strings.HasPrefix(x.Blob, name) && x.Blob >= from && !yield(x, nil) {
				return
			}
		}
	}
}

// TestLetters checks that pages of any size make up the whole list.
func TestLetters(t *testing.T) {
	t.Parallel()
	api, _, _ := newAPI(t)
	var all letters
	for i := range 25 {
		all = append(all, runs.Letter{Blob: fmt.Sprintf("hub/%d/x y.jsonl", i/9), Reason: fmt.Sprint("reason ", i)})
	}
	api.DeadLetters = all
	for limit := 1; limit < 30; limit++ {
		var got []runs.Letter
		for req := (runs.LettersRequest{Limit: limit}); ; {
			page, err := api.ListLetters(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			if len(page.Letters) > limit || page.Letters == nil {
				t.Fatalf("limit %d: a page of %d", limit, len(page.Letters))
			}
			got = append(got, page.Letters...)
			if req.After = page.Next; page.Next == "" {
				break
			}
		}
		if !slices.Equal(got, []runs.Letter(all)) {
			t.Errorf("limit %d: %d letters", limit, len(got))
		}
	}
	if page, err := api.ListLetters(t.Context(), runs.LettersRequest{Name: "hub/1/"}); err != nil || len(page.Letters) != 9 {
		t.Errorf("of one partition: %d, %v", len(page.Letters), err)
	}
	for _, name := range []string{"a\x00", "\xff", strings.Repeat("x", 5000)} {
		if _, err := api.ListLetters(t.Context(), runs.LettersRequest{Name: name}); !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("name %.20q: %v", name, err)
		}
	}
	for _, after := range []string{"x", "1", "-1 hub/0/x", "1 ", "99999999999999999999 a"} {
		if _, err := api.ListLetters(t.Context(), runs.LettersRequest{After: after}); !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("after %q: %v", after, err)
		}
	}
}
