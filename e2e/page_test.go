package e2e

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/sockeye-io/socketio/e2e/browser"
)

// The clients that the page has, oldest first, with the transports that each offers.
var offered = []struct {
	client     string
	transports []string
}{
	{"0.9.17", []string{"auto", "websocket", "htmlfile", "xhr-polling", "jsonp-polling"}},
	{"4.8.4", []string{"auto", "websocket", "polling"}},
}

// scene opens the page with panes such as "0.9.17:xhr-polling" in a room, and names the
// people in them Ann, Bob and Cid, who see each other.
func scene(t *testing.T, s *server, room string, clients ...string) (*browser.Page, []*browser.Pane) {
	t.Helper()
	page := show(t, s.url+"/?"+url.Values{"panes": {strings.Join(clients, ",")}, "room": {room}}.Encode())
	return page, introduce(page, len(clients))
}

// introduce names the people in the panes of a page.
func introduce(page *browser.Page, n int) []*browser.Pane {
	names := []string{"Ann", "Bob", "Cid"}[:n]
	var panes []*browser.Pane
	for i, name := range names {
		pane := page.Pane(i)
		pane.Rename(name)
		panes = append(panes, pane)
	}
	for _, pane := range panes {
		pane.AwaitPeople(names...)
	}
	return panes
}

// TestPageTransports: the two generations talk to each other on every pair of the
// transports that they offer.
func TestPageTransports(t *testing.T) {
	t.Parallel()
	s := serve(t)
	t.Run("offered", func(t *testing.T) {
		page := show(t, s.url)
		for i, o := range offered {
			if got := page.Pane(i).Transports(); !slices.Equal(got, o.transports) {
				t.Errorf("%s offers %q, want %q", o.client, got, o.transports)
			}
		}
	})
	for _, old := range offered[0].transports {
		t.Run(old, func(t *testing.T) {
			t.Parallel()
			_, panes := scene(t, s, "pairs of "+old, "0.9.17:"+old, "4.8.4:auto")
			for _, now := range slices.Backward(offered[1].transports) { // auto last: nothing else tells of the upgrade then
				panes[0].UseTransport(old)
				panes[1].UseTransport(now)
				panes[0].AwaitPeople("Ann", "Bob")
				talk(t, panes[0], panes[1], "with "+now)
				if now == "auto" { // which is polling at first
					panes[1].Await(`$$("#wire .out code").some(code => code.textContent === "2probe") && $$("#wire .out code").some(code => code.textContent === "5")`)
				}
				inItsGrammar(t, panes[0], `5:::{"name":"said"`, `5:`)
				inItsGrammar(t, panes[1], `42["said"`, `42`)
			}
		})
	}
}

var roundTrip = regexp.MustCompile(`\b\d+(\.\d+)? ms$`)

// talk has two say something to each other, with the acknowledgements shown.
func talk(t *testing.T, a, b *browser.Pane, about string) {
	t.Helper()
	for _, pair := range [][2]*browser.Pane{{a, b}, {b, a}} {
		from, to := pair[0], pair[1]
		text := from.Name() + " speaks " + about
		own := from.Say(text)
		read := to.AwaitLine(from.Name(), text)
		if !own.Own || own.Private || read.Own || read.Private {
			t.Errorf("%q is shown as %+v, and to the other as %+v", text, own, read)
		}
		if !roundTrip.MatchString(own.RTT) {
			t.Errorf("%q took %q: want a time", text, own.RTT)
		}
	}
}

// inItsGrammar checks that the packet log has shown packets of both directions as they
// are in the client's own generation.
func inItsGrammar(t *testing.T, p *browser.Pane, in, out string) {
	t.Helper()
	var read, sent bool
	packets := p.Packets()
	for _, packet := range packets {
		read = read || packet.In && strings.HasPrefix(packet.Text, in)
		sent = sent || !packet.In && strings.HasPrefix(packet.Text, out) && strings.Contains(packet.Text, `"say"`)
		if strings.TrimSpace(packet.All) == strings.TrimSpace(packet.Text) {
			t.Errorf("%q is not put in words", packet.Text)
		}
	}
	if !read || !sent {
		t.Errorf("no %s… in, or no %s… out, among %+v", in, out, packets)
	}
}

// TestPagePeople: who is there is shown with generation and transport, which an upgrade
// and a choice change for everybody.
func TestPagePeople(t *testing.T) {
	t.Parallel()
	page, panes := scene(t, serve(t), "people", "0.9.17:xhr-polling", "4.8.4:polling", "4.8.4:auto")
	want := map[string]browser.Person{
		"Ann": {Who: "Ann", Generation: "revision 1", Transport: "xhr-polling"},
		"Bob": {Who: "Bob", Generation: "revision 5", Transport: "polling"},
		"Cid": {Who: "Cid", Generation: "revision 5", Transport: "websocket"},
	}
	check := func() {
		t.Helper()
		for _, pane := range panes {
			for _, p := range want {
				pane.Await(`$$("#people li").some(li => li.querySelector(".who").textContent === %s
					&& li.querySelector(".transport").textContent.includes(%s))`, p.Who, p.Transport)
			}
			for _, got := range pane.People() {
				if got != want[got.Who] {
					t.Errorf("%s sees %+v, want %+v", pane.Name(), got, want[got.Who])
				}
			}
		}
	}
	check()
	for i, transport := range []string{"websocket", "websocket", "polling"} {
		panes[i].UseTransport(transport)
		name := panes[i].Name()
		p := want[name]
		p.Transport = transport
		want[name] = p
	}
	check()

	browser.Eval[any](page, `document.querySelectorAll("iframe.pane")[2].contentWindow.location.replace("about:blank")`)
	panes[0].AwaitPeople("Ann", "Bob")
	panes[1].AwaitPeople("Ann", "Bob")
}

// TestPagePrivate: a private line is read by its receiver alone, in either generation.
func TestPagePrivate(t *testing.T) {
	t.Parallel()
	_, panes := scene(t, serve(t), "private", "0.9.17:websocket", "4.8.4:polling", "4.8.4:websocket")
	ann, bob, cid := panes[0], panes[1], panes[2]
	for _, c := range []struct{ from, to, other *browser.Pane }{{ann, bob, cid}, {bob, ann, cid}, {bob, cid, ann}} {
		secret := "for " + c.to.Name() + "'s eyes, from " + c.from.Name()
		c.from.To(c.to.Name())
		own := c.from.Say(secret)
		if read := c.to.AwaitLine(c.from.Name(), secret); !own.Private || !read.Private {
			t.Errorf("not marked as private: %+v, %+v", own, read)
		}
		c.from.To("")
		open := "from " + c.from.Name() + " to all, after " + c.to.Name()
		c.from.Say(open)
		for _, p := range []*browser.Pane{c.to, c.other} {
			if line := p.AwaitLine(c.from.Name(), open); line.Private {
				t.Errorf("marked as private: %+v", line)
			}
		}
		if c.other.Heard(secret) { // which would have come before
			t.Errorf("%s has read %q", c.other.Name(), secret)
		}
	}
}

// TestPageRooms: a room hears its own people and nobody else, and lists follow.
func TestPageRooms(t *testing.T) {
	t.Parallel()
	_, panes := scene(t, serve(t), "kitchen", "0.9.17:websocket", "4.8.4:websocket", "4.8.4:polling")
	ann, bob, cid := panes[0], panes[1], panes[2]
	cid.Enter("cellar")
	ann.AwaitPeople("Ann", "Bob")
	ann.Say("what is cooking")
	bob.AwaitLine("Ann", "what is cooking")
	ann.Await(`[...doc.querySelectorAll("datalist option")].some(o => o.value === "cellar")`) // rooms can be found

	ann.Enter("cellar", "Cid")
	bob.AwaitPeople("Bob")
	cid.AwaitPeople("Ann", "Cid")
	talk(t, ann, cid, "about coal")
	if cid.Heard("cooking") { // which was said before
		t.Error("the cellar has heard the kitchen")
	}
	bob.Enter("cellar", "Ann", "Cid")
	bob.Say("there you are")
	ann.AwaitLine("Bob", "there you are")
	if bob.Heard("coal") {
		t.Error("the kitchen has heard the cellar")
	}
}

// TestPageWindows: the page in two windows is one chat.
func TestPageWindows(t *testing.T) {
	t.Parallel()
	s := serve(t)
	first, panes := scene(t, s, "windows", "0.9.17", "4.8.4")
	second := first.OpenBeside(s.url + "/?room=windows&panes=4.8.4,0.9.17")
	for i, name := range []string{"Dan", "Eve"} {
		second.Pane(i).Rename(name)
	}
	for _, p := range append(panes, second.Pane(0), second.Pane(1)) {
		p.AwaitPeople("Ann", "Bob", "Dan", "Eve")
	}
	for i, p := range panes {
		talk(t, p, second.Pane(i), "across windows")
	}
}

// TestPageBar: panes are added, and closed, and others stay as they are.
func TestPageBar(t *testing.T) {
	t.Parallel()
	page, panes := scene(t, serve(t), "bar", "0.9.17", "4.8.4")
	browser.Eval[any](page, `(() => {
		const select = document.querySelector("#add-client");
		select.value = [...select.options].map(o => o.value).find(v => v.startsWith("0.9.17"));
		document.querySelector("#add").click();
	})()`)
	page.Await(`document.querySelectorAll("iframe.pane").length === 3`)
	page.Pane(2).Rename("Cid")
	panes[0].AwaitPeople("Ann", "Bob", "Cid")
	talk(t, page.Pane(2), panes[1], "from the new pane")
	if !panes[0].Heard("from the new pane") {
		panes[0].AwaitLine("Cid", "Cid speaks from the new pane")
	}

	panes[1].Close()
	page.Await(`document.querySelectorAll("iframe.pane").length === 2`)
	panes[0].AwaitPeople("Ann", "Cid")
	talk(t, page.Pane(0), page.Pane(1), "with one gone")
	if !page.Pane(0).Heard("from the new pane") {
		t.Error("closing a pane has disturbed another")
	}
}

// TestPageOwnScript: without the official clients the panes run the page's own script,
// as revision 1 and as revision 5.
func TestPageOwnScript(t *testing.T) {
	t.Parallel()
	s := serveAlone(t)
	page := show(t, s.url)
	panes := introduce(page, 2)
	talk(t, panes[0], panes[1], "by the page's own script")
	var generations []string
	for _, p := range panes[0].People() {
		generations = append(generations, p.Generation)
	}
	if g := strings.Join(generations, ","); g != "revision 1,revision 5" && g != "revision 5,revision 1" {
		t.Errorf("the panes are of %q", g)
	}
	for i, p := range panes {
		inItsGrammar(t, p, []string{`5:::{"name":"said"`, `42["said"`}[i], []string{`5:`, `42`}[i])
	}
	page.Excuse(offline)
	comeBack(t, s, syscall.SIGKILL, panes)
}
