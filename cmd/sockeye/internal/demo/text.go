package demo

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sockeye-io/socketio"
)

// maxName and maxText bound names, of people and rooms, and what is said: in
// characters, as the page does.
const maxName, maxText = 40, 2000

// checkName returns the name of a person or a room, or, for none, the usual one.
func checkName(what, name, usual string) (string, error) {
	// No name may break its line or turn the text beside it around.
	name = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, name))
	if name == "" {
		return usual, nil
	}
	if utf8.RuneCountInString(name) > maxName {
		return "", &socketio.Error{Message: fmt.Sprintf("a %s has at most %d characters", what, maxName)}
	}
	return name, nil
}

func checkText(text string) error {
	if strings.TrimSpace(text) == "" {
		return &socketio.Error{Message: "there is nothing to say"}
	}
	if utf8.RuneCountInString(text) > maxText {
		return &socketio.Error{Message: fmt.Sprintf("a text has at most %d characters", maxText)}
	}
	return nil
}
