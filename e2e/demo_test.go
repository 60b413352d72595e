package e2e

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sockeye-io/socketio/e2e/browser"
)

// bundles is where make clients puts the official clients.
const bundles = "../cmd/sockeye/clients/dist"

// shared is what the tests of the page have in common. testMain ends it.
var shared resources

type resources struct {
	mu       sync.Mutex
	dir      string
	chromium *browser.Browser

	showing sync.Map // the tests that show pages, as *testing.T
}

// atOnce limits the tests that show pages at a time. Pages need much of the machine, and
// other tests have heartbeats to keep.
var atOnce = make(chan struct{}, 3)

// turn waits until t may show pages, from now to its end. Its subtests need turns of
// their own, so that t must not wait for them.
func (r *resources) turn(t *testing.T) {
	if _, has := r.showing.LoadOrStore(t, nil); has {
		return
	}
	atOnce <- struct{}{}
	t.Cleanup(func() {
		r.showing.Delete(t)
		<-atOnce
	})
}

// daemon returns the path of the daemon's program, which it builds the first time.
func (r *resources) daemon() (program string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.dir == "" {
		dir, err := os.MkdirTemp("", "sockeye-e2e")
		if err != nil {
			return "", err
		}
		if err := build(filepath.Join(dir, "sockeye"), "./cmd/sockeye"); err != nil {
			return "", errors.Join(err, os.RemoveAll(dir))
		}
		r.dir = dir
	}
	return filepath.Join(r.dir, "sockeye"), nil
}

// browser returns the browser in which each test has windows of its own.
func (r *resources) browser() (_ *browser.Browser, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.chromium == nil {
		r.chromium, err = browser.Start()
	}
	return r.chromium, err
}

func (r *resources) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.chromium != nil {
		r.chromium.Close()
	}
	if r.dir != "" {
		os.RemoveAll(r.dir)
	}
}

// serve runs the daemon with the official clients.
func serve(t *testing.T, flags ...string) *server {
	t.Helper()
	if _, err := os.Stat(filepath.Join(bundles, "4.8.4")); err != nil && under == sockeye {
		t.Fatalf("make clients puts them there: %v", err)
	}
	return serveAlone(t, append(flags, "--clients", bundles)...)
}

// drain bounds the daemon's end: clients that poll in windows that have been closed
// would be waited for.
var drain = []string{"--drain", "2s"}

// serveAlone runs the daemon without the official clients.
func serveAlone(t *testing.T, flags ...string) *server {
	t.Helper()
	if under != sockeye {
		t.Skip("the page is ours")
	}
	program, err := shared.daemon()
	if err != nil {
		t.Fatal(err)
	}
	return startProgram(t, program, append(flags, drain...)...)
}

// show opens a page.
func show(t *testing.T, url string) *browser.Page {
	t.Helper()
	shared.turn(t)
	b, err := shared.browser()
	if err != nil {
		t.Fatal(err)
	}
	return b.Open(t, url)
}

// restart starts the daemon anew where it was, once it has been stopped.
func (s *server) restart(t *testing.T) *server {
	t.Helper()
	args := s.cmd.Args
	_, addr, _ := strings.Cut(s.url, "://")
	return startProgramAt(t, addr, args[0], slices.Clip(args[1:len(args)-2])...) // without --addr and its value
}
