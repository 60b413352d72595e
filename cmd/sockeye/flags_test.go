package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/socketio"
)

// parse returns what the flags say.
func parse(t *testing.T, args ...string) *serveCmd {
	t.Helper()
	c := new(cli)
	if _, err := newParser(c).Parse(args); err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	return &c.Serve
}

// TestFlags: what the flags say is what the server gets.
func TestFlags(t *testing.T) {
	c := parse(t,
		"--addr=:8080", "--tls-cert=a", "--tls-key=b", "--drain=1s", "--drain-delay=2s", "--log-format=json", "--log-level=warn",
		"--origins=https://a.example, https://b.example", "--origins", "https://c.example",
		"--trusted-proxies=10.0.0.0/8,::1", "--generations=revision-5,revision 1", "--transports=polling", "--engine=goroutine",
		"--ping-interval=1m30s", "--connect-timeout=off", "--revision1-close-timeout=90s", "--revision1-refuse-binary",
		"--max-payload=1000", "--max-args=off", "--max-rooms", "12", "--handshakes-per-second=2.5", "--max-depth=0",
	)
	o := c.Options.options()
	for _, got := range []struct{ is, want any }{
		{c.Addr, ":8080"},
		{c.TLSCert, "a"},
		{c.TLSKey, "b"},
		{c.Drain, time.Second},
		{c.DrainDelay, 2 * time.Second},
		{c.LogFormat, formatJSON},
		{c.LogLevel, slog.LevelWarn},
		{o.Origins, []string{"https://a.example", "https://b.example", "https://c.example"}},
		{o.TrustedProxies, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}},
		{o.Generations, []string{"revision 5", "revision 1"}},
		{o.Transports, []string{"polling"}},
		{o.Engine, "goroutine"},
		{o.PingInterval, 90 * time.Second},
		{o.ConnectTimeout, time.Duration(-1)},
		{o.Revision1.CloseTimeout, 90 * time.Second},
		{o.Revision1.RefuseBinary, true},
		{o.MaxPayload, 1000},
		{o.MaxArgs, -1},
		{o.MaxRooms, 12},
		{o.HandshakesPerSecond, 2.5},
		{o.MaxDepth, 0}, // the default
		{o.MaxAttachmentBytes, 0},
	} {
		if !reflect.DeepEqual(got.is, got.want) {
			t.Errorf("got %#v, want %#v", got.is, got.want)
		}
	}
	if err := o.Validate(); err != nil {
		t.Error(err)
	}
}

// TestVariables: a variable says what its flag does, and the flag wins. Empty lists
// are none.
func TestVariables(t *testing.T) {
	for name, value := range map[string]string{
		"ADDR": ":1", "ORIGINS": "https://a.example,https://b.example", "REVISION1_REFUSE_BINARY": "true",
		"MAX_OUTBOX_BYTES": "off", "DRAIN": "3s", "GENERATIONS": "", "PORT": "tcp://10.0.0.1:3000", // Kubernetes' own
	} {
		t.Setenv("SOCKEYE_"+name, value)
	}
	c := parse(t, "serve", "--drain=4s")
	o := c.Options.options()
	if c.Addr != ":1" || c.Drain != 4*time.Second || len(o.Origins) != 2 || !o.Revision1.RefuseBinary ||
		o.MaxOutboxBytes != -1 || o.Generations != nil || o.Transports != nil {
		t.Errorf("%+v", c)
	}
}

// unflagged are the fields of socketio.Options that no flag sets, and why.
var unflagged = map[string]string{
	"Authorize": "code",
	"Bus":       "code",
	"Client":    "--clients",
	"Context":   "code",
	"Logger":    "slog's default, which --log-format and --log-level make",
	"NodeID":    "a name among others, and there are none without a bus",
	"Secret":    "like NodeID",
}

// TestEveryOption: an option that is new has a flag, or a reason to have none.
func TestEveryOption(t *testing.T) {
	excused := maps.Clone(unflagged)
	var compare func(options, flags reflect.Type, path string)
	compare = func(options, flags reflect.Type, path string) {
		for i := range options.NumField() {
			option := options.Field(i)
			name := path + option.Name
			flag, ok := flags.FieldByName(option.Name)
			switch _, excuse := excused[name]; {
			case ok && excuse:
				t.Errorf("%s has a flag and a reason to have none", name)
			case excuse:
				delete(excused, name)
			case !ok:
				t.Errorf("socketio.Options.%s has no flag, and no reason to have none", name)
			case option.Type.Kind() == reflect.Struct:
				compare(option.Type, flag.Type, name+".")
			case option.Type != flag.Type:
				t.Errorf("%s is of type %v, its flag of %v", name, option.Type, flag.Type)
			case flag.Tag.Get("help") == "":
				t.Errorf("%s: no help", name)
			}
		}
	}
	compare(reflect.TypeFor[socketio.Options](), reflect.TypeFor[optionFlags](), "")
	for name := range excused {
		t.Errorf("socketio.Options has no field %s", name)
	}

	vars := map[string]bool{}
	for _, f := range newParser(new(cli)).Model.DefaultCmd.Flags {
		if f.Group == nil || len(f.Envs) != 1 || vars[f.Envs[0]] || strings.HasPrefix(f.Envs[0], "SOCKEYE_SERVICE_") || f.Envs[0] == "SOCKEYE_PORT" {
			t.Errorf("--%s: group %v, variables %q", f.Name, f.Group, f.Envs)
		}
		vars[f.Envs[0]] = true
	}
}

// TestDefaults: the defaults that the help shows are those of socketio.Options, which
// its source says.
func TestDefaults(t *testing.T) {
	defaults := optionDefaults(t)
	if len(defaults) < 20 {
		t.Fatalf("found only %v", defaults)
	}
	check := func(name string, v reflect.Value) {
		var got any = v.Interface()
		switch want, ok := defaults[name]; {
		case v.CanInt() && ok:
			if v.Int() != want {
				t.Errorf("%s: %v, want %v", name, got, want)
			}
		case v.CanInt() || v.CanFloat(): // off by default, or depends on others
			if zero := name == "MaxAttachmentBytes"; v.IsZero() != zero || !zero && fmt.Sprint(got) != "-1" {
				t.Errorf("%s: %v, want nothing or off", name, got)
			}
		case !v.IsZero():
			t.Errorf("%s: %v, want nothing", name, got)
		}
	}
	flags := reflect.ValueOf(parse(t).Options)
	for field, v := range flags.Fields() {
		if v.Kind() != reflect.Struct {
			check(field.Name, v)
			continue
		}
		for inner, v := range v.Fields() {
			check(inner.Name, v)
		}
	}
}

// optionDefaults reads the numbers of withDefaults in options.go, by their fields.
func optionDefaults(t *testing.T) map[string]int64 {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "..", "options.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	defaults := map[string]int64{}
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); !ok || fn.Name.Name != "withDefaults" {
			continue
		}
		ast.Inspect(d, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) != 2 {
				return true
			}
			field, ok := call.Args[0].(*ast.SelectorExpr)
			if fn, isName := call.Fun.(*ast.Ident); !ok || !isName || fn.Name != "or" {
				return true
			}
			if v, ok := constant.Int64Val(constant.ToInt(evaluate(call.Args[1]))); ok {
				defaults[field.Sel.Name] = v
			}
			return true
		})
	}
	return defaults
}

// evaluate returns the value of a constant expression; of others, an unknown one.
func evaluate(e ast.Expr) constant.Value {
	switch e := e.(type) {
	case *ast.BasicLit:
		return constant.MakeFromLiteral(e.Value, e.Kind, 0)
	case *ast.SelectorExpr:
		if e.Sel.Name == "Second" {
			return constant.MakeInt64(int64(time.Second))
		}
	case *ast.BinaryExpr:
		x, y := evaluate(e.X), evaluate(e.Y)
		if n, ok := constant.Uint64Val(y); ok && e.Op == token.SHL {
			return constant.Shift(x, e.Op, uint(n))
		}
		return constant.BinaryOp(x, e.Op, y)
	}
	return constant.MakeUnknown()
}

// A mistake is what somebody writes, and what the program has to say.
type mistake struct {
	vars, args string // separated by blanks
	status     int
	want       []string // parts of the lines
}

const usage, failure = 2, 1 // statuses

// mistakes returns some: file is no certificate, dir has nothing else, and somebody
// listens on addr.
func mistakes(file, dir, addr string) []mistake {
	return []mistake{
		{"", "--bogus", usage, []string{"unknown flag --bogus"}},
		{"", "--ping-intervall=3s", usage, []string{`unknown flag --ping-intervall, did you mean "--ping-interval"?`}},
		{"", "serv", usage, []string{"unexpected argument serv"}},
		{"", "version --addr :1", usage, []string{"unknown flag --addr"}}, // of another command
		{"", "--addr", usage, []string{"--addr: want a value"}},
		{"", "--addr localhost", usage, []string{"--addr: address localhost: missing port in address"}},
		{"", "", failure, []string{"listen tcp " + addr + ": bind: address already in use"}},
		{"", "--max-args many", usage, []string{`--max-args: "many": want a whole number or off`}},
		{"", "--ping-interval 5", usage, []string{`--ping-interval: "5": want a duration such as 1m30s, or off`}}, // no unit
		{"", "--ping-interval off", usage, []string{"--ping-interval cannot be off"}},
		{"", "--handshakes-per-second fast", usage, []string{`"fast": want a number or off`}},
		{"", "--origins example.com", usage, []string{`--origins: "example.com" is not of the form scheme://host[:port]`}},
		{"", "--trusted-proxies 10.0.0.0/40", usage, []string{`--trusted-proxies: "10.0.0.0/40": want an address or a network such as 10.0.0.0/8`}},
		{"", "--generations revision-9", usage, []string{`--generations: no generation is called "revision 9"`}},
		{"", "--transports smoke", usage, []string{`--transports: no transport is called "smoke"`}},
		{"", "--engine steam", usage, []string{`--engine: no engine is called "steam"`}},
		{"", "--log-format xml", usage, []string{`--log-format: "xml": want text or json`}},
		{"", "--log-level loud", usage, []string{`--log-level: "loud": want debug, info, warn or error`}},
		{"", "--revision1-refuse-binary=maybe", usage, []string{`--revision1-refuse-binary: `}},
		{"", "--drain 0s", usage, []string{"--drain cannot be off"}},
		{"", "--drain-delay -1s", usage, []string{"--drain-delay: "}}, // a flag of that name
		{"", "--drain-delay=-1s", usage, []string{"--drain-delay cannot be negative"}},
		{"", "--tls-cert " + file, usage, []string{"--tls-cert needs --tls-key"}},
		{"", "--tls-key " + file, usage, []string{"--tls-key needs --tls-cert"}},
		{"", "--tls-cert " + dir + "/none --tls-key " + file, usage, []string{"--tls-cert: open " + dir + "/none: no such file or directory"}},
		{"", "--tls-cert " + file + " --tls-key " + dir, usage, []string{"--tls-key: read " + dir + ": is a directory"}},
		{"", "--tls-cert " + file + " --tls-key " + file, usage, []string{"--tls-cert: " + file + " with " + file + ": tls: failed to find any PEM data"}},
		{"", "--clients " + dir + "/none", usage, []string{"--clients: open " + dir + "/none: no such file or directory"}},
		{"", "--clients " + file, usage, []string{"--clients: "}}, // "not a directory", each system in its words
		{"", "--clients " + dir, usage, []string{"--clients: " + dir + " has no VERSION/socket.io.js"}},
		// Reasons speak of flags, too.
		{"", "--revision1-polling-duration=70s", usage, []string{"--revision1-polling-duration (1m10s) must be shorter than --revision1-close-timeout (1m0s)"}},
		// All at once.
		{"", "--max-payload off --drain 0s --max-depth=999", usage, []string{"--drain cannot", "--max-payload cannot be off", "--max-depth is more than 128"}},
		// From the environment, by name.
		{"SOCKEYE_MAX_ARGS=many", "", usage, []string{`--max-args: "many": want a whole number or off (from envar SOCKEYE_MAX_ARGS="many")`}},
		{"SOCKEYE_PING_TIMEOUT=off", "", usage, []string{"--ping-timeout cannot be off (from SOCKEYE_PING_TIMEOUT)"}},
		{"SOCKEYE_ORIGINS=x", "", usage, []string{`--origins: "x" is not of the form scheme://host[:port] (from SOCKEYE_ORIGINS)`}},
		{"SOCKEYE_TLS_KEY=k", "", usage, []string{"--tls-key needs --tls-cert (from SOCKEYE_TLS_KEY)"}},
		{"SOCKEYE_DRAIN=1h", "--drain=0s", usage, []string{"--drain cannot be off\n"}}, // the flag is what counts
	}
}

// TestWrong: each mistake gets one line that says what to change.
func TestWrong(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	addr := ln.Addr().String()
	t.Setenv("SOCKEYE_ADDR", addr) // so that what nobody finds wrong ends, too
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	list := mistakes(file, dir, addr)
	if bundled() == nil {
		list = append(list, mistake{"", "--client-default 4", usage, []string{"--client-default: there is no --clients"}})
	}
	for _, m := range list {
		name, value, ok := strings.Cut(m.vars, "=")
		if ok {
			os.Setenv(name, value)
		}
		var stderr bytes.Buffer
		status := run(strings.Fields(m.args), &stderr)
		os.Unsetenv(name)
		m.check(t, status, stderr.String())
	}
	// And as a process.
	vars := []string{"SOCKEYE_ADDR=" + addr, "SOCKEYE_MAX_DEPTH=1000"}
	_, stderr, status := output(t, vars)
	(&mistake{"", "", usage, []string{"--max-depth is more than 128 (from SOCKEYE_MAX_DEPTH)"}}).check(t, status, stderr)
	_, stderr, status = output(t, vars[:1])
	(&mistake{"", "", failure, []string{"listen tcp " + addr}}).check(t, status, stderr)
}

func (m *mistake) check(t *testing.T, status int, stderr string) {
	t.Helper()
	lines := slices.Collect(strings.Lines(stderr))
	ok := status == m.status && len(lines) == len(m.want)
	for i := 0; ok && i < len(lines); i++ {
		ok = strings.HasPrefix(lines[i], "sockeye: ") && strings.Contains(lines[i], m.want[i])
	}
	if !ok {
		t.Errorf("%s %s: status %d, says:\n%s; want status %d and %q", m.vars, m.args, status, stderr, m.status, m.want)
	}
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"serve", "--help"}, {"-h"}} {
		stdout, stderr, status := output(t, nil, args...)
		if status != 0 || stderr != "" {
			t.Errorf("%q: status %d, %q", args, status, stderr)
		}
		for _, want := range []string{
			"Usage: sockeye ", "--addr=HOST:PORT", "$SOCKEYE_ADDR", "Limits:", "--max-outbox-bytes=4194304", "--max-rooms=off",
			"$SOCKEYE_REVISION1_CLOSE_TIMEOUT", "--version",
		} {
			if !strings.Contains(stdout, want) {
				t.Errorf("%q: no %q in\n%s", args, want, stdout)
			}
		}
		if commands := strings.Contains(stdout, "Commands:"); commands != (len(args) == 1) {
			t.Errorf("%q: names commands: %t", args, commands)
		}
	}
}

func TestVersion(t *testing.T) {
	for _, args := range [][]string{{"version"}, {"--version"}, {"serve", "--version"}} {
		stdout, stderr, status := output(t, []string{"SOCKEYE_VERSION=true"}, args...)
		lines := strings.Split(stdout, "\n")
		if status != 0 || stderr != "" || len(lines) != 4 || lines[3] != "" || !strings.HasPrefix(lines[0], "sockeye ") ||
			!strings.HasPrefix(lines[1], "commit ") || !strings.HasPrefix(lines[2], runtime.Version()+" "+runtime.GOOS) {
			t.Errorf("%q: status %d, %q, %q", args, status, stdout, stderr)
		}
	}
}
