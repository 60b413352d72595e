package transport

import (
	"net/netip"
	"sync"

	"golang.org/x/time/rate"
)

// limiter bounds how many sessions an address may make.
type limiter struct {
	rate  rate.Limit
	burst int

	mu      sync.Mutex
	buckets map[netip.Prefix]*rate.Limiter
}

// maxBuckets bounds the addresses that are remembered.
const maxBuckets = 10_000

// newLimiter returns nil, which allows everything, without a rate.
func newLimiter(perSecond float64, burst int) *limiter {
	if perSecond <= 0 {
		return nil
	}
	return &limiter{rate: rate.Limit(perSecond), burst: burst, buckets: make(map[netip.Prefix]*rate.Limiter)}
}

// allow takes one from the bucket of a.
func (l *limiter) allow(a netip.Addr) bool {
	if l == nil || !a.IsValid() {
		return true
	}
	a = a.Unmap()
	bits := 32
	if a.Is6() {
		bits = 64 // what a single customer has at least
	}
	key, _ := a.Prefix(bits)
	l.mu.Lock()
	b := l.buckets[key]
	if b == nil {
		if len(l.buckets) >= maxBuckets {
			l.shrink()
		}
		b = rate.NewLimiter(l.rate, l.burst)
		l.buckets[key] = b
	}
	l.mu.Unlock()
	return b.Allow()
}

// shrink forgets the buckets that are full, which are like new ones, and some of the
// others if that is not enough. mu is held.
func (l *limiter) shrink() {
	for key, b := range l.buckets {
		if b.Tokens() >= float64(l.burst) {
			delete(l.buckets, key)
		}
	}
	for key := range l.buckets {
		if len(l.buckets) < maxBuckets*9/10 {
			return
		}
		delete(l.buckets, key)
	}
}
