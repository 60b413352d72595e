package conntest

import (
	"math/rand/v2"
	"sync"
	"syscall"

	"github.com/sockeye-io/socketio/internal/conn"
)

// An Op is a call of the kernel.
type Op uint8

const (
	Wait Op = iota
	Add
	Modify
	Read
	Write
	CloseWrite
	Close
	Stop
	NewPoller
	Detach
)

var ops = [...]string{"Wait", "Add", "Modify", "Read", "Write", "CloseWrite", "Close", "Stop", "NewPoller", "Detach"}

func (op Op) String() string { return ops[op] }

// Faults says what goes wrong with a call. fd is -1 for calls that have no descriptor;
// n is how many bytes Read and Write may move, the room that Wait has for events, and
// the interest (conn.Ready) of Add and Modify. It may call everything that the kernel
// has, but what Poller rules out; to count calls, let it return Fault{}.
type Faults func(op Op, fd, n int) Fault

// A Fault is what goes wrong. The zero Fault is nothing.
type Fault struct {
	// Err makes the call fail, which does nothing then: EAGAIN for Read and Write,
	// although they could do something; ENOMEM or ENOSPC for Add; EMFILE for Detach
	// and NewPoller. ECONNRESET, EPIPE and ETIMEDOUT also end the connection, for
	// both sides. Wait, Close and Stop cannot fail. (There is no EINTR: a Poller
	// hides it.)
	Err syscall.Errno

	// Max bounds how many bytes Read and Write move, if it is not 0.
	Max int

	// Ready has Wait report a descriptor that is not ready for it, one after the
	// other of those that are registered with such an interest.
	Ready conn.Ready

	// Shuffle has Wait report in an order drawn from it, if it is not 0.
	Shuffle uint64

	// Then is called after the call has done its work, and before it returns, with no
	// lock held: between a call and its result, anything may happen. In Wait, a
	// descriptor that is closed here has been reported already.
	Then func()
}

func (k *Kernel) fault(op Op, fd, n int) Fault {
	if k.opts.Faults == nil {
		return Fault{}
	}
	return k.opts.Faults(op, fd, n)
}

// part returns what Read and Write may use of p.
func (f Fault) part(p []byte) []byte {
	if f.Max > 0 && f.Max < len(p) {
		return p[:f.Max]
	}
	return p
}

func (f Fault) then() {
	if f.Then != nil {
		f.Then()
	}
}

// Odds are the probabilities of faults, from 0 to 1.
type Odds struct {
	Short    float64 // a Read or Write moves a part of what it could
	Again    float64 // a Read or Write fails with EAGAIN although it could do something
	Spurious float64 // Wait reports what is not ready
	Shuffle  float64 // Wait reports in another order
	Reset    float64 // a Read or Write fails with ECONNRESET
	NoMemory float64 // Add fails with ENOMEM
}

// Random returns faults drawn from a seed. The calls of one kind on one descriptor meet
// the same ones in each run, in whatever order goroutines run otherwise.
func Random(seed uint64, odds Odds) Faults {
	type stream struct {
		op Op
		fd int
	}
	var mu sync.Mutex
	streams := map[stream]*rand.Rand{}
	return func(op Op, fd, n int) (f Fault) {
		mu.Lock()
		defer mu.Unlock()
		s := stream{op, fd}
		rng := streams[s]
		if rng == nil {
			rng = rand.New(rand.NewPCG(seed, uint64(op)<<32|uint64(uint32(fd))))
			streams[s] = rng
		}
		switch op {
		case Read, Write:
			switch x := rng.Float64(); {
			case x < odds.Reset:
				f.Err = syscall.ECONNRESET
			case x < odds.Reset+odds.Again:
				f.Err = syscall.EAGAIN
			case x < odds.Reset+odds.Again+odds.Short && n > 1:
				f.Max = 1 + rng.IntN(min(n-1, 1<<rng.IntN(20)))
			}
		case Wait:
			if rng.Float64() < odds.Spurious {
				f.Ready = conn.Readable | conn.Writable
			}
			if rng.Float64() < odds.Shuffle {
				f.Shuffle = rng.Uint64() | 1
			}
		case Add:
			if rng.Float64() < odds.NoMemory {
				f.Err = syscall.ENOMEM
			}
		}
		return f
	}
}
