package static

import (
	"cmp"
	"strings"

	"golang.org/x/mod/semver"
)

// A version is that of a release of the client, as npm writes it, or shorter: "4.8.4",
// "4.8", "5.0.0-alpha.1".
type version string

// parseVersion reads a version. One with a plus has no name here: what follows that
// are transports.
func parseVersion(text string) (version, bool) {
	v := version(text)
	return v, semver.IsValid(v.semver()) && !strings.Contains(text, "+")
}

// semver returns v as Go's modules write it.
func (v version) semver() string { return "v" + string(v) }

// begins reports whether text is v, or its beginning up to a dot.
func (v version) begins(text string) bool {
	rest, ok := strings.CutPrefix(string(v), text)
	return ok && (rest == "" || rest[0] == '.')
}

// compare orders versions by age, all pre-releases before all releases.
func (v version) compare(w version) int {
	if release := semver.Prerelease(v.semver()) == ""; release != (semver.Prerelease(w.semver()) == "") {
		if release {
			return 1
		}
		return -1
	}
	return cmp.Or(
		semver.Compare(v.semver(), w.semver()),
		cmp.Compare(v, w), // 1.0 and 1.0.0
	)
}
