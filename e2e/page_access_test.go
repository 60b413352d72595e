package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	cdppage "github.com/chromedp/cdproto/page"

	"github.com/sockeye-io/socketio/e2e/browser"
)

// TestPageKeyboard: one who has no mouse comes to everything, writes, and leaves a
// private conversation.
func TestPageKeyboard(t *testing.T) {
	t.Parallel()
	page, panes := scene(t, serve(t), "keyboard", "0.9.17:websocket", "4.8.4:websocket")
	ann, bob := panes[0], panes[1]

	// The whole page by Tab, from its beginning.
	reached := map[string]bool{}
	for range 80 {
		page.Press("Tab")
		reached[focus(page)] = true
	}
	for i := range panes {
		for _, control := range []string{"transport", "name", "room", "to", "text", "send", "clear"} {
			if !reached[fmt.Sprintf("%d #%s", i, control)] {
				t.Errorf("Tab does not come to #%s of pane %d, but to %v", control, i, reached)
			}
		}
	}
	for _, control := range []string{"add-client", "add"} {
		if !reached["#"+control] {
			t.Errorf("Tab does not come to #%s", control)
		}
	}

	tabTo(t, page, "0 #text")
	ann.Type("typed")
	page.Press("Enter")
	bob.AwaitLine("Ann", "typed")

	tabTo(t, page, "0 #to")
	page.Press("ArrowDown")
	ann.Await(`$("#to").selectedIndex === 1`)
	tabTo(t, page, "0 #text")
	ann.Type("typed in private")
	page.Press("Enter")
	if line := bob.AwaitLine("Ann", "typed in private"); !line.Private {
		t.Errorf("not private: %+v", line)
	}
	page.Press("Escape")
	ann.Await(`$("#to").selectedIndex === 0`)
	ann.Type("to all again")
	page.Press("Enter")
	if line := bob.AwaitLine("Ann", "to all again"); line.Private {
		t.Errorf("Escape has not left the private mode: %+v", line)
	}
}

// focus names the element that has the focus, such as "0 #text" in the first pane.
func focus(page *browser.Page) string {
	return browser.Eval[string](page, `(() => {
		const name = e => e.id ? "#" + e.id : e.tagName;
		const e = document.activeElement, i = [...document.querySelectorAll("iframe.pane")].indexOf(e);
		return i < 0 ? name(e) : i + " " + name(e.contentDocument.activeElement);
	})()`)
}

func tabTo(t *testing.T, page *browser.Page, control string) {
	t.Helper()
	var passed []string
	for range 100 {
		if focus(page) == control {
			return
		}
		page.Press("Tab")
		passed = append(passed, focus(page))
	}
	t.Fatalf("Tab does not come to %s, but to %q", control, passed)
}

// TestPagePerson: whoever is clicked on in the list reads what is said next in private.
func TestPagePerson(t *testing.T) {
	t.Parallel()
	_, panes := scene(t, serve(t), "click", "0.9.17:websocket", "4.8.4:websocket", "4.8.4:websocket")
	for _, from := range panes[:2] {
		browser.EvalIn[any](from, `(() => {
			const li = $$("#people li").find(li => li.querySelector(".who").textContent === "Cid");
			(li.querySelector("button") || li).click();
		})()`)
		from.Say("only for Cid")
		if line := panes[2].AwaitLine(from.Name(), "only for Cid"); !line.Private {
			t.Errorf("not private: %+v", line)
		}
	}
}

// controls are the roles of what one can use.
var controls = []string{"button", "textbox", "searchbox", "combobox", "listbox", "checkbox", "radio", "slider", "spinbutton", "link", "Iframe", "image"}

// TestPageNames: for those who hear the page, everything that can be used has a name,
// and changes of the state and new lines are told.
func TestPageNames(t *testing.T) {
	t.Parallel()
	page, panes := scene(t, serve(t), "names", "0.9.17:websocket", "4.8.4:websocket")
	path, _ := pictureFile(t, 20, 20)
	panes[1].SendPicture(path)
	panes[0].AwaitPicture("Bob")
	frames := browser.Call(page, cdppage.GetFrameTree, cdp.Empty{}).FrameTree
	ids := []cdp.FrameID{frames.Frame.ID}
	for _, child := range frames.ChildFrames {
		ids = append(ids, child.Frame.ID)
	}
	if len(ids) != 3 {
		t.Fatalf("%d frames, want 3", len(ids))
	}
	for i, id := range ids {
		seen := map[string]int{}
		for _, node := range browser.Call(page, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{FrameID: id}).Nodes {
			role, name := axText(t, node.Role), axText(t, node.Name)
			if node.Ignored || !slices.Contains(controls, role) {
				continue
			}
			seen[role]++
			if name == "" {
				t.Errorf("frame %d: a %s has no name: %s", i, role, axText(t, node.Description))
			}
		}
		if seen["button"] < 1 || seen["combobox"] < 1 || i > 0 && seen["textbox"]+seen["combobox"] < 4 {
			t.Errorf("frame %d has only %v", i, seen)
		}
	}
	for _, p := range panes {
		p.Await(`$("#state").getAttribute("role") === "status" && ($("#log").getAttribute("role") === "log" || $("#log").ariaLive === "polite")`)
	}
	page.Await(`document.documentElement.lang !== ""`)
}

// axText returns the text of a value of the accessibility tree.
func axText(t *testing.T, v *accessibility.Value) (text string) {
	t.Helper()
	if v == nil || len(v.Value) == 0 {
		return ""
	}
	if err := json.Unmarshal(v.Value, &text); err != nil {
		t.Fatalf("%s: %v", v.Value, err)
	}
	return text
}
