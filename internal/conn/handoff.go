package conn

import (
	"sync/atomic"
	"time"
)

// A job, which is user code in the end, runs on the goroutine that drives the loop:
// handing it to another one would cost a tenth of an echo. It may take as long as it
// likes all the same. While it runs, the loop's state is odd; whoever then makes it
// even owns the loop: the driver if its job is done, or else a successor, which goes
// on where the driver stood. The old driver finds out when its job is done, and is an
// ordinary goroutine that ends.
//
// Somebody has to notice that a job takes long: the watch of the group, which looks at
// the states every few milliseconds while jobs are done at all, or the job itself
// (Conn.Yield).

// patience is how often the watch looks; a job that it sees twice has lost its loop.
const patience = 2 * time.Millisecond

// working says whether a job is being done.
func (l *loop) working() bool { return l.state.Load()&1 == 1 }

// do does job, and says whether the loop is still the caller's.
func (l *loop) do(job Job) (mine bool) {
	at := l.state.Add(1)
	l.group.watch.begin(l)
	returned := false
	defer func() {
		if !returned { // it has ended the goroutine
			l.take(at)
		}
	}()
	job.Run()
	returned = true
	return l.state.CompareAndSwap(at, at+1)
}

// take gives the loop to a successor if the job that was being done at a state still
// is.
func (l *loop) take(at uint64) {
	if l.state.CompareAndSwap(at, at+1) {
		l.group.workers.Go(task{do: driveTask, l: l}) // ends as the one before
	}
}

// yield implements engine.
func (l *loop) yield() {
	if at := l.state.Load(); at&1 == 1 {
		l.take(at)
	}
}

// A watch takes loops from jobs that take long. Its goroutine exists only while jobs
// are done.
type watch struct{ on atomic.Bool }

// begin is called after a job has begun.
func (w *watch) begin(l *loop) {
	if !w.on.Load() && w.on.CompareAndSwap(false, true) {
		l.group.workers.Go(task{do: watchTask, l: l}) // ends when no job was done for a while
	}
}

func watchTask(t task) {
	g := t.l.group
	var seen []uint64
	timer := time.NewTimer(patience)
	for {
		<-timer.C
		loops := g.current()
		if g.watch.look(loops, &seen) {
			timer.Reset(patience)
			continue
		}
		g.watch.on.Store(false)
		// Whoever began before this line has seen that the watch was on.
		if same(loops, seen) || !g.watch.on.CompareAndSwap(false, true) {
			return
		}
		timer.Reset(patience)
	}
}

// look compares the loops' states with those seen before, and takes what has not moved
// away from its job. It says whether there was anything to see.
func (*watch) look(loops []*loop, seen *[]uint64) (busy bool) {
	if len(*seen) != len(loops) {
		*seen = make([]uint64, len(loops))
	}
	for i, l := range loops {
		at := l.state.Load()
		switch {
		case at != (*seen)[i]:
			busy = true
		case at&1 == 1:
			busy = true
			l.take(at)
		}
		(*seen)[i] = at
	}
	return busy
}

func same(loops []*loop, seen []uint64) bool {
	for i, l := range loops {
		if l.state.Load() != seen[i] {
			return false
		}
	}
	return true
}

// current returns the loops that there are now.
func (g *Group) current() []*loop {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.loops
}
