package e2e

import (
	"fmt"
	"testing"

	"github.com/sockeye-io/socketio/e2e/browser"
)

// TestPageRevision1: the clients before 0.9 talk to today's over every transport that
// they offer, one after the other; TestPageTransports does this with 0.9.17.
func TestPageRevision1(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for _, version := range []string{"0.7.11", "0.8.7"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			_, panes := scene(t, s, version, version, "4.8.4:websocket")
			ann, bob := panes[0], panes[1]
			offers := offered[0].transports
			if got := ann.Transports(); fmt.Sprint(got) != fmt.Sprint(offers) {
				t.Fatalf("%s offers %q, want %q", version, got, offers)
			}
			for _, transport := range offers {
				ann.UseTransport(transport)
				for _, p := range panes {
					p.AwaitPeople("Ann", "Bob")
					browser.EvalIn[any](p, `$("#clear").click()`)
				}
				talk(t, ann, bob, "over "+transport)
				inItsGrammar(t, ann, `5:::{"name":"said"`, `5:`)
			}
		})
	}
}
