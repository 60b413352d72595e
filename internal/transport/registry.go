package transport

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/sockeye-io/socketio/internal/session"
	"github.com/sockeye-io/socketio/internal/table"
)

// shards is how many locks the sessions' names are spread over.
const shards = 32

// registry knows the sessions by their ids.
type registry struct {
	count  atomic.Int64
	shards [shards]struct {
		mu sync.RWMutex
		t  table.Table[Peer]
	}
}

func newRegistry() *registry {
	r := new(registry)
	for i := range r.shards {
		r.shards[i].t = table.New(
			func(p *Peer) uint64 { return p.id.hash() },
			func(p *Peer) *table.Link[Peer] { return &p.byID })
	}
	return r
}

// shard returns the number of the shard for an id.
func (id *sessionID) shard() int { return int(id.random[idRandom-1] % shards) }

func (r *registry) find(id sessionID) *Peer {
	shard := &r.shards[id.shard()]
	shard.mu.RLock()
	defer shard.mu.RUnlock()
	return shard.t.Find(id.hash(), func(p *Peer) bool { return p.id == id })
}

func (r *registry) add(p *Peer) {
	shard := &r.shards[p.id.shard()]
	shard.mu.Lock()
	shard.t.Add(p)
	shard.mu.Unlock()
	r.count.Add(1)
}

// remove forgets p and reports whether it was known.
func (r *registry) remove(p *Peer) bool {
	shard := &r.shards[p.id.shard()]
	shard.mu.Lock()
	ok := shard.t.Remove(p)
	shard.mu.Unlock()
	if ok {
		r.count.Add(-1)
	}
	return ok
}

// all returns the sessions that there are now.
func (r *registry) all() []*session.Session {
	var out []*session.Session
	for i := range r.shards {
		shard := &r.shards[i]
		shard.mu.RLock()
		shard.t.All(func(p *Peer) bool {
			out = append(out, &p.sess)
			return true
		})
		shard.mu.RUnlock()
	}
	return out
}

// unopened are the sessions that were made by a request of its own and that no
// transport has opened yet, the oldest first. They are bounded: a flood of handshakes
// makes the oldest unknown, and the new ones are served (THREATS.md, "Default limits").
type unopened struct {
	max int

	mu    sync.Mutex
	queue []*Peer // those that do not wait any more are skipped
	n     int     // that wait
}

// skipped is how many that do not wait any more may be in the queue, besides as many as
// wait.
const skipped = 64

// add puts p at the end, and returns the session that must go for it, if any.
func (u *unopened) add(p *Peer) (evicted *session.Session) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.max > 0 && u.n >= u.max {
		i := slices.IndexFunc(u.queue, func(p *Peer) bool { return p.marks.waiting() })
		evicted = &u.queue[i].sess
		u.queue[i].marks.setWaiting(false)
		clear(u.queue[:i+1])
		u.queue = u.queue[i+1:]
		u.n--
	}
	if len(u.queue) >= 2*u.n+skipped {
		u.queue = slices.DeleteFunc(u.queue, func(p *Peer) bool { return !p.marks.waiting() })
	}
	p.marks.setWaiting(true)
	u.queue = append(u.queue, p)
	u.n++
	return evicted
}

// remove takes p out, if it is in.
func (u *unopened) remove(p *Peer) {
	if !p.marks.waiting() {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if !p.marks.waiting() {
		return
	}
	p.marks.setWaiting(false)
	if u.n--; u.n == 0 {
		u.queue = nil
	}
}
