// Package table finds things by random numbers that they hold themselves, such as the
// first bytes of their ids. A Go map keeps a copy of each key, and a third of its room
// empty; a Table keeps half a word for each thing.
package table

import "math/bits"

// A Table is a set of things, found by their hashes. Its zero value is not ready: see
// New. It must not be used concurrently.
//
// The things of a chain hang together by their Links. There is one chain for every two
// things, and chains are split one by one (linear hashing), so that no Add takes long.
type Table[T any] struct {
	hash   func(*T) uint64
	link   func(*T) *Link[T]
	chains []*T
	n      int
}

// A Link is what a thing needs to be in one Table at a time. Embed it.
type Link[T any] struct{ next *T }

// perChain is how many things a chain has on average at most.
const perChain = 2

// New returns an empty table. hash returns the number of a thing, whose lower bits must
// be random, and must not be a peer's choice; link returns its Link.
func New[T any](hash func(*T) uint64, link func(*T) *Link[T]) Table[T] {
	return Table[T]{hash: hash, link: link}
}

// Len returns how many things there are.
func (t *Table[T]) Len() int { return t.n }

// chain returns the chain for a hash. There are chains.
func (t *Table[T]) chain(hash uint64) **T {
	n := len(t.chains)
	turn := 1 << bits.Len(uint(n-1)) // the next power of two; those from n on are not split off yet
	i := int(hash & uint64(turn-1))
	if i >= n {
		i -= turn / 2
	}
	return &t.chains[i]
}

// Find returns the thing with a hash that is the one, or nil.
func (t *Table[T]) Find(hash uint64, is func(*T) bool) *T {
	if t.n == 0 {
		return nil
	}
	for v := *t.chain(hash); v != nil; v = t.link(v).next {
		if t.hash(v) == hash && is(v) {
			return v
		}
	}
	return nil
}

// Add puts v, which is in no table, into this one.
func (t *Table[T]) Add(v *T) {
	if t.n++; t.n > perChain*len(t.chains) {
		t.split()
	}
	t.put(v)
}

func (t *Table[T]) put(v *T) {
	head := t.chain(t.hash(v))
	t.link(v).next, *head = *head, v
}

// split adds a chain, and gives it what belongs there.
func (t *Table[T]) split() {
	n := len(t.chains)
	t.chains = append(t.chains, nil)
	if n == 0 {
		return
	}
	from := n - 1<<(bits.Len(uint(n))-1) // without the highest bit
	rest := t.chains[from]
	t.chains[from] = nil
	for v := rest; v != nil; v = rest {
		rest = t.link(v).next
		t.put(v)
	}
}

// Remove takes v out, and reports whether it was in.
func (t *Table[T]) Remove(v *T) bool {
	if t.n == 0 {
		return false
	}
	at := t.chain(t.hash(v))
	for *at != nil && *at != v {
		at = &t.link(*at).next
	}
	if *at == nil {
		return false
	}
	*at, t.link(v).next = t.link(v).next, nil
	if t.n--; t.n == 0 {
		t.chains = nil
	}
	return true
}

// All calls f for each thing until it returns false. f must not change the table.
func (t *Table[T]) All(f func(*T) bool) {
	for _, v := range t.chains {
		for ; v != nil; v = t.link(v).next {
			if !f(v) {
				return
			}
		}
	}
}
