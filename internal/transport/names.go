package transport

import "slices"

// IsTransport reports whether a transport is called name.
func IsTransport(name string) bool {
	return slices.ContainsFunc(transports, func(t transport) bool { return t.name == name })
}
