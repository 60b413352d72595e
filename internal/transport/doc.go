// Package transport is the net/http shell around sessions: it says which request is
// whose, keeps browsers of other origins out, makes sessions and finds them again,
// and moves their bytes over polls, answers that go on, and WebSockets.
//
// A Server is an http.Handler. It needs no mount path, no http.Server of its own and
// no particular ResponseWriter, as long as that can be unwrapped to one that flushes
// and hands over its connection.
//
// What a request passes through, in this order: the number of its fields, whose it is
// (generation.Match), its origin (cors.go), its method, the transport's own rules.
// What differs between Engine.IO and revision 1 in all of this stands in one table
// (dialect.go).
//
// # Goroutines
//
// One per Server turns the timer wheel, from the first session until Shutdown or
// Close. Polls and answers that go on run on net/http's goroutines; WebSockets are handed
// to internal/conn, and the request returns.
package transport
