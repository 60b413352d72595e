package conn

import "sync"

// Buffers come in three sizes. The small one belongs to the connection, and an idle
// client waits with it; the others come from pools and are held while there is use
// for them.
const (
	smallSize  = 464 // fills up the 512 bytes of a reader; most messages are smaller
	mediumSize = 4 << 10
	largeSize  = 64 << 10 // also the most that one read takes, so that none starves the rest

	scratchSize = 16 << 10 // for a flush, at first; large when that was filled
)

var (
	mediumPool  = sync.Pool{New: func() any { return new([mediumSize]byte) }}
	scratchPool = sync.Pool{New: func() any { return new([scratchSize]byte) }}
	largePool   = sync.Pool{New: func() any { return new([largeSize]byte) }}
)

// lend returns a buffer of one of the pooled sizes.
func lend(size int) []byte {
	switch size {
	case mediumSize:
		return mediumPool.Get().(*[mediumSize]byte)[:]
	case scratchSize:
		return scratchPool.Get().(*[scratchSize]byte)[:]
	default:
		return largePool.Get().(*[largeSize]byte)[:]
	}
}

// giveBack returns a buffer to its pool, if it came from one.
func giveBack(b []byte) {
	switch len(b) {
	case mediumSize:
		mediumPool.Put((*[mediumSize]byte)(b))
	case scratchSize:
		scratchPool.Put((*[scratchSize]byte)(b))
	case largeSize:
		largePool.Put((*[largeSize]byte)(b))
	}
}
