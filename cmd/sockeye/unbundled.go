//go:build !clients

package main

import "io/fs"

// bundled returns the official clients that were built in: none, see bundled.go.
func bundled() fs.FS { return nil }
