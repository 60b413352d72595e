package table

import (
	"math/rand/v2"
	"runtime"
	"testing"
)

type thing struct {
	id uint64
	Link[thing]
}

func newTable() Table[thing] {
	return New(func(v *thing) uint64 { return v.id }, func(v *thing) *Link[thing] { return &v.Link })
}

func (t *Table[T]) get(id uint64) *T {
	return t.Find(id, func(*T) bool { return true })
}

// TestModel compares a table with a map, through growth, and down to nothing again.
// Ids are few, so that some things share theirs, and some chains are long.
func TestModel(t *testing.T) {
	for _, ids := range []uint64{1, 7, 1000, 1 << 40} {
		rnd := rand.New(rand.NewPCG(1, ids))
		tab := newTable()
		model := make(map[*thing]bool)
		var order []*thing
		for step := range 4000 {
			if grow := step < 2500; len(order) == 0 || grow && rnd.IntN(4) > 0 {
				v := &thing{id: rnd.Uint64N(ids)}
				tab.Add(v)
				model[v] = true
				order = append(order, v)
			} else {
				i := rnd.IntN(len(order))
				v := order[i]
				order = append(order[:i], order[i+1:]...)
				delete(model, v)
				if !tab.Remove(v) || tab.Remove(v) {
					t.Fatalf("%d ids, step %d: removed not once", ids, step)
				}
			}
			if step%100 == 0 {
				compare(t, &tab, model)
			}
		}
		for _, v := range order {
			tab.Remove(v)
		}
		if tab.Len() != 0 || tab.chains != nil || tab.get(0) != nil || tab.Remove(&thing{}) {
			t.Errorf("%d ids: %d things at the end, %d chains", ids, tab.Len(), len(tab.chains))
		}
	}
}

func compare(t *testing.T, tab *Table[thing], model map[*thing]bool) {
	t.Helper()
	seen := make(map[*thing]bool)
	tab.All(func(v *thing) bool {
		if seen[v] || !model[v] {
			t.Errorf("%d is there twice, or not in the model", v.id)
		}
		seen[v] = true
		return true
	})
	if len(seen) != len(model) || tab.Len() != len(model) {
		t.Errorf("%d things, %d by Len; want %d", len(seen), tab.Len(), len(model))
	}
	for v := range model {
		if tab.Find(v.id, func(o *thing) bool { return o == v }) != v {
			t.Errorf("%d is not found", v.id)
		}
	}
	if tab.Find(1<<50, func(*thing) bool { return true }) != nil {
		t.Error("found what is not there")
	}
	n := 0
	tab.All(func(*thing) bool { n++; return n < 2 })
	if len(model) > 2 && n != 2 {
		t.Errorf("All went on to %d", n)
	}
}

// TestRoom says what a thing costs beyond its Link.
func TestRoom(t *testing.T) {
	const n = 100_000
	tab := newTable()
	things := make([]thing, n)
	for i := range things {
		things[i].id = rand.Uint64()
		tab.Add(&things[i])
	}
	longest := 0
	for _, v := range tab.chains {
		length := 0
		for ; v != nil; v = v.next {
			length++
		}
		longest = max(longest, length)
	}
	room := float64(8*cap(tab.chains)) / n
	t.Logf("%.1f bytes for each of %d things; the longest chain has %d", room, n, longest)
	if room > 6 || longest > 20 {
		t.Errorf("%.1f bytes, chains of %d", room, longest)
	}
	runtime.KeepAlive(things)
}

func BenchmarkFind(b *testing.B) {
	const n = 10_000
	tab := newTable()
	things := make([]thing, n)
	for i := range things {
		things[i].id = rand.Uint64()
		tab.Add(&things[i])
	}
	i := 0
	for b.Loop() {
		if i++; i == n {
			i = 0
		}
		if tab.get(things[i].id) == nil {
			b.Fatal("not found")
		}
	}
}
