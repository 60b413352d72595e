package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestScenarios: every scenario that was recorded is replayed, or it is said why not.
func TestScenarios(t *testing.T) {
	text, err := os.ReadFile("testdata/transcripts/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(text), "| --- | --- |\n")
	if !ok {
		t.Fatal("README.md has no table")
	}
	listed := map[string]string{}
	for row := range strings.Lines(table) {
		cells := strings.Split(row, "|")
		if len(cells) != 4 {
			t.Errorf("no row: %q", row)
			continue
		}
		name, what := strings.TrimSpace(cells[1]), strings.TrimSpace(cells[2])
		if listed[name] != "" || what == "" {
			t.Errorf("%s is listed twice, or nothing is said of it", name)
		}
		listed[name] = what
	}
	files, _ := filepath.Glob("testdata/transcripts/*.txt")
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		if listed[name] != "replayed" {
			t.Errorf("%s is replayed, and README.md says %q", name, listed[name])
		}
		delete(listed, name)
	}
	for name, what := range listed {
		if what == "replayed" {
			t.Errorf("%s is said to be replayed, and there is no such file", name)
		}
	}
}
