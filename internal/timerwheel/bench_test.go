package timerwheel

import (
	"math/rand/v2"
	"testing"
	"time"
)

// million returns a wheel on which as many clients wait for their heartbeat.
func million() (*Wheel[*owner], []*owner) {
	w := New[*owner](250 * ms)
	all := make([]owner, 1_000_000)
	owners := make([]*owner, len(all))
	for i := range all {
		all[i].Owner, owners[i] = &all[i], &all[i]
		w.Set(&all[i].Timer, time.Duration(rand.Int64N(int64(25*time.Second))))
	}
	return w, owners
}

// The deadline of a client that gives a sign of life moves to later.
func BenchmarkSetLater(b *testing.B) {
	w, owners := million()
	at := 25 * time.Second
	for i := 0; b.Loop(); i++ {
		at += time.Microsecond
		w.Set(&owners[i*7919%len(owners)].Timer, at)
	}
}

func BenchmarkSetEarlier(b *testing.B) {
	w, owners := million()
	at := 1000 * time.Hour
	for _, o := range owners {
		w.Set(&o.Timer, at)
	}
	for i := 0; b.Loop(); i++ {
		at -= time.Microsecond
		w.Set(&owners[i*7919%len(owners)].Timer, at)
	}
}

func BenchmarkSetStop(b *testing.B) {
	w := New[*owner](250 * ms)
	o := newOwner(0)
	for i := 0; b.Loop(); i++ {
		w.Set(&o.Timer, time.Duration(i)*time.Microsecond)
		w.Stop(&o.Timer)
	}
}

// One operation is one timer of a million that fires and is set again, 25 s later.
func BenchmarkAdvance(b *testing.B) {
	w, _ := million()
	now, fired := time.Duration(0), 0
	for b.Loop() {
		for fired == 0 {
			now, _ = w.Advance(now, func(t *Timer[*owner]) {
				fired++
				w.Set(t, now+25*time.Second)
			})
		}
		fired--
	}
}
