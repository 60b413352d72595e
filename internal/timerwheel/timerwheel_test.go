package timerwheel

import (
	"math"
	"sync"
	"testing"
	"time"
	"unsafe"

	"pgregory.net/rapid"
)

const ms = time.Millisecond

type owner struct {
	Timer[*owner]
	id int
}

func newOwner(id int) *owner {
	o := &owner{id: id}
	o.Owner = o
	return o
}

func TestResolution(t *testing.T) {
	for _, tt := range []struct{ interval, want time.Duration }{
		{0, 5 * ms},
		{16 * ms, 5 * ms}, // never finer: a busy timer costs more than it tells
		{160 * ms, 10 * ms},
		{25 * time.Second, 250 * ms}, // never coarser: a poll that waits would show it
		{-time.Second, 5 * ms},
	} {
		if got := Resolution(tt.interval); got != tt.want {
			t.Errorf("Resolution(%v) = %v, want %v", tt.interval, got, tt.want)
		}
	}
}

func TestTimerIsSmall(t *testing.T) {
	if got := unsafe.Sizeof(Timer[*owner]{}); got > 40 {
		t.Errorf("a Timer has %d bytes, want at most 40", got)
	}
}

// An owner in the smallest sense: it calls Advance exactly when asked to.
func run(w *Wheel[*owner], now, until time.Duration, fired func(now time.Duration, o *owner)) (calls int) {
	for {
		next, ok := w.Advance(now, func(t *Timer[*owner]) { fired(now, t.Owner) })
		calls++
		if !ok || next > until {
			return calls
		}
		now = max(now, next)
	}
}

func TestFiresAtFirstTick(t *testing.T) {
	for _, tt := range []struct{ at, want time.Duration }{
		{-time.Hour, 10 * ms}, // passed: the next tick
		{0, 10 * ms},
		{1, 10 * ms},
		{10 * ms, 10 * ms}, // exactly on a tick
		{10*ms + 1, 20 * ms},
		{639 * ms, 640 * ms}, // the first slot of level 1
		{641 * ms, 650 * ms},
		{41 * time.Second, 41 * time.Second},
		{7*time.Hour + 3*ms, 7*time.Hour + 10*ms},
		{10000 * time.Hour, 10000 * time.Hour},
		{math.MaxInt64, math.MaxInt64 / (10 * ms) * (10 * ms)},
	} {
		w, o := New[*owner](10*ms), newOwner(1)
		if !w.Set(&o.Timer, tt.at) {
			t.Errorf("at %v: the first timer did not ask for a wake-up", tt.at)
		}
		var got []time.Duration
		calls := run(w, 0, math.MaxInt64, func(now time.Duration, _ *owner) { got = append(got, now) })
		if len(got) != 1 || got[0] != tt.want {
			t.Errorf("at %v: fired at %v, want once at %v", tt.at, got, tt.want)
		}
		if calls > levels+1 {
			t.Errorf("at %v: %d wake-ups, want at most one per level", tt.at, calls)
		}
	}
}

func TestSetSaysEarlier(t *testing.T) {
	w, a, b := New[*owner](10*ms), newOwner(1), newOwner(2)
	for _, step := range []struct {
		o       *owner
		at      time.Duration
		earlier bool
		why     string
	}{
		{a, 100 * ms, true, "nothing was scheduled"},
		{b, 100 * ms, false, "somebody wakes up then anyway"},
		{b, 200 * ms, false, "later"},
		{b, 50 * ms, true, "sooner than every other"},
		{b, 300 * ms, false, "moved away: the wake-up stays"},
		{a, 50 * ms, false, "and serves the next"},
	} {
		if got := w.Set(&step.o.Timer, step.at); got != step.earlier {
			t.Errorf("Set to %v: earlier = %v, want %v: %s", step.at, got, step.earlier, step.why)
		}
	}
}

func TestFireMaySetAndStop(t *testing.T) {
	w := New[*owner](10 * ms)
	owners := make([]*owner, 10)
	for i := range owners {
		owners[i] = newOwner(i)
		w.Set(&owners[i].Timer, 20*ms)
	}
	count := make(map[int]int)
	fire := func(tm *Timer[*owner]) {
		o := tm.Owner
		count[o.id]++
		switch o.id {
		case 1, 2:
			if w.Set(tm, 0) {
				t.Error("earlier, though Advance has not returned and will see it")
			}
		}
		// Whoever comes first stops or moves the other half of its pair.
		if other := owners[o.id^1]; o.id >= 4 && count[other.id] == 0 {
			if o.id < 8 {
				w.Stop(&other.Timer)
			} else {
				w.Set(&other.Timer, 500*ms)
			}
		}
	}
	next, ok := w.Advance(20*ms, fire)
	if !ok || next != 30*ms {
		t.Errorf("Advance = %v, %v, want the tick after: two timers were set again", next, ok)
	}
	for _, pair := range []int{4, 6, 8} {
		if n := count[pair] + count[pair+1]; n != 1 {
			t.Errorf("of timers %d and %d, %d fired, want 1: the first took the other out", pair, pair+1, n)
		}
	}
	if count[0] != 1 || count[1] != 1 || count[2] != 1 {
		t.Errorf("fired %v, want each once: a timer set to the past waits for the next tick", count)
	}
	if next, ok := w.Advance(500*ms, fire); !ok || next != 510*ms {
		t.Errorf("Advance = %v, %v", next, ok)
	}
	if count[8]+count[9] != 2 {
		t.Errorf("fired %v, want the moved timer too", count)
	}
}

func TestStopIsIdempotent(t *testing.T) {
	w, o := New[*owner](10*ms), newOwner(1)
	w.Stop(&o.Timer) // never scheduled
	w.Set(&o.Timer, 20*ms)
	w.Stop(&o.Timer)
	w.Stop(&o.Timer)
	if _, ok := w.Advance(time.Second, func(*Timer[*owner]) { t.Error("a stopped timer fired") }); ok {
		t.Error("something is scheduled")
	}
}

func TestConcurrentUse(t *testing.T) {
	w := New[*owner](ms)
	var wg sync.WaitGroup
	done := make(chan struct{})
	for g := range 4 {
		wg.Go(func() {
			owners := make([]*owner, 100)
			for i := range owners {
				owners[i] = newOwner(i)
			}
			for i := range 10000 {
				o := owners[i*7%len(owners)]
				if i%5 == g {
					w.Stop(&o.Timer)
				} else {
					w.Set(&o.Timer, time.Duration(i%97)*ms)
				}
			}
			for _, o := range owners {
				w.Stop(&o.Timer)
			}
		})
	}
	go func() { wg.Wait(); close(done) }()
	for now := time.Duration(0); ; now += ms {
		w.Advance(now, func(t *Timer[*owner]) {
			if t.Owner.id%3 == 0 {
				w.Set(t, now+5*ms)
				w.Stop(t)
			}
		})
		select {
		case <-done:
			if _, ok := w.Advance(now, func(*Timer[*owner]) {}); ok {
				t.Error("timers are left, though all were stopped")
			}
			return
		default:
		}
	}
}

// The model is a map of deadlines. The wheel must fire each at the first call of
// Advance that is not before the tick of its deadline, and ask for that call in time.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		resolution := time.Duration(rapid.SampledFrom([]int{1, 5, 7, 250}).Draw(t, "resolution")) * ms
		w := New[*owner](resolution)
		m := &model{w: w, resolution: resolution, due: make(map[*owner]time.Duration)}
		for i := range 8 {
			m.owners = append(m.owners, newOwner(i))
		}
		t.Repeat(map[string]func(*rapid.T){
			"set":     m.set,
			"stop":    m.stop,
			"advance": m.advance,
			"wait":    m.wait,
		})
	})
}

type model struct {
	w          *Wheel[*owner]
	resolution time.Duration
	owners     []*owner
	due        map[*owner]time.Duration // deadlines, as ticks
	now        time.Duration
	turned     time.Duration // when the wheel last advanced
	wake       time.Duration // when the owner would call Advance
	asleep     bool          // wake is valid
}

func drawDelay(t *rapid.T) time.Duration {
	unit := rapid.SampledFrom([]time.Duration{1, ms, time.Second, time.Hour, 1000 * time.Hour}).Draw(t, "unit")
	return time.Duration(rapid.IntRange(-2, 200).Draw(t, "count")) * unit
}

func (m *model) set(t *rapid.T) {
	o := rapid.SampledFrom(m.owners).Draw(t, "owner")
	at := m.now + drawDelay(t)
	tick := (at + m.resolution - 1) / m.resolution * m.resolution
	tick = max(tick, m.turned/m.resolution*m.resolution+m.resolution)
	earlier := m.w.Set(&o.Timer, at)
	m.due[o] = tick
	if earlier && m.asleep && tick >= m.wake {
		t.Fatalf("Set to %v says earlier, but the wake-up is at %v", tick, m.wake)
	}
	if earlier {
		m.wake, m.asleep = tick, true
	}
	m.check(t)
}

func (m *model) stop(t *rapid.T) {
	o := rapid.SampledFrom(m.owners).Draw(t, "owner")
	m.w.Stop(&o.Timer)
	delete(m.due, o)
}

// advance: the owner comes at any time, early or late.
func (m *model) advance(t *rapid.T) {
	m.now += max(0, drawDelay(t))
	m.turn(t)
}

// wait: the owner comes when asked to.
func (m *model) wait(t *rapid.T) {
	if !m.asleep {
		t.Skip("nothing is scheduled")
	}
	m.now = max(m.now, m.wake)
	m.turn(t)
}

func (m *model) turn(t *rapid.T) {
	m.turned = m.now
	next, ok := m.w.Advance(m.now, func(tm *Timer[*owner]) {
		due, ok := m.due[tm.Owner]
		if !ok {
			t.Fatalf("timer %d fired and was not scheduled", tm.Owner.id)
		}
		if due > m.now {
			t.Fatalf("timer %d fired at %v, before %v", tm.Owner.id, m.now, due)
		}
		delete(m.due, tm.Owner)
	})
	for o, due := range m.due {
		if due <= m.now {
			t.Fatalf("timer %d did not fire at %v, due at %v", o.id, m.now, due)
		}
	}
	if ok != (len(m.due) > 0) {
		t.Fatalf("Advance says scheduled = %v, of %d timers", ok, len(m.due))
	}
	if ok && next <= m.now {
		t.Fatalf("Advance at %v asks to be called at %v", m.now, next)
	}
	m.wake, m.asleep = next, ok
	m.check(t)
}

// check: no deadline lies before the wake-up.
func (m *model) check(t *rapid.T) {
	for o, due := range m.due {
		if !m.asleep || due < m.wake {
			t.Fatalf("timer %d is due at %v, and nobody wakes up then", o.id, due)
		}
	}
}

// A slot whose timers are stopped and set while the wheel moves them.
func TestCrowdedSlot(t *testing.T) {
	w := New[*owner](ms)
	owners := make([]*owner, 20*breath)
	for i := range owners {
		owners[i] = newOwner(i)
		w.Set(&owners[i].Timer, 70*ms) // level 1: they move once
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for i, o := range owners {
			switch i % 3 {
			case 0:
				w.Stop(&o.Timer)
			case 1:
				w.Set(&o.Timer, 90*ms)
			}
		}
	})
	fired := make(map[int]int)
	fire := func(t *Timer[*owner]) { fired[t.Owner.id]++ }
	w.Advance(64*ms, fire)
	wg.Wait()
	w.Advance(89*ms, fire)
	for i := range owners {
		want := 0
		if i%3 == 2 {
			want = 1
		}
		if fired[i] != want {
			t.Fatalf("timer %d fired %d times until 89 ms, want %d", i, fired[i], want)
		}
	}
	if w.Advance(90*ms, fire); len(fired) != len(owners)*2/3 {
		t.Errorf("%d timers fired until 90 ms, want two thirds of %d", len(fired), len(owners))
	}
}
