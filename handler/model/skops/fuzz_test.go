package skops_test

import (
	"testing"

	"github.com/fleetscore/fleetscore/handler/goldenfile"
	"github.com/fleetscore/fleetscore/handler/measure"
	"github.com/fleetscore/fleetscore/handler/model/archive"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
	"github.com/fleetscore/fleetscore/handler/model/skops"
)

// FuzzRead checks that no schema, beside an array and bytes, makes the reader panic, take a
// second of CPU time or allocate beyond its budget. Read again, it gives the same value. If
// no class is allowed there is no object of a class in it.
func FuzzRead(f *testing.F) {
	for _, g := range goldenfile.ReadAll[golden](f, "testdata/values-*.json.gz", 3) {
		for _, v := range g.Values {
			a, err := archive.Open(v.File)
			if err != nil {
				f.Fatal(err)
			}
			schema, err := a.Read(skops.Schema)
			if err != nil {
				f.Fatal(err)
			}
			var other []byte
			for _, name := range a.Names() {
				if name != skops.Schema {
					other, _ = a.Read(name)
				}
			}
			f.Add(string(schema), "1.npy", string(other))
		}
	}
	f.Fuzz(func(t *testing.T, schema, name, content string) {
		if name == skops.Schema || len(schema)+len(content) > 1<<20 {
			return
		}
		data, err := archive.Write(map[string][]byte{skops.Schema: []byte(schema), name: []byte(content)})
		if err != nil {
			return
		}
		var v any
		size := len(schema) + len(content)
		// The schema is kept as values, which take some of the budget, and as their JSON.
		measure.Bounded(t, 32*size+8<<20, func() { v, _, err = read(data, skops.Options{Allow: all}) })
		again, _, err2 := read(data, skops.Options{Allow: all})
		if (err == nil) != (err2 == nil) || err == nil && text(v) != text(again) {
			t.Fatalf("read again: %v, %v; before: %v, %v", again, err2, v, err)
		}
		if v, _, err := read(data, skops.Options{}); err == nil {
			holdNoObject(t, v)
		}
	})
}

// holdNoObject checks that there is no object in v but those of the format itself.
func holdNoObject(t *testing.T, v any) {
	switch v := v.(type) {
	case *pickle.Object:
		if v.Class.Module != "builtins" && v.Class.Module != "numpy" {
			t.Errorf("an object of %v, which is not allowed", v.Class)
		}
	case *pickle.List:
		for _, item := range v.Items {
			holdNoObject(t, item)
		}
	case *pickle.Tuple:
		for _, item := range v.Items {
			holdNoObject(t, item)
		}
	case *pickle.Dict:
		for _, e := range v.Entries {
			holdNoObject(t, e.Value)
		}
	}
}
