package conntest

import (
	"math/rand/v2"
	"sync"
	"syscall"

	"github.com/sockeye-io/socketio/internal/conn"
)

// A poller is an epoll descriptor. As there, a queue has the descriptors that may be
// ready: what is reported goes to its end, what turns out not to be ready leaves it.
// So nobody is passed over, however small the batches are.
type poller struct {
	k *Kernel

	// k.mu guards these.
	change  sync.Cond // something was queued, or it was stopped
	regs    map[int]*registration
	queue   []*registration
	waiting bool // in Wait
	stopped bool
	last    int // the descriptor that was reported last without a reason
}

// A registration is a descriptor that is waited for.
type registration struct {
	poller *poller
	end    *end
	fd     int
	tag    uint64
	in     conn.Ready
	extra  conn.Ready // reported once without a reason
	queued bool
}

// ready returns what is to be reported.
func (r *registration) ready() conn.Ready {
	if r.end.reg != r { // it was removed
		return 0
	}
	return r.end.ready()&(r.in|conn.Broken) | r.extra&r.in
}

// enqueue has Wait look at the registration. k.mu is held.
func (r *registration) enqueue() {
	if r.ready() == 0 {
		return
	}
	if p := r.poller; !r.queued {
		r.queued = true
		p.queue = append(p.queue, r)
	}
	r.poller.change.Broadcast()
}

// report reports what of ready is wanted, without a reason. k.mu is held.
func (r *registration) report(ready conn.Ready) bool {
	r.extra |= ready
	r.enqueue()
	return ready&r.in != 0
}

// remove forgets fd. k.mu is held.
func (p *poller) remove(fd int) {
	p.regs[fd].end.reg = nil // and so it will leave the queue
	delete(p.regs, fd)
}

// Wait implements conn.Poller.
func (p *poller) Wait(ready []conn.Event) (n int, err error) {
	k := p.k
	f := k.fault(Wait, -1, len(ready))
	defer f.then()
	if len(ready) == 0 {
		k.opts.Fail("conntest: Wait without room for events")
		return 0, syscall.EINVAL
	}
	k.mu.Lock()
	if p.waiting {
		k.mu.Unlock()
		k.opts.Fail("conntest: Wait is called while another call of it waits")
		return 0, syscall.EINVAL
	}
	defer k.mu.Unlock()
	p.waiting = true
	defer func() { p.waiting = false }()
	p.pretend(f.Ready)
	for !p.stopped {
		if k.holds > 0 {
			p.hold()
			continue
		}
		if f.Shuffle != 0 {
			rng := rand.New(rand.NewPCG(f.Shuffle, 0))
			rng.Shuffle(len(p.queue), func(i, j int) { p.queue[i], p.queue[j] = p.queue[j], p.queue[i] })
		}
		if n := p.collect(ready); n > 0 {
			return n, nil
		}
		p.change.Wait()
	}
	return 0, errStopped
}

// hold waits until nothing is held back any more. k.mu is held.
func (p *poller) hold() {
	for p.k.holds > 0 && !p.stopped {
		p.k.held.Wait()
	}
}

// collect fills a batch (ep_send_events). k.mu is held.
func (p *poller) collect(ready []conn.Event) (n int) {
	batch := p.queue
	p.queue = nil
	var again []*registration
	for i, r := range batch {
		if n == len(ready) {
			p.queue = append(p.queue, batch[i:]...)
			break
		}
		what := r.ready()
		r.extra = 0
		if r.queued = what != 0; !r.queued {
			continue
		}
		ready[n] = conn.Event{Tag: r.tag, Ready: what}
		n++
		again = append(again, r)
	}
	p.queue = append(p.queue, again...)
	return n
}

// pretend reports ready of a registered descriptor, another one each time. k.mu is held.
func (p *poller) pretend(ready conn.Ready) {
	if ready == 0 {
		return
	}
	next, first := -1, -1
	for fd, r := range p.regs {
		if ready&r.in == 0 {
			continue
		}
		if first < 0 || fd < first {
			first = fd
		}
		if fd > p.last && (next < 0 || fd < next) {
			next = fd
		}
	}
	if next < 0 {
		next = first
	}
	if next >= 0 {
		p.last = next
		p.regs[next].report(ready)
	}
}

// enter begins a call about fd, which n bytes or so depend on. If it succeeds, k.mu is
// held, and the caller calls leave.
func (p *poller) enter(op Op, fd, n int) (f Fault, e *end, errno syscall.Errno) {
	k := p.k
	f = k.fault(op, fd, n)
	k.mu.Lock()
	x := k.file(fd)
	why := ""
	switch {
	case p.stopped:
		why = "whose poller was stopped"
	case x == nil:
		why = "which is closed"
	case !x.detached:
		why = "which was not detached"
	case x.end.reg != nil && x.end.reg.poller != p:
		why = "which is another poller's"
	case x.end.reg != nil && op == Add:
		why = "which is registered already"
	case x.end.reg == nil && op == Modify:
		why = "which is not registered"
	default:
		return f, x.end, 0
	}
	k.mu.Unlock()
	return f, nil, k.failure(op, fd, why)
}

// leave ends what enter has begun.
func (p *poller) leave(f Fault) {
	p.k.mu.Unlock()
	f.then()
}

// fail returns the error that a call has to return. A connection that fails so for good
// has failed.
func (f Fault) fail(e *end) error {
	switch f.Err {
	case syscall.ECONNRESET, syscall.EPIPE, syscall.ETIMEDOUT:
		e.kill()
	}
	return f.Err
}

// result returns an errno as an error.
func result(errno syscall.Errno) error {
	if errno == 0 {
		return nil
	}
	return errno
}

// Add implements conn.Poller.
func (p *poller) Add(fd int, tag uint64, in conn.Ready) error {
	f, e, errno := p.enter(Add, fd, int(in))
	if errno != 0 {
		return errno
	}
	defer p.leave(f)
	if f.Err != 0 {
		return f.fail(e)
	}
	e.reg = &registration{poller: p, end: e, fd: fd, tag: tag, in: in}
	p.regs[fd] = e.reg
	e.reg.enqueue()
	return nil
}

// Modify implements conn.Poller.
func (p *poller) Modify(fd int, tag uint64, in conn.Ready) error {
	f, e, errno := p.enter(Modify, fd, int(in))
	if errno != 0 {
		return errno
	}
	defer p.leave(f)
	if f.Err != 0 {
		return f.fail(e)
	}
	e.reg.tag, e.reg.in = tag, in
	e.reg.enqueue()
	return nil
}

// Read implements conn.Poller.
func (p *poller) Read(fd int, b []byte) (int, error) {
	f, e, errno := p.enter(Read, fd, len(b))
	if errno != 0 {
		return 0, errno
	}
	defer p.leave(f)
	if f.Err != 0 {
		return 0, f.fail(e)
	}
	n, errno := e.read(f.part(b))
	return n, result(errno)
}

// Write implements conn.Poller.
func (p *poller) Write(fd int, b []byte, _ bool) (int, error) {
	f, e, errno := p.enter(Write, fd, len(b))
	if errno != 0 {
		return 0, errno
	}
	defer p.leave(f)
	if f.Err != 0 {
		return 0, f.fail(e)
	}
	n, errno := e.write(f.part(b))
	return n, result(errno)
}

// CloseWrite implements conn.Poller.
func (p *poller) CloseWrite(fd int) error {
	f, e, errno := p.enter(CloseWrite, fd, 0)
	if errno != 0 {
		return errno
	}
	defer p.leave(f)
	if f.Err != 0 {
		return f.fail(e)
	}
	return result(e.shutdown())
}

// Close implements conn.Poller.
func (p *poller) Close(fd int) {
	f, _, errno := p.enter(Close, fd, 0)
	if errno != 0 {
		return
	}
	defer p.leave(f)
	p.k.free(fd, false)
}

// Stop implements conn.Poller.
func (p *poller) Stop() {
	k := p.k
	f := k.fault(Stop, -1, 0)
	defer f.then()
	k.mu.Lock()
	again := p.stopped
	if !again {
		p.stopped = true
		k.pollers--
		for fd := range p.regs { // their descriptors stay open
			p.remove(fd)
		}
		p.change.Broadcast()
		k.held.Broadcast()
	}
	k.mu.Unlock()
	if again {
		k.opts.Fail("conntest: Stop of a poller that was stopped")
	}
}
