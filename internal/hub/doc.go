// Package hub holds what is common to all generations: namespaces, the sockets in
// them, rooms, acknowledgements, fan-out, and the local half of the cluster. It
// sees sessions and neutral packets; it knows no transport and no grammar.
//
// A [Client] is a connection (one session), a [Socket] is a client's place in one
// namespace. What a client sends enters its socket's inbox and is handled one event
// at a time, on a goroutine that exists only while there is something to handle.
// Acknowledgements, disconnects and heartbeats never enter an inbox.
//
// # Locks
//
// In the order in which they may be taken: Client.mu, then the shards of a
// namespace in ascending order, then its list of everybody; a session's own lock
// comes after all of them. Socket.mu (what the socket keeps: rooms, pending
// acknowledgements) comes after Client.mu and the shards. No lock is held while a
// handler of the application runs, a transport is woken, or a session is ended.
package hub
