package release

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/fleetscore/fleetscore/handler/release/pack"
)

// history is the content of a blob with the packages that were deployed.
type history struct {
	Current  string   `json:"current"`  // the package that runs now
	Packages []string `json:"packages"` // each once, in the order of their first deployment
	etag     string   // of the blob; empty if there is none yet
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

// upload writes the package to the container, unless it is there.
func (r *Releaser) upload(ctx context.Context, p pack.Package) error {
	return r.settle(ctx, func() (bool, error) {
		got, err := r.blob(ctx, http.MethodHead, p.Name(), nil, nil, http.StatusOK, http.StatusNotFound)
		if err != nil {
			return false, err
		}
		if got.status == http.StatusOK {
			r.say("it is uploaded")
			return true, nil
		}
		return r.put(ctx, p.Name(), "application/zip", "", p.Zip)
	})
}

// put writes a blob if its ETag is etag, or, if etag is empty, if there is no such blob. It reports
// whether it did. If an answer is lost, it may return false though the blob was written, as the
// second request finds a new ETag.
func (r *Releaser) put(ctx context.Context, name, contentType, etag string, content []byte) (bool, error) {
	header := map[string]string{"x-ms-blob-type": "BlockBlob", "Content-Type": contentType, "If-None-Match": "*"}
	if etag != "" {
		delete(header, "If-None-Match")
		header["If-Match"] = etag
	}
	got, err := r.blob(ctx, http.MethodPut, name, header, content, http.StatusCreated, http.StatusConflict, http.StatusPreconditionFailed)
	return got.status == http.StatusCreated, err
}

// settle calls do until it returns true. do must read the present state each time, as another
// release may have changed it.
func (r *Releaser) settle(ctx context.Context, do func() (bool, error)) error {
	for waited := time.Duration(0); waited <= patience; waited += pollWait {
		if done, err := do(); done || err != nil {
			return err
		}
		if err := r.Wait(ctx, pollWait); err != nil {
			return err
		}
	}
	return fmt.Errorf("others changed it at the same time; gave up after %v", patience)
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
		return h, fmt.Errorf("read %s: %w: delete it; then only the rollback to earlier packages is lost", r.blobURL(historyBlob), err)
	}
	h.etag = got.header.Get("ETag")
	return h, nil
}

// record stores in the history that a package runs.
func (r *Releaser) record(ctx context.Context, name string) error {
	return r.settle(ctx, func() (bool, error) {
		h, err := r.history(ctx)
		if err != nil || h.Current == name {
			return true, err
		}
		h.Current = name
		if !slices.Contains(h.Packages, name) {
			h.Packages = append(h.Packages, name)
		}
		body, err := json.Marshal(h)
		if err != nil {
			return false, err
		}
		return r.put(ctx, historyBlob, "application/json", h.etag, body)
	})
}

// goBack makes the app run the package that was deployed before the current one.
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
	return r.record(ctx, name)
}
