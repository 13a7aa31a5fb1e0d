package fleet

import (
	"strings"
	"testing"
)

// TestMatch checks the patterns of devices.
func TestMatch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		patterns, device string
		want             bool
	}{
		{"", "pump", true},
		{"pump", "pump", true}, {"pump", "pumps", false}, {"pumps", "pump", false}, {"pump", "Pump", false},
		{"p?mp", "pump", true}, {"p?mp", "pümp", true}, {"p?mp", "pmp", false}, {"?", "", false}, {"????", "pump", true},
		{"*", "", true}, {"*", "a/b", true}, {"p*", "p", true}, {"p*", "pump", true}, {"p*", "a pump", false},
		{"*p", "pump", true}, {"*p", "pumpe", false}, {"*m*", "pump", true}, {"p*m*e", "pumpmpe", true}, {"p*m?e", "pumpmpe", true},
		{"*ab", "aab", true}, {"a*ab", "aab", true}, {"a*ab", "ab", false}, {"**", "x", true}, {"a**", "a", true}, {"*?", "", false},
		{"fan pump", "pump", true}, {"fan pump", "motor", false},
		{"a*c", "abbc", true}, {"a*c", "abb", false}, {"*x*y", "axbxy", true}, {"?", "ü", true}, {"a[0]", "a[0]", true},
		{"a[*]", "a*", true}, {"a[*]", "ab", false}, {"[?]", "?", true}, {"[?]", "a", false}, {"[[]*", "[x", true}, {"[a]", "[a]", true}, {"[a]", "a", false},
		{"[*", "[", true}, {"[*]*[?]", "*x?", true}, {"[]", "[]", true}, {"*[*]", "aa*", true}, {"*[*]", "aa", false},
		{strings.Repeat("*a", 50) + "b", strings.Repeat("a", 1000), false},
	} {
		if got := Match(strings.Fields(c.patterns), c.device); got != c.want {
			t.Errorf("Match(%.20q, %.20q) = %v, want %v", c.patterns, c.device, got, c.want)
		}
	}
}
