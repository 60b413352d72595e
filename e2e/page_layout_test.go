package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sockeye-io/socketio/e2e/browser"
)

// TestPageLayout: on a desk and on a phone, in light and dark, everything is to be seen,
// and nothing lies on something else.
func TestPageLayout(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for _, phone := range []bool{false, true} {
		for _, dark := range []bool{false, true} {
			t.Run(fmt.Sprintf("phone=%t/dark=%t", phone, dark), func(t *testing.T) {
				t.Parallel()
				page, panes := scene(t, s, fmt.Sprint("layout", phone, dark), "0.9.17:xhr-polling", "4.8.4:websocket")
				page.Dark(dark)
				if phone {
					page.Phone(390, 844)
				} else {
					page.Desk(1280, 900)
				}
				path, _ := pictureFile(t, 300, 200)
				panes[1].SendPicture(path)
				panes[0].AwaitPicture("Bob")
				for i := range 6 {
					panes[i%2].Say(strings.Repeat("a sentence of some words, ", i) + strings.Repeat("W", 60))
				}
				panes[0].AwaitLine("Bob", strings.Repeat("a sentence of some words, ", 5)+strings.Repeat("W", 60))
				checkLayout(t, page, len(panes))
				checkColors(t, page, dark)
				if phone {
					checkTouch(t, page)
				}
			})
		}
	}
}

// A box is where something is, in its document, in CSS pixels.
type box struct {
	Name                     string
	Left, Top, Right, Bottom float64
	Visible                  bool
}

// boxes returns those of elements of a document.
const boxes = `(doc, selectors) => selectors.map(s => {
	const e = typeof s === "string" ? doc.querySelector(s) : s;
	const {left, top, right, bottom} = e.getBoundingClientRect(), w = doc.defaultView;
	return {Name: e.id || e.className || e.tagName, Left: left + w.scrollX, Top: top + w.scrollY, Right: right + w.scrollX, Bottom: bottom + w.scrollY,
		Visible: e.checkVisibility({opacityProperty: true, visibilityProperty: true}) && right - left > 0 && bottom - top > 0};
})`

// checkLayout checks what lies where: the panes in the page, and the parts of each.
func checkLayout(t *testing.T, page *browser.Page, n int) {
	t.Helper()
	if over := browser.Eval[float64](page, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
		t.Errorf("the page is %v pixels too wide", over)
	}
	apart(t, "page", browser.Eval[[]box](page, `(`+boxes+`)(document, [...document.querySelectorAll("iframe.pane")])`))
	for i := range n {
		p := page.Pane(i)
		where := fmt.Sprintf("pane %d", i)
		if over := browser.EvalIn[float64](p, `doc.documentElement.scrollWidth - doc.defaultView.innerWidth`); over > 0 {
			t.Errorf("%s is %v pixels too wide", where, over)
		}
		parts := browser.EvalIn[[]box](p, `(`+boxes+`)(doc, ["#client", "#state", "#transport", "#name", "#room", "#people", "#log", "#to", "#text", "#send", "#wire", "#clear"])`)
		apart(t, where, parts)
		width, height := browser.EvalIn[float64](p, `doc.defaultView.innerWidth`), browser.EvalIn[float64](p, `doc.defaultView.innerHeight`)
		for _, part := range parts {
			cut := part.Left < 0 || part.Right > width || part.Top < 0 || part.Bottom > height
			if tall := part.Name == "log" || part.Name == "wire"; cut || tall && part.Bottom-part.Top < 100 {
				t.Errorf("%s of %v×%v: #%s is at %+v", where, width, height, part.Name, part)
			}
		}
		p.Await(`$("#wire li:last-child") && $("#log .line:last-child")`)
		for _, list := range []string{"#wire", "#log"} { // the newest is in sight
			p.Await(`(() => {
				let inner = $(%s + " > :last-child"), outer = inner.parentElement;
				while (outer.scrollHeight <= outer.clientHeight + 1 && outer.parentElement) outer = outer.parentElement;
				return inner.getBoundingClientRect().top < outer.getBoundingClientRect().bottom;
			})()`, list)
		}
	}
}

// apart checks that all of these are seen, and that no two overlap.
func apart(t *testing.T, where string, parts []box) {
	t.Helper()
	for i, a := range parts {
		if !a.Visible {
			t.Errorf("%s: %s cannot be seen: %+v", where, a.Name, a)
		}
		for _, b := range parts[:i] {
			if min(a.Right, b.Right)-max(a.Left, b.Left) > 0.5 && min(a.Bottom, b.Bottom)-max(a.Top, b.Top) > 0.5 {
				t.Errorf("%s: %+v lies on %+v", where, a, b)
			}
		}
	}
}

// checkColors checks the scheme, and that text can be read on its background: a contrast
// of 4.5 (WCAG 2.2, 1.4.3).
func checkColors(t *testing.T, page *browser.Page, dark bool) {
	t.Helper()
	const audit = `(doc, dark) => {
		const luminance = c => { const [r, g, b] = c.map(v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b };
		const canvas = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
		const paint = colors => { canvas.fillStyle = dark ? "#000" : "#fff"; canvas.fillRect(0, 0, 1, 1); for (const c of colors) { canvas.fillStyle = c; canvas.fillRect(0, 0, 1, 1) } return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3) };
		const style = e => doc.defaultView.getComputedStyle(e);
		const grounds = e => { const all = []; for (; e; e = e.parentElement) all.unshift(style(e).backgroundColor); return all };
		const bad = [];
		const ground = luminance(paint(grounds(doc.body)));
		if (dark ? ground > .2 : ground < .7) bad.push("the background's luminance is " + ground);
		for (const e of doc.body.querySelectorAll("*")) {
			if (!e.checkVisibility({opacityProperty: true, visibilityProperty: true}) || e.disabled || e.closest("option") || style(e).clipPath !== "none" || style(e).position === "absolute") continue;
			if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) && !/^(INPUT|SELECT)$/.test(e.tagName)) continue;
			const behind = grounds(e), a = luminance(paint([...behind, style(e).color])), b = luminance(paint(behind));
			const contrast = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
			if (contrast < 4.5) bad.push((e.id || e.className || e.tagName) + " " + (e.textContent || "").slice(0, 20) + " " + contrast.toFixed(2));
		}
		return [...new Set(bad)];
	}`
	for _, doc := range []string{`document`, `document.querySelectorAll("iframe.pane")[0].contentDocument`, `document.querySelectorAll("iframe.pane")[1].contentDocument`} {
		for _, bad := range browser.Eval[[]string](page, fmt.Sprintf(`(`+audit+`)(%s, %t)`, doc, dark)) {
			t.Errorf("hard to read: %s", bad)
		}
	}
}

// checkTouch checks that fingers hit what can be used: 40 pixels in both directions, or
// in height for what is in a line of text.
func checkTouch(t *testing.T, page *browser.Page) {
	t.Helper()
	small := browser.Eval[[]string](page, `[document, ...[...document.querySelectorAll("iframe.pane")].map(f => f.contentDocument)].flatMap(doc =>
		[...doc.querySelectorAll("button, select, input, summary, label[for=picture], #people li")]
		.filter(e => e.checkVisibility({opacityProperty: true, visibilityProperty: true}) && !(e.type === "file") && !e.disabled)
		.map(e => [e.id || e.className || e.tagName, e.getBoundingClientRect()])
		.filter(([, r]) => r.width > 1 && (r.height < 40 || r.width < 40))
		.map(([name, r]) => name + " is " + r.width + "×" + r.height))`)
	for _, what := range small {
		t.Errorf("too small for a finger: %s", what)
	}
}
