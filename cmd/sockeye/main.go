// Command sockeye serves Socket.IO clients of every generation, and a page on which
// they talk in one room. Start it and open http://localhost:3000:
//
//	go run github.com/sockeye-io/socketio/cmd/sockeye@latest
//
// What can be set is a flag or an environment variable: sockeye --help lists both. A
// service looks so:
//
//	SOCKEYE_ADDR=:443 SOCKEYE_TLS_CERT=tls.crt SOCKEYE_TLS_KEY=tls.key \
//	SOCKEYE_ORIGINS=https://example.com SOCKEYE_LOG_FORMAT=json \
//	sockeye serve --drain-delay 5s
//
// Standard output has one line, "listening on URL", when connections are accepted; the
// log is on standard error. GET /healthz answers 200 while the process serves, and
// /readyz while it wants new clients.
//
// SIGTERM and SIGINT stop it without losing anything: /readyz answers 503 from then
// on; after --drain-delay new sessions are refused, what was accepted is handled and
// delivered, and each client's connection is ended in the way that makes it come back,
// to the next process. All of that is bounded by --drain. A second signal kills.
// SIGHUP reads the certificate again.
//
// The status is 0 after a stop, 1 if it could not serve, and 2 if a flag or a variable
// is wrong.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/alecthomas/kong"
)

// A cli is what the command line can say.
type cli struct {
	Serve   serveCmd         `cmd:"" default:"withargs" help:"Serve Socket.IO clients, and a page to try them. This is what happens without a command, too."`
	Version versionCmd       `cmd:"" help:"Say which version this is."`
	About   kong.VersionFlag `name:"version" help:"Say which version this is, and end."`
}

func main() {
	os.Exit(run(os.Args[1:], os.Stderr))
}

// run is the program; it says on stderr what is wrong and returns the status.
func run(args []string, stderr io.Writer) int {
	ctx, err := newParser(new(cli)).Parse(args)
	status := 2
	if err == nil {
		if err = ctx.Run(ctx); err == nil {
			return 0
		}
		if !errors.As(err, new(*flagError)) {
			status = 1
		}
	}
	for line := range strings.Lines(err.Error()) { // several errors are joined
		fmt.Fprintf(stderr, "sockeye: %s\n", strings.TrimSuffix(line, "\n"))
	}
	return status
}

func newParser(c *cli) *kong.Kong {
	return kong.Must(c,
		kong.Name("sockeye"),
		kong.Description("A Socket.IO server for every generation of clients."),
		kong.Vars{"version": version()},
		kong.FlagNamer(flagName),
		kong.PostBuild(nameVariables),
		kong.Help(help),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.ExplicitGroups(groups),
		mappers{},
	)
}

// help shows the flags of the default command, too, when no command is named.
func help(opts kong.HelpOptions, ctx *kong.Context) error {
	if ctx.Selected() == nil {
		if err := kong.DefaultHelpPrinter(opts, ctx); err != nil {
			return err
		}
		ctx.Path = append(ctx.Path, &kong.Path{Command: ctx.Model.DefaultCmd})
		opts.NoAppSummary = true
	}
	return kong.DefaultHelpPrinter(opts, ctx)
}

// nameVariables gives each flag of "sockeye serve" its environment variable. None may
// be SOCKEYE_PORT or SOCKEYE_SERVICE_…: Kubernetes sets those by itself where a service
// is called sockeye, which is also why unknown variables are no error.
func nameVariables(k *kong.Kong) error {
	for _, f := range k.Model.DefaultCmd.Flags {
		f.Tag.Envs = []string{"SOCKEYE_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))}
		f.Envs = f.Tag.Envs
	}
	return nil
}
