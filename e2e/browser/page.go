package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// A Page is a window that shows the page. It belongs to one goroutine.
type Page struct {
	tb  TB
	tab context.Context

	mu         sync.Mutex
	complaints []string
	excused    []*regexp.Regexp
}

// watch has violations of the Content-Security-Policy reported in all frames.
const watch = `addEventListener("securitypolicyviolation",
	e => console.error("CSP: " + e.violatedDirective + " " + e.blockedURI + " in " + e.sourceFile + ":" + e.lineNumber))`

func open(tb TB, parent context.Context, url string, options ...chromedp.ContextOption) *Page {
	tb.Helper()
	tab, closeTab := chromedp.NewContext(parent, options...)
	p := &Page{tb: tb, tab: tab}
	tb.Cleanup(closeTab)
	if err := chromedp.Listen(tab, p.listen); err != nil {
		tb.Fatalf("opening a window: %v", err)
	}
	tb.Cleanup(func() {
		for _, complaint := range p.Complaints() {
			tb.Errorf("the page complains: %s", complaint)
		}
	})
	// In a window that has not the focus, keys would go nowhere.
	Call(p, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	Call(p, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: watch})
	Run(p, chromedp.Navigate(url))
	return p
}

// OpenBeside opens url in another window of the same person: cookies and storage are
// shared.
func (p *Page) OpenBeside(url string) *Page {
	p.tb.Helper()
	return open(p.tb, p.tab, url)
}

// Run does something in the window.
func Run[T any](p *Page, a chromedp.Action[T]) T {
	p.tb.Helper()
	ctx, cancel := context.WithTimeout(p.tab, Patience)
	defer cancel()
	v, err := chromedp.Run(ctx, a)
	if err != nil {
		p.tb.Fatalf("%v", err)
	}
	return v
}

// Call calls the browser in its own protocol.
func Call[P, R any](p *Page, command cdp.Command[P, R], params P) R {
	p.tb.Helper()
	ctx, cancel := context.WithTimeout(p.tab, Patience)
	defer cancel()
	v, err := chromedp.Call(ctx, command, params)
	if err != nil {
		p.tb.Fatalf("%s: %v", command.Method, err)
	}
	return v
}

// Eval evaluates JavaScript in the page. Arguments replace %s and are quoted for it.
func Eval[T any](p *Page, expression string, args ...string) T {
	p.tb.Helper()
	return Run(p, chromedp.Evaluate[T](quote(expression, args)))
}

// Await waits until a condition holds in the page. Arguments are those of [Eval].
func (p *Page) Await(condition string, args ...string) {
	p.tb.Helper()
	condition = quote(condition, args)
	ctx, cancel := context.WithTimeout(p.tab, Patience)
	defer cancel()
	// A frame that is loading has no body, and so on: what fails is not true yet.
	_, err := chromedp.Run(ctx, chromedp.Poll[chromedp.Void](
		`(() => { try { return `+condition+` } catch (e) { return window.lastError = String(e), false } })()`,
		chromedp.WithPollingTimeout(Patience-5*time.Second), chromedp.WithPollingInterval(20*time.Millisecond)))
	if err != nil {
		p.tb.Fatalf("waiting for %s: %v\n%s", condition, err, p.describe())
	}
}

// quote puts strings into an expression, in the place of each %s.
func quote(expression string, args []string) string {
	if args == nil {
		return expression // in which % may be an operator
	}
	quoted := make([]any, len(args))
	for i, a := range args {
		quoted[i] = jsString(a)
	}
	return fmt.Sprintf(expression, quoted...)
}

// jsString returns s as a literal of JavaScript, which JSON's strings are.
func jsString(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// describe returns what the page shows, for the report of a wait that failed.
func (p *Page) describe() string {
	ctx, cancel := context.WithTimeout(p.tab, 20*time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`[document, ...[...document.querySelectorAll("iframe.pane")].map(f => f.contentDocument)]
		.map(d => d.location.href + " " + JSON.stringify({...d.body.dataset}) + "\n" + d.body.innerText.replace(/\s+/g, " ").slice(-1500)).join("\n----\n") + "\n" + (window.lastError || "")`))
	if err != nil {
		text = err.Error()
	}
	return strings.Join(append(p.Complaints(), text), "\n")
}

// Excuse has complaints that match the regular expression not count from now on.
func (p *Page) Excuse(pattern string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.excused = append(p.excused, regexp.MustCompile(pattern))
}

// Complaints returns what the browser has said so far of errors in the page: exceptions,
// what is refused by the Content-Security-Policy, what could not be loaded; and of
// dialogs, of which the page has none.
func (p *Page) Complaints() []string {
	// Events come in order: after an answer, all that went before it have been heard.
	ctx, cancel := context.WithTimeout(p.tab, Patience)
	defer cancel()
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[int]("1")); err != nil {
		return []string{"it does not answer: " + err.Error()}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.complaints)
}

// listen is called for each event of the window.
func (p *Page) listen(event any) {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if x := e.ExceptionDetails.Exception; x != nil {
			text += " " + x.Description
		}
		p.complain(text)
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeAssert {
			var text []string
			for _, a := range e.Args {
				text = append(text, string(a.Value)+a.Description)
			}
			p.complain(strings.Join(text, " "))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError {
			p.complain(e.Entry.Text + " " + e.Entry.URL)
		}
	case *page.EventJavascriptDialogOpening:
		p.complain("dialog: " + e.Message)
		go func() { // not in here, where the answer would be waited for forever; ends with the window
			_, _ = chromedp.Call(p.tab, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{})
		}()
	}
}

func (p *Page) complain(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, excuse := range p.excused {
		if excuse.MatchString(text) {
			return
		}
	}
	p.complaints = append(p.complaints, text)
}

// Dark chooses the color scheme that the browser asks for.
func (p *Page) Dark(dark bool) {
	p.tb.Helper()
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	Call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
}

// Desk gives the window a size, in CSS pixels.
func (p *Page) Desk(width, height int64, options ...chromedp.EmulateViewportOption) {
	p.tb.Helper()
	Run(p, chromedp.EmulateViewport(width, height, options...))
}

// Phone makes the window one of a phone with a touch screen.
func (p *Page) Phone(width, height int64) {
	p.tb.Helper()
	p.Desk(width, height, chromedp.EmulateMobile, chromedp.EmulateTouch, chromedp.EmulatePortrait)
}

// Screenshot returns the whole page as a PNG, also what one would have to scroll to.
func (p *Page) Screenshot() []byte {
	p.tb.Helper()
	beyond := true
	size := Call(p, page.GetLayoutMetrics, cdp.Empty{}).CSSContentSize
	return Call(p, page.CaptureScreenshot, page.CaptureScreenshotParams{
		CaptureBeyondViewport: &beyond,
		Clip:                  &page.Viewport{Width: size.Width, Height: size.Height, Scale: 1},
	}).Data
}
