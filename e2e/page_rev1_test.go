package e2e

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/sockeye-io/socketio/e2e/browser"
)

// TestPageRevision1: the clients before 0.9 talk to today's over every transport that
// they offer, one after the other; TestPageTransports does this with 0.9.17.
func TestPageRevision1(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for _, version := range []string{"0.7.11", "0.8.7"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			_, panes := scene(t, s, version, version, "4.8.4:websocket", "4.8.4:polling")
			ann := panes[0]
			offers := offered[0].transports
			if got := ann.Transports(); fmt.Sprint(got) != fmt.Sprint(offers) {
				t.Fatalf("%s offers %q, want %q", version, got, offers)
			}
			for i, transport := range slices.Backward(offers) {
				ann.UseTransport(transport)
				for _, p := range panes {
					p.AwaitPeople("Ann", "Bob", "Cid") // the session before has ended
					browser.EvalIn[any](p, `$("#clear").click()`)
				}
				other := panes[1+i%2] // one alone would send more pictures than it may
				talk(t, ann, other, "over "+transport)
				inItsGrammar(t, ann, `5:::{"name":"said"`, `5:`)
				inItsGrammar(t, other, `42["said"`, `42`)
				if version == "0.8.7" {
					exchangePictures(t, ann, other, 40+i)
				}
			}
		})
	}
}

// exchangePictures has two show each other a picture so many pixels wide.
func exchangePictures(t *testing.T, a, b *browser.Pane, width int) {
	t.Helper()
	path, _ := pictureFile(t, width, 30)
	for _, pair := range [][2]*browser.Pane{{a, b}, {b, a}} {
		from, to := pair[0], pair[1]
		from.SendPicture(path)
		to.Await(fmt.Sprintf(`$$("#log .picture").some(line => line.querySelector(".who").textContent === %%s
			&& line.querySelector("img")?.naturalWidth === %d)`, width), from.Name())
	}
	for p, form := range map[*browser.Pane]string{a: "base64 in JSON", b: "binary"} {
		for _, from := range []*browser.Pane{a, b} {
			if got := p.AwaitPicture(from.Name()).Form; !strings.Contains(got, form) {
				t.Errorf("%s is told %q of %s's picture, want %s", p.Name(), got, from.Name(), form)
			}
		}
	}
}

// TestPageRevision1Hostile: texts that would end or change a script, where packets
// travel in scripts, are read as they were written.
func TestPageRevision1Hostile(t *testing.T) {
	t.Parallel()
	s := serve(t)
	texts := maps.Clone(hostileTexts)
	maps.Copy(texts, map[string]string{
		"end":             `</script>`,
		"end in capitals": `"</SCRIPT ` + "\t" + `>` + hurt,
		"comment":         `<!--`,
		"escaped script":  `<!--<script>`,
		"comment's end":   `--></script><script>` + hurt + `</script>`,
		"section":         `]]><![CDATA[`,
		"call":            `");` + hurt + `;("`,
		"single quotes":   `');` + hurt + `;('`,
		"slashes":         `\/ \\/ \\\/ // <\/script> \u002f`,
		"escapes":         `\n \u2028 \x3c \0 \`,
		"one separator":   "\u2028",
		"entities' end":   `&quot;);` + hurt + `&lt;/script&gt;`,
		"plus":            `a+b%2B&d=x;y`,
	})
	for _, pane := range []string{"0.7.11:jsonp-polling", "0.9.17:jsonp-polling", "0.8.7:htmlfile", "0.9.17:htmlfile"} {
		t.Run(pane, func(t *testing.T) {
			t.Parallel()
			page, panes := scene(t, s, "texts by "+pane, pane, "4.8.4:websocket")
			ann, bob := panes[0], panes[1]
			for name, text := range texts {
				if strings.TrimSpace(text) == "" {
					text += "x" // else there is nothing to say
				}
				// The way to the old client is the one with scripts; its own way by
				// form is taken by some.
				from, to := bob, ann
				if len(name)%3 == 0 {
					from, to = ann, bob
				}
				from.Type(text)
				from.Press("Enter")
				to.AwaitLine(from.Name(), text)
				from.AwaitLine(from.Name(), text)
			}
			harmless(t, page, panes...)
		})
	}
}

// TestPageRevision1Restart: when the server ends, panes that poll by scripts, or have an
// htmlfile, come back to the next one.
func TestPageRevision1Restart(t *testing.T) {
	t.Parallel()
	for _, pane := range []string{"0.7.11:jsonp-polling", "0.9.17:jsonp-polling", "0.7.11:htmlfile", "0.8.7:htmlfile", "0.9.17:htmlfile"} {
		t.Run(pane, func(t *testing.T) {
			t.Parallel()
			s := serve(t)
			page, panes := scene(t, s, "the last", pane, "4.8.4:websocket")
			talk(t, panes[0], panes[1], "before")
			page.Excuse(offline)
			comeBack(t, s, syscall.SIGTERM, panes)
			_, transport, _ := strings.Cut(pane, ":")
			panes[0].AwaitTransport(transport)
			if !panes[0].Heard("before") {
				t.Error("what was said before the restart is gone")
			}
		})
	}
}

// TestPageRevision1Lost: 0.8.7 does not notice that its htmlfile has ended with a server
// that was killed until it has something to send. What was written is not lost then.
func TestPageRevision1Lost(t *testing.T) {
	t.Parallel()
	s := serve(t)
	page, panes := scene(t, s, "lost", "0.8.7:htmlfile", "4.8.4:websocket")
	ann, bob := panes[0], panes[1]
	talk(t, ann, bob, "before")
	page.Excuse(offline)
	s.stop(t, syscall.SIGKILL)
	const text = "is anybody there?"
	ann.Type(text)
	ann.Press("Enter")
	ann.AwaitState("reconnecting")
	if got := browser.EvalIn[string](ann, `$("#text").value`); got != text {
		t.Errorf("the field has %q, want what was not sent", got)
	}
	s.restart(t)
	for _, p := range panes {
		p.AwaitState("connected")
		p.AwaitPeople("Ann", "Bob")
	}
	ann.AwaitTransport("htmlfile")
	talk(t, ann, bob, "after")
	if n := browser.EvalIn[int](ann, `$$("iframe").length`); n != 1 {
		t.Errorf("the pane has %d frames, want that of the htmlfile that runs", n)
	}
}

// TestPageRevision1Layout: a window of five panes, of all clients and transports, is as
// good to look at as one of two.
func TestPageRevision1Layout(t *testing.T) {
	t.Parallel()
	s := serve(t)
	clients := []string{"0.7.11:jsonp-polling", "0.8.7:htmlfile", "0.9.17:xhr-polling", "4.8.4:websocket", "4.8.4:polling"}
	for _, phone := range []bool{false, true} {
		t.Run(fmt.Sprintf("phone=%t", phone), func(t *testing.T) {
			t.Parallel()
			page, panes := sceneOfMany(t, s, fmt.Sprint("five", phone), clients...)
			if phone {
				page.Phone(390, 844)
			} else {
				page.Desk(1280, 900)
			}
			for i, p := range panes {
				p.Say(strings.Repeat("a sentence of some words, ", i) + strings.Repeat("W", 60))
			}
			panes[0].AwaitLine(panes[4].Name(), strings.Repeat("a sentence of some words, ", 4)+strings.Repeat("W", 60))
			checkLayout(t, page, len(panes))
			checkColors(t, page, false)
			if phone {
				checkTouch(t, page)
			}
			for _, p := range panes {
				if cut := browser.EvalIn[[]string](p, `$$("#people .transport, #client, #year, #now")
					.filter(e => e.scrollWidth > e.clientWidth && e.clientWidth > 0).map(e => e.textContent)`); len(cut) > 0 {
					t.Errorf("%s's pane has cut off %q", p.Name(), cut)
				}
			}
		})
	}
}

// sceneOfMany opens the page with panes whose people keep the names that the page gives
// them, and see each other.
func sceneOfMany(t *testing.T, s *server, room string, clients ...string) (*browser.Page, []*browser.Pane) {
	t.Helper()
	open := func(_ browser.TB, url string) *browser.Page { return show(t, url) }
	return manyOf(t, open, s, room, clients...)
}

// manyOf is sceneOfMany in a browser whose Open is given.
func manyOf(t *testing.T, open func(browser.TB, string) *browser.Page, s *server, room string, clients ...string) (page *browser.Page, panes []*browser.Pane) {
	t.Helper()
	page = open(t, s.url+"/?room="+room+"&panes="+strings.Join(clients, ","))
	var names []string
	for i := range clients {
		panes = append(panes, page.Pane(i))
		names = append(names, panes[i].Name())
	}
	for i, p := range panes {
		p.AwaitPeople(names...)
		if _, transport, ok := strings.Cut(clients[i], ":"); ok {
			p.AwaitTransport(transport)
		}
	}
	return page, panes
}

// TestPageUsual: a window that asks for nothing shows the last client of revision 1 and
// the newest, and offers the others one after the other.
func TestPageUsual(t *testing.T) {
	t.Parallel()
	page := show(t, serve(t).url)
	shown := func(want ...string) {
		t.Helper()
		page.Await(`[...document.querySelectorAll("iframe.pane")].map(f => new URL(f.src).searchParams.get("client")).join() === %s`,
			strings.Join(want, ","))
	}
	shown("0.9.17", "4.8.4")
	for i := range 2 {
		browser.Eval[any](page, `document.querySelector("#add").click()`)
		page.Pane(2 + i)
	}
	shown("0.9.17", "4.8.4", "0.7.11", "0.8.7")
	page.Pane(0).AwaitPeople("Ada", "Alan", "Grace", "Radia")
}

// TestPageCrowd: with more panes that poll than a browser has connections the page says
// why they are slow, until there are less.
func TestPageCrowd(t *testing.T) {
	t.Parallel()
	page, panes := sceneOfMany(t, serve(t), "crowd", "0.7.11:xhr-polling", "0.8.7:htmlfile",
		"0.9.17:jsonp-polling", "4.8.4:polling", "4.8.4:polling", "4.8.4:websocket")
	const warned = `document.querySelector("#hint").textContent.includes("connections")`
	if browser.Eval[bool](page, warned) {
		t.Error("there is a connection left, and the page says that there is none")
	}
	choose := func(transport string) {
		browser.EvalIn[any](panes[5], `(() => {
			$("#transport").value = %s;
			$("#transport").dispatchEvent(new Event("change"));
		})()`, transport)
	}
	choose("polling")
	page.Await(warned)
	choose("websocket")
	page.Await("!" + warned)
	panes[5].AwaitState("connected")
	talk(t, panes[5], panes[0], "again")
}

// TestPageRevision1TLS: over TLS, and so over HTTP/2, as many panes may poll as there are.
func TestPageRevision1TLS(t *testing.T) {
	t.Parallel()
	cert, key := selfSigned(t)
	s := serve(t, "--tls-cert", cert, "--tls-key", key)
	b, err := browser.Start("ignore-certificate-errors")
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	t.Run("page", func(t *testing.T) { // which ends before its browser
		_, panes := manyOf(t, b.Open, s, "tls", "0.7.11:jsonp-polling", "0.7.11:htmlfile", "0.8.7:htmlfile",
			"0.8.7:jsonp-polling", "0.9.17:htmlfile", "0.9.17:jsonp-polling", "4.8.4:polling")
		for i, p := range panes {
			talk(t, p, panes[(i+1)%len(panes)], fmt.Sprint("in secret ", i))
		}
	})
}
