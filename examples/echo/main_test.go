package main

import (
	"testing"

	"github.com/sockeye-io/socketio/examples/internal/visit"
)

func Test(t *testing.T) { visit.Test(t, run) }
