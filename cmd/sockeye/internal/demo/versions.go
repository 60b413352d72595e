package demo

import (
	"io/fs"
	"slices"

	"golang.org/x/mod/semver"
)

// versions returns the versions of the client that there are: the directories that
// hold a socket.io.js, the newest last. It never returns nil.
func versions(clients fs.FS) []string {
	found := []string{}
	if clients == nil {
		return found
	}
	entries, _ := fs.ReadDir(clients, ".") // what cannot be read is not there
	for _, e := range entries {
		if info, err := fs.Stat(clients, e.Name()+"/socket.io.js"); err == nil && info.Mode().IsRegular() {
			found = append(found, e.Name())
		}
	}
	slices.SortFunc(found, func(a, b string) int { return semver.Compare("v"+a, "v"+b) })
	return found
}
