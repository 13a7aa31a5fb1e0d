package fleet_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/fleet/fleettest"
)

func TestValidName(t *testing.T) {
	t.Parallel()
	for _, name := range fleettest.Names {
		if err := fleet.ValidName(name); err != nil {
			t.Errorf("ValidName(%q) = %v", name, err)
		}
	}
	for _, name := range fleettest.Invalid {
		if err := fleet.ValidName(name); !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("ValidName(%q) = %v, want ErrInvalid", name, err)
		}
	}
}

func TestEncodeName(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, want string }{
		{"pump-1", "pump-1"},
		{"A.b_C-9", "A.b_C-9"},
		{"_fleet", "%5Ffleet"},
		{"a_", "a_"},
		{".", "%2E"},
		{"..", "%2E%2E"},
		{"...", "%2E.%2E"},
		{".hidden", "%2Ehidden"},
		{"trailing.", "trailing%2E"},
		{"site/line/pump", "site%2Fline%2Fpump"},
		{"ns=2;s=Line1.Temp", "ns%3D2%3Bs%3DLine1.Temp"},
		{"100%", "100%25"},
		{"~", "%7E"},
		{"ü", "%C3%BC"},
		{strings.Repeat("泵", 48), strings.Repeat("%E6%B3%B5", 48)},
		{strings.Repeat("泵", 49), "%~"}, // and digits
	} {
		got := fleet.EncodeName(tc.name)
		if got != tc.want && !(tc.want == "%~" && strings.HasPrefix(got, tc.want)) {
			t.Errorf("EncodeName(%q) = %s, want %s", tc.name, got, tc.want)
		}
	}
	seen := make(map[string]string)
	for _, name := range fleettest.Names {
		s := fleet.EncodeName(name)
		if back, err := fleet.DecodeName(s); back != name || err != nil {
			t.Errorf("DecodeName(%s) = %q, %v; want %q", s, back, err, name)
		}
		if other, ok := seen[s]; ok {
			t.Errorf("%q and %q are both encoded %s", name, other, s)
		}
		seen[s] = name
		if len(s) > 440 {
			t.Errorf("%q is encoded in %d characters", name, len(s))
		}
	}
}

func TestDecodeName(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"", "a b", "ä", "%C3%bc", "%61", "%", "%2", "%2f", "a/b", ".", "a.", "_fleet", "%00", "%FF", "%~", "%~1", "%~-1", "%~!", "%~0ZZ", "%3D1",
		"%~" + strings.Repeat("Z", 513), "%~" + strings.Repeat("Z", 1<<20),
	} {
		if name, err := fleet.DecodeName(s); !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("DecodeName(%.40q) = %.40q, %v; want ErrInvalid", s, name, err)
		}
	}
}

func TestParseID(t *testing.T) {
	t.Parallel()
	id, err := fleet.ParseID("pump-1/temp")
	if err != nil || id != (fleet.ID{Device: "pump-1", Sensor: "temp"}) || id.String() != "pump-1/temp" {
		t.Fatalf("ParseID = %v, %v", id, err)
	}
	if id := (fleet.ID{Device: "site/line/pump", Sensor: "50 %"}); id.String() != "site%2Fline%2Fpump/50 %" || id.Path() != "site%2Fline%2Fpump/50%20%25" {
		t.Errorf("%s, %s", id, id.Path())
	}
	for _, s := range []string{"", "a", "a/", "/a", "a/b/c", "a/=b", "a/ b"} {
		if _, err := fleet.ParseID(s); !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("ParseID(%q) = %v, want ErrInvalid", s, err)
		}
	}
	texts := make(map[string]fleet.ID)
	for _, device := range fleettest.Names {
		for _, sensor := range fleettest.Names {
			id := fleet.ID{Device: device, Sensor: sensor}
			if back, err := fleet.ParseID(id.String()); back != id || err != nil {
				t.Fatalf("ParseID(%q) = %v, %v; want %v", id.String(), back, err, id)
			}
			if back, err := fleet.ParsePath(id.Path()); back != id || err != nil {
				t.Fatalf("ParsePath(%q) = %v, %v; want %v", id.Path(), back, err, id)
			}
			texts[id.String()] = id
		}
	}
	if want := len(fleettest.Names) * len(fleettest.Names); len(texts) != want {
		t.Errorf("%d pairs of names have %d texts", want, len(texts))
	}
}

// Names that are valid keep apart and come back; what decodes is encoded as it was.
func FuzzName(f *testing.F) {
	for _, name := range fleettest.Names {
		f.Add(name, "s")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if name, err := fleet.DecodeName(a); err == nil && fleet.EncodeName(name) != a {
			t.Errorf("%q is read as %q, which is written %q", a, name, fleet.EncodeName(name))
		}
		id := fleet.ID{Device: a, Sensor: b}
		if id.Validate() != nil {
			return
		}
		if back, err := fleet.ParsePath(id.Path()); back != id || err != nil {
			t.Errorf("path %q of %q is read as %q, %v", id.Path(), id, back, err)
		}
		if back, err := fleet.ParseID(id.String()); back != id || err != nil {
			t.Errorf("text %q is read as %q, %v", id.String(), back, err)
		}
		if text := id.Path(); len(text) > 881 || strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-%~/") != "" {
			t.Errorf("path %q", text)
		}
	})
}
