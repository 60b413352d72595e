package e2e

import (
	"context"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// Two windows of the demo's page talk to each other, and what one says stays text in
// the other.
func TestPageInBrowser(t *testing.T) {
	if under != sockeye {
		t.Skip("the page is ours")
	}
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("chromium is missing: make setup-browser")
	}
	demo := filepath.Join(t.TempDir(), "sockeye")
	if err := build(demo, "./cmd/sockeye"); err != nil {
		t.Fatal(err)
	}
	url := startProgram(t, demo).url

	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ctx, cancel = chromedp.NewExecAllocator(ctx, append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium), chromedp.UserDataDir(t.TempDir()),
		chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
	)...)
	defer cancel()

	ann, cancel := chromedp.NewContext(ctx)
	defer cancel()
	open(t, ann, url)
	bob, cancel := chromedp.NewContext(ann)
	defer cancel()
	open(t, bob, url)
	await(t, ann, `document.querySelector("#people").textContent === "2"`)

	say(t, ann, "Ann", `<img src=x onerror="document.title='hurt'"> & 😀`)
	await(t, bob, `document.querySelector("#log .line")`)
	if line := value(t, bob, chromedp.Text(chromedp.CSS("#log .line"))); line != `Ann<img src=x onerror="document.title='hurt'"> & 😀revision 5` {
		t.Errorf("Bob reads %q", line)
	}
	if title := value(t, bob, chromedp.Title()); title != "Sockeye chat" {
		t.Errorf("text was taken for HTML: the title is %q", title)
	}
	say(t, bob, "Bob", "hello")
	await(t, ann, `document.querySelectorAll("#log .line").length === 2`) // her own line, and his
	await(t, ann, `document.querySelectorAll("#log .line.own").length === 1`)
}

func value[T any](t *testing.T, window context.Context, a chromedp.Action[T]) T {
	t.Helper()
	v, err := chromedp.Run(window, a)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// open shows the page in a window and waits until it has joined.
func open(t *testing.T, window context.Context, url string) {
	t.Helper()
	value(t, window, chromedp.Navigate(url))
	await(t, window, `document.querySelector("#state").textContent === "connected"`)
}

// await waits until a condition in the page holds.
func await(t *testing.T, window context.Context, condition string) {
	t.Helper()
	value(t, window, chromedp.Poll[chromedp.Void](condition,
		chromedp.WithPollingTimeout(patience), chromedp.WithPollingInterval(50*time.Millisecond)))
}

func say(t *testing.T, window context.Context, name, text string) {
	t.Helper()
	value(t, window, chromedp.Steps(
		chromedp.SetValue(chromedp.CSS("#name"), name),
		chromedp.Evaluate[chromedp.Void](`document.querySelector("#name").dispatchEvent(new Event("change"))`),
		chromedp.SendKeys(chromedp.CSS("#text"), text+"\n"),
	))
}
