package static

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// A version is that of a release of the client, as npm writes it.
type version struct {
	text    string
	numbers []int  // of 4.8.4
	pre     string // of 5.0.0-alpha.1, what follows the hyphen; empty: a release
}

// parseVersion reads a version, which may be shorter than npm's: "4.8".
func parseVersion(text string) (version, bool) {
	v := version{text: text}
	numbers, pre, hyphen := strings.Cut(text, "-")
	if hyphen && !isPre(pre) {
		return version{}, false
	}
	v.pre = pre
	for s := range strings.SplitSeq(numbers, ".") {
		n, err := strconv.ParseUint(s, 10, 31)
		if err != nil {
			return version{}, false
		}
		v.numbers = append(v.numbers, int(n))
	}
	return v, true
}

// isPre reports whether s can follow a version's hyphen (Semantic Versioning 2.0.0, 9).
func isPre(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '.', c == '-':
		default:
			return false
		}
	}
	return s != ""
}

// begins reports whether text is v, or its beginning up to a dot.
func (v version) begins(text string) bool {
	rest, ok := strings.CutPrefix(v.text, text)
	return ok && (rest == "" || rest[0] == '.')
}

// compare orders versions by age, all pre-releases before all releases.
func (v version) compare(w version) int {
	if release := v.pre == ""; release != (w.pre == "") {
		if release {
			return 1
		}
		return -1
	}
	return cmp.Or(
		slices.Compare(v.numbers, w.numbers),
		slices.CompareFunc(strings.Split(v.pre, "."), strings.Split(w.pre, "."), compareIdentifiers),
		cmp.Compare(v.text, w.text), // 4.8 and 4.08
	)
}

// compareIdentifiers orders parts of what follows the hyphen (Semantic Versioning 2.0.0,
// 11): numbers by value, and before words.
func compareIdentifiers(a, b string) int {
	m, errM := strconv.ParseUint(a, 10, 63)
	n, errN := strconv.ParseUint(b, 10, 63)
	switch {
	case errM == nil && errN == nil:
		return cmp.Compare(m, n)
	case errM == nil:
		return -1
	case errN == nil:
		return 1
	}
	return strings.Compare(a, b)
}
