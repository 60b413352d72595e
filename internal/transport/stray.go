package transport

import (
	"hash/maphash"
	"sync"
	"time"

	"github.com/sockeye-io/socketio/internal/generation"
)

// A client of 0.9.0 does not heed that its session is unknown: it polls again at once, a
// hundred times a second (clients.md 4). Whoever repeats itself like that has to wait for
// its answer. The first ones are never kept back, since all other clients begin anew then.

const (
	strayBurst = 8           // answers that are not kept back
	strayPause = time.Second // for how long the others are: a poll a second hurts nobody
)

// strays remember the polls that last asked for sessions that are not there. One that
// another drives out of its place begins anew.
type strays struct {
	seed maphash.Seed
	mu   sync.Mutex
	last [256]stray
}

type stray struct {
	sid      uint64        // hashed
	answered time.Duration // the last time, which may be to come
	n        int           // answers, never a strayPause between two
}

func newStrays() *strays { return &strays{seed: maphash.MakeSeed()} }

// pause notes that a poll came for sid, and returns how long its answer is to wait.
func (t *strays) pause(now time.Duration, sid string) time.Duration {
	hash := maphash.String(t.seed, sid)
	t.mu.Lock()
	defer t.mu.Unlock()
	s := &t.last[hash%uint64(len(t.last))]
	if s.sid != hash || now > s.answered+strayPause {
		*s = stray{sid: hash}
	}
	s.answered = now
	if s.n++; s.n <= strayBurst {
		return 0
	}
	s.answered += strayPause
	return strayPause
}

// strayed answers a poll of revision 1 for a session that is not there.
func (x *exchange) strayed() {
	if pause := x.s.strays.pause(x.s.Now(), x.route.SID); pause > 0 {
		timer := time.NewTimer(pause)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-x.r.Context().Done():
			return
		}
	}
	x.pollAnswer([]byte(generation.Revision1.Bye.Drain.Poll)) // [T xhr-polling-bad-session]
}
