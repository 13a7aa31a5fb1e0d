package artifact

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// TestFolders checks that files are named by their paths below the folder that all
// share, that hidden files are left out, and that a folder of over 1,000 files is refused.
func TestFolders(t *testing.T) {
	t.Parallel()
	dir := fstest.MapFS{}
	for _, name := range []string{"m/a/x.pkl", "m/a/b/y.pkl", "m/.git/z", "m/.hidden", ".hidden/m/a/u.pkl"} {
		dir[name] = &fstest.MapFile{Data: []byte(name)}
	}
	f, err := openFolder(dir)
	if err != nil || !slices.Equal(f.Names(), []string{"b/y.pkl", "x.pkl"}) || f.Size() != len("m/a/x.pkl")+len("m/a/b/y.pkl") || !f.Has("x.pkl") || f.Has("y.pkl") {
		t.Fatalf("got %+v, %v", f, err)
	}
	if data, err := f.Read("b/y.pkl"); err != nil || string(data) != "m/a/b/y.pkl" {
		t.Errorf("read %s, %v; want m/a/b/y.pkl", data, err)
	}
	for _, c := range []struct {
		paths string
		want  string
	}{{"a", "a"}, {"m/a m/b", "a b"}, {"m/a n/b", "m/a n/b"}, {"ma/x mb/y", "ma/x mb/y"}, {"m/a/x m/b", "a/x b"}, {"m/a/x m/ab/y", "a/x ab/y"}, {"x m/a", "m/a x"}} {
		all := fstest.MapFS{}
		for name := range strings.FieldsSeq(c.paths) {
			all[name] = &fstest.MapFile{}
		}
		if s, err := newSelection(all, strings.Fields(c.paths)); err != nil || strings.Join(s.Names(), " ") != c.want {
			t.Errorf("%s: got %v, %v; want %s", c.paths, s.Names(), err, c.want)
		}
	}
	if _, err := newSelection(dir, []string{"m/a/x.pkl", "m/none"}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v, want fs.ErrNotExist", err)
	}
	many := fstest.MapFS{}
	for i := range maxFolder {
		many[fmt.Sprint("m/", i)] = &fstest.MapFile{}
	}
	if f, err := openFolder(many); err != nil || len(f.Names()) != 1000 {
		t.Errorf("1,000 files: %v", err)
	}
	many["m/more"] = &fstest.MapFile{}
	if _, err := openFolder(many); !errors.Is(err, pickle.ErrLimit) || !strings.Contains(err.Error(), "a folder of over 1000 files") {
		t.Errorf("1,001 files: %v, want pickle.ErrLimit", err)
	}
}

// TestTextFiles checks how text and JSON files beside a model are read: as a number, or
// as names.
func TestTextFiles(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		" 0.5\n": "0.5", "a\nb\n": "[a b]", "a, 'b' ,\"c\"\r\n": "[a b c]", "\xef\xbb\xbfa,b": "[a b]", "": "[]", "a,,\n\n": "[a]", "a\x00b": "", strings.Repeat("ab,", 1366): "",
	} {
		entries := textEntries("columns.txt", []byte(text))
		got := ""
		if len(entries) == 1 {
			got = fmt.Sprint(entries[0].Value)
			if l, ok := entries[0].Value.(*pickle.List); ok {
				got = fmt.Sprint(append([]any{}, l.Items...))
			}
		}
		if got != want {
			t.Errorf("%.40q: got %s, want %s", text, got, want)
		}
	}
	for text, want := range map[string]string{
		`["a", 1, null]`: "f.json=[a <nil> <nil>]", "0.5": "f.json=0.5", `{"b": [ "x" ], "a": 2, "c": "y", "d": {}}`: "a=2 b=[x]", "{": "", `"a"`: "", "[" + strings.Repeat(" ", 1<<20-2) + "]": "f.json=[]", "[" + strings.Repeat(" ", 1<<20-1) + "]": "",
	} {
		var got []string
		for _, e := range jsonEntries("f.json", []byte(text)) {
			if l, ok := e.Value.(*pickle.List); ok {
				e.Value = append([]any{}, l.Items...)
			}
			got = append(got, fmt.Sprintf("%v=%v", e.Key, e.Value))
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%.40q: got %s, want %s", text, s, want)
		}
	}
	for name, want := range map[string]bool{"features.json": true, "m/features.json": true, "pump.features.json": true, "myfeatures.json": false, "features.json.bak": false} {
		if IsFeatures(name) != want {
			t.Errorf("IsFeatures(%s) = %v, want %v", name, !want, want)
		}
	}
	for text, want := range map[string]bool{"[1]": true, " \n\xef\xbb\xbf[": true, "{}": false, "": false} {
		if isList([]byte(text)) != want {
			t.Errorf("isList(%q) = %v, want %v", text, !want, want)
		}
	}
}
