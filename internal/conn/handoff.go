package conn

import "time"

// A job, which is user code in the end, runs on the goroutine that drives the loop:
// handing it to another one would cost a tenth of an echo. It may take as long as it
// likes all the same. While it runs, the loop's state is odd; whoever then makes it
// even owns the loop: the driver if its job is done, or else a successor, which goes
// on where the driver stood. The old driver finds out when its job is done, and is an
// ordinary goroutine that ends.
//
// Somebody has to notice that a job takes long: a watch, which looks at the states
// every few milliseconds while jobs are done at all, or the job itself (Conn.Yield).

// patience is how often the watch looks; a job that it sees twice has lost its loop. The
// watch costs a wake-up each time, which at a few thousand messages a second is felt.
const patience = 4 * time.Millisecond

// Jobs that wait, but not for long enough to lose the loop (a query of a millisecond),
// would be done one after the other, and all clients of the loop with them. So some jobs
// are timed, and after a slow one the next ones are left to other goroutines.
const (
	timed  = 8 // one in so many jobs is
	slow   = 200 * time.Microsecond
	shyFor = 1024 // jobs
)

// working says whether a job is being done.
func (l *loop) working() bool { return l.state.Load()&1 == 1 }

// do does job, and says whether the loop is still the caller's.
func (l *loop) do(job Job) (mine bool) {
	var begin time.Time
	if l.done++; l.done%timed == 0 {
		begin = time.Now()
	}
	at := l.state.Add(1) // from here on the loop may be another's
	l.team.watch(l)
	returned := false
	defer func() {
		if !returned { // it has ended the goroutine
			l.take(at)
		}
	}()
	job.Run()
	returned = true
	mine = l.state.CompareAndSwap(at, at+1)
	if mine && !begin.IsZero() && time.Since(begin) > slow {
		l.shy.Store(shyFor)
	}
	return mine
}

// run implements engine.
func (l *loop) run(job Job) bool {
	if l.shy.Load() > 0 {
		l.shy.Add(-1)
		return false
	}
	l.jobs = append(l.jobs, job)
	return true
}

// take gives the loop to a successor if the job that was being done at a state still
// is.
func (l *loop) take(at uint64) {
	if l.state.CompareAndSwap(at, at+1) {
		l.shy.Store(shyFor)
		l.group.workers.Go(task{do: driveTask, l: l}) // ends as the one before
	}
}

// yield implements engine.
func (l *loop) yield() {
	if at := l.state.Load(); at&1 == 1 {
		l.take(at)
	}
}

// watch is called after a job has begun, and sees to it that somebody watches.
func (t *team) watch(l *loop) {
	if !t.watched.Load() && t.watched.CompareAndSwap(false, true) {
		l.group.workers.Go(task{do: watchTask, l: l}) // ends when no job was done for a while
	}
}

// watchTask takes loops from jobs that take long. It runs only while jobs are done.
func watchTask(w task) {
	t := w.l.team
	seen := make([]uint64, len(t.loops))
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-t.over:
			return
		}
		if !t.look(seen) {
			t.watched.Store(false)
			// Whoever began before this line has seen that somebody watched.
			if t.still(seen) || !t.watched.CompareAndSwap(false, true) {
				return
			}
		}
		timer.Reset(patience)
	}
}

// look compares the loops' states with those seen before, and takes what has not moved
// away from its job. It says whether there was anything to see.
func (t *team) look(seen []uint64) (busy bool) {
	for i, l := range t.loops {
		at := l.state.Load()
		switch {
		case at != seen[i]:
			busy = true
		case at&1 == 1:
			busy = true
			l.take(at)
		}
		seen[i] = at
	}
	return busy
}

// still says whether no state has changed since it was seen.
func (t *team) still(seen []uint64) bool {
	for i, l := range t.loops {
		if l.state.Load() != seen[i] {
			return false
		}
	}
	return true
}
