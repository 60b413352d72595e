// Package worker runs jobs on goroutines that are used again. A goroutine that was
// just started has a small stack, and copies it as often as the job's calls grow it; in
// a server that starts one for every message that is a tenth of the work. A worker
// whose job is done waits for the next one, with the stack it has.
package worker

import "sync"

// A Pool runs jobs, each on a goroutine of its own for as long as it takes: a job that
// blocks holds up no other. Its methods may be called concurrently.
type Pool[T any] struct {
	run func(T)
	max int

	mu      sync.Mutex
	waiting []*worker[T] // the last one that finished is the next to work
	open    bool
}

type worker[T any] struct{ job chan T }

// New returns a pool whose jobs are done by run. At most max workers wait for jobs,
// and only between Open and Release.
func New[T any](max int, run func(T)) *Pool[T] {
	return &Pool[T]{run: run, max: max}
}

// Open lets workers wait for jobs from now on.
func (p *Pool[T]) Open() {
	p.mu.Lock()
	p.open = true
	p.mu.Unlock()
}

// Release ends the workers that wait. The others end when their jobs are done. The
// pool can be used as before, and be opened again.
func (p *Pool[T]) Release() {
	p.mu.Lock()
	waiting := p.waiting
	p.waiting, p.open = nil, false
	p.mu.Unlock()
	for _, w := range waiting {
		close(w.job)
	}
}

// Go does job, soon.
func (p *Pool[T]) Go(job T) {
	p.mu.Lock()
	n := len(p.waiting)
	if n == 0 {
		p.mu.Unlock()
		go p.work(job) // ends when its job is done and there are enough, or by Release
		return
	}
	w := p.waiting[n-1]
	p.waiting[n-1] = nil
	p.waiting = p.waiting[:n-1]
	p.mu.Unlock()
	w.job <- job
}

func (p *Pool[T]) work(job T) {
	var w *worker[T]
	for more := true; more; {
		p.run(job)
		if w == nil {
			w = &worker[T]{job: make(chan T, 1)}
		}
		if !p.wait(w) {
			return
		}
		job, more = <-w.job
	}
}

// wait makes w one of those that wait, if there are not enough.
func (p *Pool[T]) wait(w *worker[T]) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.open || len(p.waiting) >= p.max {
		return false
	}
	p.waiting = append(p.waiting, w)
	return true
}
