package socketio_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/sockeye-io/socketio"
	"github.com/sockeye-io/socketio/adapter"
)

// badBus is a bus that nobody can join.
type badBus struct{}

func (badBus) Join(context.Context, adapter.Node) (adapter.Member, error) {
	return nil, errors.New("no route to bus")
}

func TestNewServerPanics(t *testing.T) {
	for want, o := range map[string]*socketio.Options{
		"MaxDepth is more than 128": {MaxDepth: 1000},
		"no route to bus":           {Bus: badBus{}},
	} {
		func() {
			defer func() {
				if err, ok := recover().(error); !ok || !strings.Contains(err.Error(), want) {
					t.Errorf("panic %v, want %s", err, want)
				}
			}()
			socketio.NewServer(o)
		}()
	}
}

// TestSwitchedOff: generations and transports that are not served are refused, and the
// others work.
func TestSwitchedOff(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		other := map[bool]string{false: "revision 1", true: "revision 5"}[m.rev1]
		if _, err := serve(t, &socketio.Options{Generations: []string{other}}).tryDial(m); err == nil {
			t.Error("the other generation is served")
		}
		serve(t, &socketio.Options{Generations: []string{m.generation()}}).connect(m)
		first, later := m.transports()
		serve(t, &socketio.Options{Transports: []string{first, later}}).connect(m)
		others := slices.DeleteFunc(slices.Clone(everyTransport), func(name string) bool { return name == first })
		c, err := serve(t, &socketio.Options{Transports: others}).tryDial(m)
		if err == nil { // the handshake of one that polls
			if got := c.next(); got.kind != "end" {
				t.Errorf("%s is served: %v", first, got)
			}
		}
	})
}

// TestOptionsAreCopied: changing them later changes nothing.
func TestOptionsAreCopied(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		o := &socketio.Options{Origins: []string{"https://a.example"}, Generations: []string{m.generation()}}
		s := serve(t, o)
		o.Origins[0], o.MaxPayload, o.Generations[0] = "https://b.example", 1, "x"
		s.connect(m, withHeader("Origin", "https://a.example"))
	})
}
