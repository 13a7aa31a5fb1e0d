// Package version says which version of Fleetscore a program is, and of which
// commit.
package version

import (
	"cmp"
	"runtime/debug"
)

// Version is that of the sources, by semantic versioning. A release raises it.
const Version = "0.1.0"

// commit is set by the release tool: -ldflags "-X …/version.commit=…".
var commit string

// Commit returns the commit that the program was built from, in hexadecimal, with
// "-dirty" behind it where files differed from the commit. It is "unknown" where
// neither the release tool nor go build was told.
func Commit() string {
	return cmp.Or(commit, built(debug.ReadBuildInfo()), "unknown")
}

// built returns the commit that go build stamps where it finds a repository, ""
// if there is none.
func built(info *debug.BuildInfo, ok bool) string {
	if !ok {
		return ""
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	revision := settings["vcs.revision"]
	if revision != "" && settings["vcs.modified"] == "true" {
		revision += "-dirty"
	}
	return revision
}

// String returns version and commit as one line for people.
func String() string { return Version + " (commit " + Commit() + ")" }
