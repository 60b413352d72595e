package transport

import (
	"sync"
	"time"
)

// requests are those under way for a session that a session must know of. One that a
// WebSocket carries has none.
type requests struct {
	mu      sync.Mutex
	gone    bool          // the session has ended
	reading *exchange     // POSTs whose bodies are being read, linked by their nextRead
	polls   int           // under way
	arrived chan struct{} // closed when a poll comes; nil unless a POST waits for it
}

// noMore is what a session that has ended has in place of no requests. It is not
// changed.
var noMore = &requests{gone: true}

// lock returns p.requests, which exist from now on, with their lock held.
func (p *Peer) lock() *requests {
	for {
		r := p.requests.Load()
		if r == nil {
			p.requests.CompareAndSwap(nil, new(requests))
			continue
		}
		r.mu.Lock()
		if p.requests.Load() == r {
			return r
		}
		r.mu.Unlock() // drop was faster
	}
}

// unlock releases the lock of r, and forgets r if few would follow: polled, no stream
// has to do with the session.
func (p *Peer) unlock(r *requests, polled bool) {
	if !polled && !r.gone && r.polls == 0 && r.reading == nil && r.arrived == nil {
		p.requests.Store(nil)
	}
	r.mu.Unlock()
}

// beginRead notes that x reads its body, which the session's end interrupts. It
// reports false if the session has ended.
func (p *Peer) beginRead(x *exchange) bool {
	r := p.lock()
	defer r.mu.Unlock()
	if r.gone {
		return false
	}
	x.nextRead, x.prevRead = r.reading, &r.reading
	if x.nextRead != nil {
		x.nextRead.prevRead = &x.nextRead
	}
	r.reading = x
	return true
}

// endRead ends what beginRead began: x's connection is its own again. It reports
// whether the session has ended, and the reading may have been interrupted.
func (p *Peer) endRead(x *exchange) (gone bool) {
	polled := p.sess.Polled()
	r := p.lock()
	defer p.unlock(r, polled)
	*x.prevRead = x.nextRead
	if x.nextRead != nil {
		x.nextRead.prevRead = x.prevRead
	}
	return r.gone
}

// interrupt makes the bodies that are being read end now.
func (p *Peer) interrupt() {
	if p.requests.CompareAndSwap(nil, noMore) {
		return
	}
	r := p.lock()
	defer r.mu.Unlock()
	if r == noMore {
		return
	}
	r.gone = true
	for x := r.reading; x != nil; x = x.nextRead {
		_ = x.rc.SetReadDeadline(time.Unix(1, 0))
	}
}

// pollCame notes that a poll is under way, until pollWent.
func (p *Peer) pollCame() {
	r := p.lock()
	defer r.mu.Unlock()
	if r == noMore {
		return
	}
	r.polls++
	if r.arrived != nil {
		close(r.arrived)
		r.arrived = nil
	}
}

func (p *Peer) pollWent() {
	polled := p.sess.Polled()
	r := p.lock()
	if r != noMore {
		r.polls--
	}
	p.unlock(r, polled)
}

// noPoll returns a channel that is closed when a poll comes, or nil if one is under way
// or none can come any more.
func (p *Peer) noPoll() <-chan struct{} {
	r := p.lock()
	defer r.mu.Unlock()
	if r.polls > 0 || r == noMore {
		return nil
	}
	if r.arrived == nil {
		r.arrived = make(chan struct{})
	}
	return r.arrived
}
