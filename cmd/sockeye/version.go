package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// A versionCmd is "sockeye version".
type versionCmd struct{}

// Run says it.
func (versionCmd) Run() error {
	_, err := fmt.Println(version())
	return err
}

// version returns three lines: the version, the commit, and Go's version. Programs that
// were not built in a checkout (go run, go install) know no commit.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	settings := map[string]string{"vcs.revision": "unknown"}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	commit := settings["vcs.revision"]
	if when := settings["vcs.time"]; when != "" {
		commit += " of " + when
	}
	if settings["vcs.modified"] == "true" {
		commit += ", changed"
	}
	return fmt.Sprintf("sockeye %s\ncommit %s\n%s %s/%s",
		shortVersion(), commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// shortVersion returns the module's version alone.
func shortVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
