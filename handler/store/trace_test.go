package store

import "testing"

// TestSummary checks that a span names what a statement does and its first table, in each
// dialect.
func TestSummary(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]string{
		"SELECT a FROM dbo.runs WHERE id = @id":                                                     {"SELECT", "runs"},
		"\nUPDATE jobs SET state = @state":                                                          {"UPDATE", "jobs"},
		"INSERT INTO readings (a) VALUES (1)":                                                       {"INSERT", "readings"},
		"WITH k (device, name) AS (VALUES (?, ?)) SELECT j.a FROM k JOIN jobs j ON j.name = k.name": {"SELECT", "jobs"},
		"DELETE FROM dbo.late":                                                                      {"DELETE", "late"},
		"":                                                                                          {"", ""},
	} {
		if operation, table := summary(text); operation != want[0] || table != want[1] {
			t.Errorf("%q: %q of %q, want %q of %q", text, operation, table, want[0], want[1])
		}
	}
}
