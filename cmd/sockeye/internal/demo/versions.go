package demo

import (
	"cmp"
	"io/fs"
	"slices"
	"strconv"
	"strings"
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
	slices.SortFunc(found, compareVersions)
	return found
}

// compareVersions compares as semantic versions are, part by part: numbers by their
// value, and a release after its candidates.
func compareVersions(a, b string) int {
	a, preA, _ := strings.Cut(a, "-")
	b, preB, _ := strings.Cut(b, "-")
	if c := compareParts(a, b); c != 0 {
		return c
	}
	if preA == "" || preB == "" {
		return cmp.Compare(len(preB), len(preA)) // nothing is more than something
	}
	return compareParts(preA, preB)
}

func compareParts(a, b string) int {
	return slices.CompareFunc(strings.Split(a, "."), strings.Split(b, "."), func(a, b string) int {
		m, errA := strconv.Atoi(a)
		n, errB := strconv.Atoi(b)
		if errA == nil && errB == nil {
			return cmp.Compare(m, n)
		}
		return cmp.Compare(a, b)
	})
}
