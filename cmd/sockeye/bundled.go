//go:build clients

package main

import (
	"embed"
	"io/fs"
)

// "make clients" puts npm's official clients there, "make build" puts them in here.
//
//go:embed all:clients/dist
var dist embed.FS

// bundled returns the official clients that were built in.
func bundled() fs.FS {
	files, err := fs.Sub(dist, "clients/dist")
	if err != nil {
		panic(err) // the name is wrong
	}
	return files
}
