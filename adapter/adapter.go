// Package adapter is the seam between a server and the other servers of its
// cluster. A [Bus] joins nodes; each server is a [Node]. Rooms belong to the
// server: a bus carries messages and questions and knows nothing of members.
//
// Package adaptertest holds the test that every Bus must pass.
package adapter

import (
	"context"
	"errors"
	"iter"

	"github.com/sockeye-io/socketio/packet"
)

// A Bus connects the nodes of a cluster. Its methods may be called concurrently.
type Bus interface {
	// Join makes n a member: from now on its Deliver and Answer are called. ctx
	// bounds the joining only. The member leaves with Leave.
	Join(ctx context.Context, n Node) (Member, error)
}

// A Member is a node's place on a bus.
type Member interface {
	// Publish sends m to all other nodes. It never blocks. Messages of one
	// goroutine arrive in the order of its calls, at each node once. published is
	// called, from any goroutine, when the bus has taken m or knows that it could
	// not (ErrQueueFull, ErrLeft); offset is the message's place in the bus's log
	// if it keeps one, else empty. published may be nil. m must not be changed
	// after the call.
	Publish(m *Message, published func(offset string, err error))

	// Ask puts q to all other nodes and yields their replies as they come, until
	// all have answered or ctx ends. In that case the last pair has ctx's error:
	// what came before is a partial result.
	Ask(ctx context.Context, q *Query) iter.Seq2[*Reply, error]

	// Leave ends the membership. When it returns, the node's methods are not
	// running and will not be called any more.
	Leave() error
}

var (
	// ErrQueueFull: more is published than the bus can take.
	ErrQueueFull = errors.New("adapter: the bus's queue is full")
	// ErrLeft: the node has left the bus.
	ErrLeft = errors.New("adapter: the node has left the bus")
)

// A Node is a server, as a bus sees it. Its methods may be called concurrently.
type Node interface {
	// ID names the node, uniquely in the cluster.
	ID() string

	// Deliver hands over a message that another node published, in that node's
	// order. It must not block for long, nor call Member.Leave.
	Deliver(m *Message, offset string)

	// Answer answers a query of another node by calling reply zero or more times,
	// from any goroutine, before done is called once. After ctx has ended nobody
	// listens any more.
	Answer(ctx context.Context, q *Query, reply func(*Reply), done func())
}

// An Op says what a message asks for.
type Op uint8

const (
	// Send: send Packet to the sockets of Target.
	Send Op = iota + 1
	// Join, Leave: the sockets of Target join or leave Rooms.
	Join
	Leave
	// Disconnect: the sockets of Target leave the namespace, or lose their
	// connection if Close is set.
	Disconnect
)

// A Message asks all other nodes to do something with their sockets. A receiver
// must not change it.
type Message struct {
	From   string // the sender's node id
	Op     Op
	Target packet.Target

	Packet   packet.Packet // Send
	Volatile bool          // Send
	Rooms    []string      // Join, Leave
	Close    bool          // Disconnect
}

// A Query asks all other nodes which of their sockets are in Target.
type Query struct {
	From   string
	Target packet.Target
}

// A Reply describes one socket.
type Reply struct {
	Node  string
	ID    string
	Rooms []string
}
