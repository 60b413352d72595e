// Package browser shows the page of cmd/sockeye in a real browser, Chromium, and uses
// it as a person would. The tests of the page are written with it, and the program that
// makes its pictures.
//
// What a person sees is waited for, never a time; the waits are bounded by [Patience],
// which only ends runs that hang.
package browser

import (
	"context"
	"fmt"
	"os/exec"
	"time"

	"github.com/chromedp/chromedp"
)

// Patience bounds every wait. Nothing passes or fails by its speed.
const Patience = 90 * time.Second

// TB is what is needed of a testing.TB, so that programs can have one, too. Fatalf does
// not return.
type TB interface {
	Helper()
	Cleanup(func())
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// A Browser is a running Chromium with a profile of its own. Pages may be opened in it
// from several goroutines at once.
type Browser struct {
	ctx  context.Context
	stop context.CancelFunc
}

// Start runs Chromium. Flags are names such as "ignore-certificate-errors", without
// dashes.
func Start(flags ...string) (*Browser, error) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		return nil, fmt.Errorf("make setup-browser installs it: %w", err)
	}
	// The defaults are headless, with a new profile, and without what Chromium would
	// do in the background.
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.WSURLReadTimeout(Patience),
		// The first two as in the defaults. The others are pages of Chromium's own that
		// cost each window a second.
		chromedp.Flag("disable-features", "Translate,BlinkGenPropertyTrees,"+
			"WebUIOmniboxPopup,WebUIOmniboxAimPopup,PreloadTopChromeWebUI"))
	for _, flag := range append(flags, "disable-quic", "disable-component-update") {
		options = append(options, chromedp.Flag(flag, true))
	}
	allocator, release := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	b := &Browser{ctx: ctx, stop: func() { cancel(); release() }}
	if err := chromedp.Do(ctx); err != nil {
		b.stop()
		return nil, fmt.Errorf("starting %s: %w", chromium, err)
	}
	return b, nil
}

// Close ends Chromium and removes its profile.
func (b *Browser) Close() { b.stop() }

// Open opens url in a window with cookies and storage of its own. When the test ends,
// the page must not have complained (see [Page.Excuse]).
func (b *Browser) Open(tb TB, url string) *Page {
	tb.Helper()
	return open(tb, b.ctx, url, chromedp.WithNewBrowserContext())
}
