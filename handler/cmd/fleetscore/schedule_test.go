package main

import (
	"strings"
	"testing"
)

func TestSchedulePreview(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args string
		code int
		says []string
	}{
		{"--schedule 0_0_*_*_*_* --time-zone Europe/Berlin --from 2026-10-24T23:30:00Z -n 3", 0, []string{
			"2026-10-24 23:00:00  2026-10-25 00:00:00  1h0m0s    Sun 2026-10-25 02:00:00 +02:00  2026-10-25 00:01:00",
			"2026-10-25 00:00:00  2026-10-25 02:00:00  2h0m0s *  Sun 2026-10-25 03:00:00 +01:00  2026-10-25 02:01:00"}},
		{"--schedule 0_0_6_*_*_* --from 2026-03-01 -n 1 --json", 0, []string{`"run": "20260228T060000Z-20260301T060000Z"`, `"due": "2026-03-01T06:01:00Z"`}},
		{"--schedule 0_0_6_30_2_*", 1, []string{"never fires"}},
		{"--time-zone Mars", 1, []string{`SCORE_TIME_ZONE is "Mars"`}},
		{"--from yesterday", 2, []string{"--from"}},
		{"-n 0", 2, []string{"--count 0 is not between 1 and 1000"}},
	} {
		args := []string{"schedule", "preview"}
		for _, a := range strings.Fields(c.args) {
			args = append(args, strings.ReplaceAll(a, "_", " "))
		}
		var out, errs strings.Builder
		code := run(t.Context(), args, func(name string) string { return map[string]string{"HOME": "/nowhere"}[name] }, strings.NewReader(""), &out, &errs)
		if code != c.code {
			t.Errorf("%s: exit code %d, %s", c.args, code, &errs)
		}
		for _, text := range c.says {
			if !strings.Contains(out.String()+errs.String(), text) {
				t.Errorf("%s says\n%s%s\nnot %q", c.args, &out, &errs, text)
			}
		}
	}
}
