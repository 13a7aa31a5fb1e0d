// Package release brings a package to Azure: it makes the database ready,
// uploads the package, points the function app at it and waits until it serves.
//
// Each step looks at what is there first, so a release may be repeated after
// any failure, and one of what runs already changes nothing. Right after the
// resources were made, roles and firewall rules need minutes to take effect:
// refusals are tried again until patience ends.
package release
