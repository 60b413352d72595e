//go:build race

package storm

// raceEnabled: no more than 8,128 goroutines may live at once, and all is slower.
const raceEnabled = true
