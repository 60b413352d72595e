package e2e

import (
	"net/url"
	"strings"
	"testing"

	"github.com/sockeye-io/socketio/e2e/browser"
)

// hurt is what hostile text tries to run. It would be seen in any frame.
const hurt = `top.hurt=parent.hurt=window.hurt=1`

// hostileTexts are to be read as they were written.
var hostileTexts = map[string]string{
	"script":         `<script>` + hurt + `</script>`,
	"handler":        `<img src=x onerror="` + hurt + `">`,
	"svg":            `<svg/onload=` + hurt + `><a xlink:href="javascript:` + hurt + `">x</a></svg>`,
	"frame":          `<iframe srcdoc="<script>` + hurt + `</script>"></iframe>`,
	"closing":        `</div></li></code></textarea></script><script>` + hurt + `</script>`,
	"attribute":      `" autofocus onfocus=` + hurt + ` x="`,
	"link":           `javascript:` + hurt,
	"entities":       `&lt;b&gt; &amp;amp; &#60;script&#62; &nbsp;|`,
	"template":       `${` + hurt + `} {{constructor.constructor('` + hurt + `')()}}`,
	"style":          `<style>*{display:none}</style>`,
	"right to left":  "\u202Eabc\u202C \u2067def\u2069 שלום \u200Fx",
	"beyond 16 bits": "😀 👩‍👩‍👧 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 🏳️‍🌈",
	"separators":     "one\u2028two\u2029three\u0085four\ufefffive\ufffdsix",
	"packets":        `5:::{"name":"said"} 42["said",{}] 451-["x",{"_placeholder":true,"num":0}]` + " \ufffd12\ufffd",
	"properties":     `{"__proto__":{"hurt":1},"constructor":"x","toString":1}`,
	"long":           strings.Repeat(`<i>x</i>`, 250), // 2,000 characters
	"long beyond":    strings.Repeat("😀", 1000),       // 2,000 as the page counts
	"quotes":         `\" \\ \u003c \x3c ' ` + "`",
}

// harmless checks that nothing has been taken for HTML or run.
func harmless(t *testing.T, page *browser.Page, panes ...*browser.Pane) {
	t.Helper()
	if browser.Eval[bool](page, `[window, ...Array.from(frames)].some(w => "hurt" in w)`) {
		t.Error("a script has run")
	}
	if title := browser.Eval[string](page, `document.title`); !strings.Contains(title, "Sockeye") || strings.Contains(title, "<") {
		t.Errorf("the page's title is %q", title)
	}
	for _, p := range panes {
		// Whatever is in these is text, but for what the page itself makes.
		made := browser.EvalIn[[]string](p, `$$("#log :is(.who, .text, .to, .note, .form, .generation) *, #people span *, #to option *, datalist option *, #wire :is(code, .what) *, #state *, title *,"
			+ "#log :is(script, svg, iframe, style, a, b, i, form, input), #wire :is(script, svg, iframe, style, a, b, i, img, form, input)")
			.map(e => e.outerHTML)`)
		if len(made) > 0 {
			t.Errorf("in %s's pane text was taken for HTML: %q", p.Name(), made)
		}
		if pictures := browser.EvalIn[int](p, `$$("#log img").length`); pictures > 0 {
			t.Errorf("%s's pane shows %d pictures", p.Name(), pictures)
		}
	}
}

// TestPageHostileText: what is typed is what is read, and nothing else.
func TestPageHostileText(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for _, pair := range [][2]string{{"websocket", "websocket"}, {"xhr-polling", "polling"}} {
		t.Run(strings.Join(pair[:], "+"), func(t *testing.T) {
			t.Parallel()
			page, panes := scene(t, s, "texts by "+pair[0], "0.9.17:"+pair[0], "4.8.4:"+pair[1])
			for name, text := range hostileTexts {
				from, to := panes[len(name)%2], panes[1-len(name)%2] // some each way
				from.Type(text)
				from.Press("Enter")
				read := to.AwaitLine(from.Name(), text)
				own := from.AwaitLine(from.Name(), text)
				if read.Own || !own.Own {
					t.Errorf("%s: %+v, %+v", name, read, own)
				}
				if json := browser.Eval[string](page, `JSON.stringify(%s)`, text); len(json) < 200 && !logged(from.Packets(), json) {
					t.Errorf("%s: no packet has %s", name, json)
				}
				harmless(t, page, panes...)
			}
		})
	}
}

// logged reports whether a packet that went out has been shown with a text in it.
func logged(packets []browser.Packet, text string) bool {
	for _, p := range packets {
		if !p.In && strings.Contains(p.Text, text) {
			return true
		}
	}
	return false
}

// TestPageHostileNames: names of people and rooms are text wherever they are shown, and
// in private lines, too.
func TestPageHostileNames(t *testing.T) {
	t.Parallel()
	s := serve(t)
	page, panes := scene(t, s, `<script>top.hurt=1</script>`, "0.9.17", "4.8.4")
	harmless(t, page, panes...)
	for i, name := range []string{`<img src=x onerror=top.hurt=1>`, `<b>Bob</b>&lt;`, `"><svg onload=top.hurt=1>`, `javascript:top.hurt=1`, "😀שלום</option>"} {
		p, other := panes[i%2], panes[1-i%2]
		p.Rename(name)
		other.AwaitPerson(name)
		p.Say("it is me")
		other.AwaitLine(name, "it is me")
		other.To(name)
		other.Say("in private")
		if line := p.AwaitLine(other.Name(), "in private"); !line.Private {
			t.Errorf("not private to %q: %+v", name, line)
		}
		other.To("")
		harmless(t, page, panes...)
	}
	for i, room := range []string{`</option><img src=x onerror=top.hurt=1>`, `"'><script>top.hurt=1</script>`} {
		panes[i].Enter(room)
		panes[1-i].Await(`[...doc.querySelectorAll("datalist option")].some(o => o.value === %s)`, room)
		harmless(t, page, panes...)
	}
	panes[0].Rename("a\u202Eb\nc") // which would turn or break the line
	panes[0].AwaitPerson("abc")
}

// TestPageHostileAddress: nor does the page believe its address.
func TestPageHostileAddress(t *testing.T) {
	t.Parallel()
	s := serve(t)
	const evil = `"><img src=x onerror=top.hurt=1><script>top.hurt=1</script>`
	page := show(t, s.url+"/?"+url.Values{"panes": {evil + ",4.8.4:" + evil + ",javascript:top.hurt=1,4.8.4"}, "room": {evil}}.Encode())
	page.Await(`document.querySelectorAll("iframe.pane").length > 0`)
	if browser.Eval[bool](page, `[...document.querySelectorAll("iframe.pane")].some(f => !f.src.startsWith(location.origin + "/pane.html?"))`) {
		t.Error("a frame shows something else than a pane")
	}
	harmless(t, page)

	alone := show(t, s.url+"/pane.html?"+url.Values{"client": {"4.8.4"}, "transport": {evil}, "room": {"<b>"}, "name": {`<img src=x onerror=top.hurt=1>`}}.Encode())
	harmless(t, alone, alone.Alone())
	for _, client := range []string{evil, "../../evil", "//127.0.0.1:1/x", "javascript:top.hurt=1"} {
		other := show(t, s.url+"/pane.html?"+url.Values{"client": {client}}.Encode())
		other.Await(`document.body.innerText.trim() !== ""`)
		harmless(t, other)
		if browser.Eval[bool](other, `[...document.scripts].some(s => new URL(s.src).origin !== location.origin)`) {
			t.Errorf("client=%s loads a script of others", client)
		}
	}
}
