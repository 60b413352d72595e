// Package session is the state machine of one client: what it is owed, which
// transport may bring it, when its heart must beat, and when it has gone. It does
// no I/O, starts no goroutine and reads no clock; transports and tests drive it by
// calls, and pass the time in.
//
// # Transports pull
//
// A session has one outbox. Whoever has something to say pushes a [Cast]; the
// transport is woken, takes a batch, and settles it with Done once the bytes are
// in the kernel. Between the two the batch is leased: it stays in the outbox, and
// nobody else may take. So a waiting poll, a stream and the WebSocket that takes
// over in an upgrade share one outbox, and nothing is lost when a poll's
// connection dies under its answer.
//
// Streams call Bind once, then TakeStream whenever they are woken. A poll calls
// Poll, then TakePoll whenever it is woken until it is told to answer. A WebSocket
// that wants to take a polling session over calls Probe first.
//
// # Locks
//
// mu guards the state and is never held while a transport, the handler or the owner
// of the clock is called: methods collect what is to be done (effects) and do it
// once mu is released. recv is held while a message is handled, so that the handler
// sees one message at a time and Opened before any of them; it is taken before mu.
package session
