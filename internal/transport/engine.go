package transport

import "github.com/sockeye-io/socketio/internal/conn"

// engines are what serves connections that were taken over, by name.
var engines = map[string]conn.Engine{"": conn.Auto, "goroutine": conn.Goroutine, "epoll": conn.Epoll}

// Engine returns the engine called name, if there is one.
func Engine(name string) (e conn.Engine, ok bool) {
	e, ok = engines[name]
	return e, ok
}
