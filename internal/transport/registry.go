package transport

import (
	"hash/maphash"
	"sync"
	"sync/atomic"

	"github.com/sockeye-io/socketio/internal/session"
)

// shards is how many locks the sessions' names are spread over.
const shards = 32

// registry knows the sessions by their ids.
type registry struct {
	seed   maphash.Seed
	count  atomic.Int64
	shards [shards]struct {
		mu sync.RWMutex
		m  map[string]*session.Session
	}
}

func newRegistry() *registry {
	r := &registry{seed: maphash.MakeSeed()}
	for i := range r.shards {
		r.shards[i].m = make(map[string]*session.Session)
	}
	return r
}

func (r *registry) find(id string) *session.Session {
	shard := &r.shards[maphash.String(r.seed, id)%shards]
	shard.mu.RLock()
	defer shard.mu.RUnlock()
	return shard.m[id]
}

func (r *registry) add(s *session.Session) {
	shard := &r.shards[maphash.String(r.seed, s.ID)%shards]
	shard.mu.Lock()
	shard.m[s.ID] = s
	shard.mu.Unlock()
	r.count.Add(1)
}

// remove forgets s and reports whether it was known.
func (r *registry) remove(s *session.Session) bool {
	shard := &r.shards[maphash.String(r.seed, s.ID)%shards]
	shard.mu.Lock()
	_, ok := shard.m[s.ID]
	delete(shard.m, s.ID)
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
		for _, s := range shard.m {
			out = append(out, s)
		}
		shard.mu.RUnlock()
	}
	return out
}

// unopened are the sessions that were made by a request of its own and that no
// transport has opened yet, the oldest first. They are bounded: a flood of handshakes
// makes the oldest unknown, and the new ones are served (THREATS.md, "Default limits").
type unopened struct {
	max int

	mu             sync.Mutex
	oldest, newest *Peer
	n              int
}

// add puts p at the end, and returns the session that must go for it, if any.
func (u *unopened) add(p *Peer) (evicted *session.Session) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.max > 0 && u.n >= u.max {
		evicted = u.oldest.sess
		u.unlink(u.oldest)
	}
	p.waiting.Store(true)
	p.older = u.newest
	if u.newest != nil {
		u.newest.newer = p
	} else {
		u.oldest = p
	}
	u.newest = p
	u.n++
	return evicted
}

// remove takes p out, if it is in.
func (u *unopened) remove(p *Peer) {
	if !p.waiting.Load() {
		return
	}
	u.mu.Lock()
	u.unlink(p)
	u.mu.Unlock()
}

func (u *unopened) unlink(p *Peer) {
	if !p.waiting.Load() {
		return
	}
	if p.older != nil {
		p.older.newer = p.newer
	} else {
		u.oldest = p.newer
	}
	if p.newer != nil {
		p.newer.older = p.older
	} else {
		u.newest = p.older
	}
	p.older, p.newer = nil, nil
	p.waiting.Store(false)
	u.n--
}
