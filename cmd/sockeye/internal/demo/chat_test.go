package demo

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// bothGenerations runs a test for an author of each.
func bothGenerations(t *testing.T, test func(h *house, rev1 bool)) {
	for _, rev1 := range []bool{true, false} {
		t.Run(generation(rev1), func(t *testing.T) {
			inHouse(t, nil, func(h *house) { test(h, rev1) })
		})
	}
}

func generation(rev1 bool) string {
	if rev1 {
		return "revision 1"
	}
	return "revision 5"
}

// said returns the line that g has said, as JSON.
func (g *guest) said(name, text string, private bool) string {
	return fmt.Sprintf(`{"id":%q,"name":%q,"generation":%q,"text":%q,"private":%t,"at":%d}`,
		g.id, name, generation(g.rev1), text, private, time.Now().UnixMilli())
}

// TestSay: what one says is read by the others in the room, of either generation, and
// the author has it as the answer; nobody in another room reads it.
func TestSay(t *testing.T) {
	bothGenerations(t, func(h *house, rev1 bool) {
		author := h.joins(rev1, "Ann", "lobby")
		same, other := h.joins(rev1, "Bob", "lobby"), h.joins(!rev1, "Cid", "lobby")
		away := h.joins(!rev1, "Eve", "elsewhere")
		nowhere := h.comes(!rev1)
		h.settle(author, same, other, away, nowhere)

		const hostile = `</script><img src=x onerror=alert(1)> "\ 😀 ` + "\u2028"
		for _, text := range []string{"hello", hostile, strings.Repeat("é", maxText)} {
			answer := author.ask("say", utterance{Text: text})
			same.expect("said[" + answer + "]")
			other.expect("said[" + answer + "]")
			away.expect()
			nowhere.expect()
			author.expect()
			if text != hostile && answer != author.said("Ann", text, false) {
				t.Errorf("got %.300s, want %.300s", answer, author.said("Ann", text, false))
			}
		}
	})
}

// TestPrivate: a private line goes to one person in the room, and to nobody elsewhere.
func TestPrivate(t *testing.T) {
	bothGenerations(t, func(h *house, rev1 bool) {
		author := h.joins(rev1, "Ann", "lobby")
		friend, third := h.joins(!rev1, "Bob", "lobby"), h.joins(rev1, "Cid", "lobby")
		away, nowhere := h.joins(!rev1, "Eve", "elsewhere"), h.comes(false)
		h.settle(author, friend, third, away, nowhere)

		answer := author.ask("say", utterance{"psst", friend.id})
		if answer != author.said("Ann", "psst", true) {
			t.Errorf("the answer is %s", answer)
		}
		friend.expect("said[" + answer + "]")
		for _, g := range []*guest{third, away, nowhere, author} {
			g.expect()
		}

		const nobody = "there is nobody else of that id in this room (any more)"
		for _, to := range []string{away.id, author.id, "nobody", "room:lobby", "lobby", "__proto__"} {
			author.refused(nobody, "say", utterance{"psst", to})
		}
		friend.leaves()
		author.refused(nobody, "say", utterance{"still there?", friend.id})
		third.join("Cid", "elsewhere")
		author.refused(nobody, "say", utterance{"and you?", third.id})
		h.settle(author)
		for _, g := range []*guest{third, away, nowhere} {
			for _, e := range g.hears() {
				if e.name == "said" {
					t.Errorf("heard %v", e)
				}
			}
		}
	})
}

// TestSayRefused: what cannot be said is answered so, and read by nobody.
func TestSayRefused(t *testing.T) {
	bothGenerations(t, func(h *house, rev1 bool) {
		author, other := h.joins(rev1, "Ann", "lobby"), h.joins(!rev1, "Bob", "lobby")
		h.settle(author, other)
		for _, text := range []string{"", " ", "\n\t\u00a0"} {
			author.refused("there is nothing to say", "say", utterance{Text: text})
		}
		author.refused("there is nothing to say", "say")
		author.refused("a text has at most 2000 characters", "say", utterance{Text: strings.Repeat("é", maxText+1)})
		for _, arg := range []any{"text", 7, []any{}, map[string]any{"text": 7}, map[string]any{"text": "x", "to": []int{1}}} {
			author.refused("invalid arguments for say", "say", arg)
		}
		author.emit("", "say", 7) // nobody waits for the answer
		author.emit("", "nonsense", map[string]any{"a": nil})
		other.expect()

		stranger := h.comes(rev1)
		stranger.refused("join a room first", "say", utterance{Text: "hello"})
		stranger.refused("join a room first", "say", utterance{"hello", other.id})
		other.expect()
	})
}

// TestFlood: whoever sends too much is told so, and loses what was too much; the others
// are not hurt, and a while later nor is the sender.
func TestFlood(t *testing.T) {
	bothGenerations(t, func(h *house, rev1 bool) {
		flooder, other := h.joins(rev1, "Ann", "lobby"), h.joins(!rev1, "Bob", "lobby")
		h.settle(flooder, other)
		time.Sleep(time.Minute)
		for i := range burst {
			flooder.emit(fmt.Sprint(1000+i), "say", utterance{Text: fmt.Sprint(i)})
		}
		const much = "too much at once: wait a moment"
		flooder.refused(much, "say", utterance{Text: "more"})
		flooder.refused(much, "join", wish{"Eve", "elsewhere"})
		flooder.refused(much, "picture", map[string]string{}, "")
		flooder.refused(much, "transport")
		answered := 0
		for _, e := range flooder.hears() {
			if e.name == "ack" && strings.Contains(e.String(), `"text":`) {
				answered++
			}
		}
		if heard := len(other.hears()); answered != burst || heard != burst {
			t.Errorf("%d lines are answered and %d are read, want %d", answered, heard, burst)
		}
		other.ask("say", utterance{Text: "I am not flooding"})
		flooder.expect("said[" + other.said("Bob", "I am not flooding", false) + "]")

		time.Sleep(time.Second / perSecond)
		flooder.ask("say", utterance{Text: "one more"})
		other.expect("said[" + flooder.said("Ann", "one more", false) + "]")
	})
}

// TestOrder: all in a room read its lines in one order, authors have their own among
// the others' by the answers.
func TestOrder(t *testing.T) {
	inHouse(t, nil, func(h *house) {
		var guests []*guest
		for i := range 6 {
			guests = append(guests, h.joins(i%2 == 0, fmt.Sprint("guest ", i), "lobby"))
		}
		h.settle(guests...)
		for range 5 {
			for i, g := range guests {
				g.emit("9", "say", utterance{Text: fmt.Sprint("of ", i)})
			}
		}
		synctest.Wait()
		var first string
		for i, g := range guests {
			var lines []string
			for _, e := range g.hears() {
				lines = append(lines, string(e.args[0]))
			}
			if all := strings.Join(lines, "\n"); i == 0 {
				first = all
			} else if all != first {
				t.Errorf("one reads\n%s\nanother\n%s", first, all)
			}
			if len(lines) != 30 {
				t.Errorf("%d lines, want 30", len(lines))
			}
		}
	})
}
