// Package timerwheel keeps many coarse deadlines, so that a server with a million
// clients needs one timer. It has no goroutine and no clock: time is an offset from
// a moment that the owner chose, such as the server's start, and is passed in.
//
// The wheel turns in ticks of one resolution. A timer fires at the first tick that
// is not before its deadline: never early, and late by at most one resolution if
// Advance is called when it asked to be.
//
// Eight levels of 64 slots hold all deadlines that a time.Duration can express. A
// slot of level 0 is one tick, a slot of level n covers 64 to the power n. A timer
// lies on the level of the highest of the base-64 digits in which its tick differs
// from the current one, so:
//
//   - every occupied slot lies ahead of the current tick, in the same turn of its
//     level, and slots of a lower level come before those of a higher one: the next
//     thing to do is found with one bit scan;
//   - when the wheel reaches a slot of a higher level, its timers move to lower ones,
//     at most once per level, however far away they began;
//   - hours in which nothing is due are skipped at no cost.
package timerwheel

import (
	"math"
	"math/bits"
	"sync"
	"time"
)

const (
	digit  = 6 // bits of a tick for each level
	slots  = 1 << digit
	levels = 8 // 48 bits: 292 years in milliseconds are 43

	breath = 1024 // timers moved before others get a chance at the lock

	shortest = time.Millisecond // finer resolutions would need more levels
)

// Resolution returns the resolution for a wheel whose shortest interval is given: a
// sixteenth of it, within 5 and 250 ms.
func Resolution(interval time.Duration) time.Duration {
	return min(max(interval/16, 5*time.Millisecond), 250*time.Millisecond)
}

// A Timer is one deadline. It is embedded in what it belongs to; with Owner set, the
// zero value is ready. It must not be copied while it is scheduled.
type Timer[T any] struct {
	// Owner is for whoever the timer fires for. The wheel does not look at it.
	Owner T

	// Guarded by the wheel's lock.
	at   int64      // the tick at which to fire; the slot may be an earlier one
	next *Timer[T]  // in the same slot
	prev **Timer[T] // what points here; nil: not scheduled
}

// A Wheel schedules timers. Set and Stop may be called by any goroutine, at any
// time, from a firing timer too.
type Wheel[T any] struct {
	resolution time.Duration

	mu   sync.Mutex
	now  int64 // the current tick: what was due until then has been taken out
	wake int64 // the tick at which the owner will call Advance, as far as he knows

	due      *Timer[T]                // taken out, and about to be fired by Advance
	occupied [levels]uint64           // slots that may hold timers; Stop leaves the bit
	slot     [levels][slots]*Timer[T] // the first timer of each
}

// New returns a wheel with a resolution of at least a millisecond.
func New[T any](resolution time.Duration) *Wheel[T] {
	return &Wheel[T]{resolution: max(resolution, shortest), wake: math.MaxInt64}
}

// Set schedules t, or moves it if it is scheduled. A deadline that has passed counts
// as one at the next tick. If earlier, the next call of Advance must come sooner
// than the last one asked for: at the deadline, or right now.
//
// Moving a timer to a later deadline leaves it in its slot until the wheel gets
// there, so it is cheap to do so at every sign of life.
func (w *Wheel[T]) Set(t *Timer[T], at time.Duration) (earlier bool) {
	at = min(at, math.MaxInt64-w.resolution) // so that its tick is a Duration too
	tick := int64(at / w.resolution)
	if at%w.resolution > 0 {
		tick++
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	tick = max(tick, w.now+1)
	if t.prev != nil {
		if tick >= t.at && t.at > w.now {
			t.at = tick
			return false // a wake-up for the slot is due anyway
		}
		t.unlink()
	}
	t.at = tick
	w.place(t)
	if tick >= w.wake {
		return false
	}
	w.wake = tick
	return true
}

// Stop makes sure that t is not scheduled. A call of fire that has begun goes on.
func (w *Wheel[T]) Stop(t *Timer[T]) {
	w.mu.Lock()
	t.unlink()
	w.mu.Unlock()
}

// Advance turns the wheel to now and calls fire for every timer that is due, in no
// particular order and with no lock held; the timer is no longer scheduled then, and
// a Stop or Set of others that are due in the same turn still counts. It returns when to call again at the
// latest, which may be before anything fires; not ok: nothing is scheduled. Advance
// must not be called concurrently with itself, nor by fire.
func (w *Wheel[T]) Advance(now time.Duration, fire func(*Timer[T])) (next time.Duration, ok bool) {
	w.mu.Lock()
	w.wake = math.MinInt64 // until the end of this call, which sees every Set
	w.turn(int64(now / w.resolution))
	for t := w.due; t != nil; t = w.due {
		t.unlink()
		w.mu.Unlock()
		fire(t)
		w.mu.Lock()
	}
	defer w.mu.Unlock()
	level, i, ok := w.first()
	if !ok {
		w.wake = math.MaxInt64
		return 0, false
	}
	w.wake = w.start(level, i)
	return time.Duration(w.wake) * w.resolution, true
}

// turn moves to the tick to, and what is due to w.due. It lets go of the lock now and
// then, so that a slot of a million timers makes nobody wait: what is still in the
// slot can be stopped there, and nothing new belongs into it.
func (w *Wheel[T]) turn(to int64) {
	for moved := 1; ; {
		level, i, ok := w.first()
		if !ok || w.start(level, i) > to {
			break
		}
		w.now = w.start(level, i)
		w.occupied[level] &^= 1 << i
		for t := w.slot[level][i]; t != nil; t = w.slot[level][i] {
			t.unlink()
			w.place(t) // a lower level, or due, or was moved to a later deadline
			if moved++; moved%breath == 0 {
				w.mu.Unlock()
				w.mu.Lock()
			}
		}
	}
	w.now = max(w.now, to)
}

// first finds the slot that comes next.
func (w *Wheel[T]) first() (level, i int, ok bool) {
	for level := range w.occupied {
		for w.occupied[level] != 0 {
			i := bits.TrailingZeros64(w.occupied[level])
			if w.slot[level][i] != nil {
				return level, i, true
			}
			w.occupied[level] &^= 1 << i // emptied by Stop
		}
	}
	return 0, 0, false
}

// start returns the first tick of a slot that lies ahead.
func (w *Wheel[T]) start(level, i int) int64 {
	shift := level * digit
	return w.now>>(shift+digit)<<(shift+digit) | int64(i)<<shift
}

// place puts t where it belongs as seen from the current tick.
func (w *Wheel[T]) place(t *Timer[T]) {
	if t.at <= w.now {
		t.link(&w.due)
		return
	}
	level := (bits.Len64(uint64(t.at^w.now)) - 1) / digit
	i := t.at >> (level * digit) & (slots - 1)
	w.occupied[level] |= 1 << i
	t.link(&w.slot[level][i])
}

func (t *Timer[T]) link(head **Timer[T]) {
	t.next, t.prev = *head, head
	if t.next != nil {
		t.next.prev = &t.next
	}
	*head = t
}

func (t *Timer[T]) unlink() {
	if t.prev == nil {
		return
	}
	*t.prev = t.next
	if t.next != nil {
		t.next.prev = t.prev
	}
	t.next, t.prev = nil, nil
}
