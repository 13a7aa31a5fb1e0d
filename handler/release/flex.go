package release

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
)

// States of a deployment on Flex Consumption.
const (
	deploymentFailed    = 3
	deploymentSucceeded = 4
)

// publish sends a package to Flex Consumption, and waits until it is deployed. The platform stores
// it in the app's deployment container, and builds nothing.
func (r *Releaser) publish(ctx context.Context, content []byte) error {
	got, err := r.send(ctx, call{
		method: http.MethodPost, url: r.SCM + "/api/publish?RemoteBuild=false&Deployer=fleetscore", scope: armScope,
		header: map[string]string{"Content-Type": "application/zip"}, body: content, accept: []int{http.StatusOK, http.StatusAccepted},
	})
	if err != nil {
		return err
	}
	var id string
	if err := json.Unmarshal(got.body, &id); err != nil || id == "" {
		return fmt.Errorf("publish the package: the answer %s is no id of a deployment", excerpt(got.body))
	}
	return r.poll(ctx, call{method: http.MethodGet, url: r.SCM + "/api/deployments/" + url.PathEscape(id), scope: armScope}, deployed)
}

// deployed reports whether a deployment has succeeded. While the app restarts, the
// answer may be that there is no such deployment.
func deployed(got reply) (bool, error) {
	var d struct {
		Status     int
		StatusText string `json:"status_text"`
	}
	if got.status != http.StatusOK || json.Unmarshal(got.body, &d) != nil {
		return false, nil
	}
	if d.Status == deploymentFailed || d.Status > deploymentSucceeded || d.Status < 0 {
		return false, fmt.Errorf("the platform could not deploy the package: status %d: %.300s", d.Status, d.StatusText)
	}
	return d.Status == deploymentSucceeded, nil
}
