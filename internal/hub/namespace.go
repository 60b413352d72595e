package hub

import (
	"context"
	"hash/maphash"
	"sync"
	"sync/atomic"
)

// Handlers are what the application registered on a namespace.
type (
	// EventFunc handles an event.
	EventFunc func(*Event)
	// ConnectFunc is told of a socket that joined. An error disconnects it.
	ConnectFunc func(*Socket) error
	// DisconnectFunc is told of a socket that left.
	DisconnectFunc func(*Socket, string)
	// UseFunc decides whether a socket may join.
	UseFunc func(context.Context, *Socket) error
)

// handlers is replaced as a whole, so that reading it costs no lock.
type handlers struct {
	events     map[string]EventFunc
	message    EventFunc // unnamed messages
	any        []EventFunc
	connect    []ConnectFunc
	disconnect []DisconnectFunc
	use        []UseFunc
}

// shardCount bounds how many broadcasts to rooms of one namespace run at once.
const shardCount = 16

// A Namespace is a set of sockets and the handlers for their events.
type Namespace struct {
	hub  *Hub
	name string

	handlers atomic.Pointer[handlers]
	register sync.Mutex // held while handlers are replaced

	ackID atomic.Uint64 // the last id of an acknowledgement asked of a client

	seed   maphash.Seed
	shards [shardCount]shard
	all    everybody
}

func newNamespace(h *Hub, name string) *Namespace {
	ns := &Namespace{hub: h, name: name, seed: maphash.MakeSeed()}
	ns.handlers.Store(&handlers{})
	for i := range ns.shards {
		ns.shards[i].init()
	}
	return ns
}

// Name returns the namespace's name, such as "/" or "/chat".
func (ns *Namespace) Name() string { return ns.name }

// update replaces the handlers by what change makes of them.
func (ns *Namespace) update(change func(*handlers)) {
	ns.register.Lock()
	defer ns.register.Unlock()
	next := *ns.handlers.Load()
	change(&next)
	ns.handlers.Store(&next)
}

// HandleEvent sets the handler of the event called name, in place of an earlier one.
func (ns *Namespace) HandleEvent(name string, f EventFunc) {
	ns.update(func(h *handlers) {
		events := make(map[string]EventFunc, len(h.events)+1)
		for k, v := range h.events {
			events[k] = v
		}
		events[name] = f
		h.events = events
	})
}

// HandleMessage sets the handler of revision 1's unnamed messages.
func (ns *Namespace) HandleMessage(f EventFunc) {
	ns.update(func(h *handlers) { h.message = f })
}

// HandleAny adds a handler that sees every event before its own handler.
func (ns *Namespace) HandleAny(f EventFunc) {
	ns.update(func(h *handlers) { h.any = append(h.any[:len(h.any):len(h.any)], f) })
}

// HandleConnect adds a handler of sockets that join.
func (ns *Namespace) HandleConnect(f ConnectFunc) {
	ns.update(func(h *handlers) { h.connect = append(h.connect[:len(h.connect):len(h.connect)], f) })
}

// HandleDisconnect adds a handler of sockets that leave.
func (ns *Namespace) HandleDisconnect(f DisconnectFunc) {
	ns.update(func(h *handlers) { h.disconnect = append(h.disconnect[:len(h.disconnect):len(h.disconnect)], f) })
}

// HandleUse adds a gate that a socket passes before it joins.
func (ns *Namespace) HandleUse(f UseFunc) {
	ns.update(func(h *handlers) { h.use = append(h.use[:len(h.use):len(h.use)], f) })
}

// Socket returns the local socket called id, or nil.
func (ns *Namespace) Socket(id string) *Socket {
	sh := ns.shard(id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return sh.socket(id)
}

// Sockets returns the local sockets of the namespace, in no order.
func (ns *Namespace) Sockets() []*Socket {
	ns.all.mu.Lock()
	defer ns.all.mu.Unlock()
	return append([]*Socket(nil), ns.all.sockets...)
}

// Count returns how many local sockets the namespace has.
func (ns *Namespace) Count() int {
	ns.all.mu.Lock()
	defer ns.all.mu.Unlock()
	return len(ns.all.sockets)
}
