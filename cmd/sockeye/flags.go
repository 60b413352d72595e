package main

import (
	"log/slog"
	"net/netip"
	"os"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/sockeye-io/socketio"
)

// groups are those of the help, in this order.
var groups = []kong.Group{
	{Key: "listen", Title: "Where it listens:"},
	{Key: "who", Title: "Who may come in, and how:"},
	{Key: "flash", Title: "Policy for Flash players, which ask before they connect (flashsocket of revision 1):"},
	{Key: "stop", Title: "How it stops:"},
	{Key: "log", Title: "What it says:"},
	{Key: "client", Title: "Client files:"},
	{Key: "beat", Title: "Heartbeats and timeouts:"},
	{Key: "rev1", Title: "Revision 1 (Socket.IO 0.7 to 0.9):"},
	{Key: "limit", Title: "Limits:", Description: "Each takes a number, or off where nothing else is said; 0 is the default."},
}

// A serveCmd is "sockeye serve" with its flags.
type serveCmd struct {
	Addr    string `group:"listen" default:"localhost:3000" placeholder:"HOST:PORT" help:"Where to listen (${default}). :3000 is every address of the machine."`
	TLSCert string `name:"tls-cert" group:"listen" placeholder:"FILE" help:"Certificate in PEM, with its chain. SIGHUP reads it again."`
	TLSKey  string `name:"tls-key" group:"listen" placeholder:"FILE" help:"The certificate's key in PEM."`

	Flash flashFlags `embed:"" prefix:"flash-" group:"flash"`

	Drain      time.Duration `group:"stop" default:"8s" help:"How long a stop may take to deliver what was accepted."`
	DrainDelay time.Duration `group:"stop" default:"0s" help:"How long, before that, /readyz answers 503 and everything else goes on, so that balancers notice."`

	LogFormat logFormat  `group:"log" default:"text" help:"text or json."`
	LogLevel  slog.Level `group:"log" default:"info" help:"debug, info, warn or error."`

	Clients string `group:"client" placeholder:"DIR" help:"Directory of official clients, one directory for each version (4.8.4/socket.io.js). They are served as Node's servers do. Without it: those that are built in, if any."`

	Options optionFlags `embed:""`
}

// flashFlags are about the policy for Flash players.
type flashFlags struct {
	Policy        bool     `help:"Answer those who ask at --addr, before TLS if that is on."`
	PolicyAddr    string   `placeholder:"HOST:PORT" help:"Where to answer those who ask at a port of its own: :843 for all, :10843 for clients since 0.8.3."`
	PolicyDomains []string `placeholder:"DOMAIN" help:"Domains of the pages whose movies may connect: example.com, *.example.com, or * for all. Without it: those of --origins."`
	PolicyPorts   []int    `placeholder:"PORT" help:"Ports that movies may connect to. Without it: that of --addr; a proxy in front has others."`
}

// optionFlags are those fields of socketio.Options that are flags, by the same names.
// This is the only place that knows them.
type optionFlags struct {
	ClientDefault string `group:"client" placeholder:"VERSION" help:"Which of them /socket.io/socket.io.js is: 0.9.17, or the newest that begins so, as with 4. Without it: the newest."`

	Origins        []string       `group:"who" placeholder:"ORIGIN" help:"Web origins whose pages may connect, such as https://example.com; * is all. Without it: the server's own."`
	TrustedProxies []netip.Prefix `group:"who" placeholder:"NETWORK" help:"Addresses or networks of proxies whose Forwarded and X-Forwarded-* headers are believed."`
	Generations    []string       `group:"who" placeholder:"NAME" help:"Generations that are served: revision-1 (0.7 to 0.9), revision-5 (3.x and 4.x). Without it: all."`
	Transports     []string       `group:"who" placeholder:"NAME" help:"Transports that are served, in the order in which revision 1 tries them: websocket; its own flashsocket, htmlfile, xhr-polling, jsonp-polling, xhr-multipart; polling (Engine.IO). Without it: all but xhr-multipart."`
	Engine         string         `group:"who" placeholder:"NAME" help:"What serves WebSockets: epoll (Linux) or goroutine. Without it: epoll where there is one."`

	PingInterval   time.Duration `group:"beat" default:"25s" help:"How often clients are pinged; cannot be off."`
	PingTimeout    time.Duration `group:"beat" default:"20s" help:"How long an answer may take; cannot be off."`
	UpgradeTimeout time.Duration `group:"beat" default:"10s" help:"How long an upgrade to WebSocket may take; cannot be off."`
	ConnectTimeout time.Duration `group:"beat" default:"45s" help:"How long a client may take to join its first namespace, or off."`
	BodyTimeout    time.Duration `group:"beat" default:"30s" help:"How long a request's body may take, or off."`

	Revision1 revision1Flags `embed:"" prefix:"revision1-" group:"rev1"`

	MaxPayload          int     `group:"limit" default:"1000000" help:"Bytes of a message or of a polling request; cannot be off."`
	MaxPayloadPackets   int     `group:"limit" default:"10000" help:"Packets in a polling request."`
	MaxPollPackets      int     `group:"limit" default:"16" help:"Packets in an answer to a poll."`
	MaxAttachments      int     `group:"limit" default:"10" help:"Binary attachments of a packet."`
	MaxAttachmentBytes  int     `group:"limit" placeholder:"10*PAYLOAD" help:"Bytes of a packet's attachments together. Without it: ten times --max-payload."`
	MaxDepth            int     `group:"limit" default:"128" help:"Nesting of JSON; at most 128."`
	MaxArgs             int     `group:"limit" default:"1024" help:"Arguments of an event."`
	MaxEventName        int     `group:"limit" default:"1024" help:"Bytes of an event's name."`
	MaxNamespaceName    int     `group:"limit" default:"512" help:"Bytes of a namespace's name."`
	MaxNamespaces       int     `group:"limit" default:"100" help:"Namespaces that one client is in."`
	MaxRooms            int     `group:"limit" default:"off" help:"Rooms that one socket is in."`
	MaxPendingAcks      int     `group:"limit" default:"1000" help:"Answers that a client owes."`
	MaxOutboxCasts      int     `group:"limit" default:"1000" help:"Packets that wait for one client; beyond it is disconnected."`
	MaxOutboxBytes      int     `group:"limit" default:"4194304" help:"Bytes that wait for one client; beyond it is disconnected."`
	MaxInboxEvents      int     `group:"limit" default:"256" help:"Events of one client that wait for their handlers; beyond nothing more is read from it. Cannot be off."`
	MaxInboxBytes       int     `group:"limit" default:"1048576" help:"Bytes of those; cannot be off."`
	MaxUnopened         int     `group:"limit" default:"10000" help:"Sessions that no transport has opened."`
	MaxHeaderFields     int     `group:"limit" default:"100" help:"Fields of a request's header."`
	HandshakesPerSecond float64 `group:"limit" default:"off" help:"New sessions of one address in a second. Users behind one proxy share theirs: see --trusted-proxies."`
	HandshakeBurst      int     `group:"limit" default:"100" help:"New sessions of one address at once, before --handshakes-per-second counts."`
}

// revision1Flags are fields of socketio.Revision1.
type revision1Flags struct {
	HeartbeatInterval time.Duration `default:"25s" help:"How often streams get a heartbeat; shorter than both timeouts."`
	HeartbeatTimeout  time.Duration `default:"60s" help:"How long either side waits for the other's."`
	CloseTimeout      time.Duration `default:"60s" help:"How long a client may stay without a poll."`
	PollingDuration   time.Duration `default:"20s" help:"How long a poll may wait; shorter than the close timeout."`
	RefuseBinary      bool          `help:"Leave packets with binary values out, instead of writing them as base64 in JSON."`
	Hixie75           bool          `help:"Let in WebSockets of the draft hixie-75 (Chrome 4, Safari 5.0.0), whose handshake proves nothing."`

	MatchOriginProtocol bool `help:"Answer WebSockets of the hixie drafts from https pages with a wss location: for a TCP proxy that ends TLS."`

	IgnoreUnknownNamespaces bool `help:"Do not answer clients that join a namespace which is not there, as servers of the time did."`
}

// options returns what the flags say.
func (f *optionFlags) options() *socketio.Options {
	o := new(socketio.Options)
	copyFields(reflect.ValueOf(o).Elem(), reflect.ValueOf(f).Elem())
	for i, name := range o.Generations {
		// Their names have a blank, which is a nuisance on a command line.
		o.Generations[i] = strings.ReplaceAll(name, "-", " ")
	}
	return o
}

// copyFields copies fields to those of the same names. Empty lists stay nil, which is
// what variables like SOCKEYE_ORIGINS= mean.
func copyFields(to, from reflect.Value) {
	for i := range from.NumField() {
		src, dst := from.Field(i), to.FieldByName(from.Type().Field(i).Name)
		switch {
		case src.Kind() == reflect.Struct:
			copyFields(dst, src)
		case src.Kind() != reflect.Slice || src.Len() > 0:
			dst.Set(src)
		}
	}
}

// A flagError says what is wrong with a flag, in the words of the command line.
type flagError struct{ text string }

func (e *flagError) Error() string { return e.text }

// wrongFlag says what is wrong with a flag, and if it comes from the environment, so.
func wrongFlag(ctx *kong.Context, flag, text string) error {
	text = "--" + flag + text
	given := false
	for _, p := range ctx.Path {
		given = given || p.Flag != nil && p.Flag.Name == flag
	}
	for _, f := range ctx.Flags() {
		if f.Name != flag || given {
			continue
		}
		for _, name := range f.Envs {
			if _, ok := os.LookupEnv(name); ok {
				text += " (from " + name + ")"
			}
		}
	}
	return &flagError{text}
}

// wrongOption is wrongFlag for what socketio.Options.Validate found.
func wrongOption(ctx *kong.Context, e *socketio.OptionError) error {
	path := "" // of the struct
	if i := strings.LastIndexByte(e.Option, '.'); i >= 0 {
		path = e.Option[:i+1]
	}
	_, reason, _ := strings.Cut(e.Error(), e.Option) // with what stands between
	reason = fieldName.ReplaceAllStringFunc(reason, func(name string) string {
		flag := optionFlag(path + name) // reasons name fields of the same struct
		for _, f := range ctx.Flags() {
			if f.Name == flag {
				return "--" + flag
			}
		}
		return name
	})
	return wrongFlag(ctx, optionFlag(e.Option), reason)
}

// optionFlag returns the name of the flag for a field of socketio.Options.
func optionFlag(field string) string {
	if field == "Client" {
		return "clients" // the only one that is not called alike
	}
	return flagName(field)
}

// fieldName matches what may be a field.
var fieldName = regexp.MustCompile(`\b[A-Z][A-Za-z0-9]+\b`)
