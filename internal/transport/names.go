package transport

import (
	"slices"

	"github.com/sockeye-io/socketio/internal/generation"
)

// IsTransport reports whether a transport is called name.
func IsTransport(name string) bool {
	return slices.ContainsFunc(transports, func(t transport) bool { return t.name == name })
}

// Carries reports whether any of the named transports carries sessions of g. Nil: all
// that there are.
func Carries(names []string, g *generation.Generation) bool {
	return slices.ContainsFunc(enabled(names), func(t transport) bool { return t.link == linkOf(g) })
}

// linkOf returns the link that sessions of g speak.
func linkOf(g *generation.Generation) *link {
	if g.Rules.PathHandshake {
		return &revision1
	}
	return &engineIO
}
