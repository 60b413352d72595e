package adapter

import (
	"context"
	"iter"
	"sync"
)

// Local joins servers of one program. It is there for tests, and for programs
// that serve several origins or settings from one process. The zero value is an
// empty bus.
type Local struct {
	mu      sync.Mutex
	members []*localMember // replaced, never changed
}

// localQueue bounds what a node has not yet taken of the others' messages.
const localQueue = 8192

// localMember delivers on a goroutine that exists only while there is something
// to deliver. Leave waits for it.
type localMember struct {
	bus  *Local
	node Node

	mu      sync.Mutex
	idle    sync.Cond // the goroutine has ended
	queue   []*Message
	running bool
	left    bool
	asked   sync.WaitGroup // calls of node.Answer
}

// Join implements [Bus]. It does not block.
func (b *Local) Join(_ context.Context, n Node) (Member, error) {
	m := &localMember{bus: b, node: n}
	m.idle.L = &m.mu
	b.mu.Lock()
	defer b.mu.Unlock()
	b.members = append(b.members[:len(b.members):len(b.members)], m)
	return m, nil
}

func (b *Local) others(self *localMember) []*localMember {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]*localMember, 0, len(b.members))
	for _, m := range b.members {
		if m != self {
			out = append(out, m)
		}
	}
	return out
}

func (m *localMember) gone() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.left
}

// Publish implements [Member].
func (m *localMember) Publish(msg *Message, published func(string, error)) {
	var err error
	if m.gone() {
		err = ErrLeft
	} else {
		for _, o := range m.bus.others(m) {
			if !o.enqueue(msg) {
				err = ErrQueueFull
			}
		}
	}
	if published != nil {
		published("", err)
	}
}

func (m *localMember) enqueue(msg *Message) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.left {
		return true
	}
	if len(m.queue) >= localQueue {
		return false
	}
	m.queue = append(m.queue, msg)
	if !m.running {
		m.running = true
		go m.deliver() // ends when the queue is empty; Leave waits for it
	}
	return true
}

func (m *localMember) deliver() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(m.queue) > 0 && !m.left {
		batch := m.queue
		m.queue = nil
		m.mu.Unlock()
		for _, msg := range batch {
			if m.gone() {
				break
			}
			m.node.Deliver(msg, "")
		}
		m.mu.Lock()
	}
	m.running = false
	m.idle.Broadcast()
}

// Ask implements [Member].
func (m *localMember) Ask(ctx context.Context, q *Query) iter.Seq2[*Reply, error] {
	return func(yield func(*Reply, error) bool) {
		if m.gone() {
			yield(nil, ErrLeft)
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel() // nobody listens after the loop has ended
		replies := make(chan *Reply)
		complete := make(chan struct{})
		var answers sync.WaitGroup
		for _, o := range m.bus.others(m) {
			if o.begin() {
				answers.Add(1)
				done := sync.OnceFunc(answers.Done)
				// A goroutine of its own, as a node may reply before it returns. Leave
				// waits for it.
				go func() {
					defer o.asked.Done()
					o.node.Answer(ctx, q, send(ctx, replies), done)
				}()
			}
		}
		go func() { answers.Wait(); close(complete) }() // ends with the last answer
		for {
			select {
			case r := <-replies:
				if !yield(r, nil) {
					return
				}
			case <-complete:
				if err := ctx.Err(); err != nil {
					yield(nil, err) // who replied too late was not heard
				}
				return
			case <-ctx.Done():
				yield(nil, ctx.Err())
				return
			}
		}
	}
}

func send(ctx context.Context, to chan<- *Reply) func(*Reply) {
	return func(r *Reply) {
		select {
		case to <- r:
		case <-ctx.Done():
		}
	}
}

func (m *localMember) begin() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.left {
		m.asked.Add(1)
	}
	return !m.left
}

// Leave implements [Member].
func (m *localMember) Leave() error {
	b := m.bus
	b.mu.Lock()
	rest := make([]*localMember, 0, len(b.members))
	for _, o := range b.members {
		if o != m {
			rest = append(rest, o)
		}
	}
	b.members = rest
	b.mu.Unlock()
	m.mu.Lock()
	if m.left {
		m.mu.Unlock()
		return ErrLeft
	}
	m.left, m.queue = true, nil
	for m.running {
		m.idle.Wait()
	}
	m.mu.Unlock()
	m.asked.Wait()
	return nil
}
