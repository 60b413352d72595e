package socketio

import (
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/sockeye-io/socketio/internal/generation"
	"github.com/sockeye-io/socketio/internal/hub"
	"github.com/sockeye-io/socketio/internal/parser"
	"github.com/sockeye-io/socketio/internal/session"
	"github.com/sockeye-io/socketio/internal/static"
	"github.com/sockeye-io/socketio/internal/transport"
)

// unopenedRevision1 is how long a revision 1 session waits for its transport: a
// client tries the next one 10 s after the last failed, on the same session
// (revision-1.md §4.6).
const unopenedRevision1 = 60 * time.Second

// clientFiles returns what Client and ClientDefault say. Its error is an *OptionError.
func (o *Options) clientFiles() (*static.Files, error) {
	if o.Client == nil {
		if o.ClientDefault != "" {
			return nil, &OptionError{Option: "ClientDefault", Reason: "there is no Client"}
		}
		return nil, nil
	}
	files, err := static.New(o.Client)
	if err != nil {
		return nil, &OptionError{Option: "Client", Reason: err.Error()}
	}
	if err := files.SetDefault(o.ClientDefault); err != nil {
		return nil, &OptionError{Option: "ClientDefault", Reason: err.Error()}
	}
	return files, nil
}

// transport is o in the transport's words, with the client's files. o has its defaults.
func (o *Options) transport(h *hub.Hub, files *static.Files) *transport.Config {
	c := &transport.Config{
		Transports:     o.Transports,
		Hixie75:        o.Revision1.Hixie75,
		MatchOrigin:    o.Revision1.MatchOriginProtocol,
		Origins:        o.Origins,
		TrustedProxies: o.TrustedProxies,
		Static:         files,
		MaxFields:      orNone(o.MaxHeaderFields),
		MaxUnopened:    o.MaxUnopened,
		HandshakeRate:  o.HandshakesPerSecond,
		HandshakeBurst: orNone(o.HandshakeBurst),
		BodyTimeout:    o.BodyTimeout,
		Owner:          o.NodeID,
		Secret:         o.Secret,
		Logger:         o.Logger,
	}
	c.Engine, _ = transport.Engine(o.Engine)
	if o.BodyTimeout < 0 {
		c.BodyTimeout = 1 << 62 // a century
	}
	for _, g := range o.generations() {
		c.Sessions = append(c.Sessions, o.session(o.switched(g), h))
	}
	if o.Authorize != nil {
		c.Admit = func(ctx context.Context, p *transport.Peer) error {
			err := o.Authorize(ctx, newHandshake(p))
			if refused := (*Error)(nil); errors.As(err, &refused) {
				return &transport.Refusal{Text: refused.Message}
			}
			return err
		}
	}
	return c
}

// switched returns g as the switches of Revision1 want it.
func (o *Options) switched(g *generation.Generation) *generation.Generation {
	if !g.Rules.PathHandshake {
		return g
	}
	other := *g
	if o.Revision1.RefuseBinary && g.Strict != nil {
		other.Codec = g.Strict
	}
	other.Rules.IgnoresUnknown = o.Revision1.IgnoreUnknownNamespaces
	return &other
}

// orNone returns n, or for a limit that is off one that nothing reaches.
func orNone(n int) int {
	if n < 0 {
		return math.MaxInt
	}
	return n
}

// generations returns those that are served.
func (o *Options) generations() []*generation.Generation {
	if o.Generations == nil {
		return generation.All
	}
	var served []*generation.Generation
	for _, g := range generation.All {
		if slices.Contains(o.Generations, g.Name) {
			served = append(served, g)
		}
	}
	return served
}

// session is what o says to sessions of g.
func (o *Options) session(g *generation.Generation, h session.Handler) *session.Config {
	timers := session.Timers{
		Interval: o.PingInterval,
		Timeout:  o.PingTimeout,
		Close:    o.PingTimeout,
		Join:     o.ConnectTimeout,
		Upgrade:  o.UpgradeTimeout,
	}
	if g.Rules.PathHandshake {
		r := &o.Revision1
		timers = session.Timers{
			Interval: r.HeartbeatInterval,
			Timeout:  r.HeartbeatTimeout,
			Poll:     r.PollingDuration,
			Close:    r.CloseTimeout,
			Unopened: unopenedRevision1,
		}
	}
	return &session.Config{
		Generation: g,
		Handler:    h,
		Timers:     timers,
		Limits: session.Limits{
			MaxPayload:     o.MaxPayload,
			PayloadPackets: o.MaxPayloadPackets,
			PollPackets:    o.MaxPollPackets,
			OutboxBytes:    o.MaxOutboxBytes,
			OutboxCasts:    o.MaxOutboxCasts,
		},
		Decoding: parser.Limits{
			Depth:           o.MaxDepth,
			Args:            o.MaxArgs,
			Name:            o.MaxEventName,
			Namespace:       o.MaxNamespaceName,
			IDDigits:        15, // what a JavaScript number holds exactly
			Attachments:     o.MaxAttachments,
			AttachmentBytes: o.MaxAttachmentBytes,
		},
	}
}
