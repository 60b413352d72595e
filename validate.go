package socketio

import (
	"errors"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sockeye-io/socketio/internal/generation"
	"github.com/sockeye-io/socketio/internal/transport"
)

// An OptionError says what is wrong with one of the Options.
type OptionError struct {
	// Option is the name of the field, such as "PingInterval" or
	// "Revision1.CloseTimeout".
	Option string
	// Reason goes on after the name, such as "cannot be off".
	Reason string

	between string // Option and Reason; empty: ": "
}

// Error names the option and the reason.
func (e *OptionError) Error() string {
	between := e.between
	if between == "" {
		between = ": "
	}
	return "socketio: Options." + e.Option + between + e.Reason
}

// Validate reports everything that contradicts itself: an *OptionError for each wrong
// option, joined by errors.Join. NewServer panics with the same.
func (o *Options) Validate() error {
	if o == nil {
		return nil
	}
	v := validation{Options: o.withDefaults()}
	v.durations()
	v.numbers()
	v.revision1()
	v.names()
	v.network()
	return errors.Join(v.errs...)
}

// A validation collects what is wrong with options that have their defaults.
type validation struct {
	*Options
	errs []error
}

// is adds a reason that is the rest of a sentence.
func (v *validation) is(option, format string, args ...any) {
	v.errs = append(v.errs, &OptionError{option, fmt.Sprintf(format, args...), " "})
}

// has adds a reason that is a sentence of its own.
func (v *validation) has(option, format string, args ...any) {
	v.errs = append(v.errs, &OptionError{option, fmt.Sprintf(format, args...), ""})
}

// maxTimer is how long clients can wait: the timers of browsers count milliseconds in
// 32 bits, and one that is longer is over at once.
const maxTimer = math.MaxInt32 * time.Millisecond

func (v *validation) durations() {
	r := &v.Revision1
	for _, d := range [...]struct {
		option string
		is     time.Duration
		told   bool // to clients
	}{
		{"PingInterval", v.PingInterval, true},
		{"PingTimeout", v.PingTimeout, true},
		{"UpgradeTimeout", v.UpgradeTimeout, false},
		{"Revision1.HeartbeatInterval", r.HeartbeatInterval, false},
		{"Revision1.HeartbeatTimeout", r.HeartbeatTimeout, true},
		{"Revision1.CloseTimeout", r.CloseTimeout, true},
		{"Revision1.PollingDuration", r.PollingDuration, false},
	} {
		switch {
		case d.is < 0:
			v.is(d.option, "cannot be off")
		case d.told && d.is > maxTimer:
			v.is(d.option, "is more than clients can wait (%v)", maxTimer)
		}
	}
	// Clients wait for both together.
	if i, t := v.PingInterval, v.PingTimeout; i > 0 && t > 0 && i <= maxTimer && t <= maxTimer && i+t > maxTimer {
		v.is("PingInterval", "and PingTimeout are together more than clients can wait (%v)", maxTimer)
	}
}

func (v *validation) numbers() {
	for _, n := range [...]struct {
		option string
		is     int
	}{
		{"MaxPayload", v.MaxPayload}, {"MaxInboxEvents", v.MaxInboxEvents}, {"MaxInboxBytes", v.MaxInboxBytes},
	} {
		if n.is < 0 {
			v.is(n.option, "cannot be off")
		}
	}
	if v.MaxDepth > 128 {
		v.is("MaxDepth", "is more than 128")
	}
	if math.IsNaN(v.HandshakesPerSecond) {
		v.is("HandshakesPerSecond", "is not a number")
	}
}

// revision1 checks "what must hold, else healthy clients fall off" (revision-1.md §7.1).
func (v *validation) revision1() {
	r := &v.Revision1
	shorter := func(name string, is time.Duration, than string, bound time.Duration) {
		if is >= bound && bound >= 0 {
			v.errs = append(v.errs, &OptionError{
				Option:  "Revision1." + name,
				Reason:  fmt.Sprintf("must be shorter than %s (%v)", than, bound),
				between: fmt.Sprintf(" (%v) ", is),
			})
		}
	}
	shorter("HeartbeatInterval", r.HeartbeatInterval, "HeartbeatTimeout", r.HeartbeatTimeout)
	shorter("HeartbeatInterval", r.HeartbeatInterval, "CloseTimeout", r.CloseTimeout)
	shorter("PollingDuration", r.PollingDuration, "CloseTimeout", r.CloseTimeout)
}

func (v *validation) names() {
	if e, ok := transport.Engine(v.Engine); !ok {
		v.has("Engine", "no engine is called %q", v.Engine)
	} else if !e.Available() {
		v.has("Engine", "%q is for Linux", v.Engine)
	}
	for _, name := range v.Generations {
		if generation.ByName(name) == nil {
			v.has("Generations", "no generation is called %q", name)
		}
	}
	if v.Generations != nil && len(v.Generations) == 0 {
		v.has("Generations", "none is left")
	}
	known := true
	for _, name := range v.Transports {
		if !transport.IsTransport(name) {
			known = false
			v.has("Transports", "no transport is called %q", name)
		}
	}
	switch served := v.generations(); {
	case v.Transports != nil && len(v.Transports) == 0:
		v.has("Transports", "none is left")
	case known && len(served) > 0 && !slices.ContainsFunc(served, v.carried):
		v.has("Transports", "none of them is one of the generations' that are served")
	}
}

// carried reports whether a transport is enabled that g can use.
func (v *validation) carried(g *generation.Generation) bool {
	return transport.Carries(v.Transports, g)
}

func (v *validation) network() {
	for _, origin := range v.Origins {
		if err := checkOrigin(origin); err != nil {
			v.has("Origins", "%v", err)
		}
	}
	for i, prefix := range v.TrustedProxies {
		if !prefix.IsValid() {
			v.has("TrustedProxies", "number %d is no prefix", i)
		}
	}
	if _, err := v.clientFiles(); err != nil {
		v.errs = append(v.errs, err)
	}
	if len(v.NodeID) > transport.MaxOwner {
		v.is("NodeID", "has more than %d bytes", transport.MaxOwner)
	}
}

// checkOrigin says why origin is not the Origin header of any page.
func checkOrigin(origin string) error {
	if origin == "*" {
		return nil
	}
	u, err := url.Parse(origin)
	if err != nil || u.Scheme == "" || u.Host == "" || u.Scheme+"://"+u.Host != origin {
		return fmt.Errorf("%q is not of the form scheme://host[:port]", origin)
	}
	// Origins are compared whole, with what browsers write (HTML, "ASCII serialization
	// of an origin").
	if written := strings.TrimSuffix(strings.ToLower(origin), defaultPorts[u.Scheme]); written != origin {
		return fmt.Errorf("browsers write %q as %q", origin, written)
	}
	return nil
}

// defaultPorts are those that browsers leave out.
var defaultPorts = map[string]string{"http": ":80", "https": ":443"}
