package release

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/fleetscore/fleetscore/handler/release/pack"
)

func (r *Releaser) site(rest string) string { return "Microsoft.Web/sites/" + r.App + rest }

// errNoApp is the error of a function app that was not provisioned, or was deleted.
var errNoApp = errors.New("there is no such app: run azd provision")

const packageSetting = "WEBSITE_RUN_FROM_PACKAGE"

// deploy makes the app run p.
func (r *Releaser) deploy(ctx context.Context, p pack.Package) error {
	if err := r.upload(ctx, p); err != nil {
		return err
	}
	h, err := r.history(ctx)
	if err != nil {
		return err
	}
	if err := r.point(ctx, h, p.Name(), p.Zip); err != nil {
		return err
	}
	return r.record(ctx, p.Name())
}

// point makes the app run the package with the name. Content is used on Flex Consumption only. If
// it is nil, point reads it from the container.
func (r *Releaser) point(ctx context.Context, h history, name string, content []byte) (err error) {
	if !r.flex() {
		return r.pointSetting(ctx, name)
	}
	if h.Current == name {
		r.say("it runs already")
		return nil
	}
	if content == nil {
		if content, err = r.download(ctx, name); err != nil {
			return err
		}
	}
	return r.publish(ctx, content)
}

// pointSetting sets WEBSITE_RUN_FROM_PACKAGE, and restarts the app if its value has changed.
func (r *Releaser) pointSetting(ctx context.Context, name string) error {
	settings, err := r.settings(ctx)
	if err != nil {
		return err
	}
	want := r.blobURL(name)
	if settings[packageSetting] == want {
		r.say("it runs already")
		return nil
	}
	settings[packageSetting] = want
	if _, err := r.arm(ctx, http.MethodPut, r.site("/config/appsettings?"), webVersion, map[string]any{"properties": settings}, http.StatusOK); err != nil {
		return err
	}
	// With synchronous=true, the answer comes after the old process has ended.
	_, err = r.arm(ctx, http.MethodPost, r.site("/restart?softRestart=false&synchronous=true&"), webVersion, nil, http.StatusOK, http.StatusNoContent)
	return err
}

func (r *Releaser) settings(ctx context.Context) (map[string]string, error) {
	got, err := r.arm(ctx, http.MethodPost, r.site("/config/appsettings/list?"), webVersion, nil, http.StatusOK, http.StatusNotFound)
	if err != nil {
		return nil, err
	}
	if got.status == http.StatusNotFound {
		return nil, errNoApp
	}
	var list struct{ Properties map[string]string }
	if err := json.Unmarshal(got.body, &list); err != nil || len(list.Properties) == 0 {
		return nil, fmt.Errorf("list the app's settings: no settings in the answer: %v: provision again", err)
	}
	return list.Properties, nil
}

// Running returns the package that the app runs, as container/name. It is "" if it runs none yet.
func (r *Releaser) Running(ctx context.Context) (string, error) {
	settings, err := r.settings(ctx)
	if errors.Is(err, errNoApp) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	at := settings[packageSetting]
	if !strings.HasSuffix(at, ".zip") || path.Base(at) == "none.zip" {
		return "", nil
	}
	return r.Container + "/" + path.Base(at), nil
}

// FunctionKey returns the key for the API.
func (r *Releaser) FunctionKey(ctx context.Context) (string, error) {
	got, err := r.arm(ctx, http.MethodPost, r.site("/host/default/listkeys?"), webVersion, nil, http.StatusOK)
	if err != nil {
		return "", err
	}
	var keys struct{ FunctionKeys map[string]string }
	if err := json.Unmarshal(got.body, &keys); err != nil || keys.FunctionKeys["default"] == "" {
		return "", fmt.Errorf("the app %s has no function key named default: make one in the portal, and give it with --key", r.App)
	}
	return keys.FunctionKeys["default"], nil
}

func (r *Releaser) syncTriggers(ctx context.Context) error {
	_, err := r.arm(ctx, http.MethodPost, r.site("/syncfunctiontriggers?"), webVersion, nil, http.StatusOK, http.StatusNoContent)
	return err
}

// waitUntilItServes waits for the handler's health, and for the host to list
// the functions.
func (r *Releaser) waitUntilItServes(ctx context.Context, functions []string) error {
	health := call{method: http.MethodGet, url: r.URL + "/api/health", accept: []int{http.StatusOK}}
	err := r.poll(ctx, health, func(got reply) (bool, error) { return got.status == http.StatusOK, nil })
	if err != nil {
		return err
	}
	list := call{method: http.MethodGet, scope: armScope,
		url: r.ARM + "/subscriptions/" + r.Subscription + "/resourceGroups/" + r.Group + "/providers/" + r.site("/functions?api-version="+webVersion)}
	return r.poll(ctx, list, func(got reply) (bool, error) {
		missing := slices.DeleteFunc(slices.Clone(functions), func(f string) bool {
			return bytes.Contains(got.body, []byte(`"`+r.App+"/"+f+`"`))
		})
		return got.status == http.StatusOK && len(missing) == 0, nil
	})
}

// poll sends c until done reports true for its answer. While an app starts, any other
// answer may change, even 404.
func (r *Releaser) poll(ctx context.Context, c call, done func(reply) (bool, error)) error {
	var waited time.Duration
	for {
		begun := time.Now()
		got, err := r.attempt(ctx, c)
		if err == nil {
			ok, err := done(got)
			if ok || err != nil {
				return err
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if waited += time.Since(begun) + pollWait; waited > patience {
			return fmt.Errorf("%s %s: not after %v; the last answer: %d %s (%v)", c.method, c.url, patience, got.status, excerpt(got.body), err)
		}
		if err := r.Wait(ctx, pollWait); err != nil {
			return err
		}
	}
}
