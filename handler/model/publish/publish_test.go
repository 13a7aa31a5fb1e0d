package publish

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/blob/blobtest"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/simulate"
)

// one and two are models.
var one, two = simulate.Kinds[0].Model(), simulate.Kinds[1].Model()

// dirOf returns a folder of files.
func dirOf(files map[string][]byte) fstest.MapFS {
	dir := make(fstest.MapFS)
	for name, data := range files {
		dir[name] = &fstest.MapFile{Data: data}
	}
	return dir
}

// publish publishes files, and returns the plan as text.
func publish(t *testing.T, blobs blob.Store, files map[string][]byte) string {
	t.Helper()
	dir := dirOf(files)
	found, _, err := Find(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	var done atomic.Int32
	steps, err := Plan(t.Context(), blobs, dir, found, func() { done.Add(1) })
	if err != nil {
		t.Fatal(err)
	}
	if err := Apply(t.Context(), blobs, dir, steps, func() { done.Add(1) }); err != nil {
		t.Fatal(err)
	}
	if int(done.Load()) != len(found)+len(steps) {
		t.Errorf("done was called %d times, want once for each of %d files and %d steps", done.Load(), len(found), len(steps))
	}
	var lines []string
	for _, s := range steps {
		lines = append(lines, fmt.Sprint(s.Change, " ", s.Blob))
	}
	return strings.Join(lines, ", ")
}

// content returns which of the models a blob is.
func content(t *testing.T, blobs blob.Store, name string) string {
	t.Helper()
	data, _, err := blobs.Read(t.Context(), blob.Models, name, "", MaxSize)
	switch {
	case errors.Is(err, blob.ErrNotFound):
		return "none"
	case err != nil:
		t.Fatal(err)
	case bytes.Equal(data, one):
		return "one"
	case bytes.Equal(data, two):
		return "two"
	}
	return "other"
}

// TestPublishAndRollback publishes models several times, and rolls back.
func TestPublishAndRollback(t *testing.T) {
	t.Parallel()
	blobs, ctx := new(blob.Memory), t.Context()
	id := fleet.Place{Scope: fleet.OfDevice, Device: "a", Title: "1"}
	if _, err := Rollback(ctx, blobs, id); !errors.Is(err, fleet.ErrNotFound) {
		t.Errorf("rollback of nothing: got %v, want fleet.ErrNotFound", err)
	}
	for _, tc := range []struct {
		files       map[string][]byte
		plan        string
		now, before string
	}{
		{map[string][]byte{"a/1.pkl": one, "default.joblib": two}, "new default.joblib, new a/1.pkl", "one", "none"},
		{map[string][]byte{"a/1.pkl": one, "b/1": two}, "same a/1.pkl, new b/1.pkl", "one", "none"},
		{map[string][]byte{"a/1.pkl": []byte("junk")}, "bad a/1.pkl", "one", "none"},
		{map[string][]byte{"model_a_1.joblib": two}, "changed a/1.pkl", "two", "one"},
		{map[string][]byte{"a/1": two}, "same a/1.pkl", "two", "one"},
	} {
		if got := publish(t, blobs, tc.files); got != tc.plan {
			t.Errorf("got plan %q, want %q", got, tc.plan)
		}
		if now, before := content(t, blobs, "a/1.pkl"), content(t, blobs, "a/1@previous"); now != tc.now || before != tc.before {
			t.Errorf("after %s: the model is %s and the previous one %s; want %s and %s", tc.plan, now, before, tc.now, tc.before)
		}
	}
	for range 2 {
		if name, err := Rollback(ctx, blobs, id); err != nil || name != "a/1.pkl" {
			t.Fatalf("rollback: got %s, %v", name, err)
		}
	}
	if now, before := content(t, blobs, "a/1.pkl"), content(t, blobs, "a/1@previous"); now != "two" || before != "one" {
		t.Errorf("after two rollbacks: the model is %s and the previous one %s; want two and one", now, before)
	}
}

// TestBadSaysWhy checks that a file which cannot be published has an error.
func TestBadSaysWhy(t *testing.T) {
	t.Parallel()
	blobs := new(blob.Memory)
	for _, name := range []string{"a/1", "a/1.pkl"} {
		blobtest.Put(t, blobs, blob.Models, name, string(one))
	}
	dir := dirOf(map[string][]byte{"a/1": one, "a/2": []byte("import os"), "a/3": nil})
	files, _, _ := Find(dir, "")
	steps, err := Plan(t.Context(), blobs, dir, files, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"more than one model for a/1", "", ""} {
		if steps[i].Change != Bad || steps[i].Err == nil || !strings.Contains(steps[i].Err.Error(), want) {
			t.Errorf("%v: got %s, %v; want bad, %s", files[i], steps[i].Change, steps[i].Err, want)
		}
	}
	if _, err := Rollback(t.Context(), blobs, files[0].Place); !errors.Is(err, fleet.ErrBadModel) {
		t.Errorf("rollback of a sensor with two models: got %v, want fleet.ErrBadModel", err)
	}
}

// TestPublishComparesWithWhatOthersWrote checks that a blob without a noted sha256, which another
// tool uploaded, is read and compared.
func TestPublishComparesWithWhatOthersWrote(t *testing.T) {
	t.Parallel()
	blobs := withoutSums{new(blob.Memory)}
	publish(t, blobs, map[string][]byte{"a/1.pkl": one})
	if got := publish(t, blobs, map[string][]byte{"a/1.pkl": one}); got != "same a/1.pkl" {
		t.Errorf("publishing the same again: got %s", got)
	}
}

// withoutSums is a store whose Stat gives no sha256.
type withoutSums struct{ *blob.Memory }

func (s withoutSums) Stat(ctx context.Context, container, name string) (blob.Info, error) {
	info, err := s.Memory.Stat(ctx, container, name)
	info.SHA256 = ""
	return info, err
}

// TestList checks which blobs are models, of what, and which of these have a previous version.
func TestList(t *testing.T) {
	t.Parallel()
	blobs := new(blob.Memory)
	for _, name := range []string{"default.pkl", "model_1_2", "1/3.joblib", "1/3@previous", "1/4", "1/4.pkl", "README.md", "model_1_2_3", "x/y/z", "_fleet/h.zip", "_fleet/h@previous", "devices.csv", "devices.csv@previous"} {
		blobtest.Put(t, blobs, blob.Models, name, "")
	}
	published, err := List(t.Context(), blobs)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range published {
		got = append(got, fmt.Sprintf("%s %s %v", Title(p.Place), p.Names, p.Previous))
	}
	slices.Sort(got)
	want := []string{"1/2 [model_1_2] false", "1/3 [1/3.joblib] true", "1/4 [1/4 1/4.pkl] false", "_fleet/h [_fleet/h.zip] true", "default [default.pkl] false", "devices.csv [devices.csv] true"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

// byHand is a store whose List gives no sha256, as for files that other tools uploaded.
type byHand struct{ blob.Memory }

func (b *byHand) List(ctx context.Context, container, prefix string) iter.Seq2[blob.Info, error] {
	return func(yield func(blob.Info, error) bool) {
		for info, err := range b.Memory.List(ctx, container, prefix) {
			info.SHA256 = ""
			if !yield(info, err) {
				return
			}
		}
	}
}

// TestListShared checks that notes beside models are not listed.
func TestListShared(t *testing.T) {
	t.Parallel()
	var blobs byHand
	for name, content := range map[string]string{
		"a/pump.pkl": string(one), "a/pump.json": `{"f1": 0.9}`, "a/readme.txt": "words",
		"a/fan.json": `{"learner":{}}`, // damaged, but a model
	} {
		blobtest.Put(t, &blobs, blob.Models, name, content)
	}
	published, err := List(t.Context(), &blobs)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range published {
		names = append(names, p.Names...)
	}
	slices.Sort(names)
	if !slices.Equal(names, []string{"a/fan.json", "a/pump.pkl"}) {
		t.Errorf("got %v, want a/fan.json and a/pump.pkl", names)
	}
	if got := publish(t, &blobs, map[string][]byte{"a/pump.pkl": two}); got != "changed a/pump.pkl" {
		t.Errorf("publishing: got %s, want changed a/pump.pkl", got)
	}
}
