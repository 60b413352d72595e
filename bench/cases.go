package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sockeye-io/socketio/bench/load"
)

// A benchCase is a case of the load with what is expected of Sockeye.
type benchCase struct {
	load.Case
	// goal is the highest ratio to the floor, for latency that of the 99th
	// percentiles, or for memory the most bytes for one client, that is aimed
	// at; goalOf is the case it was set for, if
	// another.
	goal   float64
	goalOf string
	// floorOps is by how much the floor's figure is divided, if not by 1. An
	// echo by polling takes two HTTP requests; the floor there is one.
	floorOps float64
}

// measure is the unit of a case's values.
func (c benchCase) measure() string {
	if c.Memory {
		return "bytes"
	}
	return "µs"
}

// tolerance is how far above the goal a median may be and not count as missed:
// the figures move by some percent from one run to the next.
const tolerance = 1.2

// goals are by case; one that has none here takes that of the case it repeats.
var goals = map[string]float64{
	"echo":         0.9,
	"echo16":       0.15,
	"object":       0.9,
	"ack":          0.9,
	"broadcast4":   0.4,
	"broadcast1":   0.7,
	"rooms":        0.75,
	"churn":        1.0,
	"polling":      2.0,
	"latency":      1.0,
	"latency-busy": 1.0,
	"idle":         1500,
	"rev1":         0.9,
}

func allCases() []benchCase {
	var all []benchCase
	for _, c := range load.Cases {
		b := benchCase{Case: c, goal: goals[c.Name], floorOps: 1}
		if b.goal == 0 {
			b.goal, b.goalOf = goals[c.As], c.As
		}
		if c.Name == "polling" || c.As == "polling" {
			b.floorOps = 2
		}
		all = append(all, b)
	}
	return all
}

// choose picks cases by name.
func choose(names string) ([]benchCase, error) {
	all := allCases()
	if names == "all" {
		return all, nil
	}
	var chosen []benchCase
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(all, func(c benchCase) bool { return c.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("no case %q; see -cases list", name)
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

// runs reports whether a server can run a case: Node's servers know one
// generation each, and the peers what their libraries are for.
func (s server) runs(c benchCase) bool {
	switch s.name {
	case "node":
		return c.Revision == 5
	case "node09":
		return c.Revision == 1
	case "nbio", "nbio-http", "gnet":
		return c.Revision == 5 && c.Name != "polling"
	}
	return true
}
