package release

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/fleetscore/fleetscore/handler/release/pack"
)

// history is the blob that says what ran: the packages in their order, each
// once, and the one that runs now.
type history struct {
	Current  string   `json:"current"`
	Packages []string `json:"packages"`
	etag     string   // empty if there is no such blob yet
}

const historyBlob = "history.json"

func (r *Releaser) blobURL(name string) string { return r.Blobs + r.Container + "/" + name }

func (r *Releaser) blob(ctx context.Context, method, name string, header map[string]string, body []byte, accept ...int) (reply, error) {
	c := call{method: method, url: r.blobURL(name), scope: blobScope, body: body, accept: accept, header: map[string]string{"x-ms-version": blobVersion}}
	for k, v := range header {
		c.header[k] = v
	}
	return r.send(ctx, c)
}

// upload puts the package into the container unless it is there.
func (r *Releaser) upload(ctx context.Context, p pack.Package) error {
	got, err := r.blob(ctx, http.MethodHead, p.Name(), nil, nil, http.StatusOK, http.StatusNotFound)
	if err != nil {
		return err
	}
	if got.status == http.StatusOK {
		r.say("it is uploaded already")
		return nil
	}
	// Conflict: somebody else has put it there, and its name is its content.
	_, err = r.blob(ctx, http.MethodPut, p.Name(), map[string]string{
		"x-ms-blob-type": "BlockBlob", "Content-Type": "application/zip", "If-None-Match": "*",
	}, p.Zip, http.StatusCreated, http.StatusConflict, http.StatusPreconditionFailed)
	return err
}

func (r *Releaser) download(ctx context.Context, name string) ([]byte, error) {
	got, err := r.blob(ctx, http.MethodGet, name, nil, nil, http.StatusOK)
	if err != nil {
		return nil, err
	}
	if (pack.Package{Zip: got.body}).Name() != name {
		return nil, fmt.Errorf("download %s: its content is not what its name says", name)
	}
	return got.body, nil
}

func (r *Releaser) history(ctx context.Context) (history, error) {
	got, err := r.blob(ctx, http.MethodGet, historyBlob, nil, nil, http.StatusOK, http.StatusNotFound)
	if err != nil || got.status == http.StatusNotFound {
		return history{}, err
	}
	var h history
	if err := json.Unmarshal(got.body, &h); err != nil {
		return h, fmt.Errorf("read %s: %w: delete it, and nothing but the way back is lost", r.blobURL(historyBlob), err)
	}
	h.etag = got.header.Get("ETag")
	return h, nil
}

// note writes down that the package runs.
func (r *Releaser) note(ctx context.Context, h history, name string) error {
	if h.Current == name {
		return nil
	}
	h.Current = name
	if !slices.Contains(h.Packages, name) {
		h.Packages = append(slices.Clone(h.Packages), name)
	}
	body, err := json.Marshal(h)
	if err != nil {
		return err
	}
	header := map[string]string{"x-ms-blob-type": "BlockBlob", "Content-Type": "application/json", "If-Match": h.etag}
	if h.etag == "" {
		header = map[string]string{"x-ms-blob-type": "BlockBlob", "Content-Type": "application/json", "If-None-Match": "*"}
	}
	_, err = r.blob(ctx, http.MethodPut, historyBlob, header, body, http.StatusCreated)
	return err
}

// goBack makes the app run the package before the current one.
func (r *Releaser) goBack(ctx context.Context) error {
	h, err := r.history(ctx)
	if err != nil {
		return err
	}
	i := slices.Index(h.Packages, h.Current)
	if i < 1 {
		return errors.New("no package ran before this one")
	}
	name := h.Packages[i-1]
	r.say("%s", name)
	if err := r.point(ctx, h, name, nil); err != nil {
		return err
	}
	return r.note(ctx, h, name)
}
