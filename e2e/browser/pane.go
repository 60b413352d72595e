package browser

import (
	"fmt"
	"strings"

	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// A Pane is one client of the page: a frame of it, or a window of its own.
type Pane struct {
	*Page
	frame int // -1: the window
}

// Pane returns one of the page's panes, the first being 0, once its client is connected.
func (p *Page) Pane(i int) *Pane {
	p.tb.Helper()
	pane := &Pane{p, i}
	pane.AwaitState("connected")
	return pane
}

// Alone returns the pane that is in the window without the page around it, once its
// client is connected.
func (p *Page) Alone() *Pane {
	p.tb.Helper()
	return p.Pane(-1)
}

// in makes an expression one of the pane's frame, in which doc is its document, $ and $$
// find an element and all of them by a selector.
func (p *Pane) in(expression string) string {
	doc := "document"
	if p.frame >= 0 {
		doc = fmt.Sprintf(`document.querySelectorAll("iframe.pane")[%d].contentDocument`, p.frame)
	}
	return `((doc) => { const $ = s => doc.querySelector(s), $$ = s => [...doc.querySelectorAll(s)]; return ` +
		expression + ` })(` + doc + `)`
}

// EvalIn is [Eval] in a pane's frame, with doc, its document, and $ and $$, which find an
// element and all of them by a selector.
func EvalIn[T any](p *Pane, expression string, args ...string) T {
	p.tb.Helper()
	return Eval[T](p.Page, p.in(quote(expression, args)))
}

// Await waits until a condition holds in the pane; see [EvalIn].
func (p *Pane) Await(condition string, args ...string) {
	p.tb.Helper()
	p.Page.Await(p.in(quote(condition, args)))
}

// AwaitState waits for a state of the connection: "connecting", "connected",
// "reconnecting" or "disconnected".
func (p *Pane) AwaitState(state string) {
	p.tb.Helper()
	p.Await(`doc.body.dataset.state === %s`, state)
}

// AwaitTransport waits until the server says that the client uses a transport.
func (p *Pane) AwaitTransport(transport string) {
	p.tb.Helper()
	p.Await(`doc.body.dataset.transport === %s`, transport)
}

// enter sets the value of a field as somebody does who leaves it then.
func (p *Pane) enter(field, value string) {
	p.tb.Helper()
	EvalIn[any](p, `(() => {
		const field = $(%s); field.value = %s;
		field.dispatchEvent(new Event("input", {bubbles: true}));
		field.dispatchEvent(new Event("change", {bubbles: true}));
	})()`, field, value)
}

// UseTransport chooses among those that the client offers, and waits until it is
// connected anew and says so. "auto" ends with websocket.
func (p *Pane) UseTransport(transport string) {
	p.tb.Helper()
	if EvalIn[string](p, `$("#transport").value`) != transport {
		p.enter("#transport", transport) // the state is another at once
	}
	p.AwaitState("connected")
	if transport == "auto" {
		transport = "websocket"
	}
	p.AwaitTransport(transport)
}

// Transports returns what the client offers.
func (p *Pane) Transports() []string {
	p.tb.Helper()
	return EvalIn[[]string](p, `[...$("#transport").options].map(o => o.value)`)
}

// Rename changes the person's name.
func (p *Pane) Rename(name string) {
	p.tb.Helper()
	p.enter("#name", name)
}

// Enter goes to another room, and waits until the people there are shown: the person
// alone, or also those who are named.
func (p *Pane) Enter(room string, others ...string) {
	p.tb.Helper()
	p.enter("#room", room)
	p.AwaitPeople(append(others, p.Name())...)
}

// Close closes the pane, which the page's others survive.
func (p *Pane) Close() {
	p.tb.Helper()
	EvalIn[any](p, `$("#close").click()`)
}

// Name returns the person's name.
func (p *Pane) Name() string {
	p.tb.Helper()
	return EvalIn[string](p, `$("#name").value`)
}

// AwaitPerson waits until somebody is on the list of people.
func (p *Pane) AwaitPerson(name string) {
	p.tb.Helper()
	p.Await(`$$("#people .who").some(who => who.textContent === %s)`, name)
}

// AwaitPeople waits until the list of people is this, in any order.
func (p *Pane) AwaitPeople(names ...string) {
	p.tb.Helper()
	p.Await(`$$("#people .who").map(who => who.textContent).sort().join("\n") === %s.split("\n").sort().join("\n")`,
		strings.Join(names, "\n"))
}

// A Person is an entry of the list of people.
type Person struct{ Who, Generation, Transport string }

// People returns the list of people.
func (p *Pane) People() []Person {
	p.tb.Helper()
	return EvalIn[[]Person](p, `$$("#people li").map(li => Object.fromEntries(["who", "generation", "transport"].map(
		name => [name, li.querySelector("." + name).textContent.trim()])))`)
}

// To chooses who reads what is said next: a person, or everybody for "".
func (p *Pane) To(name string) {
	p.tb.Helper()
	EvalIn[any](p, `(() => {
		const to = $("#to"), name = %s;
		const i = name === "" ? 0 : [...to.options].findIndex(o => o.textContent === name);
		if (i < 0) throw new Error("nobody to choose");
		to.selectedIndex = i;
		to.dispatchEvent(new Event("change", {bubbles: true}));
	})()`, name)
}

// Say sends a text, and waits until it is in the pane's own log, with the time that the
// answer took.
func (p *Pane) Say(text string) Line {
	p.tb.Helper()
	before := len(p.Lines())
	p.enter("#text", text)
	EvalIn[any](p, `$("#send").click()`)
	p.Await(fmt.Sprintf(`$$("#log .line").length > %d && $$("#log .own").at(-1).querySelector(".text").textContent === %s
		&& $$("#log .own").at(-1).querySelector(".rtt").textContent !== ""`, before, jsString(text)))
	lines := p.Lines()
	return lines[len(lines)-1]
}

// A Line is one of the log.
type Line struct {
	Who, Text, Generation string
	RTT                   string // how long the acknowledgement took, of own lines
	Form                  string // how a picture came
	Width, Height         int    // of a picture
	Own, Private, Picture bool
}

// Lines returns the log.
func (p *Pane) Lines() []Line {
	p.tb.Helper()
	return EvalIn[[]Line](p, `$$("#log .line").map(line => {
		const text = name => { const e = line.querySelector("." + name); return e ? e.textContent : "" };
		const is = name => line.classList.contains(name), img = line.querySelector("img");
		return {Who: text("who"), Text: text("text"), Generation: text("generation"), RTT: text("rtt"), Form: text("form"),
			Width: img ? img.naturalWidth : 0, Height: img ? img.naturalHeight : 0,
			Own: is("own"), Private: is("private"), Picture: is("picture")};
	})`)
}

// AwaitLine waits until somebody has said something, and returns it.
func (p *Pane) AwaitLine(who, text string) Line {
	p.tb.Helper()
	p.Await(`$$("#log .line").some(line => line.querySelector(".who").textContent === %s
		&& line.querySelector(".text")?.textContent === %s)`, who, text)
	for _, line := range p.Lines() {
		if line.Who == who && line.Text == text {
			return line
		}
	}
	p.tb.Fatalf("the line of %q is gone: %q", who, text)
	return Line{}
}

// AwaitPicture waits until a picture of somebody's is shown, and returns its line, which
// is the last such.
func (p *Pane) AwaitPicture(who string) (last Line) {
	p.tb.Helper()
	p.Await(`$$("#log .picture").some(line => line.querySelector(".who").textContent === %s
		&& line.querySelector("img")?.complete)`, who)
	for _, line := range p.Lines() {
		if line.Who == who && line.Picture {
			last = line
		}
	}
	return last
}

// Heard reports whether a text is in the log, whoever said it.
func (p *Pane) Heard(text string) bool {
	p.tb.Helper()
	for _, line := range p.Lines() {
		if strings.Contains(line.Text, text) {
			return true
		}
	}
	return false
}

// A Packet is an entry of the live packet log.
type Packet struct {
	In   bool   // from the server
	Text string // as it is on the wire
	All  string // with what it is in words
}

// Packets returns the packet log, oldest first.
func (p *Pane) Packets() []Packet {
	p.tb.Helper()
	return EvalIn[[]Packet](p, `$$("#wire :is(.in, .out)").map(li => ({
		In: li.classList.contains("in"), Text: li.querySelector("code").textContent, All: li.textContent}))`)
}

// SendPicture chooses a file, which the page sends at once.
func (p *Pane) SendPicture(file string) {
	p.tb.Helper()
	input := EvalIn[*runtime.RemoteObject](p, `$("#picture")`)
	Call(p.Page, dom.SetFileInputFiles, dom.SetFileInputFilesParams{Files: []string{file}, ObjectID: input.ObjectID})
}

// Type types a text into the field where one writes, with the keyboard.
func (p *Pane) Type(text string) {
	p.tb.Helper()
	EvalIn[any](p, `$("#text").focus()`)
	Call(p.Page, input.InsertText, input.InsertTextParams{Text: text})
}

// Press presses a key in the field that has the focus: "Tab", "Enter", "Escape".
func (p *Page) Press(name string) {
	p.tb.Helper()
	Run(p, chromedp.KeyEvent(map[string]string{"Tab": kb.Tab, "Enter": kb.Enter, "Escape": kb.Escape, "ArrowDown": kb.ArrowDown}[name]))
}
