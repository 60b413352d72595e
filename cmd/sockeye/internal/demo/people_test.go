package demo

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestJoin: whoever joins finds all who are there, and they hear of it, of another name
// and of the end.
func TestJoin(t *testing.T) {
	bothGenerations(t, func(h *house, rev1 bool) {
		ann := h.comes(rev1)
		w := ann.join("  Ann ", "")
		ann.id = w.ID
		self := person{ID: ann.id, Name: "Ann", Generation: generation(rev1), Transport: "websocket"}
		if w.Name != "Ann" || w.Room != "lobby" || w.Generation != self.Generation || w.Transport != "websocket" ||
			!slices.Equal(w.People, []person{self}) || w.Total != 1 || !slices.Equal(w.Rooms, []crowd{{"lobby", 1}}) {
			t.Errorf("%+v", w)
		}
		bob := h.comes(!rev1)
		w = bob.join("", "lobby")
		other := person{ID: bob.id, Name: "guest " + bob.id[:4], Generation: generation(!rev1), Transport: "websocket"}
		if !slices.Equal(w.People, []person{self, other}) || w.Total != 2 || !slices.Equal(w.Rooms, []crowd{{"lobby", 2}}) {
			t.Errorf("%+v", w)
		}
		ann.expect(other.arrives(2))
		bob.join("Bob", "lobby")
		other.Name = "Bob"
		ann.expect(other.arrives(2))
		h.settle(ann, bob)

		bob.join("Bob", "elsewhere")
		ann.expect(fmt.Sprintf(`gone["%s" 1]`, bob.id))
		bob.expect()
		ann.ask("say", utterance{Text: "is anybody here?"})
		bob.expect()
		w = bob.join("Bob", "lobby")
		if !slices.Equal(w.People, []person{self, other}) {
			t.Errorf("%+v", w)
		}
		ann.expect(other.arrives(2))
		bob.leaves()
		ann.expect(fmt.Sprintf(`gone["%s" 1]`, bob.id))
	})
}

// arrives is how the person's coming is heard.
func (p person) arrives(total int) string {
	b, _ := json.Marshal(arrival{p, total})
	return "person[" + string(b) + "]"
}

// TestJoinRefused: names are bounded, and whoever is refused stays where they are.
func TestJoinRefused(t *testing.T) {
	bothGenerations(t, func(h *house, rev1 bool) {
		ann, bob := h.joins(rev1, "Ann", "lobby"), h.joins(!rev1, "Bob", "lobby")
		h.settle(ann, bob)
		giant := strings.Repeat("😀", maxName+1)
		ann.refused("a name has at most 40 characters", "join", wish{giant, "lobby"})
		ann.refused("a room has at most 40 characters", "join", wish{"Ann", giant})
		ann.refused("a name has at most 40 characters", "join", wish{strings.Repeat("x", 500_000), ""})
		for _, arg := range []any{"lobby", 1, []int{1}, map[string]any{"name": []int{}}, map[string]any{"room": true}} {
			ann.refused("invalid arguments for join", "join", arg)
		}
		bob.expect()
		ann.ask("say", utterance{Text: "still here"})
		bob.expect("said[" + ann.said("Ann", "still here", false) + "]")

		longest := strings.Repeat("😀", maxName)
		if w := ann.join(longest, longest); w.Name != longest || w.Room != longest {
			t.Errorf("%+v", w)
		}
	})
}

func TestCheckName(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{"", "usual"},
		{" \t\n\u00a0", "usual"},
		{" a  b ", "a  b"},
		{"a\nb\x00c\x1b[1m", "abc[1m"}, // would break its line
		{"\u202eevil\u2066", "evil"},   // would turn the text beside it around
		{"👩‍🚀", "👩‍🚀"},                 // is held together by a format character
		{"<b>", "<b>"},                 // is text wherever it is shown
	} {
		if got, err := checkName("name", c.name, "usual"); got != c.want || err != nil {
			t.Errorf("%q: %q, %v, want %q", c.name, got, err, c.want)
		}
	}
}

// TestOthersRoom: each socket's id is a room of the library's, which nobody else can
// join by the chat.
func TestOthersRoom(t *testing.T) {
	inHouse(t, nil, func(h *house) {
		ann, bob, eve := h.joins(false, "Ann", "lobby"), h.joins(true, "Bob", "lobby"), h.joins(false, "Eve", "x")
		for _, room := range []string{bob.id, "room:lobby"} {
			if w := eve.join("Eve", room); w.Room != room || w.Total != 1 {
				t.Errorf("%+v", w)
			}
			h.settle(ann, bob, eve)
			ann.ask("say", utterance{"psst", bob.id})
			ann.ask("say", utterance{Text: "hello"})
			if n := len(bob.hears()); n != 2 {
				t.Errorf("Bob heard %d lines, want 2", n)
			}
			eve.expect()
			eve.ask("say", utterance{Text: "does he hear me?"})
			ann.expect()
			bob.expect()
		}
	})
}

// A view is who is in the room as a client knows it from what it heard, in the order in
// which it heard it.
type view struct {
	people map[string]string // names by id
	total  int
}

func (v *view) hear(t *testing.T, e heard) {
	t.Helper()
	switch e.name {
	case "ack":
		var w welcome
		if err := json.Unmarshal(e.args[0], &w); err != nil || w.ID == "" {
			t.Fatalf("%v: %v", e, err)
		}
		v.people = map[string]string{}
		for _, p := range w.People {
			if v.people[p.ID] != "" {
				t.Errorf("%s is on the list twice", p.Name)
			}
			v.people[p.ID] = p.Name
		}
		v.total = w.Total
	case "person":
		var a arrival
		if err := json.Unmarshal(e.args[0], &a); err != nil {
			t.Fatal(err)
		}
		if v.people == nil {
			t.Fatalf("heard %v before the list of people", e)
		}
		v.people[a.ID], v.total = a.Name, a.Total
	case "gone":
		var id string
		if json.Unmarshal(e.args[0], &id) != nil || json.Unmarshal(e.args[1], &v.total) != nil {
			t.Fatal(e)
		}
		if v.people[id] == "" {
			t.Errorf("%s is gone and was not there", id)
		}
		delete(v.people, id)
	}
}

// TestJoinAtOnce: when many come, go and change their names at the same time, everybody
// who stays knows everybody who stays.
func TestJoinAtOnce(t *testing.T) {
	inHouse(t, nil, func(h *house) {
		const n = 24
		var guests []*guest
		for i := range n {
			guests = append(guests, h.comes(i%2 == 0))
		}
		for i, g := range guests {
			go func() { // ends with the writes, which the server reads
				g.emit("1", "join", wish{fmt.Sprint("guest ", i), "lobby"})
				if i%3 == 0 {
					g.emit("2", "join", wish{fmt.Sprint("renamed ", i), "lobby"})
				}
				if i%4 == 0 {
					g.ws.Close()
				}
			}()
		}
		synctest.Wait()
		want := map[string]string{}
		for id, p := range h.demo.chat.people {
			want[id] = p.Name
		}
		if len(want) != n-n/4 {
			t.Errorf("%d people, want %d", len(want), n-n/4)
		}
		for i, g := range guests {
			var v view
			for _, e := range g.hears() {
				v.hear(t, e)
			}
			if i%4 != 0 && (fmt.Sprint(v.people) != fmt.Sprint(want) || v.total != len(want)) {
				t.Errorf("guest %d knows %v and %d, want %v", i, v.people, v.total, want)
			}
		}
	})
}

// TestCrowdedRoom: the list of people is bounded, and who joins is on it.
func TestCrowdedRoom(t *testing.T) {
	inHouse(t, nil, func(h *house) {
		var w welcome
		for i := range maxPeople + 2 {
			g := h.comes(i%2 == 0)
			w = g.join(fmt.Sprint(i), "lobby")
			if !slices.ContainsFunc(w.People, func(p person) bool { return p.ID == g.id }) {
				t.Errorf("guest %d is not on the list", i)
			}
		}
		if len(w.People) != maxPeople || w.Total != maxPeople+2 {
			t.Errorf("%d people of %d, want %d of %d", len(w.People), w.Total, maxPeople, maxPeople+2)
		}
	})
}

// TestRooms: all hear of the rooms, once for all changes of a while, and the list is
// bounded to the fullest.
func TestRooms(t *testing.T) {
	inHouse(t, nil, func(h *house) {
		watcher := h.comes(true)
		time.Sleep(time.Minute)
		watcher.expect()
		ann := h.joins(false, "Ann", "b")
		for _, room := range []string{"a", "c", "b"} {
			ann.join("Ann", room)
		}
		bob := h.joins(true, "Bob", "a")
		watcher.expect() // not yet
		time.Sleep(roomsDelay)
		watcher.expect(`rooms[[{"name":"a","people":1},{"name":"b","people":1}]]`)
		ann.join("Anna", "b") // which changes no room
		time.Sleep(time.Minute)
		watcher.expect()
		bob.join("Bob", "b")
		bob.leaves()
		time.Sleep(roomsDelay)
		watcher.expect(`rooms[[{"name":"b","people":1}]]`)

		var w welcome
		for i := range maxRooms + 1 {
			w = h.comes(false).join("x", fmt.Sprint("z", i))
		}
		h.joins(false, "x", "z50")
		h.settle()
		if len(w.Rooms) != maxRooms {
			t.Errorf("%d rooms, want %d", len(w.Rooms), maxRooms)
		}
		var last string
		for _, e := range watcher.hears() {
			last = e.String()
		}
		if n := strings.Count(last, `"name"`); n != maxRooms || !strings.HasPrefix(last, `rooms[[{"name":"z50","people":2},{"name":"b","people":1},`) {
			t.Errorf("%d rooms: %s", n, last)
		}
	})
}

// TestTransport: a client that upgrades says so, and its room hears of it.
func TestTransport(t *testing.T) {
	inHouse(t, nil, func(h *house) {
		other := h.joins(true, "Bob", "lobby")
		h.settle(other)
		_, open := h.request("GET", "/socket.io/?EIO=4&transport=polling", "", nil)
		var session struct{ Sid string }
		if err := json.Unmarshal([]byte(open[1:]), &session); err != nil {
			t.Fatalf("%s: %v", open, err)
		}
		path := "/socket.io/?EIO=4&transport=polling&sid=" + session.Sid
		h.request("POST", path, `40`, nil)
		synctest.Wait() // an event before the answer would end the session
		h.request("POST", path, `421["join",{"name":"Ann","room":"lobby"}]`, nil)
		synctest.Wait()
		arrivals := other.hears()
		if len(arrivals) != 1 || !strings.Contains(arrivals[0].String(), `"transport":"polling"`) {
			t.Errorf("heard %v, want of one who polls", arrivals)
		}
		h.request("POST", path, `42["transport"]`, nil)
		other.expect() // nothing has changed
		h.request("GET", path, "", nil)

		ann := h.opens(false, "/socket.io/?EIO=4&transport=websocket&sid="+session.Sid)
		ann.write("2probe")
		synctest.Wait()
		ann.write("5")
		synctest.Wait()
		if answer := ann.ask("transport"); answer != `"websocket"` {
			t.Errorf("the transport is %s", answer)
		}
		changed := strings.Replace(arrivals[0].String(), "polling", "websocket", 1)
		other.expect(changed)
		ann.expect(changed)

		if answer := h.comes(false).ask("transport"); answer != `null` {
			t.Errorf("who has joined nothing is told %s", answer)
		}
	})
}
