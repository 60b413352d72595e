package main

import (
	"testing"

	"github.com/sockeye-io/socketio/examples/internal/visit"
)

func Test(t *testing.T) { visit.Test(t, run) }

// TestCompress: answers to polls go through Compress, and arrive at once.
func TestCompress(t *testing.T) {
	base, _ := visit.Start(t, run)
	for _, mode := range visit.Modes {
		if mode.Polls() {
			c := visit.Dial(t, mode, base, "")
			if got := c.Ask("say", `"hello"`); got != "[0]" {
				t.Errorf("%s: answered %s", mode.Name, got)
			}
			if !c.Compressed() {
				t.Errorf("%s: answers are not compressed", mode.Name)
			}
			c.Leave()
			c.End()
		}
	}
}
